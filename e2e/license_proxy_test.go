package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

const licenseHost = "license.guildhall.localhost"

// meddler is a proxy that ends TLS, as those of firms do, and does to calls what it is
// told. Whoever trusts its root has no other protection than the signatures.
type meddler struct {
	at          listeners // the server's
	plain, safe *httptest.Server
	client      *http.Client
	roots       []byte // PEM

	mu     sync.Mutex
	meddle func(in *http.Request, body []byte, forward func([]byte) reply) reply
}

// reply is an answer over HTTP; status 0: there is none.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func meddling(t *testing.T, at listeners) *meddler {
	t.Helper()
	p := &meddler{at: at, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: licenseHost}}}} // the proxy is no friend
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "A proxy"}, NotBefore: time.Now().AddDate(0, 0, -9), NotAfter: time.Now().AddDate(0, 0, 9),
		DNSNames: []string{licenseHost}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	p.roots = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	p.plain = httptest.NewServer(p)
	p.safe = httptest.NewUnstartedServer(p)
	p.safe.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	p.safe.StartTLS()
	t.Cleanup(p.plain.Close)
	t.Cleanup(p.safe.Close)
	return p
}

// ports leads from the server's ports to the proxy's.
func (p *meddler) ports(t *testing.T) map[string]int {
	t.Helper()
	ports := map[string]int{}
	for from, to := range map[string]*httptest.Server{p.at.HTTP: p.plain, p.at.HTTPS: p.safe} {
		_, port, err := net.SplitHostPort(from)
		if err != nil {
			t.Fatal(err)
		}
		ports[port] = to.Listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// set says what happens to calls from now on; nil: nothing.
func (p *meddler) set(meddle func(in *http.Request, body []byte, forward func([]byte) reply) reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meddle = meddle
}

func (p *meddler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	meddle := p.meddle
	p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	forward := func(body []byte) reply { return p.forward(r, body) }
	var got reply
	if meddle != nil && r.Method == http.MethodPost {
		got = meddle(r, body, forward)
	} else {
		got = forward(body)
	}
	if got.status == 0 {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), got.header)
	w.Header().Del("Content-Length")
	w.WriteHeader(got.status)
	_, _ = w.Write(got.body)
}

// forward asks the server; there is no answer while it does not run.
func (p *meddler) forward(r *http.Request, body []byte) reply {
	target := "http://" + p.at.HTTP
	if r.TLS != nil {
		target = "https://" + p.at.HTTPS
	}
	out, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return reply{}
	}
	out.Host, out.Header = r.Host, r.Header.Clone()
	got, err := p.client.Do(out)
	if err != nil {
		return reply{}
	}
	defer func() { _ = got.Body.Close() }()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return reply{}
	}
	return reply{got.StatusCode, got.Header, text}
}
