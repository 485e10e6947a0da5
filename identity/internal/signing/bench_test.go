package signing_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"testing"
)

var claims = map[string]any{"iss": "https://identity.example.org", "sub": "usr_06a4k2v3m9n0p1q2r3s4t5v6w7", "aud": "https://api.example.org",
	"exp": 1930000000, "iat": 1929999400, "jti": "X4Q2ZK5W7N3M6P2R5T3V6Y2B4C", "client_id": "app_06a4k2v3m9n0p1q2r3s4t5v6w7", "scope": "read write"}

// The cost of a token beside that of its bare signature.
func BenchmarkSign(b *testing.B) {
	w := started(b)
	for _, algorithm := range []string{"ES256", "EdDSA", "RS256"} {
		b.Run(algorithm, func(b *testing.B) {
			for b.Loop() {
				if _, err := w.Sign(b.Context(), algorithm, "at+jwt", claims); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(algorithm+"/verify", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				token, err := w.Sign(b.Context(), algorithm, "at+jwt", map[string]any{"jti": rand.Text()})
				must(b, err)
				b.StartTimer()
				if _, err := w.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
		token, err := w.Sign(b.Context(), algorithm, "at+jwt", claims)
		must(b, err)
		b.Run(algorithm+"/verify-again", func(b *testing.B) {
			for b.Loop() {
				if _, err := w.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	text := make([]byte, 600)
	b.Run("ES256/bare", func(b *testing.B) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(b, err)
		for b.Loop() {
			digest := sha256.Sum256(text)
			if _, _, err := ecdsa.Sign(rand.Reader, key, digest[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("EdDSA/bare", func(b *testing.B) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		must(b, err)
		for b.Loop() {
			ed25519.Sign(key, text)
		}
	})
}
