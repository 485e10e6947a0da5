package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrSessionNotFound says that there is no such live session.
var ErrSessionNotFound = fault.New(fault.NotFound, "session_not_found", "There is no live session with this id. It may have ended already; load the list again.")

// maxSessions bounds a list of sessions.
const maxSessions = 200

// Session is a session as it is kept.
type Session struct {
	ID, Account string
	// Hash is the SHA-256 of its token.
	Hash    []byte
	Level   int
	Methods []string
	// MadeAt and EndsAt bound its life; IdleUntil is when it ends unless it is
	// used before.
	MadeAt, SeenAt, AuthenticatedAt, IdleUntil, EndsAt time.Time
	UserAgent, From                                    string
}

const sessionColumns = `SELECT s.id, s.account, s.hash, s.level, s.methods, s.made_at, s.seen_at, s.authenticated_at,
	s.idle_until, s.ends_at, s.user_agent, s.from_ip FROM sessions s `

func scanSession(row scanner) (*Session, error) {
	var s Session
	var methods string
	var made, seen, authenticated, idle, ends int64
	err := row.Scan(&s.ID, &s.Account, &s.Hash, &s.Level, &methods, &made, &seen, &authenticated, &idle, &ends, &s.UserAgent, &s.From)
	if err != nil {
		return nil, err
	}
	s.Methods = strings.Fields(methods)
	s.MadeAt, s.SeenAt, s.AuthenticatedAt = db.FromMicros(made), db.FromMicros(seen), db.FromMicros(authenticated)
	s.IdleUntil, s.EndsAt = db.FromMicros(idle), db.FromMicros(ends)
	return &s, nil
}

// InsertSession writes a new session. False means that its account is disabled
// or gone, or that its password is not the one set at passwordSetAt (zero: any).
func (s *Store) InsertSession(ctx context.Context, tx *sql.Tx, r *Session, passwordSetAt time.Time) (bool, error) {
	var set int64
	err := tx.QueryRowContext(ctx, `SELECT password_set_at FROM accounts WHERE id = $1 AND state = 'active'`, r.Account).Scan(&set)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !passwordSetAt.IsZero() && set != db.Micros(passwordSetAt) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the account of a session: %w", err)
	}
	n, err := db.Change(ctx, tx, "write a session", `INSERT INTO sessions (id, account, hash, level, methods, made_at, seen_at,
			authenticated_at, idle_until, ends_at, user_agent, from_ip)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		r.ID, r.Account, r.Hash, r.Level, strings.Join(r.Methods, " "), db.Micros(r.MadeAt), db.Micros(r.SeenAt),
		db.Micros(r.AuthenticatedAt), db.Micros(r.IdleUntil), db.Micros(r.EndsAt), r.UserAgent, r.From)
	return n == 1, err
}

// LiveSession is the session with the hash that lives at now and whose account
// is active, or ErrSessionNotFound.
func (s *Store) LiveSession(ctx context.Context, hash []byte, now time.Time) (*Session, error) {
	r, err := scanSession(s.db.Read.QueryRowContext(ctx, sessionColumns+`JOIN accounts a ON a.id = s.account
		WHERE s.hash = $1 AND a.state = 'active' AND s.ended_at IS NULL AND s.idle_until > $2 AND s.ends_at > $2`, hash, db.Micros(now)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrSessionNotFound
	}
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read a session: %w", err))
	}
	return r, nil
}

// SessionLives says whether the account is active and has a session with the id that
// lives at now and has at least the level.
func (s *Store) SessionLives(ctx context.Context, tx *sql.Tx, account, id string, level int, now time.Time) (lives bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sessions s JOIN accounts a ON a.id = s.account
		WHERE s.id = $1 AND s.account = $2 AND a.state = 'active' AND s.level >= $3 AND s.ended_at IS NULL AND s.idle_until > $4 AND s.ends_at > $4)`,
		id, account, level, db.Micros(now)).Scan(&lives)
	if err != nil {
		return false, fmt.Errorf("look for a session: %w", err)
	}
	return lives, nil
}

