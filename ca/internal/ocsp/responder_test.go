package ocsp_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"guildhall/ca/internal/ocsp"
)

func TestGoodRevokedUnknown(t *testing.T) {
	t.Parallel()
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		w := newWorld(t)
		r := w.responder()
		good, revoked, plain := w.issue(10), w.issue(11), w.issue(12)
		at := w.now.Add(-time.Minute)
		w.set(revoked, ocsp.Status{Revoked: true, RevokedAt: at, Reason: 1})
		w.set(plain, ocsp.Status{Revoked: true, RevokedAt: at})
		stranger := create(t, &x509.Certificate{SerialNumber: big.NewInt(99)}, w.issuer, w.key.Public(), w.key)

		if got := w.get(r, good, h); got.Status != xocsp.Good || got.NextUpdate.Sub(got.ThisUpdate) != ocsp.DefaultValidity {
			t.Errorf("%v good: %+v", h, got)
		}
		if got := w.get(r, revoked, h); got.Status != xocsp.Revoked || got.RevocationReason != 1 || !got.RevokedAt.Equal(at) {
			t.Errorf("%v revoked: %+v", h, got)
		}
		if got := w.get(r, plain, h); got.Status != xocsp.Revoked || got.RevocationReason != 0 {
			t.Errorf("%v revoked without a reason: %+v", h, got)
		}
		if got := w.get(r, stranger, h); got.Status != xocsp.Unknown {
			t.Errorf("%v unknown: %+v", h, got)
		}
	}
}

func TestRevocationShowsInTheNextResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, cert := w.responder(), w.issue(10)
	req := ask(t, cert, w.issuer, crypto.SHA1)
	first, second := r.Respond(t.Context(), req), r.Respond(t.Context(), req)
	if !bytes.Equal(first.DER, second.DER) {
		t.Fatal("an unchanged status was signed twice")
	}
	w.set(cert, ocsp.Status{Revoked: true, RevokedAt: w.now, Reason: 4})
	if got := w.get(r, cert, crypto.SHA1); got.Status != xocsp.Revoked || got.RevocationReason != 4 {
		t.Fatalf("after the revocation: %+v", got)
	}
}

func TestResponseIsRenewedAtHalfItsValidity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, cert := w.responder(), w.issue(10)
	start := w.get(r, cert, crypto.SHA1).ThisUpdate
	w.advance(ocsp.DefaultValidity / 2)
	if got := w.get(r, cert, crypto.SHA1).ThisUpdate; !got.Equal(start) {
		t.Fatalf("renewed too early: %v", got)
	}
	w.advance(time.Second)
	if got := w.get(r, cert, crypto.SHA1).ThisUpdate; !got.Equal(w.now) {
		t.Fatalf("not renewed: %v", got)
	}
}

func TestSeveralCertificatesInOneRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.responder()
	good, revoked := w.issue(10), w.issue(11)
	w.set(revoked, ocsp.Status{Revoked: true, RevokedAt: w.now, Reason: 5})
	_, other := authority(t, "Other", w.now)
	der := join(t, ask(t, good, w.issuer, crypto.SHA256), ask(t, revoked, w.issuer, crypto.SHA1), ask(t, good, other, crypto.SHA1))
	a := r.Respond(t.Context(), der)
	for cert, want := range map[*x509.Certificate]int{good: xocsp.Good, revoked: xocsp.Revoked} {
		got, err := xocsp.ParseResponseForCert(a.DER, cert, w.issuer)
		if err != nil || got.Status != want {
			t.Fatalf("serial %v: %+v, %v", cert.SerialNumber, got, err)
		}
	}
}

