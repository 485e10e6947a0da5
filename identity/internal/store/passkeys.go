package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Passkey is a passkey as it is kept.
type Passkey struct {
	ID, Account string
	// CredentialID is the name that its authenticator gave it.
	CredentialID []byte
	// Credential is the JSON of a webauthn.Credential: public key, counter, flags.
	Credential string
	// Name is what its owner calls it.
	Name   string
	MadeAt time.Time
	// UsedAt is zero until it has signed in.
	UsedAt time.Time
}

const passkeyColumns = `SELECT p.id, p.account, p.credential_id, p.credential, p.name, p.made_at, p.used_at FROM passkeys p `

func scanPasskey(row scanner) (Passkey, error) {
	var p Passkey
	var made int64
	var used sql.NullInt64
	if err := row.Scan(&p.ID, &p.Account, &p.CredentialID, &p.Credential, &p.Name, &made, &used); err != nil {
		return Passkey{}, err
	}
	p.MadeAt = db.FromMicros(made)
	if used.Valid {
		p.UsedAt = db.FromMicros(used.Int64)
	}
	return p, nil
}

// InsertPasskey writes a new passkey. A credential id that is known is a unique
// violation.
func (s *Store) InsertPasskey(ctx context.Context, tx *sql.Tx, p Passkey) error {
	_, err := db.Change(ctx, tx, "write a passkey", `INSERT INTO passkeys (id, account, credential_id, credential, name, made_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, p.ID, p.Account, p.CredentialID, p.Credential, p.Name, db.Micros(p.MadeAt))
	return err
}

// CountPasskeys is how many passkeys the account has.
func (s *Store) CountPasskeys(ctx context.Context, tx *sql.Tx, account string) (n int, err error) {
	if err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM passkeys WHERE account = $1`, account).Scan(&n); err != nil {
		return 0, fmt.Errorf("count passkeys: %w", err)
	}
	return n, nil
}

// PasskeysOf is the account's passkeys, the oldest first.
func (s *Store) PasskeysOf(ctx context.Context, account string) (all []Passkey, err error) {
	rows, err := s.db.Read.QueryContext(ctx, passkeyColumns+`WHERE p.account = $1 ORDER BY p.made_at, p.id`, account)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("list passkeys: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		p, err := scanPasskey(rows)
		if err != nil {
			return nil, fmt.Errorf("list passkeys: %w", err)
		}
		all = append(all, p)
	}
	return all, db.Coded(rows.Err())
}

// PasskeyByCredential is the passkey that its authenticator calls so, if there
// is one and its account is active.
func (s *Store) PasskeyByCredential(ctx context.Context, credentialID []byte) (_ Passkey, found bool, err error) {
	p, err := scanPasskey(s.db.Read.QueryRowContext(ctx, passkeyColumns+`JOIN accounts a ON a.id = p.account
		WHERE p.credential_id = $1 AND a.state = 'active'`, credentialID))
	if errors.Is(err, sql.ErrNoRows) {
		return Passkey{}, false, nil
	}
	if err != nil {
		return Passkey{}, false, db.Coded(fmt.Errorf("read a passkey: %w", err))
	}
	return p, true, nil
}

// UsePasskey notes the use of a passkey at a moment: its credential becomes
// after. False means that it is not before any more, or that it was used since.
func (s *Store) UsePasskey(ctx context.Context, tx *sql.Tx, id, before, after string, since, at time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "note the use of a passkey",
		`UPDATE passkeys SET credential = $1, used_at = $2 WHERE id = $3 AND credential = $4 AND (used_at IS NULL OR used_at < $5)`,
		after, db.Micros(at), id, before, db.Micros(since))
	return n == 1, err
}

// RenamePasskey gives a passkey another name. False means that the account has
// none with the id.
func (s *Store) RenamePasskey(ctx context.Context, tx *sql.Tx, account, id, name string) (bool, error) {
	n, err := db.Change(ctx, tx, "rename a passkey", `UPDATE passkeys SET name = $1 WHERE id = $2 AND account = $3`, name, id, account)
	return n == 1, err
}

// DeletePasskey removes a passkey. False means that the account has none with
// the id.
func (s *Store) DeletePasskey(ctx context.Context, tx *sql.Tx, account, id string) (bool, error) {
	n, err := db.Change(ctx, tx, "delete a passkey", `DELETE FROM passkeys WHERE id = $1 AND account = $2`, id, account)
	return n == 1, err
}
