package peer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guildhall/platform/peer"
	"guildhall/platform/peer/peertest"
)

// forge makes a certificate with the issuing key that the authority knows
// nothing of.
func forge(t *testing.T, w *world, service string) tls.Certificate {
	t.Helper()
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	c := certificate(t, w.authority.CA, &x509.Certificate{DNSNames: []string{peer.Name(service)}, ExtKeyUsage: both})
	w.authority.Disown(c.Certificate[0])
	return c
}

func TestACallerThatTheAuthorityDoesNotKnowIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	config := &tls.Config{ServerName: peer.Name("bank"), RootCAs: pool(w.authority.Root), Certificates: []tls.Certificate{forge(t, w, "shop")}}
	for range 3 {
		if conn, err := handshake(bank.addr, config); err == nil {
			_ = conn.Close()
			t.Fatal("admitted")
		}
	}
	wantLog(t, bank, "WARN", "refused", "shop", "the authority does not know the certificate")
	if conn, err := handshake(w.ca.addr, &tls.Config{ServerName: peer.Name("ca"), RootCAs: config.RootCAs, Certificates: config.Certificates}); err == nil {
		_ = conn.Close()
		t.Fatal("the authority itself admitted it")
	}
}

// TestAServerThatTheAuthorityDoesNotKnowIsRefused puts a forged certificate with
// its key in the place of the bank's.
func TestAServerThatTheAuthorityDoesNotKnowIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	forged := forge(t, w, "bank")
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{forged}})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: echo, ReadHeaderTimeout: time.Minute}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }()
	shop := w.join(t, plan{services: []string{"shop"}, urls: map[string]string{"bank": "https://" + l.Addr().String()}})
	_, _, err = get(t, shop, "shop", "bank", "/open")
	if err == nil || !strings.Contains(err.Error(), "the authority does not know the certificate") {
		t.Fatalf("got %v", err)
	}
	wantLog(t, shop, "WARN", "refused", "peer=bank", "the authority does not know the certificate")
}

// TestTheAuthorityIsAskedOnce holds that one question is enough for the life of
// a certificate, and that nothing more is needed while the authority is away.
func TestTheAuthorityIsAskedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	wantOK(t, shop, "shop", "bank", "/open")
	asked := w.authority.Asked()
	w.authority.Away(true)
	for range 3 {
		shop.As("shop").Client("bank").CloseIdleConnections()
		wantOK(t, shop, "shop", "bank", "/open")
	}
	if got := w.authority.Asked(); got != asked {
		t.Errorf("asked %d times more", got-asked)
	}
	// One that the bank has not met waits for the authority.
	newcomer := &tls.Config{ServerName: peer.Name("bank"), RootCAs: pool(w.authority.Root), Certificates: []tls.Certificate{
		certificate(t, w.authority.CA, &x509.Certificate{DNSNames: []string{peer.Name("deploy")}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}})}}
	if conn, err := handshake(bank.addr, newcomer); err == nil {
		_ = conn.Close()
		t.Fatal("admitted unasked")
	}
	wantLog(t, bank, "WARN", "refused", "deploy", "cannot be asked", "The database does not answer")
	w.authority.Away(false)
	conn, err := handshake(bank.addr, newcomer)
	if err != nil {
		t.Fatalf("with the authority back: %v", err)
	}
	_ = conn.Close()
}

// TestACopiedSerialNumberIsNoDisguise makes a certificate with the serial number
// of one that the bank knows.
func TestACopiedSerialNumberIsNoDisguise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	wantOK(t, shop, "shop", "bank", "/open")
	text, err := os.ReadFile(filepath.Join(shop.dir, "shop.pem"))
	if err != nil {
		t.Fatal(err)
	}
	var known *x509.Certificate
	for known == nil {
		var block *pem.Block
		if block, text = pem.Decode(text); block.Type == "CERTIFICATE" {
			if known, err = x509.ParseCertificate(block.Bytes); err != nil {
				t.Fatal(err)
			}
		}
	}
	forged := copied(t, w.authority.CA, known)
	w.authority.Disown(forged.Certificate[0])
	conn, err := handshake(bank.addr, &tls.Config{ServerName: peer.Name("bank"), RootCAs: pool(w.authority.Root), Certificates: []tls.Certificate{forged}})
	if err == nil {
		_ = conn.Close()
		t.Fatal("admitted")
	}
	wantLog(t, bank, "WARN", "refused", peer.SerialText(known), "the authority does not know the certificate")
	wantOK(t, shop, "shop", "bank", "/open")
}

// copied is a certificate with all that another says, and another key.
func copied(t *testing.T, ca *peertest.CA, known *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, known, ca.Issuing, key.Public(), ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der, ca.Issuing.Raw}, PrivateKey: key}
}

// TestAfterARestoreServicesOfTheSameProcessEnrolAnew starts a process again whose
// authority has lost the record of its service's certificate.
func TestAfterARestoreServicesOfTheSameProcessEnrolAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := plan{services: []string{"bank"}, local: true, dir: t.TempDir(), routes: map[string][]peer.Route{"bank": {
		{Pattern: "GET /open", Allow: []string{peer.Anyone}, Handler: echo}}}}
	first := w.start(t, p)
	old := first.As("bank").Serial()
	first.stop()
	again := w.start(t, p)
	if again.As("bank").Serial() != old {
		t.Fatal("a stored certificate was not taken")
	}
	again.stop()
	w.authority.Disown(w.authority.Newest("bank").Raw)
	last := w.start(t, p)
	if got := last.As("bank").Serial(); got == old || got == "" {
		t.Errorf("the certificate is %q, the unknown one was %q", got, old)
	}
	wantLog(t, last, "WARN", "the stored certificate is of no use", "the authority does not know the certificate")
	wantOK(t, last, "bank", "bank", "/open")
}
