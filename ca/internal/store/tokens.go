package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrTokenNotFound says that there is no such join token.
var ErrTokenNotFound = fault.New(fault.NotFound, "join_token_not_found", "There is no join token with this id. Look it up in the list.")

// Token is a join token as it is kept.
type Token struct {
	ID   string
	Hash []byte
	// Service is the only name for which it is good.
	Service   string
	MadeBy    string
	MadeAt    time.Time
	ExpiresAt time.Time
	// UsedAt is zero while it is unused; UsedFor is the certificate's serial.
	UsedAt  time.Time
	UsedFor string
	// WithdrawnAt is zero unless it was withdrawn.
	WithdrawnAt time.Time
	WithdrawnBy string
}

const tokenColumns = `SELECT id, hash, service, made_by, made_at, expires_at, used_at, used_for, withdrawn_at, withdrawn_by FROM join_tokens `

func scanToken(row scanner) (*Token, error) {
	var t Token
	var made, expires int64
	var used, withdrawn sql.NullInt64
	var usedFor, withdrawnBy sql.NullString
	err := row.Scan(&t.ID, &t.Hash, &t.Service, &t.MadeBy, &made, &expires, &used, &usedFor, &withdrawn, &withdrawnBy)
	if err != nil {
		return nil, err
	}
	t.MadeAt, t.ExpiresAt, t.UsedFor, t.WithdrawnBy = db.FromMicros(made), db.FromMicros(expires), usedFor.String, withdrawnBy.String
	if used.Valid {
		t.UsedAt = db.FromMicros(used.Int64)
	}
	if withdrawn.Valid {
		t.WithdrawnAt = db.FromMicros(withdrawn.Int64)
	}
	return &t, nil
}

// InsertToken writes a new token.
func (s *Store) InsertToken(ctx context.Context, tx *sql.Tx, t *Token) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO join_tokens (id, hash, service, made_by, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.ID, t.Hash, t.Service, t.MadeBy, db.Micros(t.MadeAt), db.Micros(t.ExpiresAt))
	if err != nil {
		return fmt.Errorf("write the join token: %w", err)
	}
	return nil
}

// FindToken is the token with the id, or ErrTokenNotFound.
func (s *Store) FindToken(ctx context.Context, tx *sql.Tx, id string) (*Token, error) {
	t, err := scanToken(tx.QueryRowContext(ctx, tokenColumns+`WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrTokenNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read a join token: %w", err)
	}
	return t, nil
}

// UseToken marks a token used. False means that it was used or withdrawn
// before.
func (s *Store) UseToken(ctx context.Context, tx *sql.Tx, id, serial string, at time.Time) (bool, error) {
	return s.endToken(ctx, tx, `UPDATE join_tokens SET used_at = $1, used_for = $2 WHERE id = $3 AND used_at IS NULL AND withdrawn_at IS NULL`,
		db.Micros(at), serial, id)
}

// WithdrawToken marks a token withdrawn. False means that it was used or
// withdrawn before.
func (s *Store) WithdrawToken(ctx context.Context, tx *sql.Tx, id, by string, at time.Time) (bool, error) {
	return s.endToken(ctx, tx, `UPDATE join_tokens SET withdrawn_at = $1, withdrawn_by = $2 WHERE id = $3 AND used_at IS NULL AND withdrawn_at IS NULL`,
		db.Micros(at), by, id)
}

func (s *Store) endToken(ctx context.Context, tx *sql.Tx, query string, args ...any) (bool, error) {
	res, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return false, fmt.Errorf("end a join token: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// Tokens lists the newest join tokens.
func (s *Store) Tokens(ctx context.Context, limit int) (all []*Token, err error) {
	rows, err := s.db.Read.QueryContext(ctx, tokenColumns+`ORDER BY made_at DESC, id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("list join tokens: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		t, err := scanToken(rows)
		if err != nil {
			return nil, fmt.Errorf("list join tokens: %w", err)
		}
		all = append(all, t)
	}
	return all, db.Coded(rows.Err())
}
