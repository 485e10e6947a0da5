package audit

import (
	"crypto/ed25519"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"guildhall/platform/fault"
)

// TestAnotherKey: a process that was given the key file of another installation says
// so, and goes on with nothing; a head that was changed is no matter of keys.
func TestAnotherKey(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.append(3)
		for _, name := range []string{"test.example/audit", "other.example/audit"} {
			stranger, err := New(Options{DB: w.db, Name: name, Key: ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32))), Now: w.clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			if err := stranger.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, headErr := stranger.Head(t.Context())
			for what, err := range map[string]error{"check": stranger.Check(t.Context()), "head": headErr,
				"append": w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
					return stranger.Append(t.Context(), tx, Entry{Actor: "adm_1", Action: "thing.made", Subject: "thing"})
				})} {
				if !errors.Is(err, ErrOtherKey) || !errors.Is(err, ErrDamaged) || !strings.Contains(fault.As(err).Detail, "license.key") {
					t.Errorf("%s as %s: %v", what, name, err)
				}
			}
		}
		if err := w.log.Check(t.Context()); err != nil {
			t.Errorf("with the right key: %v", err)
		}
		w.exec(`UPDATE audit_head SET note = replace(note, 'audit', 'tidua')`)
		if err := w.log.Check(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("a changed head: %v", err)
		}
		w.exec(`UPDATE audit_head SET note = 'nothing'`)
		if err := w.log.Check(t.Context()); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrOtherKey) {
			t.Errorf("a head that is none: %v", err)
		}
	})
}
