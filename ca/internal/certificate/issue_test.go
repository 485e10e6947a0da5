package certificate_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
)

func TestIssueFromCSRAndWithKeyMadeHere(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		key := catest.NewKey(t)
		fromCSR := w.Issue(t, certificate.IssueRequest{CSR: catest.CSR(t, key, "shop.example.com", "10.1.2.3")})
		if c := parse(t, fromCSR); !key.Public().(*ecdsa.PublicKey).Equal(c.PublicKey) || fromCSR.KeyPEM != "" || fromCSR.Record.KeyMade {
			t.Error("the certificate is not for the request's key")
		}
		made := w.Issue(t, certificate.IssueRequest{CommonName: "Shop.Example.COM"})
		block, _ := pem.Decode([]byte(made.KeyPEM))
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		must(t, err)
		c := parse(t, made)
		if !private.(*ecdsa.PrivateKey).PublicKey.Equal(c.PublicKey) || c.Subject.CommonName != "shop.example.com" || !slices.Equal(c.DNSNames, []string{"shop.example.com"}) {
			t.Errorf("made: %s %v", c.Subject, c.DNSNames)
		}
		for _, i := range []*certificate.Issued{fromCSR, made} {
			kept, err := w.Service.Get(t.Context(), i.Record.Serial)
			must(t, err)
			if kept.ID != i.Record.ID || !slices.Equal(kept.DER, i.Record.DER) || kept.Requester != catest.Admin.Actor || kept.SealedKey != nil {
				t.Errorf("kept: %+v", kept)
			}
		}
		if got := w.Actions(t); !slices.Equal(got, []string{"certificate.issued", "certificate.issued"}) {
			t.Errorf("audit log: %v", got)
		}
		w.VerifyAudit(t)
	})
}

