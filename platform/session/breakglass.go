package session

import (
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
	"sync"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/id"
)

// Kind says what a break-glass credential opens.
type Kind string

// The kinds of credential.
const (
	Link    Kind = "link"    // opens the pages once, and becomes a Browser credential
	Browser Kind = "browser" // the cookie of one browser
	Token   Kind = "token"   // the bearer token of the API
)

// Lifetimes.
const (
	LinkLife    = 15 * time.Minute
	BrowserLife = 8 * time.Hour
)

// Errors of BreakGlass.
var (
	ErrDisabled = fault.New(fault.Forbidden, "break_glass_disabled",
		"Break-glass access is turned off by admin.break_glass in the configuration.")
	ErrLinkSpent = fault.New(fault.Gone, "link_spent",
		"This link was used already or is older than 15 minutes. Make a new one with \"guildhall admin link\".")
	ErrNoCredential = fault.New(fault.NotFound, "no_such_credential", "There is no live link, session or token with this id. \"guildhall admin list\" shows those that there are.")
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
}

// BreakGlass keeps the credentials in one small file, readable by the owner
// alone, and rewrites it atomically at each change. One process at a time uses
// a data directory, so memory and file agree.
type BreakGlass struct {
	path    string
	now     func() time.Time
	enabled bool

	mu   sync.Mutex
	list []Credential
}

// OpenBreakGlass reads the file at path; a missing file is an empty one.
func OpenBreakGlass(path string, enabled bool, now func() time.Time) (*BreakGlass, error) {
	b := &BreakGlass{path: path, now: now, enabled: enabled}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read break-glass credentials: %w", err)
	}
	if err := json.Unmarshal(text, &b.list); err != nil {
		return nil, fault.New(fault.Invalid, "credentials_damaged", "The file of links, sessions and tokens %s is damaged: %w. Remove it, which ends them all.", path, err)
	}
	return b, nil
}

// Issue makes a credential and returns its secret, which is shown once.
// A life of zero is the kind's own; tokens need one.
func (b *BreakGlass) Issue(kind Kind, name string, life time.Duration) (Credential, string, error) {
	if !b.enabled {
		return Credential{}, "", ErrDisabled
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.issue(kind, name, life)
}

func (b *BreakGlass) issue(kind Kind, name string, life time.Duration) (Credential, string, error) {
	secret := "ghb_" + rand.Text()
	now := b.now().UTC().Truncate(time.Second)
	c := Credential{ID: id.New("bgc"), Kind: kind, Name: name, Hash: hash(secret), Created: now, Expires: now.Add(life)}
	if err := b.save(append(b.live(), c)); err != nil {
		return Credential{}, "", err
	}
	return c, secret, nil
}

// Redeem turns the secret of a link into that of a browser session; the link
// is spent. The error is ErrDisabled or ErrLinkSpent.
func (b *BreakGlass) Redeem(link string) (Credential, string, error) {
	if !b.enabled {
		return Credential{}, "", ErrDisabled
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.find(Link, link)
	if !ok {
		return Credential{}, "", ErrLinkSpent
	}
	b.list = slices.DeleteFunc(b.list, func(x Credential) bool { return x.ID == c.ID })
	return b.issue(Browser, c.Name, BrowserLife)
}

// Identify returns the principal of a secret of the kind, if it is live.
func (b *BreakGlass) Identify(kind Kind, secret string) (Principal, bool) {
	if !b.enabled {
		return Principal{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.find(kind, secret)
	if !ok {
		return Principal{}, false
	}
	return Principal{ID: "break-glass:" + c.ID, Name: c.Name, Roles: []string{Everything}, SessionID: c.ID}, true
}

// List returns the live credentials, oldest first.
func (b *BreakGlass) List() []Credential {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.live()
}

// End withdraws a credential; the error is ErrNoCredential.
func (b *BreakGlass) End(credentialID string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	rest := slices.DeleteFunc(b.live(), func(c Credential) bool { return c.ID == credentialID })
	if len(rest) == len(b.live()) {
		return ErrNoCredential
	}
	return b.save(rest)
}

// EndAll withdraws every link, session and token.
func (b *BreakGlass) EndAll() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.save(nil)
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

// live is a copy of the list without what has expired.
func (b *BreakGlass) live() []Credential {
	now := b.now()
	return slices.DeleteFunc(slices.Clone(b.list), func(c Credential) bool { return !now.Before(c.Expires) })
}

func (b *BreakGlass) save(list []Credential) error {
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("encode break-glass credentials: %w", err)
	}
	if err := writeFile(b.path, text); err != nil {
		return fmt.Errorf("save break-glass credentials: %w", err)
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

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