// join makes one request of the questions of several.
func join(t testing.TB, requests ...[]byte) []byte {
	t.Helper()
	type tbs struct{ List []asn1.RawValue }
	type wrap struct{ TBS tbs }
	var all wrap
	for _, r := range requests {
		var one wrap
		if _, err := asn1.Unmarshal(r, &one); err != nil {
			t.Fatal(err)
		}
		all.TBS.List = append(all.TBS.List, one.TBS.List...)
	}
	der, err := asn1.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// withExtension adds a request extension.
func withExtension(t *testing.T, request []byte, ext pkix.Extension) []byte {
	t.Helper()
	var in struct {
		TBS struct{ List []asn1.RawValue }
	}
	if _, err := asn1.Unmarshal(request, &in); err != nil {
		t.Fatal(err)
	}
	type tbs struct {
		List       []asn1.RawValue
		Extensions []pkix.Extension `asn1:"explicit,tag:2"`
	}
	der, err := asn1.Marshal(struct{ TBS tbs }{tbs{in.TBS.List, []pkix.Extension{ext}}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestErrorResponses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, cert := w.responder(), w.issue(10)
	_, other := authority(t, "Other", w.now)
	req := ask(t, cert, w.issuer, crypto.SHA1)
	many := make([][]byte, ocsp.MaxCerts+1)
	for i := range many {
		many[i] = req
	}
	nonce := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}, Value: []byte{4, 1, 7}}
	critical := nonce
	critical.Critical = true
	for name, tc := range map[string]struct {
		der  []byte
		want xocsp.ResponseStatus
	}{
		"nothing":            {nil, xocsp.Malformed},
		"garbage":            {[]byte("GET / HTTP/1.1"), xocsp.Malformed},
		"trailing bytes":     {append(bytes.Clone(req), 0), xocsp.Malformed},
		"cut":                {req[:len(req)-3], xocsp.Malformed},
		"no certificate":     {join(t), xocsp.Malformed},
		"too many":           {join(t, many...), xocsp.Malformed},
		"too large":          {make([]byte, ocsp.MaxRequest+1), xocsp.Malformed},
		"critical extension": {withExtension(t, req, critical), xocsp.Malformed},
		"unknown issuer":     {ask(t, cert, other, crypto.SHA1), xocsp.Unauthorized},
		"unknown hash":       {ask(t, cert, w.issuer, crypto.SHA512), xocsp.Unauthorized},
	} {
		a := r.Respond(t.Context(), tc.der)
		_, err := xocsp.ParseResponse(a.DER, nil)
		if got, ok := errors.AsType[xocsp.ResponseError](err); !ok || got.Status != tc.want || a.Cacheable() {
			t.Errorf("%s: got %v (cacheable %v), want %v", name, err, a.Cacheable(), tc.want)
		}
	}
	if a := r.Respond(t.Context(), withExtension(t, req, nonce)); !a.Cacheable() {
		t.Errorf("a request with a nonce was refused: %x", a.DER)
	}
}

func TestOddSerialsAreUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.responder()
	for _, serial := range []*big.Int{big.NewInt(0), big.NewInt(-5), new(big.Int).Lsh(big.NewInt(1), 200)} {
		cert := &x509.Certificate{SerialNumber: serial, RawIssuer: w.issuer.RawSubject}
		if got := w.get(r, cert, crypto.SHA1); got.Status != xocsp.Unknown {
			t.Errorf("serial %v: %+v", serial, got)
		}
	}
}

func TestOurFailureIsTryLater(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(w *world){
		"database": func(w *world) { w.lookupErr = errors.New("no database") },
		"clock":    func(w *world) { w.clockErr = errors.New("clock set back") },
	} {
		w := newWorld(t)
		r, cert := w.responder(), w.issue(10)
		fail(w)
		_, err := xocsp.ParseResponse(r.Respond(t.Context(), ask(t, cert, w.issuer, crypto.SHA1)).DER, w.issuer)
		if got, ok := errors.AsType[xocsp.ResponseError](err); !ok || got.Status != xocsp.TryLater {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDelegateIsRenewedAndBoundsTheResponse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.responder()
	cert := w.issue(10)
	if w.get(r, cert, crypto.SHA1); w.certified != 1 {
		t.Fatalf("%d certificates after the first answer", w.certified)
	}
	w.advance(w.life*2/3 - time.Second)
	if w.get(r, cert, crypto.SHA1); w.certified != 1 {
		t.Fatal("renewed before two thirds of its life")
	}
	w.advance(ocsp.DefaultValidity)
	if w.get(r, cert, crypto.SHA1); w.certified != 2 {
		t.Fatal("not renewed after two thirds of its life")
	}

	w.certErr = errors.New("authority closed")
	w.advance(w.life - time.Hour)
	if got := w.get(r, cert, crypto.SHA1); got.NextUpdate.Sub(w.now) != time.Hour {
		t.Fatalf("the response ends at %v, after the certificate that signed it", got.NextUpdate)
	}
	w.advance(2 * time.Hour)
	_, err := xocsp.ParseResponse(r.Respond(t.Context(), ask(t, cert, w.issuer, crypto.SHA1)).DER, w.issuer)
	if got, ok := errors.AsType[xocsp.ResponseError](err); !ok || got.Status != xocsp.TryLater {
		t.Fatalf("without a signer: %v", err)
	}
	w.certErr = nil
	if got := w.get(r, cert, crypto.SHA1); got.Status != xocsp.Good {
		t.Fatalf("after the authority is back: %+v", got)
	}
}

func TestARevokedSignerSignsNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, cert := w.responder(), w.issue(10)
	first := w.get(r, cert, crypto.SHA1).Certificate
	w.set(first, ocsp.Status{Revoked: true, RevokedAt: w.now})
	for range 2 { // also what it had signed is not given out again
		got := w.get(r, cert, crypto.SHA1)
		if got.Status != xocsp.Good || got.Certificate.Equal(first) || w.certified != 2 {
			t.Errorf("after its revocation: %v, signed by %v, %d signers", got.Status, got.Certificate.SerialNumber, w.certified)
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := ocsp.New(ocsp.Options{}); err == nil {
		t.Fatal("a Responder without an issuer was made")
	}
}

func BenchmarkRespond(b *testing.B) {
	w := newWorld(b)
	r, cert := w.responder(), w.issue(10)
	req := ask(b, cert, w.issuer, crypto.SHA1)
	b.Run("cached", func(b *testing.B) {
		for b.Loop() {
			r.Respond(b.Context(), req)
		}
	})
	b.Run("signed", func(b *testing.B) {
		for b.Loop() {
			w.set(cert, ocsp.Status{Revoked: true, RevokedAt: time.Now()})
			r.Respond(b.Context(), req)
		}
	})
}