func TestEveryCertificateHasWhatRFC5280Asks(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{})
	for _, r := range []certificate.IssueRequest{
		{Profile: profile.Server, CommonName: "a.example.com", Names: []string{"*.b.example.com", "2001:db8::1"}},
		{Profile: profile.Client, CommonName: "build agent 7", Names: []string{"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}, KeyType: profile.Ed25519},
		{Profile: profile.User, CommonName: "Łukasz Żak", Names: []string{"lukasz@example.com"}, KeyType: profile.ECDSAP384},
		{Profile: profile.Server, CommonName: "rsa.example.com", KeyType: profile.RSA2048, Lifetime: 398 * 24 * time.Hour},
	} {
		c := parse(t, w.Issue(t, r))
		p, _ := w.Service.Profiles.Get(r.Profile)
		if !slices.Equal(c.ExtKeyUsage, p.Usages) || c.IsCA || !c.BasicConstraintsValid || len(c.SubjectKeyId) != 20 ||
			!slices.Equal(c.AuthorityKeyId, w.Keys.Issuing().Certificate.SubjectKeyId) {
			t.Errorf("%s: usages %v, CA %v, key ids %x %x", c.Subject, c.ExtKeyUsage, c.IsCA, c.SubjectKeyId, c.AuthorityKeyId)
		}
		if c.OCSPServer[0] != "http://ca.example.test/ocsp" || c.IssuingCertificateURL[0] != "http://ca.example.test/ca/issuing.cer" || c.CRLDistributionPoints[0] != "http://ca.example.test/crl/issuing.crl" {
			t.Errorf("%s: %v %v %v", c.Subject, c.OCSPServer, c.IssuingCertificateURL, c.CRLDistributionPoints)
		}
		life := r.Lifetime
		if life == 0 {
			life = p.Lifetime
		}
		if got := c.NotAfter.Sub(c.NotBefore) + time.Second; got != life || c.NotBefore.After(w.Clock.Now()) {
			t.Errorf("%s lives %s from %s, want %s", c.Subject, got, c.NotBefore, life)
		}
		if bits := c.SerialNumber.BitLen(); c.SerialNumber.Sign() <= 0 || bits <= 120 || bits > 128 || len(store.SerialText(c.SerialNumber)) != 32 {
			t.Errorf("serial number of %d bits: %x", bits, c.SerialNumber)
		}
	}
}

func TestIssueRefuses(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{Policy: profile.PolicyText{Permitted: []string{"example.com"}, Excluded: []string{"secret.example.com"}, PermittedIPs: []string{"10.0.0.0/8"}}})
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	must(t, err)
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	must(t, err)
	good := catest.CSR(t, catest.NewKey(t), "a.example.com")
	block, _ := pem.Decode(good)
	tampered := slices.Clone(block.Bytes)
	tampered[len(tampered)-3] ^= 1
	isCA := catest.CSROf(t, catest.NewKey(t), &x509.CertificateRequest{Subject: pkix.Name{CommonName: "a.example.com"},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Value: []byte{0x30, 3, 1, 1, 0xff}}}})
	ask := func(cn string, sans ...string) certificate.IssueRequest {
		return certificate.IssueRequest{CommonName: cn, Names: sans}
	}
	cases := map[string]struct {
		r           certificate.IssueRequest
		field, code string
	}{
		"nothing":            {ask(""), "common_name", "required"},
		"space":              {ask("a b.example.com"), "common_name", "invalid_name"},
		"control characters": {ask("a\x00.example.com"), "common_name", "invalid"},
		"underscore":         {ask("a_b.example.com"), "common_name", "invalid_name"},
		"trailing dot":       {ask("a.example.com."), "common_name", "invalid_name"},
		"long label":         {ask(strings.Repeat("a", 64) + ".example.com"), "common_name", "invalid_name"},
		"bad punycode":       {ask("xn--zzzzzz99999.example.com"), "common_name", "invalid_name"},
		"star inside":        {ask("a.example.com", "b.*.example.com"), "sans[0]", "invalid_name"},
		"star of a TLD":      {ask("*.com"), "common_name", "invalid_name"},
		"outside the policy": {ask("a.example.org"), "common_name", "invalid_name"},
		"excluded":           {ask("a.secret.example.com"), "common_name", "invalid_name"},
		"star over excluded": {ask("*.example.com"), "common_name", "invalid_name"},
		"address outside":    {ask("a.example.com", "192.168.1.1"), "sans[0]", "invalid_name"},
		"e-mail at a server": {ask("a.example.com", "jan@example.com"), "sans[0]", "invalid_name"},
		"internal name":      {ask("shop.guildhall.internal"), "common_name", "invalid_name"},
		"too many names":     {ask("a.example.com", make([]string, 101)...), "sans", "too_many"},
		"unknown profile":    {certificate.IssueRequest{Profile: "root", CommonName: "a.example.com"}, "profile", "unknown_profile"},
		"service profile":    {certificate.IssueRequest{Profile: "service", CommonName: "shop.guildhall.internal"}, "profile", "unknown_profile"},
		"long life":          {certificate.IssueRequest{CommonName: "a.example.com", Lifetime: 400 * 24 * time.Hour}, "lifetime", "out_of_range"},
		"no life":            {certificate.IssueRequest{CommonName: "a.example.com", Lifetime: time.Second}, "lifetime", "out_of_range"},
		"user without mail":  {certificate.IssueRequest{Profile: profile.User, CommonName: "Jan"}, "sans", "required"},
		"unknown key type":   {certificate.IssueRequest{CommonName: "a.example.com", KeyType: "dsa"}, "key_type", "unknown_key_type"},
		"keeping keys":       {certificate.IssueRequest{CommonName: "a.example.com", KeepKey: true}, "keep_key", "not_allowed"},
		"no CSR":             {certificate.IssueRequest{CSR: []byte("hello")}, "csr", "invalid_csr"},
		"damaged PEM":        {certificate.IssueRequest{CSR: good[:len(good)/2]}, "csr", "invalid_csr"},
		"a private key":      {certificate.IssueRequest{CSR: []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}, "csr", "invalid_csr"},
		"wrong signature":    {certificate.IssueRequest{CSR: tampered}, "csr", "invalid_csr"},
		"huge CSR":           {certificate.IssueRequest{CSR: make([]byte, 40<<10)}, "csr", "invalid_csr"},
		"CSR for a CA":       {certificate.IssueRequest{CSR: isCA}, "csr", "invalid_csr"},
		"weak RSA":           {certificate.IssueRequest{CSR: catest.CSR(t, weak, "a.example.com")}, "csr", "weak_key"},
		"P-224":              {certificate.IssueRequest{CSR: catest.CSR(t, p224, "a.example.com")}, "csr", "weak_key"},
		"P-521":              {certificate.IssueRequest{CSR: catest.CSR(t, p521, "a.example.com")}, "csr", "weak_key"},
		"CSR with bad name":  {certificate.IssueRequest{CSR: catest.CSR(t, catest.NewKey(t), "a.example.org")}, "common_name", "invalid_name"},
	}
	for name, c := range cases {
		c.r.By = catest.Admin
		_, err := w.Service.Issue(t.Context(), c.r)
		if got := fieldOf(err, c.field); got != c.code {
			t.Errorf("%s: field %s has code %q, want %q (%v)", name, c.field, got, c.code, err)
		}
	}
	page, err := w.Service.List(t.Context(), store.Filter{})
	must(t, err)
	if len(page.Records) != 0 {
		t.Errorf("refused requests left %d certificates", len(page.Records))
	}
	if actions := w.Actions(t); len(actions) != len(cases) || slices.ContainsFunc(actions, func(a string) bool { return a != "certificate.issue_refused" }) {
		t.Errorf("%d entries in the audit log: %v", len(actions), actions)
	}
	w.VerifyAudit(t)
}

