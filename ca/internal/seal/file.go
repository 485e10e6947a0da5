package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ReadFile is the secret text in a file, without surrounding white space. A
// missing file is fs.ErrNotExist.
func ReadFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

// EnsureFile is the secret text in a file that is made, with what makes returns,
// when it is not there. Of several processes that make it at once one wins, and
// all read its text. The file is on the disk when EnsureFile returns.
func EnsureFile(path string, makes func() string) (text string, made bool, err error) {
	if text, err = ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
		return text, false, err
	}
	made, err = create(path, makes())
	if err != nil {
		return "", false, err
	}
	text, err = ReadFile(path)
	return text, made, err
}

// create makes the file with its whole text at once, or leaves the one that
// somebody else has made meanwhile.
func create(path, text string) (made bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return false, fmt.Errorf("make the folder of a secret: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return false, fmt.Errorf("make a file for a secret: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return false, fmt.Errorf("write a secret: %w", err)
	}
	// Unlike a rename, a link never replaces a file.
	switch err := os.Link(f.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("put a secret in its place: %w", err)
	}
	return true, syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
