package store

import (
	"context"
	"database/sql"
	"time"

	"guildhall/platform/db"
)

// Each of these deletes at most so many rows that are over at now, and says how
// many: a transaction for each batch keeps nobody waiting.

// PurgeGrants deletes grants with their codes and refresh tokens. The last one of an
// application in a session stays as long as the session, so that it is told of its
// end.
func (s *Store) PurgeGrants(ctx context.Context, tx *sql.Tx, now time.Time, most int) (int64, error) {
	return db.Change(ctx, tx, "delete grants that are over", `DELETE FROM grants WHERE id IN (SELECT g.id FROM grants g
		WHERE g.ends_at <= $1 AND (g.revoked_at IS NOT NULL OR g.session IS NULL
			OR NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = g.session)
			OR EXISTS (SELECT 1 FROM grants n WHERE n.session = g.session AND n.client = g.client AND n.revoked_at IS NULL
				AND (n.made_at > g.made_at OR n.made_at = g.made_at AND n.id > g.id)))
		LIMIT $2)`, db.Micros(now), most)
}

// PurgeFamilies deletes refresh tokens.
func (s *Store) PurgeFamilies(ctx context.Context, tx *sql.Tx, now time.Time, most int) (int64, error) {
	return db.Change(ctx, tx, "delete refresh tokens that are over", `DELETE FROM refresh_tokens WHERE family IN
		(SELECT family FROM refresh_tokens WHERE expires_at <= $1 LIMIT $2)`, db.Micros(now), most)
}

// PurgeRequests deletes authorization requests.
func (s *Store) PurgeRequests(ctx context.Context, tx *sql.Tx, now time.Time, most int) (int64, error) {
	return db.Change(ctx, tx, "delete authorization requests that are over", `DELETE FROM authorization_requests WHERE id IN
		(SELECT id FROM authorization_requests WHERE expires_at <= $1 LIMIT $2)`, db.Micros(now), most)
}

// PurgeDevices deletes the requests of devices.
func (s *Store) PurgeDevices(ctx context.Context, tx *sql.Tx, now time.Time, most int) (int64, error) {
	return db.Change(ctx, tx, "delete devices' requests that are over", `DELETE FROM device_codes WHERE hash IN
		(SELECT hash FROM device_codes WHERE expires_at <= $1 LIMIT $2)`, db.Micros(now), most)
}

// PurgeReplays deletes what may be presented again.
func (s *Store) PurgeReplays(ctx context.Context, tx *sql.Tx, now time.Time, most int) (int64, error) {
	return db.Change(ctx, tx, "delete what was presented", `DELETE FROM replays WHERE hash IN
		(SELECT hash FROM replays WHERE expires_at <= $1 LIMIT $2)`, db.Micros(now), most)
}

// PurgeRevocations deletes revocations but the last one: the next number follows
// it.
func (s *Store) PurgeRevocations(ctx context.Context, tx *sql.Tx, now time.Time, most int) (int64, error) {
	return db.Change(ctx, tx, "delete revocations that are over", `DELETE FROM revocations WHERE seq IN
		(SELECT seq FROM revocations WHERE expires_at <= $1 AND seq < (SELECT MAX(seq) FROM revocations) LIMIT $2)`, db.Micros(now), most)
}
