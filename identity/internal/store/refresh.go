package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/platform/db"
)

// Family is the refresh tokens of a grant as they are kept.
type Family struct {
	// Hash is the SHA-256 of the half that they share, Token that of the one that is
	// good.
	Hash, Token []byte
	Grant       *Grant
	// Sealed is the good one, Replaced what the grace window needs of the others.
	Sealed, Replaced []byte
	ExpiresAt        time.Time
}

// InsertFamily writes the family of a new refresh token.
func (s *Store) InsertFamily(ctx context.Context, tx *sql.Tx, f *Family) error {
	_, err := db.Change(ctx, tx, "write a refresh token", `INSERT INTO refresh_tokens (family, grant_id, token, sealed, replaced, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, f.Hash, f.Grant.ID, f.Token, f.Sealed, f.Replaced, db.Micros(f.ExpiresAt))
	return err
}

// Family is the family with the hash and its grant as they are at now, or nil.
func (s *Store) Family(ctx context.Context, hash []byte, now time.Time) (*Family, error) {
	f := Family{Hash: hash}
	var expires int64
	row := s.db.Read.QueryRowContext(ctx, `SELECT `+grantColumns+`, t.token, t.sealed, t.replaced, t.expires_at
		FROM`+grantTables+`JOIN refresh_tokens t ON t.grant_id = g.id WHERE t.family = $2`, db.Micros(now), hash)
	var err error
	f.Grant, err = scanGrant(row, &f.Token, &f.Sealed, &f.Replaced, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, db.Coded(wrap("read a refresh token", err))
	}
	f.ExpiresAt = db.FromMicros(expires)
	return &f, nil
}

// ReplaceToken makes f's the good token of its family, if old is until now and its
// grant is not revoked. False means that it was replaced meanwhile or is over.
func (s *Store) ReplaceToken(ctx context.Context, tx *sql.Tx, f *Family, old []byte, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "replace a refresh token", `UPDATE refresh_tokens SET token = $1, sealed = $2, replaced = $3, expires_at = $4
		WHERE family = $5 AND token = $6 AND expires_at > $7
			AND EXISTS (SELECT 1 FROM grants g WHERE g.id = refresh_tokens.grant_id AND g.revoked_at IS NULL AND g.ends_at > $7)`,
		f.Token, f.Sealed, f.Replaced, db.Micros(f.ExpiresAt), f.Hash, old, db.Micros(now))
	return n == 1, err
}
