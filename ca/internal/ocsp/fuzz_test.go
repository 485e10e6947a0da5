package ocsp_test

import (
	"crypto"
	"errors"
	"testing"

	xocsp "golang.org/x/crypto/ocsp"
)

// FuzzRespond holds that whatever is sent, the answer is a well-formed response
// of the protocol, and a signed one only for a question about our issuer.
func FuzzRespond(f *testing.F) {
	w := newWorld(f)
	r, cert := w.responder(), w.issue(10)
	one := ask(f, cert, w.issuer, crypto.SHA1)
	r.Respond(f.Context(), one) // gets the signer, which the fuzzing itself cannot
	f.Add(one)
	f.Add(ask(f, cert, w.issuer, crypto.SHA256))
	f.Add(join(f, one, one))
	f.Add([]byte{0x30, 0x03, 0x0a, 0x01, 0x06})
	f.Fuzz(func(t *testing.T, der []byte) {
		a := r.Respond(t.Context(), der)
		_, err := xocsp.ParseResponseForCert(a.DER, cert, w.issuer)
		if _, refused := errors.AsType[xocsp.ResponseError](err); refused == a.Cacheable() {
			t.Fatalf("answer %x: cacheable %v, %v", a.DER, a.Cacheable(), err)
		}
		if !a.Cacheable() && len(a.DER) != 5 {
			t.Fatalf("an error response of %d bytes", len(a.DER))
		}
	})
}
