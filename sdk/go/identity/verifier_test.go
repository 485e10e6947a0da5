package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority publishes keys and signs with the last of them.
type authority struct {
	*httptest.Server
	mu    sync.Mutex
	now   time.Time
	keys  []ed25519.PrivateKey
	away  bool
	asked int
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{now: time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.asked++
		if a.away || r.URL.Path != "/oauth2/jwks" {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		var all []string
		for i, k := range a.keys {
			x := base64.RawURLEncoding.EncodeToString(k.Public().(ed25519.PublicKey))
			all = append(all, fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k%d","x":%q}`, i, x))
		}
		_, _ = fmt.Fprintf(w, `{"keys":[%s]}`, strings.Join(all, ","))
	}))
	t.Cleanup(a.Close)
	a.rotate(t)
	return a
}

func (a *authority) rotate(t testing.TB) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.set(func() { a.keys = append(a.keys, key) })
}

func (a *authority) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *authority) token(key int) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	claims, _ := json.Marshal(map[string]any{"iss": a.URL, "sub": "acc_1", "aud": []string{"https://app.example"}, "exp": a.now.Unix() + 600, "iat": a.now.Unix(), "jti": "j", "client_id": "app_1"})
	input := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"EdDSA","kid":"k%d","typ":"at+jwt"}`, key)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(a.keys[key], []byte(input)))
}

func TestVerifier(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	clock := func() time.Time { a.mu.Lock(); defer a.mu.Unlock(); return a.now }
	pass := func(d time.Duration) { a.set(func() { a.now = a.now.Add(d) }) }
	v := NewVerifier(VerifierOptions{Issuer: a.URL, Audience: "https://app.example", HTTP: a.Client(), Now: clock})
	expect := func(what string, key, asked int, want error) {
		t.Helper()
		c, err := v.Verify(t.Context(), a.token(key))
		if !errors.Is(err, want) || err == nil && c.Subject != "acc_1" {
			t.Errorf("%s: %v", what, err)
		}
		if a.mu.Lock(); a.asked != asked {
			t.Errorf("%s: asked %d times for the keys, wanted %d", what, a.asked, asked)
		}
		a.mu.Unlock()
	}
	expect("the first token", 0, 1, nil)
	expect("the next", 0, 1, nil)
	a.rotate(t)
	expect("a new key, at once", 1, 1, ErrKey)
	pass(keysAgain)
	expect("a new key", 1, 2, nil)
	a.set(func() { a.keys = a.keys[:1] })
	a.rotate(t) // another key under the same name
	expect("a key of a name that is known", 1, 2, ErrToken)
	pass(keysFor)
	expect("after a while", 1, 3, nil)
	a.set(func() { a.away = true })
	pass(keysFor)
	expect("identity is away", 1, 4, nil)
	expect("it is not asked at each token", 1, 4, nil)
	pass(keysMost)
	if _, err := v.Verify(t.Context(), a.token(1)); err == nil || errors.Is(err, ErrToken) {
		t.Errorf("identity is away for long: %v", err)
	}
	a.set(func() { a.away = false })
	expect("it is back", 1, 6, nil)
	other := NewVerifier(VerifierOptions{Issuer: a.URL, Audience: "https://other.example", HTTP: a.Client(), Now: clock})
	if _, err := other.Verify(t.Context(), a.token(1)); !errors.Is(err, ErrToken) {
		t.Errorf("for another audience: %v", err)
	}
}

func TestKeySets(t *testing.T) {
	t.Parallel()
	number := func(n int) string {
		return base64.RawURLEncoding.EncodeToString(append([]byte{0x80}, make([]byte, n-1)...))
	}
	good := `{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k","x":"` + number(32) + `"}`
	for text, fine := range map[string]bool{
		`{"keys":[` + good + `]}`: true,
		`{"keys":[{"kty":"oct","alg":"HS256","kid":"h","k":"AAAA"},` + good + `]}`:                                        true,
		`{"keys":[{"kty":"oct","alg":"HS256","kid":"h","k":"AAAA"}]}`:                                                     false,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k","x":"` + number(31) + `"}]}`:                       false,
		`{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","x":"` + number(32) + `"}]}`:                                 false,
		`{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"k","x":"AA","y":"AA"}]}`:                                 false,
		`{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"k","x":"` + number(32) + `","y":"` + number(32) + `"}]}`: false,
		`{"keys":[{"kty":"RSA","alg":"RS256","kid":"k","n":"` + number(128) + `","e":"AQAB"}]}`:                           false,
		`{"keys":[{"kty":"RSA","alg":"RS256","kid":"k","n":"` + number(256) + `","e":"AQAB"}]}`:                           true,
		`{"keys":[{"kty":"RSA","alg":"RS256","kid":"k","n":"` + number(256) + `","e":"AQ"}]}`:                             false,
		`{"keys":[]}`: false,
		`{}`:          false,
		`<html>`:      false,
	} {
		if _, err := ParseKeySet([]byte(text)); (err == nil) != fine {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	a := newAuthority(f)
	a.mu.Lock()
	key := a.keys[0]
	a.mu.Unlock()
	keys := &KeySet{byID: map[string]publicKey{"k0": {"EdDSA", key.Public()}}}
	good := a.token(0)
	f.Add(good)
	f.Add("a.b.c")
	f.Add(good[:40] + "\n" + good[40:])
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := keys.Open(token, TypeAccess); err == nil && token != good {
			t.Fatalf("accepted %q", token)
		}
	})
}
