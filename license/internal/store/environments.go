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
	// UnboundSelf says that the customer took the card off the machine.
	UnboundSelf bool
	// Revision counts the changes of all but SeenAt, LastCall and LastFunction.
	Revision int64
}

const (
	environmentFields = `e.id, e.card, e.fingerprint, e.ip, e.sign_key, e.seal_key, e.bound_at, e.seen_at, e.last_call, e.last_function,
	e.unbound_at, e.unbound_why, e.unbound_self, e.revision`
	environmentColumns = `SELECT ` + environmentFields + ` FROM environments e `
)

// environmentRow is where a row is scanned into.
type environmentRow struct {
	Environment
	fingerprint string
	bound, seen int64
	unbound     sql.NullInt64
}

func (r *environmentRow) into() []any {
	return []any{&r.ID, &r.Card, &r.fingerprint, &r.IP, &r.SignKey, &r.SealKey, &r.bound, &r.seen, &r.LastCall, &r.LastFunction, &r.unbound, &r.UnboundWhy, &r.UnboundSelf, &r.Revision}
}

func (r *environmentRow) environment() (Environment, error) {
	e := r.Environment
	e.BoundAt, e.SeenAt, e.UnboundAt = db.FromMicros(r.bound), db.FromMicros(r.seen), fromMicros(r.unbound)
	if err := json.Unmarshal([]byte(r.fingerprint), &e.Fingerprint); err != nil {
		return e, fmt.Errorf("read the fingerprint of environment %s: %w", e.ID, err)
	}
	return e, nil
}

func scanEnvironment(row scanner) (Environment, error) {
	var r environmentRow
	if err := row.Scan(r.into()...); err != nil {
		return r.Environment, err
	}
	return r.environment()
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

// BoundEnvironment is the environment with the id if its card is still bound to it; nil:
// it is not.
func (s *Store) BoundEnvironment(ctx context.Context, id string) (*Environment, error) {
	e, err := scanEnvironment(s.db.Read.QueryRowContext(ctx, environmentColumns+`WHERE id = $1 AND unbound_at IS NULL`, id))
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
	IP, Product string
	// Prefix is that of the card's key.
	Prefix string
	Bound  bool // only those that are
	// SeenFrom and SeenTo bound when it was seen last.
	SeenFrom, SeenTo time.Time
	Limit, Offset    int
}

// EnvironmentList lists environments, the last seen first, and says how many there are.
func (s *Store) EnvironmentList(ctx context.Context, q EnvironmentQuery) (all []Environment, total int, err error) {
	const where = `WHERE ($1 = '' OR ip = $1) AND ($2 = '' OR card IN (SELECT c.id FROM cards c WHERE c.product = $2)) AND ($3 = FALSE OR unbound_at IS NULL)
		AND ($4 = '' OR card IN (SELECT c.id FROM cards c WHERE c.prefix = $4)) AND seen_at >= $5 AND seen_at < $6 `
	from, to := span(q.SeenFrom, q.SeenTo)
	args := []any{q.IP, q.Product, q.Bound, q.Prefix, from, to}
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM environments `+where, args...).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count environments: %w", err))
	}
	all, err = list(ctx, s.db.Read, "list environments", scanEnvironment, environmentColumns+where+`ORDER BY seen_at DESC, id LIMIT $7 OFFSET $8`,
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
	_, err = db.Change(ctx, tx, "note a request", `UPDATE environments SET fingerprint = $1, ip = $2, sign_key = $3, seal_key = $4, seen_at = $5, last_call = $6, last_function = $7,
		revision = revision + 1 WHERE id = $8`, string(fingerprint), e.IP, e.SignKey, e.SealKey, db.Micros(e.SeenAt), e.LastCall, e.LastFunction, e.ID)
	return err
}

// Unbind ends the binding of a card; self says that its customer did it. False means
// that there is none.
func (s *Store) Unbind(ctx context.Context, tx *sql.Tx, card, why string, self bool, at time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "unbind a card", `UPDATE environments SET unbound_at = $1, unbound_why = $2, unbound_self = $3 WHERE card = $4 AND unbound_at IS NULL`,
		db.Micros(at), why, self, card)
	return n == 1, err
}

// Unbinding is when a card was taken off a machine. Self says that its customer did it.
type Unbinding struct {
	At   time.Time
	Self bool
}

// Unbindings are those of a card since, the last first.
func (s *Store) Unbindings(ctx context.Context, card string, since time.Time) ([]Unbinding, error) {
	return unbindings(ctx, s.db.Read, card, since)
}

// UnbindingsIn is Unbindings as the transaction sees it.
func (s *Store) UnbindingsIn(ctx context.Context, tx *sql.Tx, card string, since time.Time) ([]Unbinding, error) {
	return unbindings(ctx, tx, card, since)
}

func unbindings(ctx context.Context, q querier, card string, since time.Time) ([]Unbinding, error) {
	return list(ctx, q, "list how often a card was unbound", func(row scanner) (u Unbinding, err error) {
		var at int64
		err = row.Scan(&at, &u.Self)
		u.At = db.FromMicros(at)
		return u, err
	}, `SELECT unbound_at, unbound_self FROM environments WHERE card = $1 AND unbound_at >= $2 ORDER BY unbound_at DESC, id`, card, db.Micros(since))
}
