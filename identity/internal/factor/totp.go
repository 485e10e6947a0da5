package factor

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
)

const (
	// period is how long a code is shown, and window how many steps before and
	// after the present one are accepted, for clocks that are not right.
	period = 30 * time.Second
	window = 1
	digits = 6
	// secretLen is what RFC 4226 recommends, in bytes.
	secretLen = 20
)

// Enrolment is what an authenticator is set up with. It is secret, and shown to
// its owner alone.
type Enrolment struct {
	// Secret is in groups of four letters and digits, for typing.
	Secret string
	// URI is the same for a link, "otpauth://totp/...".
	URI string
	// QR is a picture of the URI: an SVG document, dark on white whatever the
	// page's colours, so that every camera reads it.
	QR string
}

// BeginTOTP gives the secret for a new authenticator, which is good for nothing
// before ConfirmTOTP. Within EnrolLife it is the same at each call, so a page
// may be loaded again. The error is ErrTOTPExists when there is an authenticator, or
// session.ErrNone.
func (d *Desk) BeginTOTP(ctx context.Context, o Owner) (Enrolment, error) {
	var secret []byte
	err := d.add(ctx, o, func(tx *sql.Tx) (err error) {
		now := d.now()
		row, found, err := d.store.TOTP(ctx, tx, o.Account)
		switch {
		case err != nil:
			return err
		case found && row.Confirmed():
			return ErrTOTPExists
		case found && d.waits(row, now):
			secret, err = d.openTOTP(row)
			return err
		}
		secret = make([]byte, secretLen)
		_, _ = rand.Read(secret)
		return d.store.PutTOTP(ctx, tx, store.TOTP{Account: o.Account, Secret: d.key.Seal(totpName(o.Account), secret), LastStep: step(now) - window - 1})
	})
	if err != nil {
		return Enrolment{}, err
	}
	return d.enrolment(o, secret)
}

// waits says whether an unconfirmed secret is still good for its first code. Its
// last step is the one before all that were good when it was made.
func (d *Desk) waits(row store.TOTP, now time.Time) bool {
	made := row.LastStep + window + 1
	return !row.Confirmed() && step(now)-made < int64(EnrolLife/period)
}

func (d *Desk) enrolment(o Owner, secret []byte) (Enrolment, error) {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: d.product, AccountName: o.Email, Secret: secret, Period: uint(period / time.Second),
		Digits: digits, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return Enrolment{}, fmt.Errorf("make an authenticator's key: %w", err)
	}
	picture, err := qrSVG(key.URL())
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{Secret: grouped(key.Secret(), " "), URI: key.URL(), QR: picture}, nil
}

// ConfirmTOTP makes the authenticator count, by its first code. The error is
// ErrCode, ErrTOTPOver, ErrTOTPExists or session.ErrNone.
func (d *Desk) ConfirmTOTP(ctx context.Context, o Owner, code string, by audit.Caller) error {
	code, ok := cleanCode(code)
	if !ok {
		return onCode(ErrCode)
	}
	t := guess(o.Account, by)
	return d.attempt(ctx, t, func() error {
		return d.settle(ctx, t, func(tx *sql.Tx) error {
			if err := d.sessions.Lives(ctx, tx, o.Account, o.Session); err != nil {
				return err
			}
			now := d.now()
			row, found, err := d.store.TOTP(ctx, tx, o.Account)
			switch {
			case err != nil:
				return err
			case found && row.Confirmed():
				return ErrTOTPExists
			case !found || !d.waits(row, now):
				return ErrTOTPOver
			}
			at, err := d.fresh(row, code, now)
			if err != nil {
				return err
			}
			if err := d.store.ConfirmTOTP(ctx, tx, o.Account, at, now); err != nil {
				return err
			}
			return d.journal.Append(ctx, tx, by, journal.TOTPAdded, o.Account, nil)
		})
	})
}

// CheckTOTP accepts the code that the account's authenticator shows, each once.
// The error is ErrCode, ErrCodeUsed, ErrNoTOTP or throttle.ErrThrottled.
func (d *Desk) CheckTOTP(ctx context.Context, account, code string, by audit.Caller) error {
	code, ok := cleanCode(code)
	if !ok {
		return onCode(ErrCode)
	}
	t := guess(account, by)
	return d.attempt(ctx, t, func() error {
		return d.settle(ctx, t, func(tx *sql.Tx) error {
			row, found, err := d.store.TOTP(ctx, tx, account)
			if err != nil {
				return err
			}
			if !found || !row.Confirmed() {
				return ErrNoTOTP
			}
			at, err := d.fresh(row, code, d.now())
			if err != nil {
				return err
			}
			used, err := d.store.UseTOTP(ctx, tx, account, at)
			if err == nil && !used {
				err = onCode(ErrCodeUsed)
			}
			return err
		})
	})
}

// RemoveTOTP removes the authenticator, and the recovery codes when nothing is
// left that they could stand in for. The error is ErrNoTOTP.
func (d *Desk) RemoveTOTP(ctx context.Context, account string, by audit.Caller) error {
	return d.change(ctx, func(tx *sql.Tx) error {
		removed, err := d.store.DeleteTOTP(ctx, tx, account)
		if err != nil {
			return err
		}
		if !removed {
			return ErrNoTOTP
		}
		if err := d.journal.Append(ctx, tx, by, journal.TOTPRemoved, account, nil); err != nil {
			return err
		}
		return d.dropRecovery(ctx, tx, account)
	})
}

// fresh is the time step of a right code that is newer than the last one used.
func (d *Desk) fresh(row store.TOTP, code string, now time.Time) (int64, error) {
	secret, err := d.openTOTP(row)
	if err != nil {
		return 0, err
	}
	at, ok, err := match(secret, code, step(now))
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return 0, onCode(ErrCode)
	case at <= row.LastStep:
		return 0, onCode(ErrCodeUsed)
	}
	return at, nil
}

// match finds the newest step around the present one whose code it is. It looks
// at all of them, so that its time tells nothing.
func match(secret []byte, code string, present int64) (at int64, ok bool, err error) {
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	for s := present - window; s <= present+window; s++ {
		want, err := hotp.GenerateCodeCustom(text, uint64(max(0, s)), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false, fmt.Errorf("compute an authenticator's code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			at, ok = s, true
		}
	}
	return at, ok, nil
}

func (d *Desk) openTOTP(row store.TOTP) ([]byte, error) {
	secret, err := d.key.Open(totpName(row.Account), row.Secret)
	if err != nil {
		return nil, fmt.Errorf("read an authenticator's secret: %w", err)
	}
	return secret, nil
}

func totpName(account string) string { return "totp/" + account }

func step(t time.Time) int64 { return t.Unix() / int64(period/time.Second) }

// cleanCode is the six digits of a code as people type it, "123 456". What is
// none is no try.
func cleanCode(code string) (string, bool) {
	code = strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(strings.TrimSpace(code))
	if len(code) != digits || strings.Trim(code, "0123456789") != "" {
		return "", false
	}
	return code, true
}

// grouped is text in groups of four.
func grouped(text, between string) string {
	var groups []string
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	return strings.Join(append(groups, text), between)
}
