package seal_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"guildhall/platform/fault"
	"guildhall/platform/seal"
)

func TestLoadMakesOneKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "deep", "identity.key")
	if _, err := seal.ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("missing file: %v", err)
	}
	keys := make([]seal.Key, 16)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			var err error
			if keys[i], err = seal.Load(path, "identity"); err != nil {
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

func TestEnsureFileMakesOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	texts, made := make([]string, 16), make([]string, 16)
	var wg sync.WaitGroup
	for i := range texts {
		made[i] = strings.Repeat(string(rune('a'+i)), 100)
		wg.Go(func() {
			var err error
			if texts[i], err = seal.EnsureFile(path, func() string { return made[i] }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	winner := texts[0]
	for i := range texts {
		if texts[i] != winner {
			t.Fatalf("two processes read %q and %q", winner, texts[i])
		}
	}
	if !strings.Contains(strings.Join(made, " "), winner) || len(winner) != 100 {
		t.Fatalf("nobody made %q", winner)
	}
	again, err := seal.EnsureFile(path, func() string { t.Error("made again"); return "" })
	if err != nil || again != winner {
		t.Fatalf("later it reads %q, %v", again, err)
	}
}

func TestLoadRefusesDamageStrangersAndOpenFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := seal.NewKey("identity").Text()
	for name, file := range map[string]struct {
		text string
		mode os.FileMode
		is   error
		says string
	}{
		"damaged":         {secret[:50], 0o600, seal.ErrWrongKey, "backup"},
		"empty":           {"", 0o600, seal.ErrWrongKey, "backup"},
		"of another use":  {seal.NewKey("mail").Text(), 0o600, seal.ErrWrongKey, "a key for mail and not for identity"},
		"readable":        {secret, 0o644, seal.ErrReadable, "chmod 600"},
		"of the group":    {secret, 0o640, seal.ErrReadable, "mode 0640"},
		"open to writers": {secret, 0o602, seal.ErrReadable, "mode 0602"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(file.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, file.mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
		_, err := seal.Load(path, "identity")
		if !errors.Is(err, file.is) || !strings.Contains(err.Error(), file.says) || !strings.Contains(err.Error(), path) ||
			strings.Contains(err.Error(), secret[30:45]) || fault.As(err).Kind != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != file.text {
			t.Errorf("%s: the file was changed to %q, %v", name, text, err)
		}
	}
}