func TestIssueAcceptsUnicodeHostNames(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{})
	c := parse(t, w.Issue(t, certificate.IssueRequest{CommonName: "Bücher.example", Names: []string{"例え.example"}}))
	if got := strings.Join(c.DNSNames, " "); got != "xn--bcher-kva.example xn--r8jz45g.example" || c.Subject.CommonName != "xn--bcher-kva.example" {
		t.Errorf("names %q, common name %q", got, c.Subject.CommonName)
	}
}

func TestReuse(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		ask := certificate.IssueRequest{CommonName: "a.example.com", Names: []string{"b.example.com"}, Reuse: true}
		first := w.Issue(t, ask)
		again := w.Issue(t, certificate.IssueRequest{CommonName: "A.example.com", Names: []string{"b.example.com", "a.example.com"}, Reuse: true})
		if !again.Reused || again.Record.ID != first.Record.ID || again.KeyPEM != "" {
			t.Errorf("not reused: %+v", again)
		}
		if other := w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com", Reuse: true}); other.Reused {
			t.Error("reused for other names")
		}
		key := catest.NewKey(t)
		ask.CSR = catest.CSR(t, key)
		if other := w.Issue(t, ask); other.Reused {
			t.Error("reused for another key")
		} else if same := w.Issue(t, ask); !same.Reused || same.Record.ID != other.Record.ID {
			t.Error("not reused for the same key")
		}
		ask.CSR = nil
		for {
			got := w.Issue(t, ask)
			if !got.Reused {
				break
			}
			_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: got.Record.ID, By: catest.Admin})
			must(t, err)
		}
		w.Clock.Advance(61 * 24 * time.Hour) // two thirds of 90 days: expiring
		if late := w.Issue(t, ask); late.Reused {
			t.Error("reused an expiring certificate")
		}
	})
}

func TestClockSetBack(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		first := w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com"})
		w.Clock.Advance(-time.Hour)
		refused := func(w *catest.World) {
			t.Helper()
			_, err := w.Service.Issue(t.Context(), certificate.IssueRequest{CommonName: "b.example.com", By: catest.Admin})
			if err == nil || !strings.Contains(err.Error(), "1h0m0s behind") {
				t.Fatalf("with the clock set back: %v", err)
			}
		}
		refused(w)
		// A node that knows nothing yet learns it from the database.
		fresh := *w.Service
		fresh.Guard = newGuard(w)
		if _, err := fresh.Issue(t.Context(), certificate.IssueRequest{CommonName: "b.example.com", By: catest.Admin}); err == nil {
			t.Fatal("another node signed with its clock set back")
		}
		if _, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: first.Record.ID, By: catest.Admin}); err != nil {
			t.Errorf("revoking must work all the same: %v", err)
		}
		w.Clock.Advance(time.Hour)
		w.Issue(t, certificate.IssueRequest{CommonName: "b.example.com"})
	})
}

func TestManyAtOnce(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		const workers, each = 16, 12
		csr := catest.CSR(t, catest.NewKey(t), "a.example.com")
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for i := range each {
					r := certificate.IssueRequest{CSR: csr, By: catest.Admin}
					if i%4 == 3 {
						r.CommonName = "not a name"
					}
					if _, err := w.Service.Issue(t.Context(), r); (err == nil) == (i%4 == 3) {
						t.Errorf("request %d: %v", i, err)
					}
				}
			})
		}
		wg.Wait()
		page, err := w.Service.List(t.Context(), store.Filter{Limit: store.MaxLimit})
		must(t, err)
		if want := workers * each * 3 / 4; len(page.Records) != want {
			t.Errorf("%d certificates, want %d", len(page.Records), want)
		}
		w.VerifyAudit(t)
	})
}

func TestKeyTypesFromCSR(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{})
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	for want, csr := range map[string][]byte{"ed25519": catest.CSR(t, edwards, "a.example.com"), "ecdsa-p384": catest.CSR(t, p384, "a.example.com"), "rsa-2048": catest.CSR(t, long, "a.example.com")} {
		i := w.Issue(t, certificate.IssueRequest{CSR: csr})
		encipher := parse(t, i).KeyUsage&x509.KeyUsageKeyEncipherment != 0
		if i.Record.KeyType != want || encipher != strings.HasPrefix(want, "rsa") {
			t.Errorf("%s: key type %s, key encipherment %v", want, i.Record.KeyType, encipher)
		}
	}
}
