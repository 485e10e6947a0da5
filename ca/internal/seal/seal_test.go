package seal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"guildhall/ca/internal/seal"
)

func TestSealOpensOnlyUnchangedUnderTheSameKeyAndName(t *testing.T) {
	t.Parallel()
	key, other := seal.NewKey(), seal.NewKey()
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed := key.Seal("issuing", plain)
		got, err := key.Open("issuing", sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("opened %x, %v", got, err)
		}
		if _, err := other.Open("issuing", sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("another key: %v", err)
		}
		if _, err := key.Open("status", sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("another name: %v", err)
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := key.Open("issuing", sealed); !errors.Is(err, seal.ErrOpen) {
			t.Fatalf("changed: %v", err)
		}
	})
}

func TestKeyText(t *testing.T) {
	t.Parallel()
	key := seal.NewKey()
	back, err := seal.ParseKey(" " + key.Text() + "\r\n")
	if err != nil || back != key || back.ID() != key.ID() {
		t.Fatalf("parsed another key: %v", err)
	}
	for _, bad := range []string{"", "x", key.Text()[3:], key.Text() + "AA", key.Text()[:20]} {
		if _, err := seal.ParseKey(bad); err == nil {
			t.Errorf("ParseKey accepted %d bytes of nonsense", len(bad))
		}
	}
}

func TestPassphrase(t *testing.T) {
	t.Parallel()
	phrase := seal.NewPassphrase()
	sealed, err := seal.WithPassphrase(phrase, "root", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := seal.OpenWithPassphrase(phrase, "root", sealed); err != nil || string(got) != "secret" {
		t.Fatalf("opened %q, %v", got, err)
	}
	if _, err := seal.OpenWithPassphrase(phrase+"x", "root", sealed); !errors.Is(err, seal.ErrOpen) {
		t.Fatalf("wrong passphrase: %v", err)
	}
	if _, err := seal.WithPassphrase("short", "root", nil); !errors.Is(err, seal.ErrShortPassphrase) {
		t.Fatalf("short passphrase: %v", err)
	}
}

func TestEnsureFileMakesOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "seal.key")
	if _, err := seal.ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("missing file: %v", err)
	}
	texts := make([]string, 16)
	made := make([]bool, len(texts))
	var wg sync.WaitGroup
	for i := range texts {
		wg.Go(func() {
			var err error
			if texts[i], made[i], err = seal.EnsureFile(path, seal.NewPassphrase); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	makers := 0
	for i := range texts {
		if texts[i] != texts[0] || texts[i] == "" {
			t.Fatalf("two processes read %q and %q", texts[0], texts[i])
		}
		if made[i] {
			makers++
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || makers != 1 {
		t.Fatalf("mode %v, %d makers, %v", info.Mode(), makers, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Fatalf("left behind: %v", left)
	}
}
