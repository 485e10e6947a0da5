package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Environment is a customer's machine, which a card is or was bound to.
type Environment struct {
	// ID has 32 characters.
	ID, Card string
	// Fingerprint are the digests by component.
	Fingerprint map[string]string
	IP          string
	// SignKey (Ed25519) proves possession; handshake keys are sealed to SealKey
	// (X25519). Empty: the machine brought none.
	SignKey, SealKey       []byte
	BoundAt, SeenAt        time.Time
	LastCall, LastFunction string
	UnboundAt              time.Time // zero: bound
	UnboundWhy             string
}

const environmentColumns = `SELECT id, card, fingerprint, ip, sign_key, seal_key, bound_at, seen_at, last_call, last_function, unbound_at, unbound_why FROM environments `

func scanEnvironment(row scanner) (e Environment, err error) {
	var fingerprint string
	var bound, seen int64
	var unbound sql.NullInt64
	if err := row.Scan(&e.ID, &e.Card, &fingerprint, &e.IP, &e.SignKey, &e.SealKey, &bound, &seen, &e.LastCall, &e.LastFunction, &unbound, &e.UnboundWhy); err != nil {
		return e, err
	}
	e.BoundAt, e.SeenAt, e.UnboundAt = db.FromMicros(bound), db.FromMicros(seen), fromMicros(unbound)
	if err := json.Unmarshal([]byte(fingerprint), &e.Fingerprint); err != nil {
		return e, fmt.Errorf("read the fingerprint of environment %s: %w", e.ID, err)
	}
	return e, nil
}

// Bound is the environment that a card is bound to, as the transaction sees it; nil: none.
func (s *Store) Bound(ctx context.Context, tx *sql.Tx, card string) (*Environment, error) {
	e, err := scanEnvironment(tx.QueryRowContext(ctx, environmentColumns+`WHERE card = $1 AND unbound_at IS NULL`, card))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read an environment: %w", err))
	}
	return &e, nil
}

// Environments are those of a card, the one that it is bound to first.
func (s *Store) Environments(ctx context.Context, card string) ([]Environment, error) {
	return list(ctx, s.db.Read, "list environments", scanEnvironment, environmentColumns+`WHERE card = $1
		ORDER BY (CASE WHEN unbound_at IS NULL THEN 0 ELSE 1 END), bound_at DESC, id`, card)
}

// EnvironmentQuery says which environments a list has; what is empty is any.
type EnvironmentQuery struct {
	IP, Product   string
	Bound         bool // only those that are
	Limit, Offset int
}

// EnvironmentList lists environments, the last seen first, and says how many there are.
func (s *Store) EnvironmentList(ctx context.Context, q EnvironmentQuery) (all []Environment, total int, err error) {
	const where = `WHERE ($1 = '' OR ip = $1) AND ($2 = '' OR card IN (SELECT c.id FROM cards c WHERE c.product = $2)) AND ($3 = FALSE OR unbound_at IS NULL) `
	args := []any{q.IP, q.Product, q.Bound}
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM environments `+where, args...).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count environments: %w", err))
	}
	all, err = list(ctx, s.db.Read, "list environments", scanEnvironment, environmentColumns+where+`ORDER BY seen_at DESC, id LIMIT $4 OFFSET $5`,
		append(args, q.Limit, q.Offset)...)
	return all, total, err
}

// InsertEnvironment binds a card. The database refuses a second one.
func (s *Store) InsertEnvironment(ctx context.Context, tx *sql.Tx, e Environment) error {
	fingerprint, err := json.Marshal(e.Fingerprint)
	if err != nil {
		return fmt.Errorf("write an environment: %w", err)
	}
	_, err = db.Change(ctx, tx, "write an environment", `INSERT INTO environments (id, card, fingerprint, ip, sign_key, seal_key, bound_at, seen_at, last_call, last_function, unbound_why)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, '')`, e.ID, e.Card, string(fingerprint), e.IP, e.SignKey, e.SealKey, db.Micros(e.BoundAt), e.LastCall, e.LastFunction)
	return err
}

// TouchEnvironment notes a request of an environment.
func (s *Store) TouchEnvironment(ctx context.Context, tx *sql.Tx, e Environment) error {
	fingerprint, err := json.Marshal(e.Fingerprint)
	if err != nil {
		return fmt.Errorf("note a request: %w", err)
	}
	_, err = db.Change(ctx, tx, "note a request", `UPDATE environments SET fingerprint = $1, ip = $2, sign_key = $3, seal_key = $4, seen_at = $5, last_call = $6, last_function = $7
		WHERE id = $8`, string(fingerprint), e.IP, e.SignKey, e.SealKey, db.Micros(e.SeenAt), e.LastCall, e.LastFunction, e.ID)
	return err
}

// Unbind ends the binding of a card. False means that there is none.
func (s *Store) Unbind(ctx context.Context, tx *sql.Tx, card, why string, at time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "unbind a card", `UPDATE environments SET unbound_at = $1, unbound_why = $2 WHERE card = $3 AND unbound_at IS NULL`, db.Micros(at), why, card)
	return n == 1, err
}

// Unbindings is how often a card was unbound since, and when last.
func (s *Store) Unbindings(ctx context.Context, tx *sql.Tx, card string, since time.Time) (n int, last time.Time, err error) {
	var at sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*), MAX(unbound_at) FROM environments WHERE card = $1 AND unbound_at >= $2`, card, db.Micros(since)).Scan(&n, &at)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count how often a card was unbound: %w", err)
	}
	return n, fromMicros(at), nil
}
