package access_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"syscall"
	"testing"
	"time"
)

// Local verification beside the bare check of its signature, in turn: what else the
// machine does weighs on both. Reported is the time of the CPU.
func BenchmarkVerify(b *testing.B) {
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		key := newSigner(b, "key_b", algorithm)
		i, f := following(b, key)
		token := key.token(b, "at+jwt", i.claims())
		check := bare(b, key, []byte(token[:len(token)-87])) // without the signature and its dot
		b.Run(algorithm, func(b *testing.B) {
			const batch = 50
			var whole, alone, rounds time.Duration
			for b.Loop() {
				start := spent(b)
				for range batch {
					if _, err := f.verifier.Verify(token, audience); err != nil {
						b.Fatal(err)
					}
				}
				middle := spent(b)
				for range batch {
					check()
				}
				whole, alone, rounds = whole+middle-start, alone+spent(b)-middle, rounds+batch
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(whole.Microseconds())/float64(rounds), "us/token")
			b.ReportMetric(float64(alone.Microseconds())/float64(rounds), "us/signature")
			b.ReportMetric(float64(whole)/float64(alone), "ratio")
		})
	}
}

// bare checks a signature over the input as the standard library does.
func bare(b *testing.B, key signer, input []byte) func() {
	b.Helper()
	switch private := key.private.(type) {
	case ed25519.PrivateKey:
		public, signature := private.Public().(ed25519.PublicKey), ed25519.Sign(private, input)
		return func() {
			if !ed25519.Verify(public, input, signature) {
				b.Fatal("refused")
			}
		}
	case *ecdsa.PrivateKey:
		digest := sha256.Sum256(input)
		signature, err := private.Sign(rand.Reader, digest[:], crypto.SHA256)
		must(b, err)
		return func() {
			if digest := sha256.Sum256(input); !ecdsa.VerifyASN1(&private.PublicKey, digest[:], signature) {
				b.Fatal("refused")
			}
		}
	default:
		b.Fatalf("no bare check for %T", private)
		return nil
	}
}

// spent is the CPU time of this process.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
