package access_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"testing"
)

// Local verification beside the bare check of its signature.
func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		key := newSigner(b, "key_b", algorithm)
		i, f := following(b, key)
		token := key.token(b, "at+jwt", i.claims())
		b.Run(algorithm+"/token", func(b *testing.B) {
			for b.Loop() {
				if _, err := f.verifier.Verify(token, audience); err != nil {
					b.Fatal(err)
				}
			}
		})
		input := []byte(token[:len(token)-87])
		b.Run(algorithm+"/signature", func(b *testing.B) {
			switch private := key.private.(type) {
			case ed25519.PrivateKey:
				signature, public := ed25519.Sign(private, input), private.Public().(ed25519.PublicKey)
				for b.Loop() {
					if !ed25519.Verify(public, input, signature) {
						b.Fatal("refused")
					}
				}
			case *ecdsa.PrivateKey:
				digest := sha256.Sum256(input)
				signature, err := private.Sign(rand.Reader, digest[:], crypto.SHA256)
				must(b, err)
				for b.Loop() {
					digest := sha256.Sum256(input)
					if !ecdsa.VerifyASN1(&private.PublicKey, digest[:], signature) {
						b.Fatal("refused")
					}
				}
			}
		})
	}
}
