package license

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"guildhall/sdk/go/license/sealed"
)

const (
	stateVersion = 1
	maxState     = 4 << 20 // bytes
	// remedy is for a file that is of no use: the server knows the card's installation.
	remedy = "restore it, or remove it, have the card unbound and activate again"
)

// state is what an installation keeps.
type state struct {
	V int `json:"v"`
	// Sign is the seed of the device key (Ed25519), Seal the key that handshake keys are
	// sealed to (X25519).
	Sign []byte `json:"sign"`
	Seal []byte `json:"seal"`
	Card string `json:"card,omitempty"`
	// Configuration is the newest signed text, and Serial the highest that was ever seen.
	Configuration string `json:"configuration,omitempty"`
	Serial        uint64 `json:"serial,omitempty"`
	// PSK are shared keys that the server told, and Using the id of the one to use.
	PSK   []SharedKey `json:"psk,omitempty"`
	Using string      `json:"using,omitempty"`
	// Last is the last answer that let the program run, Opens the last ones of "open" by
	// the handshake key that was asked for. The keys in them are sealed to Seal.
	Last  *sealed.Receipt           `json:"last,omitempty"`
	Opens map[string]sealed.Receipt `json:"opens,omitempty"`
	// Seen is the latest time that was noticed since Last, in milliseconds since 1970, and
	// Offset how many of them the server's clock shows more than this machine's.
	Seen   int64 `json:"seen,omitempty"`
	Offset int64 `json:"offset_ms,omitempty"`
}

func (s state) signer() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(s.Sign) }

func (s state) opener() (*ecdh.PrivateKey, error) { return ecdh.X25519().NewPrivateKey(s.Seal) }

// unseal opens what was sealed to this installation for a purpose, which info names.
func (s state) unseal(info, aad string, enc, text []byte) ([]byte, error) {
	private, err := s.opener()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	own, err := hpke.NewDHKEMPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrState, err)
	}
	recipient, err := hpke.NewRecipient(enc, own, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	plain, err := recipient.Open([]byte(aad), text)
	if err != nil {
		return nil, fmt.Errorf("%w: it was sealed to another installation: %w", ErrAnswer, err)
	}
	return plain, nil
}

// device are the public halves.
func (s state) device() *Device {
	d := &Device{Sign: s.signer().Public().(ed25519.PublicKey)}
	if key, err := s.opener(); err == nil { // load has checked it
		d.Seal = key.PublicKey().Bytes()
	}
	return d
}

// stateFile is where it is kept.
type stateFile struct{ path string }

func newStateFile(dir, product string) stateFile {
	return stateFile{filepath.Join(dir, url.PathEscape(product)+".licence.json")}
}

// load reads the state, which is made when there is none. Of several processes that make
// it at once one wins.
func (f stateFile) load() (state, error) {
	s, err := f.read()
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if _, err := os.Stat(filepath.Dir(f.path)); err != nil {
		return s, fmt.Errorf("%w: its directory: %w", ErrState, err)
	}
	fresh, err := newState()
	if err != nil {
		return state{}, fmt.Errorf("%w: %w", ErrState, err)
	}
	err = f.write(fresh, func(from string) error { return os.Link(from, f.path) })
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return state{}, err
	}
	return f.read()
}

func newState() (state, error) {
	sign := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(sign) // never fails: it ends the process instead
	seal, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return state{}, err
	}
	return state{V: stateVersion, Sign: sign, Seal: seal.Bytes()}, nil
}

func (f stateFile) read() (s state, err error) {
	file, err := os.Open(f.path)
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrState, err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrState, err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return s, fmt.Errorf("%w: others can read %s (mode %04o); if nobody did, chmod 600 it, else %s", ErrState, f.path, mode, remedy)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxState))
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrState, err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return state{}, fmt.Errorf("%w: %s: %w; %s", ErrState, f.path, err, remedy)
	}
	if s.V != stateVersion {
		return state{}, fmt.Errorf("%w: %s has version %d; this program knows %d", ErrState, f.path, s.V, stateVersion)
	}
	if _, err := s.opener(); err != nil || len(s.Sign) != ed25519.SeedSize {
		return state{}, fmt.Errorf("%w: %s lacks its keys; %s", ErrState, f.path, remedy)
	}
	return s, nil
}

// save replaces the file as a whole.
func (f stateFile) save(s state) error {
	return f.write(s, func(from string) error { return os.Rename(from, f.path) })
}

// write writes the state to a file of its own, readable by its owner alone, and has it
// put in place.
func (f stateFile) write(s state, place func(from string) error) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.Write(text)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if err := place(temporary.Name()); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	return nil
}
