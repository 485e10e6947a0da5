package session

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/id"
)

// Credential is one entry of the break-glass file. The secret itself is never
// stored: only its SHA-256, which is enough because the secret is random.
type Credential struct {
	ID      string    `json:"id"`
	Kind    Kind      `json:"kind"`
	Name    string    `json:"name"`
	Hash    string    `json:"hash"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Host is the one host that a ticket or a browser's session is for: a service's
	// name, empty for the portal.
	Host string `json:"host,omitempty"`
	// Root is the id of the browser's first session, of a ticket and of the sessions
	// at further hosts: with it they end.
	Root string `json:"root,omitempty"`
}

// root is the id of the first of the sessions that c belongs to.
func (c Credential) root() string { return cmp.Or(c.Root, c.ID) }

// principal is who the holder of the secret is.
func (c Credential) principal() Principal {
	return Principal{ID: "break-glass:" + c.root(), Name: c.Name, Roles: []string{Everything}, SessionID: c.ID}
}

func (b *BreakGlass) newCredential(kind Kind, name string, life time.Duration) (c Credential, secret string) {
	secret = "ghb_" + rand.Text()
	now := b.now().UTC().Truncate(time.Second)
	return Credential{ID: id.New("bgc"), Kind: kind, Name: name, Hash: hash(secret), Created: now, Expires: now.Add(life)}, secret
}

func (b *BreakGlass) load() error {
	text, err := os.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read break-glass credentials: %w", err)
	}
	if err := json.Unmarshal(text, &b.list); err != nil {
		return fault.New(fault.Invalid, "credentials_damaged", "The file of links, sessions and tokens %s is damaged: %w. Remove it, which ends them all.", b.path, err)
	}
	return nil
}

// find compares hashes of random secrets, so its timing tells nothing.
func (b *BreakGlass) find(kind Kind, secret string) (Credential, bool) {
	if !strings.HasPrefix(secret, "ghb_") {
		return Credential{}, false
	}
	h := hash(secret)
	for _, c := range b.list {
		if c.Kind == kind && c.Hash == h && b.now().Before(c.Expires) {
			return c, true
		}
	}
	return Credential{}, false
}

// byID is the live session of a browser with the id.
func (b *BreakGlass) byID(id string) (Credential, bool) {
	for _, c := range b.list {
		if c.ID == id && c.Kind == Browser && b.now().Before(c.Expires) {
			return c, true
		}
	}
	return Credential{}, false
}

// live is a copy of the list without what has expired.
func (b *BreakGlass) live() []Credential {
	now := b.now()
	return slices.DeleteFunc(slices.Clone(b.list), func(c Credential) bool { return !now.Before(c.Expires) })
}

func (b *BreakGlass) add(c Credential) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.save(append(b.live(), c))
}

// remove takes out what is chosen, at once and whatever happens to the file; the
// error is ErrNoCredential when nothing is.
func (b *BreakGlass) remove(which func(Credential) bool) (removed []Credential, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rest := []Credential{}
	for _, c := range b.live() {
		if which(c) {
			removed = append(removed, c)
		} else {
			rest = append(rest, c)
		}
	}
	if len(removed) == 0 {
		return nil, ErrNoCredential
	}
	b.list = rest
	if b.save(rest) == nil {
		return removed, nil
	}
	if err := b.overwrite(rest); err != nil {
		return removed, fault.New(fault.Unavailable, "credentials_not_saved",
			"It opens nothing any more, until the next start: the file %s cannot be written: %w. Remove the file before the next start, which ends all links, sessions and tokens.", b.path, err)
	}
	return removed, nil
}

// save makes the list the file's and then the process's; on an error neither
// changes.
func (b *BreakGlass) save(list []Credential) error {
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("encode break-glass credentials: %w", err)
	}
	if err := writeFile(b.path, text); err != nil {
		return fmt.Errorf("save break-glass credentials: %w", diskFull(err, b.path))
	}
	b.list = list
	return nil
}

// writeFile replaces the file at path atomically and durably.
func writeFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when the rename succeeded
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// overwrite writes a shorter list over the file itself, for which a full disk has
// room. A crash meanwhile damages the file, and a damaged one opens nothing.
func (b *BreakGlass) overwrite(list []Credential) error {
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(b.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		blank := max(int(info.Size())-len(text), 0)
		_, err = f.WriteAt(append(text, bytes.Repeat([]byte(" "), blank)...), 0)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

func diskFull(err error, path string) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return fault.New(fault.Unavailable, "disk_full", "The disk of %s is full. Nothing was changed. Free some space and try again.", path).Because(err)
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
