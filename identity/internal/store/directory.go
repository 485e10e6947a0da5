package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/db"
)

// Directory is how the directory is reached, as it is kept.
type Directory struct {
	// Settings is JSON, Password sealed.
	Settings string
	Password []byte
	// Version counts the settings; Tried is the version that a dry run went well
	// with.
	Version, Tried int64
	Enabled        bool
	DueAt          time.Time
	// Asked is "", "run" or "beyond", and AskedBy who asked, as JSON.
	Asked, AskedBy string
	ChangedAt      time.Time
}

// Directory is the row, or nil before there is one.
func (s *Store) Directory(ctx context.Context) (*Directory, error) {
	d, err := directory(ctx, s.db.Read)
	return d, db.Coded(err)
}

// DirectoryIn is Directory as the transaction sees it.
func (s *Store) DirectoryIn(ctx context.Context, tx *sql.Tx) (*Directory, error) {
	return directory(ctx, tx)
}

func directory(ctx context.Context, q querier) (*Directory, error) {
	var d Directory
	var due, changed int64
	err := q.QueryRowContext(ctx, `SELECT settings, password, version, tried, enabled, due_at, asked, asked_by, changed_at FROM directory`).
		Scan(&d.Settings, &d.Password, &d.Version, &d.Tried, &d.Enabled, &due, &d.Asked, &d.AskedBy, &changed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the directory's settings: %w", err)
	}
	d.DueAt, d.ChangedAt = db.FromMicros(due), db.FromMicros(changed)
	return &d, nil
}

// PutDirectory writes the row.
func (s *Store) PutDirectory(ctx context.Context, tx *sql.Tx, d *Directory) error {
	_, err := db.Change(ctx, tx, "write the directory's settings", `INSERT INTO directory
		(id, settings, password, version, tried, enabled, due_at, asked, asked_by, changed_at) VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, password = excluded.password, version = excluded.version, tried = excluded.tried,
			enabled = excluded.enabled, due_at = excluded.due_at, asked = excluded.asked, asked_by = excluded.asked_by, changed_at = excluded.changed_at`,
		d.Settings, d.Password, d.Version, d.Tried, d.Enabled, db.Micros(d.DueAt), d.Asked, d.AskedBy, db.Micros(d.ChangedAt))
	return err
}

// Imported is somebody who was imported from the directory.
type Imported struct {
	// Key is the directory's id of the person; Account is ours, empty once it was
	// deleted here.
	Key, Account string
	// DN, Email and Name are what the directory said last.
	DN, Email, Name string
	// Off says that the account was disabled because of the directory.
	Off bool
	// State is the account's.
	State string
}

const importedColumns = `SELECT p.key, COALESCE(p.account, ''), p.dn, p.email, p.name, p.off, COALESCE(a.state, '')
	FROM directory_people p LEFT JOIN accounts a ON a.id = p.account `

func scanImported(row scanner) (*Imported, error) {
	var p Imported
	err := row.Scan(&p.Key, &p.Account, &p.DN, &p.Email, &p.Name, &p.Off, &p.State)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read an imported person: %w", err)
	}
	return &p, nil
}

