package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfigCheckReadsTheTLSFiles(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := DefaultConfig()
	c.Server.TLSCert, c.Server.TLSKey = selfSigned(t, now.Add(-time.Hour), now.Add(time.Hour))
	other, _ := selfSigned(t, now.Add(-time.Hour), now.Add(time.Hour))
	for _, x := range []struct {
		cert, key string
		at        time.Time
		want      string
	}{
		{c.Server.TLSCert, c.Server.TLSKey, now, ""},
		{"", "", now, ""},
		{c.Server.TLSCert, c.Server.TLSKey, now.Add(2 * time.Hour), "server.tls_cert: The certificate in " + c.Server.TLSCert + " expired at 2026-03-01T13:00:00Z"},
		{c.Server.TLSCert, c.Server.TLSKey, now.Add(-2 * time.Hour), "server.tls_cert: The certificate in " + c.Server.TLSCert + " is valid from 2026-03-01T11:00:00Z only"},
		{other, c.Server.TLSKey, now, "server.tls_cert: The certificate in " + other + " and the key in " + c.Server.TLSKey + " cannot be used together"},
		{c.Server.TLSKey, c.Server.TLSKey, now, "cannot be used together"},
		{c.Server.TLSCert, "/nowhere", now, "server.tls_key: The file cannot be read: open /nowhere: no such file"},
		{t.TempDir(), c.Server.TLSKey, now, "server.tls_cert: The file cannot be read"},
	} {
		c.Server.TLSCert, c.Server.TLSKey = x.cert, x.key
		err := c.CheckFiles(x.at)
		if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
			t.Errorf("%s, %s: %v, want %q", x.cert, x.key, err, x.want)
		}
	}
}

func selfSigned(t *testing.T, from, until time.Time, hosts ...string) (cert, key string) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: append([]string{"guildhall.localhost"}, hosts...)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pair.Public(), pair)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
