package jws_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/jws"
)

// sign makes a token of the claims.
func sign(t testing.TB, algorithm string, key any, claims string) string {
	t.Helper()
	if algorithm == "Ed25519" {
		return signEd25519(key, claims)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(algorithm), Key: key}, (&jose.SignerOptions{}).WithType("x+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	object, err := s.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	text, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signEd25519 signs under the name of RFC 9864, which the library does not know.
func signEd25519(key any, claims string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"Ed25519","typ":"x+jwt"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key.(ed25519.PrivateKey), []byte(text)))
}

func made[K any](t testing.TB) func(k K, err error) K {
	t.Helper()
	return func(k K, err error) K {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
}

func TestEachAlgorithmWithItsOwnKeysAlone(t *testing.T) {
	t.Parallel()
	ec := made[*ecdsa.PrivateKey](t)
	p256, p384 := ec(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), ec(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	rsaKey := made[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private := map[string]any{"ES256": p256, "ES384": p384, "EdDSA": edKey, "Ed25519": edKey, "PS256": rsaKey, "RS256": rsaKey}
	public := map[string]any{"ES256": &p256.PublicKey, "ES384": &p384.PublicKey, "EdDSA": edPublic, "Ed25519": edPublic, "PS256": &rsaKey.PublicKey, "RS256": &rsaKey.PublicKey}
	if len(private) != len(jws.Algorithms()) {
		t.Fatalf("not all of %v are tested", jws.Algorithms())
	}
	for _, algorithm := range jws.Algorithms() {
		text := sign(t, algorithm, private[algorithm], `{"n":7}`)
		token, err := jws.Parse(text)
		if err != nil || token.Type != "x+jwt" || token.Algorithm != algorithm {
			t.Fatalf("%s: %+v, %v", algorithm, token, err)
		}
		for _, other := range jws.Algorithms() {
			var into struct {
				N int `json:"n"`
			}
			err := token.Verify(public[other], &into)
			both := strings.HasSuffix(algorithm, "S256") && strings.HasSuffix(other, "S256") && algorithm != "ES256" && other != "ES256" // one key of RSA
			if fits := jws.Same(algorithm, other) || both; fits != (err == nil && into.N == 7) {
				t.Errorf("%s with a key of %s: %v", algorithm, other, err)
			}
		}
		if err := token.Verify(private[algorithm], &struct{}{}); err == nil {
			t.Errorf("%s: a private key passes for a public one", algorithm)
		}
	}
}

func TestAlgorithmConfusionIsRefused(t *testing.T) {
	t.Parallel()
	key := made[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	// The public key as a shared secret: the classic.
	if _, err := jws.Parse(sign(t, "HS256", der, `{}`)); err == nil {
		t.Error("HS256 is accepted")
	}
	for _, header := range []string{`{"alg":"none"}`, `{"alg":"None"}`, `{"alg":""}`, `{}`, `{"alg":"HS256"}`, `{"alg":["ES256"]}`, `{"alg":"ES256","alg":"none"}`,
		`{"alg":"RS256","crit":["exp"],"exp":1}`, `{"alg":"RS256","b64":false}`, `{"alg":"RS256","crit":["b64"],"b64":false}`, `{"alg":"RS1"}`} {
		text := base64.RawURLEncoding.EncodeToString([]byte(header)) + ".e30."
		if token, err := jws.Parse(text); err == nil && token.Verify(&key.PublicKey, &struct{}{}) == nil {
			t.Errorf("%s is accepted", header)
		}
	}
}

func TestKeysOutOfBounds(t *testing.T) {
	t.Parallel()
	p521 := made[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	small := made[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 1024))
	for name, key := range map[string]any{"P-521": &p521.PublicKey, "1024 bits": &small.PublicKey, "a secret": []byte(strings.Repeat("k", 64)), "nothing": nil} {
		for _, algorithm := range append(jws.Algorithms(), "HS256", "none", "") {
			if jws.Fits(algorithm, key) == nil {
				t.Errorf("%s fits %q", name, algorithm)
			}
		}
	}
}

func TestMalformedTokens(t *testing.T) {
	t.Parallel()
	key := made[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	good := sign(t, "ES256", key, `{"a":"b"}`)
	parts := strings.Split(good, ".")
	for name, text := range map[string]string{
		"empty": "", "two parts": parts[0] + "." + parts[1], "four parts": good + ".x", "a line break": parts[0] + ".\n" + parts[1] + "." + parts[2],
		"long": good + strings.Repeat("A", jws.MaxBytes), "JSON": fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		"padding": parts[0] + "==." + parts[1] + "." + parts[2],
	} {
		if _, err := jws.Parse(text); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, changed := range []func(parts []string){
		func(parts []string) { parts[1] = "e30" },
		func(parts []string) { parts[2] = "" },
		func(parts []string) { parts[2] = parts[2][:40] },
	} {
		parts := strings.Split(signEd25519(edKey, `{"a":"b"}`), ".")
		changed(parts)
		token, err := jws.Parse(strings.Join(parts, "."))
		if err == nil && token.Verify(edKey.Public(), &struct{}{}) == nil {
			t.Errorf("Ed25519: %v passes", parts)
		}
	}
	other := strings.Split(sign(t, "ES256", key, `{"a":"c"}`), ".")
	token, err := jws.Parse(parts[0] + "." + other[1] + "." + parts[2])
	if err != nil {
		t.Fatal(err)
	}
	if token.Verify(&key.PublicKey, &struct{}{}) == nil {
		t.Error("claims of another token pass")
	}
	for _, claims := range []string{`{"a":"b","a":"c"}`, `[]`, `7`, `{"a":"b"} x`, ``} {
		token, err := jws.Parse(sign(t, "ES256", key, claims))
		if err != nil {
			continue // an empty payload is none
		}
		var into struct {
			A string `json:"a"`
		}
		if token.Verify(&key.PublicKey, &into) == nil {
			t.Errorf("claims %s are accepted", claims)
		}
	}
	var into struct {
		A string `json:"a"`
	}
	token, err = jws.Parse(sign(t, "ES256", key, `{"A":"b"}`))
	if err != nil || token.Verify(&key.PublicKey, &into) != nil || into.A != "" {
		t.Errorf("names are matched without regard to case: %q, %v", into.A, err)
	}
}

func FuzzParse(f *testing.F) {
	key := made[*ecdsa.PrivateKey](f)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	f.Add(sign(f, "ES256", key, `{"a":"b"}`))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	stranger := made[*ecdsa.PrivateKey](f)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	f.Fuzz(func(t *testing.T, text string) {
		token, err := jws.Parse(text)
		if err != nil {
			return
		}
		var into map[string]any
		if token.Verify(&stranger.PublicKey, &into) == nil {
			t.Fatalf("%q is signed by a key that signed nothing", text)
		}
	})
}