// TouchSession notes that a session was used at now, if it still has the hash.
func (s *Store) TouchSession(ctx context.Context, tx *sql.Tx, id string, hash []byte, now, idleUntil time.Time) error {
	_, err := db.Change(ctx, tx, "note the use of a session",
		`UPDATE sessions SET seen_at = $1, idle_until = $2 WHERE id = $3 AND hash = $4 AND ended_at IS NULL AND seen_at < $1`,
		db.Micros(now), db.Micros(idleUntil), id, hash)
	return err
}

// UseSession is TouchSession of a session by its id alone, if it lives and has at
// least the level.
func (s *Store) UseSession(ctx context.Context, tx *sql.Tx, id string, level int, now, idleUntil time.Time) error {
	_, err := db.Change(ctx, tx, "note the use of a session", `UPDATE sessions SET seen_at = $1, idle_until = CASE WHEN ends_at < $2 THEN ends_at ELSE $2 END
		WHERE id = $3 AND level >= $4 AND ended_at IS NULL AND idle_until > $1 AND ends_at > $1 AND seen_at < $1`,
		db.Micros(now), db.Micros(idleUntil), id, level)
	return err
}

// RaiseSession gives a session that lives at now and has the hash old the hash,
// level, methods and times of r. False means that there is none.
func (s *Store) RaiseSession(ctx context.Context, tx *sql.Tx, r *Session, old []byte, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "raise a session", `UPDATE sessions SET hash = $1, level = $2, methods = $3, seen_at = $4,
			authenticated_at = $5, idle_until = $6, ends_at = $7
		WHERE id = $8 AND hash = $9 AND ended_at IS NULL AND idle_until > $10 AND ends_at > $10`,
		r.Hash, r.Level, strings.Join(r.Methods, " "), db.Micros(r.SeenAt), db.Micros(r.AuthenticatedAt),
		db.Micros(r.IdleUntil), db.Micros(r.EndsAt), r.ID, old, db.Micros(now))
	return n == 1, err
}

// SessionsOf is the sessions of an account that live at now and have at least
// the level, the most recently used first.
func (s *Store) SessionsOf(ctx context.Context, account string, level int, now time.Time) (all []*Session, err error) {
	rows, err := s.db.Read.QueryContext(ctx, sessionColumns+`WHERE s.account = $1 AND s.level >= $2 AND s.ended_at IS NULL
			AND s.idle_until > $3 AND s.ends_at > $3 ORDER BY s.seen_at DESC, s.id DESC LIMIT $4`,
		account, level, db.Micros(now), maxSessions)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("list sessions: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r, err := scanSession(rows)
		if err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
		all = append(all, r)
	}
	return all, db.Coded(rows.Err())
}

// EndSession ends a live session of the account. False means that there is none
// with the id.
func (s *Store) EndSession(ctx context.Context, tx *sql.Tx, account, id string, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "end a session", `UPDATE sessions SET ended_at = $1
		WHERE id = $2 AND account = $3 AND ended_at IS NULL AND idle_until > $1 AND ends_at > $1`, db.Micros(now), id, account)
	return n == 1, err
}

// EndSessions ends the live sessions of the account but the one with the id
// except, and says which.
func (s *Store) EndSessions(ctx context.Context, tx *sql.Tx, account, except string, now time.Time) (ids []string, err error) {
	rows, err := tx.QueryContext(ctx, `UPDATE sessions SET ended_at = $1
		WHERE account = $2 AND id <> $3 AND ended_at IS NULL AND idle_until > $1 AND ends_at > $1 RETURNING id`, db.Micros(now), account, except)
	if err != nil {
		return nil, fmt.Errorf("end sessions: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("end sessions: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, wrap("end sessions", rows.Err())
}

// PurgeSessions deletes the sessions that do not live at now.
func (s *Store) PurgeSessions(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := db.Change(ctx, tx, "delete sessions that are over",
		`DELETE FROM sessions WHERE ended_at IS NOT NULL OR idle_until <= $1 OR ends_at <= $1`, db.Micros(now))
	return err
}
