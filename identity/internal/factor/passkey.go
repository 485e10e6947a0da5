package factor

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

const passkeyPrefix = "pky"

// maxAnswer bounds what a browser may send for a passkey, in bytes.
const maxAnswer = 64 << 10

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	ID, Name string
	MadeAt   time.Time
	// UsedAt is when it last signed in; zero for never.
	UsedAt time.Time
	// Synced says that its owner's other devices may have it too.
	Synced bool
}

// BeginPasskey asks a browser for a new passkey. The options are the JSON that
// PublicKeyCredential.parseCreationOptionsFromJSON takes under "publicKey"; the
// state goes into a cookie, for StateLife at most, and with the answer to
// FinishPasskey. The error is ErrTooMany.
func (d *Desk) BeginPasskey(ctx context.Context, o Owner) (options []byte, cookie string, err error) {
	kept, err := d.store.PasskeysOf(ctx, o.Account)
	if err != nil {
		return nil, "", err
	}
	if len(kept) >= MaxPasskeys {
		return nil, "", ErrTooMany
	}
	u, err := userOf(o, kept...)
	if err != nil {
		return nil, "", err
	}
	creation, asked, err := d.passkeys.BeginRegistration(u, webauthn.WithExclusions(webauthn.Credentials(u.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, "", fmt.Errorf("ask for a passkey: %w", err)
	}
	return d.question(forAdding, o.Account, asked.Challenge, creation)
}

// question is the options as JSON and the state that remembers them.
func (d *Desk) question(kind, account, challenge string, content any) (options []byte, cookie string, err error) {
	if options, err = json.Marshal(content); err != nil {
		return nil, "", fmt.Errorf("write a passkey's options: %w", err)
	}
	if cookie, err = d.sealState(kind, account, challenge); err != nil {
		return nil, "", err
	}
	return options, cookie, nil
}

// FinishPasskey keeps the passkey that a browser made, given the state of
// BeginPasskey and the browser's answer (PublicKeyCredential.toJSON). The error
// is ErrPasskey, ErrPasskeyExists, ErrTooMany, session.ErrNone, or about the field
// "name".
func (d *Desk) FinishPasskey(ctx context.Context, o Owner, cookie, name string, answer []byte, by audit.Caller) (Passkey, error) {
	name, err := cleanName(name)
	if err != nil {
		return Passkey{}, err
	}
	credential, err := d.created(o.Account, cookie, answer)
	if err != nil {
		return Passkey{}, err
	}
	text, err := json.Marshal(credential)
	if err != nil {
		return Passkey{}, fmt.Errorf("write a passkey: %w", err)
	}
	row := store.Passkey{ID: id.New(passkeyPrefix), Account: o.Account, CredentialID: credential.ID, Credential: string(text), Name: name, MadeAt: d.now()}
	err = d.add(ctx, o, func(tx *sql.Tx) error {
		n, err := d.store.CountPasskeys(ctx, tx, o.Account)
		if err != nil {
			return err
		}
		if n >= MaxPasskeys {
			return ErrTooMany
		}
		detail := map[string]any{"account": o.Account, "synced": credential.Flags.BackupEligible}
		if err := d.journal.Append(ctx, tx, by, journal.PasskeyAdded, row.ID, detail); err != nil {
			return err
		}
		return d.store.InsertPasskey(ctx, tx, row)
	})
	if db.IsUnique(err) {
		err = ErrPasskeyExists
	}
	if err != nil {
		return Passkey{}, err
	}
	return passkeyOf(row)
}

// created checks a browser's answer to BeginPasskey.
func (d *Desk) created(account, cookie string, answer []byte) (*webauthn.Credential, error) {
	s, err := d.openState(cookie, forAdding, account)
	if err != nil {
		return nil, err
	}
	if len(answer) > maxAnswer {
		return nil, ErrPasskey.Because(fmt.Errorf("the answer has %d bytes", len(answer)))
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, ErrPasskey.Because(err)
	}
	asked := d.asked(s, account)
	asked.CredParams = webauthn.CredentialParametersDefault()
	credential, err := d.passkeys.CreateCredential(user{id: account}, asked, parsed)
	if err != nil {
		return nil, ErrPasskey.Because(err)
	}
	// Nobody asked for an attestation, and it may say which device it is.
	credential.Attestation = webauthn.CredentialAttestation{}
	return credential, nil
}

// asked is what was asked of the passkeys of the account.
func (d *Desk) asked(s state, account string) webauthn.SessionData {
	return webauthn.SessionData{Challenge: s.Challenge, RelyingPartyID: d.passkeys.Config.RPID, UserID: []byte(account),
		UserVerification: protocol.VerificationRequired}
}

// List is the account's passkeys, the oldest first.
func (d *Desk) List(ctx context.Context, account string) ([]Passkey, error) {
	rows, err := d.store.PasskeysOf(ctx, account)
	if err != nil {
		return nil, err
	}
	all := make([]Passkey, len(rows))
	for i, r := range rows {
		if all[i], err = passkeyOf(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Rename gives a passkey another name. The error is ErrNoPasskey or about the
// field "name".
func (d *Desk) Rename(ctx context.Context, account, passkey, name string, by audit.Caller) error {
	name, err := cleanName(name)
	if err != nil {
		return err
	}
	return d.change(ctx, func(tx *sql.Tx) error {
		renamed, err := d.store.RenamePasskey(ctx, tx, account, passkey, name)
		if err != nil {
			return err
		}
		if !renamed {
			return ErrNoPasskey
		}
		return d.journal.Append(ctx, tx, by, journal.PasskeyRenamed, passkey, map[string]any{"account": account})
	})
}

// Remove removes a passkey, and the recovery codes when nothing is left that
// they could stand in for. The error is ErrNoPasskey.
func (d *Desk) Remove(ctx context.Context, account, passkey string, by audit.Caller) error {
	return d.change(ctx, func(tx *sql.Tx) error {
		removed, err := d.store.DeletePasskey(ctx, tx, account, passkey)
		if err != nil {
			return err
		}
		if !removed {
			return ErrNoPasskey
		}
		if err := d.journal.Append(ctx, tx, by, journal.PasskeyRemoved, passkey, map[string]any{"account": account}); err != nil {
			return err
		}
		return d.dropRecovery(ctx, tx, account)
	})
}

func passkeyOf(r store.Passkey) (Passkey, error) {
	c, err := credentialOf(r)
	if err != nil {
		return Passkey{}, err
	}
	return Passkey{ID: r.ID, Name: r.Name, MadeAt: r.MadeAt, UsedAt: r.UsedAt, Synced: c.Flags.BackupEligible}, nil
}

func credentialOf(r store.Passkey) (webauthn.Credential, error) {
	var c webauthn.Credential
	if err := json.Unmarshal([]byte(r.Credential), &c); err != nil {
		return c, fmt.Errorf("read the passkey %s: %w", r.ID, err)
	}
	return c, nil
}

// cleanName is the name of a passkey in one line, or says what is wrong with it.
func cleanName(name string) (string, error) {
	name = strings.Join(strings.Fields(strings.ToValidUTF8(name, "")), " ")
	name = strings.ReplaceAll(name, "\x00", "")
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", fault.Fields(fault.Field{Name: "name", Code: "required", Detail: "Give the passkey a name by which you know it again, such as the device that it is on."})
	case n > MaxNameLen:
		return "", fault.Fields(fault.Field{Name: "name", Code: "too_long", Detail: fmt.Sprintf("The name may have up to %d characters.", MaxNameLen), Args: map[string]any{"Max": MaxNameLen}})
	}
	return name, nil
}

// user is an account as the library wants it.
type user struct {
	id, name, display string
	credentials       []webauthn.Credential
}

func userOf(o Owner, rows ...store.Passkey) (user, error) {
	u := user{id: o.Account, name: o.Email, display: o.Name}
	if u.display == "" {
		u.display = o.Email
	}
	for _, r := range rows {
		c, err := credentialOf(r)
		if err != nil {
			return user{}, err
		}
		u.credentials = append(u.credentials, c)
	}
	return u, nil
}

// WebAuthnID is the user handle: the id, which says nothing to others.
func (u user) WebAuthnID() []byte { return []byte(u.id) }

// WebAuthnName is how its owner tells this account from others.
func (u user) WebAuthnName() string { return u.name }

// WebAuthnDisplayName is the owner's name.
func (u user) WebAuthnDisplayName() string { return u.display }

// WebAuthnCredentials are the passkeys that are considered.
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.credentials }
