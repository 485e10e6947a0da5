package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrFile says that there is no such file.
var ErrFile = fault.New(fault.NotFound, "file_not_found", "The release has no such file.")

// File is a file of a release.
type File struct {
	ID, Release string
	// Product and Version are the code and the version of what it belongs to.
	Product, Version string
	Name             string
	SHA256           string // 64 hexadecimal digits
	Size             int64  // in bytes
	MediaType, Note  string
	MadeAt           time.Time
}

const fileColumns = `SELECT f.id, f.release, p.code, r.version, f.name, f.sha256, f.size, f.media_type, f.note, f.made_at
	FROM release_files f JOIN releases r ON r.id = f.release JOIN products p ON p.id = r.product `

func scanFile(row scanner) (f File, err error) {
	var made int64
	err = row.Scan(&f.ID, &f.Release, &f.Product, &f.Version, &f.Name, &f.SHA256, &f.Size, &f.MediaType, &f.Note, &made)
	f.MadeAt = db.FromMicros(made)
	return f, err
}

// File is the one with the id, or ErrFile.
func (s *Store) File(ctx context.Context, id string) (File, error) {
	f, err := scanFile(s.db.Read.QueryRowContext(ctx, fileColumns+`WHERE f.id = $1 AND f.removed_at IS NULL`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return f, ErrFile.Naming(id)
	}
	return f, db.Coded(err)
}

// Files are those of a release, by name.
func (s *Store) Files(ctx context.Context, release string) ([]File, error) {
	return list(ctx, s.db.Read, "list files", scanFile, fileColumns+`WHERE f.release = $1 AND f.removed_at IS NULL ORDER BY f.name, f.id`, release)
}

// ProductFiles are those of the product with the code, and of the version unless that is
// empty: those of the newest release first.
func (s *Store) ProductFiles(ctx context.Context, code, version string, limit int) ([]File, error) {
	return list(ctx, s.db.Read, "list files", scanFile, fileColumns+`WHERE p.code = $1 AND ($2 = '' OR r.version = $2) AND f.removed_at IS NULL
		ORDER BY r.made_at DESC, r.id DESC, f.name, f.id LIMIT $3`, code, version, limit)
}

// InsertFile writes a new file. False means that the release has one of the name.
func (s *Store) InsertFile(ctx context.Context, tx *sql.Tx, f File) (bool, error) {
	n, err := db.Change(ctx, tx, "write a file", `INSERT INTO release_files (id, release, name, sha256, size, media_type, note, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (release, name) WHERE removed_at IS NULL DO NOTHING`, f.ID, f.Release, f.Name, f.SHA256, f.Size, f.MediaType, f.Note, db.Micros(f.MadeAt))
	return n == 1, err
}

// RemoveFile takes a file away. False means that it is not there.
func (s *Store) RemoveFile(ctx context.Context, tx *sql.Tx, id string, at time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "remove a file", `UPDATE release_files SET removed_at = $1 WHERE id = $2 AND removed_at IS NULL`, db.Micros(at), id)
	return n == 1, err
}

// WantContent notes that a content is needed. False means that it is just being removed.
func (s *Store) WantContent(ctx context.Context, tx *sql.Tx, sha256 string, size int64, at time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "note a content", `INSERT INTO blobs (sha256, size, wanted_at) VALUES ($1, $2, $3)
		ON CONFLICT (sha256) DO UPDATE SET wanted_at = $3 WHERE blobs.removing_at IS NULL`, sha256, size, db.Micros(at))
	return n == 1, err
}

// KnowsContent says whether there is a row of a content.
func (s *Store) KnowsContent(ctx context.Context, sha256 string) (known bool, err error) {
	err = s.db.Read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM blobs WHERE sha256 = $1)`, sha256).Scan(&known)
	return known, db.Coded(err)
}

// CondemnContents marks what no file has needed, and no upload has wanted, since a time.
func (s *Store) CondemnContents(ctx context.Context, tx *sql.Tx, since, at time.Time) error {
	_, err := db.Change(ctx, tx, "mark contents that nobody needs", `UPDATE blobs SET removing_at = $1 WHERE removing_at IS NULL AND wanted_at < $2 AND NOT EXISTS
		(SELECT 1 FROM release_files f WHERE f.sha256 = blobs.sha256 AND (f.removed_at IS NULL OR f.removed_at >= $2))`, db.Micros(at), db.Micros(since))
	return err
}

// Condemned are the contents that are marked, by their SHA-256.
func (s *Store) Condemned(ctx context.Context) ([]string, error) {
	return list(ctx, s.db.Read, "list contents that nobody needs", func(row scanner) (sum string, err error) {
		err = row.Scan(&sum)
		return sum, err
	}, `SELECT sha256 FROM blobs WHERE removing_at IS NOT NULL ORDER BY removing_at LIMIT 1000`)
}

// ForgetContent removes the row of a content that was marked and is gone.
func (s *Store) ForgetContent(ctx context.Context, tx *sql.Tx, sha256 string) error {
	_, err := db.Change(ctx, tx, "forget a content", `DELETE FROM blobs WHERE sha256 = $1 AND removing_at IS NOT NULL`, sha256)
	return err
}
