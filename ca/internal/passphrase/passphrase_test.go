package passphrase_test

import (
	"bytes"
	"errors"
	"testing"

	"guildhall/ca/internal/passphrase"
	"guildhall/platform/seal"
)

func TestPassphrase(t *testing.T) {
	t.Parallel()
	phrase := passphrase.New()
	if again := passphrase.New(); again == phrase || len(phrase) < passphrase.MinLen {
		t.Fatalf("%d characters, another of %d", len(phrase), len(again))
	}
	sealed, err := passphrase.Seal(phrase, "root", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := passphrase.Open(phrase, "root", sealed); err != nil || string(got) != "secret" {
		t.Fatalf("opened %q, %v", got, err)
	}
	salted := bytes.Clone(sealed)
	salted[0] ^= 1
	for what, c := range map[string]struct {
		phrase, name string
		sealed       []byte
	}{
		"wrong passphrase": {phrase + "x", "root", sealed},
		"another name":     {phrase, "issuing", sealed},
		"another salt":     {phrase, "root", salted},
		"half a salt":      {phrase, "root", sealed[:8]},
		"the salt alone":   {phrase, "root", sealed[:16]},
	} {
		if _, err := passphrase.Open(c.phrase, c.name, c.sealed); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := passphrase.Seal("short", "root", nil); !errors.Is(err, passphrase.ErrShort) {
		t.Fatalf("short passphrase: %v", err)
	}
}
