package signing_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/signing"
)

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func unb64(t testing.TB, text string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	must(t, err)
	return string(raw)
}

func hs256(secret []byte, header, payload string) string {
	input := b64(header) + "." + b64(payload)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// signed is a token of a stranger's key that claims to be of ours.
func signed(t testing.TB, kid string, o *jose.SignerOptions) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, o)
	must(t, err)
	jws, err := s.Sign([]byte(`{"sub":"usr_2"}`))
	must(t, err)
	token, err := jws.CompactSerialize()
	must(t, err)
	return token
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	w := started(t)
	keys := map[string]jose.JSONWebKey{}
	for _, k := range set(t, w.Desk).Keys {
		keys[k.Algorithm] = k
	}
	kid := keys["ES256"].KeyID
	jwk, err := keys["RS256"].MarshalJSON()
	must(t, err)
	der, err := x509.MarshalPKIXPublicKey(keys["RS256"].Key)
	must(t, err)
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})

	right := strings.Split(sign(t, w.Desk, "ES256"), ".")
	header, payload, signature := right[0], right[1], right[2]
	confuse := fmt.Sprintf(`{"alg":"HS256","kid":%q,"typ":"at+jwt"}`, keys["RS256"].KeyID)
	claims := `{"sub":"usr_2"}`
	for name, token := range map[string]string{
		"empty":                       "",
		"dots":                        "..",
		"one part":                    header,
		"two parts":                   header + "." + payload,
		"no signature":                header + "." + payload + ".",
		"four parts":                  header + "." + payload + "." + signature + "." + signature,
		"encrypted":                   header + "...." + signature,
		"not base64":                  header + "." + payload + ".!" + signature[1:],
		"padded":                      header + "." + payload + "." + signature + "==",
		"none":                        b64(fmt.Sprintf(`{"alg":"none","kid":%q}`, kid)) + "." + payload + ".",
		"None":                        b64(fmt.Sprintf(`{"alg":"nOnE","kid":%q}`, kid)) + "." + payload + "." + signature,
		"no algorithm":                b64(fmt.Sprintf(`{"kid":%q}`, kid)) + "." + payload + "." + signature,
		"HMAC with the JWK":           hs256(jwk, confuse, claims),
		"HMAC with the PEM":           hs256(public, confuse, claims),
		"HMAC with the DER":           hs256(der, confuse, claims),
		"HMAC with nothing":           hs256(nil, confuse, claims),
		"another algorithm":           b64(fmt.Sprintf(`{"alg":"EdDSA","kid":%q}`, kid)) + "." + payload + "." + signature,
		"a stronger one":              b64(fmt.Sprintf(`{"alg":"ES512","kid":%q}`, kid)) + "." + payload + "." + signature,
		"another key's id":            b64(fmt.Sprintf(`{"alg":"ES256","kid":%q}`, keys["EdDSA"].KeyID)) + "." + payload + "." + signature,
		"other claims":                header + "." + b64(claims) + "." + signature,
		"other headers":               b64(fmt.Sprintf(`{"alg":"ES256","kid":%q,"typ":"logout+jwt"}`, kid)) + "." + payload + "." + signature,
		"the zero signature":          header + "." + payload + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"a short signature":           header + "." + payload + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 63)),
		"a stranger's key":            signed(t, "key_unknown", nil),
		"a stranger's key as ours":    signed(t, kid, nil),
		"a stranger's key inside":     signed(t, kid, &jose.SignerOptions{EmbedJWK: true}),
		"no key id":                   signed(t, "", nil),
		"a key from elsewhere":        signed(t, kid, (&jose.SignerOptions{}).WithHeader("jku", "https://evil.example/keys")),
		"a critical header":           signed(t, kid, (&jose.SignerOptions{}).WithCritical("exp")),
		"a key id that is a number":   b64(`{"alg":"ES256","kid":7}`) + "." + payload + "." + signature,
		"a key id that is a path":     b64(`{"alg":"ES256","kid":"../../dev/null"}`) + "." + payload + "." + signature,
		"two algorithms":              b64(fmt.Sprintf(`{"alg":"none","alg":"ES256","kid":%q}`, kid)) + "." + payload + "." + signature,
		"headers that are no JSON":    b64("{") + "." + payload + "." + signature,
		"headers that are a list":     b64("[]") + "." + payload + "." + signature,
		"JSON serialization":          fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, payload, header, signature),
		"a blank before":              " " + strings.Join(right, "."),
		"a line feed after":           strings.Join(right, ".") + "\n",
		"a line feed in its middle":   header + ".\n" + payload + "." + signature,
		"many bytes":                  header + "." + strings.Repeat("A", 1<<20) + "." + signature,
		"the payload is not encoded":  b64(fmt.Sprintf(`{"alg":"ES256","kid":%q,"b64":false,"crit":["b64"]}`, kid)) + "." + unb64(t, payload) + "." + signature,
		"the signature of other keys": header + "." + payload + "." + strings.Split(sign(t, w.Desk, "EdDSA"), ".")[2],
	} {
		bad(t, w.Desk, token, name)
	}
	good(t, w.Desk, strings.Join(right, "."), "the right one")
}

func FuzzVerify(f *testing.F) {
	w := started(f)
	right := sign(f, w.Desk, "ES256")
	header, rest, _ := strings.Cut(right, ".")
	f.Add(right)
	f.Add(unb64(f, header) + "." + rest)
	f.Add(b64(`{"alg":"none"}`) + ".e30.")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := w.Verify(t.Context(), token)
		if err != nil && !errors.Is(err, signing.ErrToken) {
			t.Fatal(err)
		}
		// A signature may be written in more than one way, what is signed may not.
		signedPart := func(s string) string { return s[:strings.LastIndexByte(s, '.')+1] }
		if err == nil && (signedPart(token) != signedPart(right) || string(got.Payload) != `{"sub":"usr_1"}`) {
			t.Fatalf("%q is good: %+v", token, got)
		}
	})
}
