package seal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"guildhall/identity/internal/seal"
)

func TestSealOpensOnlyUnchangedUnderTheSameKeyAndName(t *testing.T) {
	t.Parallel()
	key, other := seal.NewKey(), seal.NewKey()
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed := key.Seal("totp/usr_1", plain)
		got, err := key.Open("totp/usr_1", sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %x, %v", got, err)
		}
		if _, err := other.Open("totp/usr_1", sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("another key: %v", err)
		}
		if _, err := key.Open("totp/usr_2", sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("another name: %v", err)
		}
		cut := sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "length")]
		if _, err := key.Open("totp/usr_1", cut); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("cut: %v", err)
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := key.Open("totp/usr_1", sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("changed: %v", err)
		}
	})
}

func TestDerivedKeysDiffer(t *testing.T) {
	t.Parallel()
	key := seal.NewKey()
	if len(key.Derive("audit")) != 32 || !bytes.Equal(key.Derive("audit"), key.Derive("audit")) {
		t.Error("a derived key is not what it was")
	}
	if bytes.Equal(key.Derive("audit"), key.Derive("codes")) || bytes.Equal(key.Derive("audit"), seal.NewKey().Derive("audit")) {
		t.Error("two uses or two keys have one derived key")
	}
}

func TestKeyText(t *testing.T) {
	t.Parallel()
	key := seal.NewKey()
	back, err := seal.ParseKey(" " + key.Text() + "\r\n")
	if err != nil || back != key || back.ID() != key.ID() {
		t.Fatalf("parsed another key: %v", err)
	}
	for _, bad := range []string{"", "x", key.Text()[3:], key.Text() + "AA", key.Text()[:40]} {
		if _, err := seal.ParseKey(bad); err == nil {
			t.Errorf("ParseKey accepted %d bytes of nonsense", len(bad))
		}
	}
}

func TestLoadMakesOneKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", seal.File)
	keys := make([]seal.Key, 16)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = seal.Load(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k != keys[0] || k == (seal.Key{}) {
			t.Fatal("two processes read different keys")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Fatalf("left behind: %v", left)
	}
}

func TestLoadRefusesDamageAndOpenFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := seal.NewKey().Text()
	for name, file := range map[string]struct {
		text string
		mode os.FileMode
		says string
	}{
		"damaged":  {secret[:50], 0o600, "backup"},
		"empty":    {"", 0o600, "backup"},
		"readable": {secret, 0o644, "chmod 600"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(file.text), file.mode); err != nil {
			t.Fatal(err)
		}
		_, err := seal.Load(path)
		if err == nil || !strings.Contains(err.Error(), file.says) || strings.Contains(err.Error(), secret[25:45]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