// Imported is everybody who was imported, by key.
func (s *Store) Imported(ctx context.Context) (all []*Imported, err error) {
	rows, err := s.db.Read.QueryContext(ctx, importedColumns+`ORDER BY p.key`)
	if err != nil {
		return nil, db.Coded(fmt.Errorf("list imported people: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		p, err := scanImported(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, db.Coded(wrap("list imported people", rows.Err()))
}

// ImportedAs is who was imported as the account, or nil.
func (s *Store) ImportedAs(ctx context.Context, account string) (*Imported, error) {
	p, err := scanImported(s.db.Read.QueryRowContext(ctx, importedColumns+`WHERE p.account = $1`, account))
	return p, db.Coded(err)
}

// ImportedIn is who was imported under the key as the transaction sees it, or nil.
func (s *Store) ImportedIn(ctx context.Context, tx *sql.Tx, key string) (*Imported, error) {
	return scanImported(tx.QueryRowContext(ctx, importedColumns+`WHERE p.key = $1`, key))
}

// InsertImported writes somebody.
func (s *Store) InsertImported(ctx context.Context, tx *sql.Tx, p *Imported) error {
	_, err := db.Change(ctx, tx, "write an imported person", `INSERT INTO directory_people (key, account, dn, email, name, off)
		VALUES ($1, $2, $3, $4, $5, $6)`, p.Key, p.Account, p.DN, p.Email, p.Name, p.Off)
	return err
}

// UpdateImported writes what the directory says of somebody.
func (s *Store) UpdateImported(ctx context.Context, tx *sql.Tx, p *Imported) error {
	_, err := db.Change(ctx, tx, "write an imported person", `UPDATE directory_people SET dn = $1, email = $2, name = $3, off = $4 WHERE key = $5`,
		p.DN, p.Email, p.Name, p.Off, p.Key)
	return err
}

// ForgetImported removes somebody whose account was deleted here.
func (s *Store) ForgetImported(ctx context.Context, tx *sql.Tx, key string) error {
	_, err := db.Change(ctx, tx, "forget an imported person", `DELETE FROM directory_people WHERE key = $1 AND account IS NULL`, key)
	return err
}

// NoMustChange lifts the duty to change the password from those who were imported:
// the directory keeps theirs now.
func (s *Store) NoMustChange(ctx context.Context, tx *sql.Tx) error {
	_, err := db.Change(ctx, tx, "lift the duty to change passwords",
		`UPDATE accounts SET must_change = $1 WHERE must_change = $2 AND id IN (SELECT account FROM directory_people WHERE account IS NOT NULL)`, false, true)
	return err
}

// DirectoryRun is a run of the import.
type DirectoryRun struct {
	ID        string
	StartedAt time.Time
	// Dry says that it changed nothing.
	Dry bool
	// Outcome is "running", "done", "stopped" or "failed"; Report is JSON.
	Outcome, Report string
}

const runColumns = `SELECT id, started_at, dry, outcome, report FROM directory_runs `

func scanRun(row scanner) (*DirectoryRun, error) {
	var r DirectoryRun
	var started int64
	err := row.Scan(&r.ID, &started, &r.Dry, &r.Outcome, &r.Report)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read a run of the import: %w", err)
	}
	r.StartedAt = db.FromMicros(started)
	return &r, nil
}

// PutDirectoryRun writes a run.
func (s *Store) PutDirectoryRun(ctx context.Context, tx *sql.Tx, r *DirectoryRun) error {
	_, err := db.Change(ctx, tx, "write a run of the import", `INSERT INTO directory_runs (id, started_at, dry, outcome, report) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET outcome = excluded.outcome, report = excluded.report`, r.ID, db.Micros(r.StartedAt), r.Dry, r.Outcome, r.Report)
	return err
}

// RunningIn is the run that is under way, or nil.
func (s *Store) RunningIn(ctx context.Context, tx *sql.Tx) (*DirectoryRun, error) {
	return scanRun(tx.QueryRowContext(ctx, runColumns+`WHERE outcome = 'running' AND NOT dry ORDER BY started_at DESC LIMIT 1`))
}

// LastDirectoryRun is the newest run that was not dry, or nil.
func (s *Store) LastDirectoryRun(ctx context.Context) (*DirectoryRun, error) {
	r, err := scanRun(s.db.Read.QueryRowContext(ctx, runColumns+`WHERE NOT dry ORDER BY started_at DESC, id DESC LIMIT 1`))
	return r, db.Coded(err)
}

// DirectoryRun is the run with the id, or nil.
func (s *Store) DirectoryRun(ctx context.Context, id string) (*DirectoryRun, error) {
	r, err := scanRun(s.db.Read.QueryRowContext(ctx, runColumns+`WHERE id = $1`, id))
	return r, db.Coded(err)
}

// DirectoryRuns is a page of the runs with the outcome ("": all), newest first,
// and how many there are.
func (s *Store) DirectoryRuns(ctx context.Context, outcome string, offset, limit int) (page []*DirectoryRun, total int, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM directory_runs WHERE $1 = '' OR outcome = $1`, outcome).Scan(&total)
	if err != nil {
		return nil, 0, db.Coded(fmt.Errorf("count the runs of the import: %w", err))
	}
	rows, err := s.db.Read.QueryContext(ctx, runColumns+`WHERE $1 = '' OR outcome = $1 ORDER BY started_at DESC, id DESC LIMIT $2 OFFSET $3`, outcome, limit, offset)
	if err != nil {
		return nil, 0, db.Coded(fmt.Errorf("list the runs of the import: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			return nil, 0, err
		}
		page = append(page, r)
	}
	return page, total, db.Coded(wrap("list the runs of the import", rows.Err()))
}

// PurgeDirectoryRuns deletes the runs that began before a time.
func (s *Store) PurgeDirectoryRuns(ctx context.Context, tx *sql.Tx, before time.Time) error {
	_, err := db.Change(ctx, tx, "delete old runs of the import", `DELETE FROM directory_runs WHERE started_at < $1`, db.Micros(before))
	return err
}
