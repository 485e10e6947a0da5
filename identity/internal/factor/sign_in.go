package factor

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/db"
)

// BeginPasskeySignIn asks a browser for a passkey: for one of the account's, as
// its second factor, or with an empty account for any that its owner chooses,
// who then needs no password. The options are the JSON that
// PublicKeyCredential.parseRequestOptionsFromJSON takes under "publicKey"; the
// state goes into a cookie, for StateLife at most, and with the answer to
// FinishPasskeySignIn. The error is ErrNoPasskey.
func (d *Desk) BeginPasskeySignIn(ctx context.Context, account string) (options []byte, cookie string, err error) {
	if account == "" {
		assertion, asked, err := d.passkeys.BeginDiscoverableLogin()
		if err != nil {
			return nil, "", fmt.Errorf("ask for any passkey: %w", err)
		}
		return d.question(forSignIn, "", asked.Challenge, assertion)
	}
	kept, err := d.store.PasskeysOf(ctx, account)
	if err != nil {
		return nil, "", err
	}
	if len(kept) == 0 {
		return nil, "", ErrNoPasskey
	}
	u, err := userOf(Owner{Account: account}, kept...)
	if err != nil {
		return nil, "", err
	}
	assertion, asked, err := d.passkeys.BeginLogin(u)
	if err != nil {
		return nil, "", fmt.Errorf("ask for a passkey: %w", err)
	}
	return d.question(forSignIn, account, asked.Challenge, assertion)
}

// FinishPasskeySignIn says whose passkey gave the answer
// (PublicKeyCredential.toJSON) to BeginPasskeySignIn, of which it gets the
// account and the state. An answer is accepted once, and only if the question is
// younger than the passkey's last use. The error is ErrPasskey,
// ErrPasskeySuspected or throttle.ErrThrottled; what it is because of is for the
// log.
func (d *Desk) FinishPasskeySignIn(ctx context.Context, account, cookie string, answer []byte, by audit.Caller) (owner string, _ Passkey, err error) {
	// A signature cannot be guessed: tries count for the address alone, so nobody
	// keeps the owner out with wrong ones.
	t := &try{account: account, by: by, keys: []throttle.Key{throttle.Address(by.From)}}
	var row store.Passkey
	err = d.attempt(ctx, t, func() error {
		s, err := d.openState(cookie, forSignIn, account)
		if err != nil {
			return err
		}
		var used string
		row, used, err = d.answered(ctx, s, answer)
		t.account = row.Account
		if err != nil {
			return err
		}
		return d.settle(ctx, t, func(tx *sql.Tx) error { return d.use(ctx, tx, &row, used, s) })
	})
	if err != nil {
		return "", Passkey{}, err
	}
	p, err := passkeyOf(row)
	return row.Account, p, err
}

// use notes the use of a passkey. Of two answers with the same question, or with
// questions that were open at once, one wins.
func (d *Desk) use(ctx context.Context, tx *sql.Tx, row *store.Passkey, credential string, s state) error {
	issued := db.FromMicros(s.Issued)
	at := d.now()
	if at.Before(issued) {
		// Asked by a node whose clock is ahead: not even it may take this answer again.
		at = issued
	}
	used, err := d.store.UsePasskey(ctx, tx, row.ID, row.Credential, credential, issued, at)
	if err != nil {
		return err
	}
	if !used {
		return ErrPasskey.Because(errors.New("the passkey was used after the question was asked"))
	}
	row.UsedAt = at
	return nil
}

// answered finds the passkey that gave an answer and checks it. It returns the
// passkey also when that is refused, and how it is to be kept.
func (d *Desk) answered(ctx context.Context, s state, answer []byte) (row store.Passkey, used string, err error) {
	if len(answer) > maxAnswer {
		return row, "", ErrPasskey.Because(fmt.Errorf("the answer has %d bytes", len(answer)))
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return row, "", ErrPasskey.Because(err)
	}
	row, found, err := d.store.PasskeyByCredential(ctx, parsed.RawID)
	if err != nil {
		return row, "", err
	}
	switch {
	case !found:
		return row, "", ErrPasskey.Because(errors.New("no active account has the passkey"))
	case s.Account != "" && row.Account != s.Account:
		return store.Passkey{}, "", ErrPasskey.Because(errors.New("the passkey is another account's"))
	case s.Account == "" && len(parsed.Response.UserHandle) == 0:
		return row, "", ErrPasskey.Because(errors.New("the answer names no account"))
	}
	credential, err := d.verify(s, row, parsed)
	if err != nil {
		return row, "", err
	}
	text, err := json.Marshal(credential)
	if err != nil {
		return row, "", fmt.Errorf("write a passkey: %w", err)
	}
	return row, string(text), nil
}

func (d *Desk) verify(s state, row store.Passkey, parsed *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	u, err := userOf(Owner{Account: row.Account}, row)
	if err != nil {
		return nil, err
	}
	credential, err := d.passkeys.ValidateLogin(u, d.asked(s, row.Account), parsed)
	if err != nil {
		return nil, ErrPasskey.Because(err)
	}
	if credential.Authenticator.CloneWarning {
		return nil, ErrPasskeySuspected
	}
	return credential, nil
}
