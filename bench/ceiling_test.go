package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"testing"
	"time"
)

// newRequest is a fresh P-256 key's certificate request for the names, in DER.
func newRequest(b *testing.B, names ...string) (*ecdsa.PrivateKey, []byte) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names}, key)
	if err != nil {
		b.Fatal(err)
	}
	return key, der
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// ceiling is the least that any authority in Go does for a certificate: parse
// the request, check its signature, sign.
type ceiling struct {
	issuer *x509.Certificate
	key    *ecdsa.PrivateKey
	csr    []byte
}

func newCeiling(b *testing.B) *ceiling {
	b.Helper()
	key, csr := newRequest(b, "shop.example.com", "www.shop.example.com")
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Ceiling"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err == nil {
		root, err = x509.ParseCertificate(der)
	}
	if err != nil {
		b.Fatal(err)
	}
	return &ceiling{issuer: root, key: key, csr: csr}
}

func (c *ceiling) sign() error {
	r, err := x509.ParseCertificateRequest(c.csr)
	if err != nil {
		return err
	}
	if err := r.CheckSignature(); err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	t := &x509.Certificate{SerialNumber: serial, Subject: r.Subject, DNSNames: r.DNSNames, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		OCSPServer: []string{"http://ca.example.com/ocsp"}, IssuingCertificateURL: []string{"http://ca.example.com/ca/issuing.cer"},
		CRLDistributionPoints: []string{"http://ca.example.com/crl/issuing.crl"}}
	der, err := x509.CreateCertificate(rand.Reader, t, c.issuer, r.PublicKey, c.key)
	if err == nil && len(der) == 0 {
		err = errors.New("nothing was signed")
	}
	return err
}

// ceilingTime is how long the ceiling is measured beside each benchmark.
const ceilingTime = 300 * time.Millisecond

// perSecond is how often the ceiling can be reached in a second of CPU time,
// now: a shared machine is not as fast in every minute.
func (c *ceiling) perSecond(b *testing.B) float64 {
	b.Helper()
	n, began := 0, ourCPU(b)
	for end := time.Now().Add(ceilingTime); time.Now().Before(end); n++ {
		if err := c.sign(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / (ourCPU(b) - began).Seconds()
}

// compare runs a measurement between two of the ceiling and reports its share.
func (c *ceiling) compare(b *testing.B, measure func() (perSecond float64)) {
	b.Helper()
	before := c.perSecond(b)
	got := measure()
	most := (before + c.perSecond(b)) / 2
	b.ReportMetric(most, "ceiling/cpu-s")
	b.ReportMetric(100*got/most, "%ceiling")
}

// BenchmarkCeiling is the ceiling alone.
func BenchmarkCeiling(b *testing.B) {
	c := newCeiling(b)
	began := ourCPU(b)
	for b.Loop() {
		if err := c.sign(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/(ourCPU(b)-began).Seconds(), "ops/cpu-s")
}
