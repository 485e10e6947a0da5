package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/platform/db"
)

// AuthorizationCode is an authorization code as it is kept.
type AuthorizationCode struct {
	// Hash is the SHA-256 of the code.
	Hash        []byte
	Grant       *Grant
	RedirectURI string
	GivenURI    bool
	Challenge   string
	ExpiresAt   time.Time
	Used        bool
}

// InsertAuthorizationCode writes a new code.
func (s *Store) InsertAuthorizationCode(ctx context.Context, tx *sql.Tx, c *AuthorizationCode) error {
	_, err := db.Change(ctx, tx, "write an authorization code", `INSERT INTO authorization_codes (hash, grant_id, redirect_uri, given_uri, challenge, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, c.Hash, c.Grant.ID, c.RedirectURI, c.GivenURI, c.Challenge, db.Micros(c.ExpiresAt))
	return err
}

// AuthorizationCode is the code with the hash and its grant as it is at now, or nil.
func (s *Store) AuthorizationCode(ctx context.Context, hash []byte, now time.Time) (*AuthorizationCode, error) {
	c := AuthorizationCode{Hash: hash}
	var expires int64
	row := s.db.Read.QueryRowContext(ctx, `SELECT `+grantColumns+`, c.redirect_uri, c.given_uri, c.challenge, c.expires_at, c.used_at IS NOT NULL
		FROM`+grantTables+`JOIN authorization_codes c ON c.grant_id = g.id WHERE c.hash = $2`, db.Micros(now), hash)
	var err error
	c.Grant, err = scanGrant(row, &c.RedirectURI, &c.GivenURI, &c.Challenge, &expires, &c.Used)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, db.Coded(wrap("read an authorization code", err))
	}
	c.ExpiresAt = db.FromMicros(expires)
	return &c, nil
}

// UseAuthorizationCode uses a code up. False means that somebody else did, or that
// it was over.
func (s *Store) UseAuthorizationCode(ctx context.Context, tx *sql.Tx, hash []byte, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "use an authorization code",
		`UPDATE authorization_codes SET used_at = $1 WHERE hash = $2 AND used_at IS NULL AND expires_at > $1`, db.Micros(now), hash)
	return n == 1, err
}
