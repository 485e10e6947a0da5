package ca_test

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"guildhall/sdk/go/ca"
)

const tokenID = "jtk_06a4m8w3j5t2n7q1c9v0xkzgde"

func newToken(t testing.TB) ca.JoinToken {
	t.Helper()
	token, err := ca.NewJoinToken(tokenID, rand.Text(), sha256.Sum256([]byte("root")))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestJoinTokenReadsBack(t *testing.T) {
	t.Parallel()
	token := newToken(t)
	back, err := ca.ParseJoinToken(" " + token.Text() + "\n")
	if err != nil || back != token || !back.Matches(token.Hash()) {
		t.Fatalf("read back %v, %v", back, err)
	}
	if !back.Trusts([]byte("root")) || back.Trusts([]byte("another root")) {
		t.Fatal("the token does not know its root")
	}
	if newToken(t).Matches(token.Hash()) {
		t.Fatal("another secret matches")
	}
}

func TestJoinTokenHidesItsSecret(t *testing.T) {
	t.Parallel()
	token := newToken(t)
	secret := strings.Split(token.Text(), ".")[2]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if shown := fmt.Sprintf(verb, token); strings.Contains(shown, secret) {
			t.Errorf("%s shows the secret: %s", verb, shown)
		}
	}
}

func TestParseJoinTokenRefuses(t *testing.T) {
	t.Parallel()
	good := newToken(t).Text()
	for _, bad := range []string{"", "ghj1", good + ".x", good[1:], good[:len(good)-1], strings.ToUpper(good),
		strings.Replace(good, "jtk_", "tok_", 1), strings.Replace(good, ".", "..", 1)} {
		if _, err := ca.ParseJoinToken(bad); !errors.Is(err, ca.ErrJoinToken) {
			t.Errorf("accepted %q", bad)
		}
	}
}

func FuzzParseJoinToken(f *testing.F) {
	f.Add(newToken(f).Text())
	f.Add("ghj1.jtk_.." + strings.Repeat("0", 64))
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ca.ParseJoinToken(text)
		if err != nil {
			if strings.Contains(err.Error(), text) && len(text) > 4 {
				t.Fatalf("the error repeats the text %q", text)
			}
			return
		}
		if token.Text() != strings.TrimSpace(text) {
			t.Fatalf("%q reads back as %q", text, token.Text())
		}
	})
}
