package dpop_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/dpop"
	"guildhall/identity/internal/oauth"
)

const endpoint = "https://identity.guild.example.test/oauth2/token"

var now = time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)

// once remembers what was presented.
type once struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

func (o *once) check(_ context.Context, key string, until time.Time) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, there := o.seen[key]; there {
		return false, nil
	}
	o.seen[key] = until
	return true, nil
}

func checker() *dpop.Checker {
	o := &once{seen: map[string]time.Time{}}
	return &dpop.Checker{Once: o.check, Now: func() time.Time { return now }}
}

// proof signs claims with the headers. A nil value leaves a claim out.
func proof(t testing.TB, algorithm string, key any, headers, claims map[string]any) string {
	t.Helper()
	all := map[string]any{"jti": rand.Text(), "htm": "POST", "htu": endpoint, "iat": now.Unix()}
	maps.Copy(all, claims)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	o := (&jose.SignerOptions{}).WithType("dpop+jwt")
	if signer, ok := key.(crypto.Signer); ok {
		o = o.WithHeader("jwk", jose.JSONWebKey{Key: signer.Public()})
	}
	for name, value := range headers {
		o = o.WithHeader(jose.HeaderKey(name), value)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	object, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func refused(t *testing.T, why string, err error) {
	t.Helper()
	var e *oauth.Error
	if !errors.As(err, &e) || e.Code != oauth.InvalidDPoPProof {
		t.Errorf("%s: %v", why, err)
	}
}

func TestProofsOfEachKind(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, key := range map[string]crypto.Signer{"ES256": ecKey(t), "EdDSA": edKey, "RS256": rsaKey, "PS256": rsaKey} {
		got, err := checker().Check(t.Context(), proof(t, algorithm, key, nil, nil), "POST", endpoint, "")
		if err != nil {
			t.Errorf("%s: %v", algorithm, err)
			continue
		}
		jwk := jose.JSONWebKey{Key: key.Public()}
		sum, err := jwk.Thumbprint(crypto.SHA256)
		if err != nil || got != base64.RawURLEncoding.EncodeToString(sum) {
			t.Errorf("%s: thumbprint %q, %v", algorithm, got, err)
		}
	}
}

// The numbers are those of the list in RFC 9449, 4.3.
func TestWhatIsNoProofOfThisRequest(t *testing.T) {
	t.Parallel()
	key, other := ecKey(t), ecKey(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	smallProof := proof(t, "RS256", small, nil, nil)
	sum := sha256.Sum256([]byte("another token"))
	swapped := strings.Split(proof(t, "ES256", key, nil, nil), ".")
	swapped[1] = strings.Split(proof(t, "ES256", key, nil, nil), ".")[1]
	for name, text := range map[string]string{
		"2: not a token":            "x",
		"2: two proofs in one":      proof(t, "ES256", key, nil, nil) + "," + proof(t, "ES256", key, nil, nil),
		"3: no jti":                 proof(t, "ES256", key, nil, map[string]any{"jti": nil}),
		"3: a long jti":             proof(t, "ES256", key, nil, map[string]any{"jti": strings.Repeat("x", 257)}),
		"3: jti is a number":        proof(t, "ES256", key, nil, map[string]any{"jti": 7}),
		"3: no htm":                 proof(t, "ES256", key, nil, map[string]any{"htm": nil}),
		"3: no htu":                 proof(t, "ES256", key, nil, map[string]any{"htu": nil}),
		"3: no iat":                 proof(t, "ES256", key, nil, map[string]any{"iat": nil}),
		"3: iat is text":            proof(t, "ES256", key, nil, map[string]any{"iat": "now"}),
		"3: iat beyond all times":   proof(t, "ES256", key, nil, map[string]any{"iat": 1e300}),
		"4: no typ":                 proof(t, "ES256", key, map[string]any{"typ": ""}, nil),
		"4: typ of another token":   proof(t, "ES256", key, map[string]any{"typ": "at+jwt"}, nil),
		"5: a shared secret":        proof(t, "HS256", []byte(strings.Repeat("k", 32)), map[string]any{"jwk": jose.JSONWebKey{Key: key.Public()}}, nil),
		"5: a small RSA key":        smallProof,
		"5: an algorithm of others": proof(t, "ES512", newP521(t), nil, nil),
		"6: no key":                 proof(t, "ES256", key, map[string]any{"jwk": nil}, nil),
		"6: another's key":          proof(t, "ES256", key, map[string]any{"jwk": jose.JSONWebKey{Key: other.Public()}}, nil),
		"6: a key of another curve": proof(t, "ES256", key, map[string]any{"jwk": jose.JSONWebKey{Key: p384.Public()}}, nil),
		"6: claims of another":      strings.Join(swapped, "."),
		"7: the private key":        proof(t, "ES256", key, map[string]any{"jwk": jose.JSONWebKey{Key: key}}, nil),
		"8: another method":         proof(t, "ES256", key, nil, map[string]any{"htm": "GET"}),
		"8: the method in small":    proof(t, "ES256", key, nil, map[string]any{"htm": "post"}),
		"9: another host":           proof(t, "ES256", key, nil, map[string]any{"htu": "https://evil.example/oauth2/token"}),
		"9: another path":           proof(t, "ES256", key, nil, map[string]any{"htu": endpoint + "/"}),
		"9: plain HTTP":             proof(t, "ES256", key, nil, map[string]any{"htu": strings.Replace(endpoint, "https", "http", 1)}),
		"9: the path alone":         proof(t, "ES256", key, nil, map[string]any{"htu": "/oauth2/token"}),
		"9: a user in it":           proof(t, "ES256", key, nil, map[string]any{"htu": strings.Replace(endpoint, "https://", "https://identity@", 1)}),
		"11: too old":               proof(t, "ES256", key, nil, map[string]any{"iat": now.Add(-dpop.Age - time.Second).Unix()}),
		"11: from the future":       proof(t, "ES256", key, nil, map[string]any{"iat": now.Add(dpop.Ahead + time.Second).Unix()}),
		"12: no ath":                proof(t, "ES256", key, nil, nil),
		"12: ath of another token":  proof(t, "ES256", key, nil, map[string]any{"ath": base64.RawURLEncoding.EncodeToString(sum[:])}),
		"too long":                  proof(t, "ES256", key, nil, map[string]any{"more": strings.Repeat("x", 9000)}),
		"a header not understood":   proof(t, "ES256", key, map[string]any{"crit": []string{"x"}, "x": 1}, nil),
	} {
		token := ""
		if strings.HasPrefix(name, "12") {
			token = "the token"
		}
		_, err := checker().Check(t.Context(), text, "POST", endpoint, token)
		refused(t, name, err)
	}
}

func newP521(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAddressesThatAreTheSame(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	for _, htu := range []string{endpoint, endpoint + "?a=b", endpoint + "#x", "HTTPS://Identity.Guild.Example.test:443/oauth2/token"} {
		if _, err := checker().Check(t.Context(), proof(t, "ES256", key, nil, map[string]any{"htu": htu}), "POST", endpoint, ""); err != nil {
			t.Errorf("%s: %v", htu, err)
		}
	}
}

func TestProofForAnAccessToken(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("the token"))
	text := proof(t, "ES256", ecKey(t), nil, map[string]any{"ath": base64.RawURLEncoding.EncodeToString(sum[:])})
	if _, err := checker().Check(t.Context(), text, "POST", endpoint, "the token"); err != nil {
		t.Error(err)
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	key, c := ecKey(t), checker()
	text := proof(t, "ES256", key, nil, nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for range 20 {
		wg.Go(func() {
			if _, err := c.Check(t.Context(), text, "POST", endpoint, ""); err == nil {
				mu.Lock()
				accepted++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if accepted != 1 {
		t.Errorf("a proof was accepted %d times", accepted)
	}
	// The id of another key's proof is no replay: nobody can use up another's ids.
	id := map[string]any{"jti": "same"}
	for _, k := range []*ecdsa.PrivateKey{key, ecKey(t)} {
		if _, err := c.Check(t.Context(), proof(t, "ES256", k, nil, id), "POST", endpoint, ""); err != nil {
			t.Error(err)
		}
	}
	_, err := c.Check(t.Context(), proof(t, "ES256", key, nil, id), "POST", endpoint, "")
	refused(t, "the same id in another proof", err)
}

// A proof is remembered for as long as it would be accepted.
func TestReplayAtTheLastMoment(t *testing.T) {
	t.Parallel()
	var until time.Time
	at := now
	c := &dpop.Checker{Now: func() time.Time { return at }, Once: func(_ context.Context, _ string, u time.Time) (bool, error) {
		until = u
		return true, nil
	}}
	text := proof(t, "ES256", ecKey(t), nil, map[string]any{"iat": now.Add(dpop.Ahead).Unix()})
	for ; ; at = at.Add(time.Second) {
		if _, err := c.Check(t.Context(), text, "POST", endpoint, ""); err != nil {
			break
		}
		if !until.After(at) {
			t.Fatalf("accepted at %s and forgotten at %s", at, until)
		}
	}
	if at.Sub(now) < dpop.Age {
		t.Errorf("refused after %s", at.Sub(now))
	}
}

func TestTroubleOfOursIsNoRefusal(t *testing.T) {
	t.Parallel()
	trouble := errors.New("the disk is full")
	c := &dpop.Checker{Now: func() time.Time { return now }, Once: func(context.Context, string, time.Time) (bool, error) { return false, trouble }}
	if _, err := c.Check(t.Context(), proof(t, "ES256", ecKey(t), nil, nil), "POST", endpoint, ""); !errors.Is(err, trouble) {
		t.Errorf("%v", err)
	}
}

func FuzzCheck(f *testing.F) {
	key := ecKey(f)
	f.Add(proof(f, "ES256", key, nil, nil), endpoint)
	f.Add(proof(f, "ES256", key, nil, map[string]any{"htu": "https://a.example:443?x"}), "https://a.example")
	f.Add("a.b.c", "")
	f.Fuzz(func(t *testing.T, text, target string) {
		c := checker()
		thumbprint, err := c.Check(t.Context(), text, "POST", target, "")
		if err != nil {
			if e, ours := oauth.AsError(err); ours {
				t.Fatalf("a failure of ours: %v", e)
			}
			return
		}
		if len(thumbprint) != 43 {
			t.Fatalf("thumbprint %q", thumbprint)
		}
		if _, err := c.Check(t.Context(), text, "POST", target, ""); err == nil {
			t.Fatal("accepted twice")
		}
	})
}
