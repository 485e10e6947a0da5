package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Grant is a grant as it is kept.
type Grant struct {
	ID, Account, Client string
	// Session is empty for none.
	Session string
	Offline bool
	Scopes  string
	// Data is JSON.
	Data           string
	MadeAt, EndsAt time.Time

	// Lives says that it is neither revoked nor over, its account active, and its
	// session live unless it is offline.
	Lives bool
	// SessionSeenAt and SessionEndsAt are zero unless its session lives.
	SessionSeenAt, SessionEndsAt time.Time
}

// What is read of grants at the time $1.
const (
	grantColumns = `g.id, g.account, g.client, COALESCE(g.session, ''), g.offline, g.scopes, g.data, g.made_at, g.ends_at,
		(` + grantLives + `), COALESCE(s.seen_at, 0), COALESCE(s.ends_at, 0)`
	grantTables = ` grants g JOIN accounts a ON a.id = g.account
		LEFT JOIN sessions s ON s.id = g.session AND s.ended_at IS NULL AND s.idle_until > $1 AND s.ends_at > $1 `
	grantLives = `g.revoked_at IS NULL AND g.ends_at > $1 AND a.state = 'active' AND (g.session IS NULL OR g.offline OR s.id IS NOT NULL)`
)

// maxGrants bounds a list of grants.
const maxGrants = 1000

// scanGrant reads the columns of a grant and, after them, more.
func scanGrant(row scanner, more ...any) (*Grant, error) {
	var g Grant
	var made, ends, seen, over int64
	into := append([]any{&g.ID, &g.Account, &g.Client, &g.Session, &g.Offline, &g.Scopes, &g.Data, &made, &ends, &g.Lives, &seen, &over}, more...)
	if err := row.Scan(into...); err != nil {
		return nil, err
	}
	g.MadeAt, g.EndsAt = db.FromMicros(made), db.FromMicros(ends)
	if over != 0 {
		g.SessionSeenAt, g.SessionEndsAt = db.FromMicros(seen), db.FromMicros(over)
	}
	return &g, nil
}

// InsertGrant writes a new grant. False means that its account is not active or
// its session, if it has one, does not live at its MadeAt.
func (s *Store) InsertGrant(ctx context.Context, tx *sql.Tx, g *Grant) (bool, error) {
	session := sql.NullString{String: g.Session, Valid: g.Session != ""}
	may := `SELECT EXISTS (SELECT 1 FROM accounts WHERE id = $1 AND state = 'active')`
	args := []any{g.Account}
	if session.Valid {
		may += ` AND EXISTS (SELECT 1 FROM sessions WHERE id = $2 AND account = $1 AND ended_at IS NULL AND idle_until > $3 AND ends_at > $3)`
		args = append(args, g.Session, db.Micros(g.MadeAt))
	}
	var allowed bool
	if err := tx.QueryRowContext(ctx, may, args...).Scan(&allowed); err != nil || !allowed {
		return false, wrap("read the account of a grant", err)
	}
	n, err := db.Change(ctx, tx, "write a grant", `INSERT INTO grants (id, account, client, session, offline, scopes, data, made_at, ends_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		g.ID, g.Account, g.Client, session, g.Offline, g.Scopes, g.Data, db.Micros(g.MadeAt), db.Micros(g.EndsAt))
	return n == 1, err
}

// Grant is the grant with the id as it is at now, or nil.
func (s *Store) Grant(ctx context.Context, id string, now time.Time) (*Grant, error) {
	g, err := scanGrant(s.db.Read.QueryRowContext(ctx, `SELECT `+grantColumns+` FROM`+grantTables+`WHERE g.id = $2`, db.Micros(now), id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return g, db.Coded(wrap("read a grant", err))
}

// GrantsOfAccount are the account's grants that live at now, the last first.
func (s *Store) GrantsOfAccount(ctx context.Context, account string, now time.Time) ([]*Grant, error) {
	all, err := grants(ctx, s.db.Read, `WHERE g.account = $2 AND `+grantLives, db.Micros(now), account)
	return all, db.Coded(err)
}

// GrantsOfSession are the grants begun in the session that are not revoked, the
// last first.
func (s *Store) GrantsOfSession(ctx context.Context, session string, now time.Time) ([]*Grant, error) {
	all, err := grants(ctx, s.db.Read, `WHERE g.session = $2 AND g.revoked_at IS NULL`, db.Micros(now), session)
	return all, db.Coded(err)
}

// ClientsOfSession are the clients with a grant begun in the session that is not
// revoked, by id.
func (s *Store) ClientsOfSession(ctx context.Context, tx *sql.Tx, session string) (ids []string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT client FROM grants WHERE session = $1 AND revoked_at IS NULL ORDER BY client`, session)
	if err != nil {
		return nil, fmt.Errorf("list the applications of a session: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list the applications of a session: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, wrap("list the applications of a session", rows.Err())
}

func grants(ctx context.Context, q querier, where string, args ...any) (all []*Grant, err error) {
	rows, err := q.QueryContext(ctx, `SELECT `+grantColumns+` FROM`+grantTables+where+fmt.Sprintf(` ORDER BY g.made_at DESC, g.id DESC LIMIT %d`, maxGrants), args...)
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		g, err := scanGrant(rows)
		if err != nil {
			return nil, fmt.Errorf("list grants: %w", err)
		}
		all = append(all, g)
	}
	return all, wrap("list grants", rows.Err())
}

// RedeemGrant gives a grant that is not revoked its data and its end. False means
// that there is none.
func (s *Store) RedeemGrant(ctx context.Context, tx *sql.Tx, id, data string, ends time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "redeem a grant", `UPDATE grants SET data = $1, ends_at = $2 WHERE id = $3 AND revoked_at IS NULL`, data, db.Micros(ends), id)
	return n == 1, err
}

// Which says which grants RevokeGrants revokes, by the arguments that it names.
type Which string

// The grants with an id; of an account and a client; of a client; of a session
// that ended; of an account but for a session.
const (
	GrantByID         Which = `id = $3`
	GrantsOfPair      Which = `account = $3 AND client = $4`
	GrantsOfClient    Which = `client = $3`
	GrantsOfEnded     Which = `session = $3 AND NOT offline`
	GrantsOfAllOthers Which = `account = $3 AND (session IS NULL OR session <> $4)`
)

// RevokeGrants revokes those that are not over at now, and says which: they end
// when their last access token is over, at until.
func (s *Store) RevokeGrants(ctx context.Context, tx *sql.Tx, now, until time.Time, which Which, args ...any) (all []*Grant, err error) {
	//nolint:gosec // which is one of the constants
	query := `UPDATE grants SET revoked_at = $1, ends_at = CASE WHEN ends_at < $2 THEN ends_at ELSE $2 END
		WHERE ` + string(which) + ` AND revoked_at IS NULL AND ends_at > $1 RETURNING id, account, client`
	rows, err := tx.QueryContext(ctx, query, append([]any{db.Micros(now), db.Micros(until)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("revoke grants: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var g Grant
		if err := rows.Scan(&g.ID, &g.Account, &g.Client); err != nil {
			return nil, fmt.Errorf("revoke grants: %w", err)
		}
		all = append(all, &g)
	}
	return all, wrap("revoke grants", rows.Err())
}

// wrap says what failed, if something did.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
