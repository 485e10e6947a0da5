package peer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"testing"
)

func mustKey(t testing.TB, public crypto.PublicKey) ed25519.PublicKey {
	t.Helper()
	key, ok := public.(ed25519.PublicKey)
	if !ok {
		t.Fatalf("%T is not an Ed25519 key", public)
	}
	return key
}

// request is a certificate request for a name.
func request(t testing.TB, name string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}
