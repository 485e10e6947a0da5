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

// Event is something that happened to a card.
type Event struct {
	ID, Card, Environment, Kind, IP string
	At                              time.Time
	Detail                          map[string]any
}

const eventColumns = `SELECT id, card, environment, kind, ip, at, detail FROM events `

func scanEvent(row scanner) (e Event, err error) {
	var environment sql.NullString
	var at int64
	var detail string
	if err := row.Scan(&e.ID, &e.Card, &environment, &e.Kind, &e.IP, &at, &detail); err != nil {
		return e, err
	}
	e.Environment, e.At = environment.String, db.FromMicros(at)
	if err := json.Unmarshal([]byte(detail), &e.Detail); err != nil {
		return e, fmt.Errorf("read the event %s: %w", e.ID, err)
	}
	return e, nil
}

// InsertEvent writes an event.
func (s *Store) InsertEvent(ctx context.Context, tx *sql.Tx, e Event) error {
	if e.Detail == nil {
		e.Detail = map[string]any{}
	}
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	_, err = db.Change(ctx, tx, "write an event", `INSERT INTO events (id, card, environment, kind, ip, at, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		e.ID, e.Card, text(e.Environment), e.Kind, e.IP, db.Micros(e.At), string(detail))
	return err
}

// EventQuery says which events a list has; what is empty or zero is any.
type EventQuery struct {
	Card, Kind, IP string
	From, To       time.Time
	Limit, Offset  int
}

// Events lists events, the last first, and says how many there are.
func (s *Store) Events(ctx context.Context, q EventQuery) (all []Event, total int, err error) {
	const where = `WHERE ($1 = '' OR card = $1) AND ($2 = '' OR kind = $2) AND ($3 = '' OR ip = $3) AND at >= $4 AND at < $5 `
	from, to := span(q.From, q.To)
	args := []any{q.Card, q.Kind, q.IP, from, to}
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM events `+where, args...).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count events: %w", err))
	}
	all, err = list(ctx, s.db.Read, "list events", scanEvent, eventColumns+where+`ORDER BY at DESC, id DESC LIMIT $6 OFFSET $7`, append(args, q.Limit, q.Offset)...)
	return all, total, err
}

// span is a time from and until others; one that is zero is open.
func span(from, to time.Time) (since, until int64) {
	if to.IsZero() {
		to = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if !from.IsZero() {
		since = db.Micros(from)
	}
	return since, db.Micros(to)
}

// CountEvents is how many events of a kind a card had since.
func (s *Store) CountEvents(ctx context.Context, tx *sql.Tx, card, kind string, since time.Time) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM events WHERE card = $1 AND kind = $2 AND at >= $3`, card, kind, db.Micros(since)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return n, nil
}

// EventsIn are the events of a kind that a card had since, the last first, as the
// transaction sees them.
func (s *Store) EventsIn(ctx context.Context, tx *sql.Tx, card, kind string, since time.Time, limit int) ([]Event, error) {
	return list(ctx, tx, "list events", scanEvent, eventColumns+`WHERE card = $1 AND kind = $2 AND at >= $3 ORDER BY at DESC, id DESC LIMIT $4`,
		card, kind, db.Micros(since), limit)
}

// CountUse counts an accepted request in its hour.
func (s *Store) CountUse(ctx context.Context, tx *sql.Tx, card, call, function string, at time.Time) error {
	_, err := db.Change(ctx, tx, "count a request", `INSERT INTO usage (card, hour, call, function, count) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (card, hour, call, function) DO UPDATE SET count = usage.count + 1`, card, at.Unix()/3600, call, function)
	return err
}

// UncountUse takes one request of an hour back that CountUse counted.
func (s *Store) UncountUse(ctx context.Context, tx *sql.Tx, card, call, function string, at time.Time) error {
	_, err := db.Change(ctx, tx, "count a request no more", `UPDATE usage SET count = count - 1 WHERE card = $1 AND hour = $2 AND call = $3 AND function = $4 AND count > 0`,
		card, at.Unix()/3600, call, function)
	return err
}

// Use is how often a card was used in an hour.
type Use struct {
	Hour           time.Time
	Call, Function string
	Count          int64
}

// Usage is the use of a card since, the last hour first.
func (s *Store) Usage(ctx context.Context, card string, since time.Time) ([]Use, error) {
	return list(ctx, s.db.Read, "list the use of a card", func(row scanner) (u Use, err error) {
		var hour int64
		err = row.Scan(&hour, &u.Call, &u.Function, &u.Count)
		u.Hour = time.Unix(hour*3600, 0).UTC()
		return u, err
	}, `SELECT hour, call, function, count FROM usage WHERE card = $1 AND hour >= $2 ORDER BY hour DESC, call, function`, card, since.Unix()/3600)
}

// Uses counts the calls of a function by a card from an hour on.
func (s *Store) Uses(ctx context.Context, tx *sql.Tx, card, function string, since time.Time) (n int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(SUM(count), 0) FROM usage WHERE card = $1 AND function = $2 AND hour >= $3`, card, function, since.Unix()/3600).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the calls of a function: %w", err)
	}
	return n, nil
}

// TrialOf is the card that had a trial of a product on a machine; empty: none.
func (s *Store) TrialOf(ctx context.Context, tx *sql.Tx, product, digest string) (card string, err error) {
	err = tx.QueryRowContext(ctx, `SELECT card FROM trials WHERE product = $1 AND digest = $2`, product, digest).Scan(&card)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for a trial: %w", err)
	}
	return card, nil
}

// BeginTrial notes the machine that has a trial of a product. One that is noted stays.
func (s *Store) BeginTrial(ctx context.Context, tx *sql.Tx, product, digest, card string) error {
	_, err := db.Change(ctx, tx, "note a trial", `INSERT INTO trials (product, digest, card) VALUES ($1, $2, $3) ON CONFLICT (product, digest) DO NOTHING`,
		product, digest, card)
	return err
}
