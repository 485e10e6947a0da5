package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// The kinds of alarms.
const (
	AlarmFingerprints = "fingerprints" // a card shows too many different machines
	AlarmMismatches   = "mismatches"   // a card met too many refused machines
	AlarmStrangers    = "strangers"    // other machines come with a card so often that they have to wait
	AlarmGuesses      = "guesses"      // an address asks for cards that are none, and goes on
)

// AlarmKinds are all of them.
func AlarmKinds() []string {
	return []string{AlarmFingerprints, AlarmMismatches, AlarmStrangers, AlarmGuesses}
}

// ErrAlarm says that there is no such alarm.
var ErrAlarm = fault.New(fault.NotFound, "alarm_not_found", "There is no such alarm.")

// Alarm is something that somebody should look at.
type Alarm struct {
	ID, Kind string
	// Card is an id and Prefix the first characters of the card's key, or IP an address.
	Card, Prefix, IP string
	Count            int
	// At is when it began, LastAt when it was last counted.
	At, LastAt time.Time
	// AcknowledgedAt is zero while nobody has looked.
	AcknowledgedAt time.Time
	AcknowledgedBy string
}

// AgainAlarm counts an alarm of the same kind about the same that was raised since. False
// means that there is none.
func (s *Store) AgainAlarm(ctx context.Context, tx *sql.Tx, a Alarm, since time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "count an alarm", `UPDATE alarms SET count = $1, last_at = $2 WHERE kind = $3 AND COALESCE(card, '') = $4 AND ip = $5 AND at >= $6`,
		a.Count, db.Micros(a.LastAt), a.Kind, a.Card, a.IP, db.Micros(since))
	return n > 0, err
}

// AlarmsSince is how many alarms were raised since, and how many of them about the same.
func (s *Store) AlarmsSince(ctx context.Context, tx *sql.Tx, a Alarm, since time.Time) (all, same int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN COALESCE(card, '') = $1 AND ip = $2 THEN 1 ELSE 0 END), 0) FROM alarms WHERE at >= $3`,
		a.Card, a.IP, db.Micros(since)).Scan(&all, &same)
	if err != nil {
		return 0, 0, fmt.Errorf("count alarms: %w", err)
	}
	return all, same, nil
}

// InsertAlarm writes an alarm.
func (s *Store) InsertAlarm(ctx context.Context, tx *sql.Tx, a Alarm) error {
	_, err := db.Change(ctx, tx, "write an alarm", `INSERT INTO alarms (id, kind, card, ip, count, at, last_at, acknowledged_at, acknowledged_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, '')`, a.ID, a.Kind, text(a.Card), a.IP, a.Count, db.Micros(a.At), db.Micros(a.LastAt))
	return err
}

// AcknowledgeAlarm notes who has looked. False means that somebody had before, or that
// there is no such alarm.
func (s *Store) AcknowledgeAlarm(ctx context.Context, tx *sql.Tx, id, by string, at time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "acknowledge an alarm", `UPDATE alarms SET acknowledged_at = $1, acknowledged_by = $2 WHERE id = $3 AND acknowledged_at IS NULL`,
		db.Micros(at), by, id)
	return n == 1, err
}

// AlarmQuery says which alarms a list has.
type AlarmQuery struct {
	ID            string
	Open          bool // only those that nobody has looked at
	Limit, Offset int
}

// Alarms lists alarms, the last first, and says how many there are.
func (s *Store) Alarms(ctx context.Context, q AlarmQuery) (all []Alarm, total int, err error) {
	const where = `FROM alarms a LEFT JOIN cards c ON c.id = a.card WHERE ($1 = '' OR a.id = $1) AND (NOT $2 OR a.acknowledged_at IS NULL) `
	if err := s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) `+where, q.ID, q.Open).Scan(&total); err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count alarms: %w", err))
	}
	all, err = list(ctx, s.db.Read, "list alarms", scanAlarm, `SELECT a.id, a.kind, a.card, COALESCE(c.prefix, ''), a.ip, a.count, a.at, a.last_at, a.acknowledged_at, a.acknowledged_by `+
		where+`ORDER BY a.last_at DESC, a.id DESC LIMIT $3 OFFSET $4`, q.ID, q.Open, q.Limit, q.Offset)
	return all, total, err
}

// OpenAlarms counts the alarms that nobody has looked at, by kind.
func (s *Store) OpenAlarms(ctx context.Context) (map[string]int, error) {
	type count struct {
		kind string
		n    int
	}
	all, err := list(ctx, s.db.Read, "count open alarms", func(row scanner) (c count, err error) { return c, row.Scan(&c.kind, &c.n) },
		`SELECT kind, COUNT(*) FROM alarms WHERE acknowledged_at IS NULL GROUP BY kind`)
	counts := make(map[string]int, len(all))
	for _, c := range all {
		counts[c.kind] = c.n
	}
	return counts, err
}

func scanAlarm(row scanner) (a Alarm, err error) {
	var card sql.NullString
	var at, last int64
	var seen sql.NullInt64
	err = row.Scan(&a.ID, &a.Kind, &card, &a.Prefix, &a.IP, &a.Count, &at, &last, &seen, &a.AcknowledgedBy)
	a.Card, a.At, a.LastAt, a.AcknowledgedAt = card.String, db.FromMicros(at), db.FromMicros(last), fromMicros(seen)
	return a, err
}
