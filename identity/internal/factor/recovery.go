package factor

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"strings"

	"guildhall/identity/internal/journal"
	"guildhall/platform/audit"
)

// recoveryLen is the length of a recovery code in bytes: too many to guess one
// even from its hash, so a plain SHA-256 is enough.
const recoveryLen = 10

// Crockford's base32: no letter is mistaken for a digit.
var recoveryEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// MakeRecovery makes new recovery codes, "abcd-efgh-jkmn-pqrs", in place of all
// older ones. They are known only now. The error is ErrNoFactor when there is
// nothing that they could stand in for, or session.ErrNone.
func (d *Desk) MakeRecovery(ctx context.Context, o Owner, by audit.Caller) ([]string, error) {
	codes := make([]string, RecoveryCodes)
	hashes := make([][]byte, RecoveryCodes)
	for i := range codes {
		raw := make([]byte, recoveryLen)
		_, _ = rand.Read(raw)
		text := recoveryEncoding.EncodeToString(raw)
		codes[i], hashes[i] = grouped(text, "-"), recoveryHash(o.Account, text)
	}
	err := d.add(ctx, o, func(tx *sql.Tx) error {
		strong, err := d.store.HasFactor(ctx, tx, o.Account)
		if err != nil {
			return err
		}
		if !strong {
			return ErrNoFactor
		}
		if err := d.journal.Append(ctx, tx, by, journal.RecoveryMade, o.Account, map[string]any{"codes": len(codes)}); err != nil {
			return err
		}
		return d.store.PutRecovery(ctx, tx, o.Account, hashes)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// UseRecovery accepts a recovery code of the account, each once. The error is
// ErrRecovery or throttle.ErrThrottled.
func (d *Desk) UseRecovery(ctx context.Context, account, code string, by audit.Caller) error {
	text, ok := cleanRecovery(code)
	if !ok {
		return onCode(ErrRecovery)
	}
	t := guess(account, by)
	return d.attempt(ctx, t, func() error {
		return d.settle(ctx, t, func(tx *sql.Tx) error {
			used, err := d.store.UseRecovery(ctx, tx, account, recoveryHash(account, text), d.now())
			if err != nil {
				return err
			}
			if !used {
				return onCode(ErrRecovery)
			}
			return d.journal.Append(ctx, tx, by, journal.RecoveryUsed, account, nil)
		})
	})
}

// Left is how many recovery codes the account has left.
func (d *Desk) Left(ctx context.Context, account string) (int, error) {
	f, err := d.Has(ctx, account)
	return f.Recovery, err
}

// dropRecovery removes the recovery codes of an account that has no factor.
func (d *Desk) dropRecovery(ctx context.Context, tx *sql.Tx, account string) error {
	strong, err := d.store.HasFactor(ctx, tx, account)
	if err != nil || strong {
		return err
	}
	return d.store.PutRecovery(ctx, tx, account, nil)
}

// cleanRecovery is a recovery code as it was made, from what somebody typed.
// What cannot be one is no try.
func cleanRecovery(code string) (string, bool) {
	code = strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(strings.TrimSpace(code)))
	_, err := recoveryEncoding.DecodeString(code)
	// Decoding takes a character too many for padding bits.
	return code, err == nil && len(code) == recoveryEncoding.EncodedLen(recoveryLen)
}

// IsRecovery says whether code has the shape of a recovery code.
func IsRecovery(code string) bool {
	_, ok := cleanRecovery(code)
	return ok
}

func recoveryHash(account, text string) []byte {
	sum := sha256.Sum256([]byte("guildhall recovery code\x00" + account + "\x00" + text))
	return sum[:]
}
