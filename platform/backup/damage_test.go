package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"guildhall/platform/backup"
)

// TestDamageAtAnyByteIsRefused flips every bit pattern's worth of one bit in
// every byte, cuts the file at every length, and appends to it.
func TestDamageAtAnyByteIsRefused(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		recipient, identity := newKey(t)
		w.fill(t, "first")
		for _, file := range []string{w.create(t, ""), w.create(t, recipient)} {
			sound, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := backup.Inspect(file, identity); err != nil {
				t.Fatalf("the sound file: %v", err)
			}
			bad := filepath.Join(t.TempDir(), "bad.backup")
			refused := func(what string, at int, content []byte) {
				t.Helper()
				if err := os.WriteFile(bad, content, 0o600); err != nil {
					t.Fatal(err)
				}
				_, err := backup.Inspect(bad, identity)
				if !errors.Is(err, backup.ErrDamaged) && !errors.Is(err, backup.ErrEncrypted) {
					t.Errorf("%s at byte %d of %d: %v", what, at, len(sound), err)
				}
			}
			for i := range sound {
				changed := append([]byte(nil), sound...)
				changed[i] ^= 1 << (i % 8)
				refused("a flipped bit", i, changed)
			}
			for i := 0; i < len(sound); i += 7 {
				refused("an early end", i, sound[:i])
			}
			refused("an early end", len(sound)-1, sound[:len(sound)-1])
			refused("a byte too many", len(sound), append(append([]byte(nil), sound...), 0))
			refused("the file twice", len(sound), append(append([]byte(nil), sound...), sound...))
		}
	})
}

func TestADamagedFileChangesNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.fill(t, "first")
		file := w.create(t, "")
		sound, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		w.fill(t, "second")
		want := w.answers(t)
		for _, at := range []int{0, 20, 60, len(sound) / 2, len(sound) - 9, len(sound) - 1} {
			changed := append([]byte(nil), sound...)
			changed[at] ^= 0x40
			if err := os.WriteFile(file, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := backup.Restore(t.Context(), file, w.target(), true); !errors.Is(err, backup.ErrDamaged) {
				t.Errorf("byte %d: got %v", at, err)
			}
			if diff := cmp.Diff(want, w.answers(t)); diff != "" {
				t.Errorf("byte %d: something changed:\n%s", at, diff)
			}
		}
	})
}

// FuzzInspect: no file makes Inspect panic, hang or accept what Create did not
// write.
func FuzzInspect(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("age-encryption.org/v1\n-> X25519 x\n"))
	f.Add([]byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 36, 0, 'G', 'H', 32, 0})
	f.Fuzz(func(t *testing.T, content []byte) {
		file := filepath.Join(t.TempDir(), "x.backup")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := backup.Inspect(file, ""); err == nil {
			t.Errorf("accepted %+v", m)
		}
	})
}
