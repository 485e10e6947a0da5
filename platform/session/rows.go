package session

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"guildhall/platform/db"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// MigrationsTable is the goose table of Migrations.
const MigrationsTable = "session_migrations"

// Migrations are those of the table in which a Desk keeps who is signed in.
func Migrations() fs.FS { return db.Folder(migrationFiles, "migrations") }

// row is somebody who is signed in, in one browser.
type row struct {
	id    string
	hash  []byte
	grant string
	Person
	madeAt, checkedAt, idleUntil, endsAt time.Time
}

// errNone says that a token opens nothing.
var errNone = errors.New("there is no such session")

// find is the live session with the hash, or errNone.
func find(ctx context.Context, d *db.DB, hash []byte, now time.Time) (row, error) {
	s := row{hash: hash}
	var roles string
	var auth, made, checked, idle, ends int64
	err := d.Read.QueryRowContext(ctx, `SELECT id, account, name, roles, session, grant_id, acr, auth_time, made_at, checked_at, idle_until, ends_at
		FROM sign_ins WHERE hash = $1 AND idle_until > $2`, hash, db.Micros(now)).
		Scan(&s.id, &s.Account, &s.Name, &roles, &s.Session, &s.grant, &s.ACR, &auth, &made, &checked, &idle, &ends)
	if errors.Is(err, sql.ErrNoRows) {
		return row{}, errNone
	}
	if err != nil {
		return row{}, db.Coded(fmt.Errorf("read a session: %w", err))
	}
	s.Roles, s.AuthTime = strings.Fields(roles), db.FromMicros(auth)
	s.madeAt, s.checkedAt, s.idleUntil, s.endsAt = db.FromMicros(made), db.FromMicros(checked), db.FromMicros(idle), db.FromMicros(ends)
	return s, nil
}

// insert writes a session in place of the one with the hash old, and deletes those
// that are over.
func insert(ctx context.Context, d *db.DB, s row, old []byte) error {
	return d.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sign_ins WHERE hash = $1 OR idle_until <= $2`, old, db.Micros(s.madeAt)); err != nil {
			return fmt.Errorf("delete sessions that are over: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sign_ins (id, hash, account, name, roles, session, grant_id, acr, auth_time, made_at, checked_at, idle_until, ends_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			s.id, s.hash, s.Account, s.Name, strings.Join(s.Roles, " "), s.Session, s.grant, s.ACR, db.Micros(s.AuthTime),
			db.Micros(s.madeAt), db.Micros(s.checkedAt), db.Micros(s.idleUntil), db.Micros(s.endsAt))
		if err != nil {
			return fmt.Errorf("write a session: %w", err)
		}
		return nil
	})
}

// update notes what identity said of a session, and that it is used.
func update(ctx context.Context, d *db.DB, s row) error {
	return d.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE sign_ins SET name = $1, roles = $2, checked_at = $3, idle_until = $4 WHERE id = $5 AND checked_at < $3`,
			s.Name, strings.Join(s.Roles, " "), db.Micros(s.checkedAt), db.Micros(s.idleUntil), s.id)
		if err != nil {
			return fmt.Errorf("note the use of a session: %w", err)
		}
		return nil
	})
}

// remove ends a session.
func remove(ctx context.Context, d *db.DB, id string) error {
	return d.WithTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sign_ins WHERE id = $1`, id); err != nil {
			return fmt.Errorf("end a session: %w", err)
		}
		return nil
	})
}
