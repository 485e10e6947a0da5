package sealed

import (
	"testing"
)

// What the server spends on one exchange, without and with a proof to verify.
func BenchmarkServer(b *testing.B) {
	for _, mode := range []Mode{HTTPS, PSK, HPKE} {
		for _, proven := range []bool{false, true} {
			name := string(mode)
			if proven {
				name += ", proof"
			}
			b.Run(name, func(b *testing.B) {
				p := newPair(b, mode)
				proof, err := SignProof(p.device, somewhere, []byte(activateBody))
				if err != nil {
					b.Fatal(err)
				}
				w, _, err := p.client.SealRequest(somewhere, proof, []byte(activateBody))
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					r, err := OpenRequest(p.lookup, somewhere, w)
					if err != nil {
						b.Fatal(err)
					}
					if proven {
						if err := r.VerifyProof(p.public()); err != nil {
							b.Fatal(err)
						}
					}
					if _, err := r.Seal(p.signer, []byte(activateAnswer)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
