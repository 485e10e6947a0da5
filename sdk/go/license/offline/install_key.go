package offline

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// installKeyText begins the file of an install key.
const installKeyText = "guildhall-install-key:"

// InstallKey is the X25519 key of one machine. It is made there and never leaves it;
// the licence's confidential part is sealed to it.
type InstallKey struct{ private *ecdh.PrivateKey }

// LoadInstallKey reads the key in the file, which is made, readable by its owner
// alone, when it is not there. Of several processes that make it at once one wins.
func LoadInstallKey(path string) (*InstallKey, error) {
	key, err := readInstallKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeInstallKey(path); err != nil {
		return nil, fmt.Errorf("make the install key: %w", err)
	}
	return readInstallKey(path)
}

// Public is the key's public half for the request, base64url.
func (k *InstallKey) Public() string {
	return encode(k.private.PublicKey().Bytes())
}

func readInstallKey(path string) (*InstallKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the install key: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the install key: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return nil, fmt.Errorf("read the install key: %w", err)
	}
	if other := otherFile(text); other != "" && !bytes.HasPrefix(text, []byte(installKeyText)) {
		return nil, refuse(KeyFile, "%s holds %s, and no install key. Name the file that \"guildhall license request\" made on this machine.", path, other)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, refuse(KeyFile, "%s: others can read the install key (mode %04o). If nobody did: chmod 600 %[1]s. Otherwise remove it and ask for a new licence.", path, mode)
	}
	return parseInstallKey(string(text), path)
}

func parseInstallKey(text, path string) (*InstallKey, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), installKeyText)
	raw, err := decode(body)
	if !ok || err != nil {
		return nil, refuse(KeyFile, "%s does not hold an install key. Restore the file from a backup; without it the licence's confidential part opens no more.", path)
	}
	private, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil {
		return nil, refuse(KeyFile, "%s holds an install key of %d bytes instead of 32. Restore the file from a backup.", path, len(raw))
	}
	return &InstallKey{private}, nil
}

// makeInstallKey writes the whole file under another name first, so that nobody ever
// reads half a key.
func makeInstallKey(path string) error {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(installKeyText + encode(private.Bytes()) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
