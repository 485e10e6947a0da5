package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"guildhall/platform/fault"
)

// Errors of secret files. What they say names the file.
var (
	// ErrReadable says that others than its owner can read a secret file.
	ErrReadable = fault.New(fault.Invalid, "secret_file_readable", "Others can read the secret file.")
	// ErrWrongKey says that a file holds no key, or one for another use.
	ErrWrongKey = fault.New(fault.Invalid, "key_file_wrong", "The file does not hold the key.")
)

// Load reads the key for the use in the file, which is made when it is not
// there; see EnsureFile. The error is ErrWrongKey when the file holds something
// else.
func Load(path, use string) (Key, error) {
	text, err := EnsureFile(path, func() string { return NewKey(use).Text() })
	if err != nil {
		return Key{}, err
	}
	key, err := ParseKey(text, use)
	if err != nil {
		return Key{}, fault.New(ErrWrongKey.Kind, ErrWrongKey.Code,
			"%s: %w. Restore the right file from a backup, because what its key sealed opens with nothing else.", path, err)
	}
	return key, nil
}

// EnsureFile is the secret text in a file that is made, with what makes returns,
// when it is not there. Of several processes that make it at once one wins, and
// all read its text. The file is on the disk when EnsureFile returns.
func EnsureFile(path string, makes func() string) (string, error) {
	text, err := ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if err := create(path, makes()); err != nil {
		return "", err
	}
	return ReadFile(path)
}

// ReadFile is the secret text in a file, without surrounding white space. A
// missing file is fs.ErrNotExist, one that others than its owner can read
// ErrReadable.
func ReadFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fault.New(ErrReadable.Kind, ErrReadable.Code,
			"Others can read the secret file %s (mode %04o). Run chmod 600 on it, and think about who read it.", path, mode)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

// create makes the file with its whole text at once, or leaves the one that
// somebody else has made meanwhile.
func create(path, text string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of a secret: %w", err)
	}
	f, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("make a file for a secret: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write a secret: %w", err)
	}
	// Unlike a rename, a link never replaces a file.
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("put a secret in its place: %w", err)
	}
	return syncFolder(folder)
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
