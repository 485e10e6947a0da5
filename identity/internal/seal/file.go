package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is the usual name of the key's file in the service's directory.
const File = "identity.key"

// Load reads the key in the file, which is made when it is not there. Of several
// processes that make it at once one wins, and all read its key. A file that
// others than its owner can read is refused.
func Load(path string) (Key, error) {
	key, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := create(path, NewKey().Text()); err != nil {
		return Key{}, err
	}
	return read(path)
}

func read(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Key{}, fmt.Errorf("the key file %s can be read by others (mode %04o): chmod 600 it, and think about who read it", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, err
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w; restore it from a backup, because what it sealed opens with nothing else", path, err)
	}
	return key, nil
}

// create makes the file with its whole text at once, or leaves the one that
// somebody else has made meanwhile.
func create(path, text string) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of a key: %w", err)
	}
	f, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("make a file for a key: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	// Unlike a rename, a link never replaces a file.
	if err := os.Link(f.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return fmt.Errorf("put a key in its place: %w", err)
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
