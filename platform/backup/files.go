package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"guildhall/platform/audit"
)

const (
	// stagePrefix begins the folder, in the service's, where a copy is prepared.
	stagePrefix = ".backup-"
	// partialPrefix begins a file that is not yet a backup.
	partialPrefix = ".partial-"
	backupsDir    = "backups"
	// staleAfter is when such a leftover of a killed program is removed; by
	// then no other program can still be writing it.
	staleAfter = 24 * time.Hour
)

// notSaved says that a path in the service's folder is no part of a backup:
// databases with their journals, which are saved on their own, backups, notes for
// the audit log, and what is being prepared.
func notSaved(e fs.DirEntry) bool {
	name := e.Name()
	if e.IsDir() {
		return name == backupsDir || name == audit.NotesDir || strings.HasPrefix(name, stagePrefix)
	}
	return strings.Contains(name, ".db") || strings.HasPrefix(name, partialPrefix)
}

// copyFiles copies the service's files other than databases.
func copyFiles(ctx context.Context, from, to string) error {
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		if path != from && notSaved(e) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		err = copyRegular(path, filepath.Join(to, rel))
		if _, gone := os.Lstat(path); err != nil && errors.Is(gone, fs.ErrNotExist) {
			return nil // no row of the database, which was saved before, needs it
		}
		return err
	})
}

func copyRegular(from, to string) error {
	info, err := os.Stat(from) // a link to a key stands for the key
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return copyFile(from, to, info.Mode().Perm())
}

func copyFile(from, to string, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	return writeFile(to, mode, src)
}

// writeFile makes a new file of the mode with what src holds, synced.
func writeFile(to string, mode fs.FileMode, src io.Reader) error {
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err == nil {
		err = errors.Join(dst.Chmod(mode), dst.Sync())
	}
	return errors.Join(err, dst.Close())
}

// describe lists the files under content, with their sums, by name.
func describe(content string) (members []Member, err error) {
	err = filepath.WalkDir(content, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		m, err := describeFile(content, path)
		members = append(members, m)
		return err
	})
	return members, err
}

func describeFile(content, path string) (Member, error) {
	rel, err := filepath.Rel(content, path)
	if err != nil {
		return Member{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return Member{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return Member{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return Member{Name: filepath.ToSlash(rel), Size: n, SHA256: hex.EncodeToString(sum.Sum(nil)), Mode: info.Mode().Perm()}, err
}

// clearStale removes what a killed program left in the folder.
func clearStale(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // whoever needs the folder will say so
	}
	for _, e := range entries {
		leftover := strings.HasPrefix(e.Name(), stagePrefix) || strings.HasPrefix(e.Name(), partialPrefix)
		if info, err := e.Info(); err == nil && leftover && time.Since(info.ModTime()) > staleAfter {
			_ = os.RemoveAll(filepath.Join(dir, e.Name())) // it is tried again next time
		}
	}
}

// syncDir makes renames in the folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
