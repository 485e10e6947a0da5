package peer_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"

	"guildhall/platform/peer"
	"guildhall/platform/peer/peertest"
)

func TestCallCarriesTheCallersIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.shop(t, bank)
	if got := wantOK(t, shop, "shop", "bank", "/sessions"); !strings.HasPrefix(got, "shop HTTP/") {
		t.Fatalf("bank saw %q", got)
	}
}

func TestServicesOfOneProcessMeetOverTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	both := w.join(t, plan{services: []string{"bank", "shop"}, routes: map[string][]peer.Route{
		"bank": {{Pattern: "GET /x", Allow: []string{"shop"}, Handler: echo}},
		"shop": {{Pattern: "GET /x", Allow: []string{"bank"}, Handler: echo}},
	}})
	if got := wantOK(t, both, "shop", "bank", "/x"); !strings.HasPrefix(got, "shop ") {
		t.Fatalf("bank saw %q", got)
	}
	if got := wantOK(t, both, "bank", "shop", "/x"); !strings.HasPrefix(got, "bank ") {
		t.Fatalf("shop saw %q", got)
	}
	if status, _, err := get(t, both, "bank", "bank", "/x"); err != nil || status != http.StatusForbidden {
		t.Fatalf("bank calls itself: %d %v", status, err)
	}
}

func TestAllowListRefusesAndWarns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	chat := w.join(t, plan{services: []string{"chat"}, urls: map[string]string{"bank": "https://" + bank.addr}})
	status, body, err := get(t, chat, "chat", "bank", "/sessions")
	if err != nil || status != http.StatusForbidden || !strings.Contains(body, "peer_not_allowed") {
		t.Fatalf("%d %s %v", status, body, err)
	}
	wantLog(t, bank, "level=WARN", "caller=chat", "/sessions")
	wantOK(t, chat, "chat", "bank", "/open")
}

func TestOtherHandlersNeedACertificateToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.join(t, plan{services: []string{"bank"}, routes: map[string][]peer.Route{"bank": nil}, others: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("metrics"))
	})})
	shop := w.shop(t, bank)
	if got := wantOK(t, shop, "shop", "bank", "/metrics"); got != "metrics" {
		t.Fatalf("got %q", got)
	}
	if _, err := handshake(bank.addr, &tls.Config{ServerName: peer.Name("bank"), RootCAs: pool(w.authority.Root)}); err == nil {
		t.Fatal("served without a certificate")
	}
}

func pool(roots ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, r := range roots {
		p.AddCert(r)
	}
	return p
}

// certificate is one of a CA for a template.
func certificate(t testing.TB, ca *peertest.CA, template *x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := ca.Sign(template, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: b.Chain, PrivateKey: key}
}

func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	other, err := peertest.NewCA(w.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	ca := w.authority.CA
	for name, c := range map[string]struct {
		cert []tls.Certificate
		sni  string
		max  uint16
		log  string
	}{
		"no certificate":    {nil, "bank", 0, "didn't provide a certificate"},
		"another authority": {[]tls.Certificate{certificate(t, other, &x509.Certificate{DNSNames: []string{peer.Name("shop")}, ExtKeyUsage: both})}, "bank", 0, "unknown authority"},
		"server profile":    {[]tls.Certificate{certificate(t, ca, &x509.Certificate{DNSNames: []string{"shop.example.com"}, ExtKeyUsage: both})}, "bank", 0, "not of a service"},
		"two names":         {[]tls.Certificate{certificate(t, ca, &x509.Certificate{DNSNames: []string{peer.Name("shop"), peer.Name("bank")}, ExtKeyUsage: both})}, "bank", 0, "exactly one name"},
		"client only":       {[]tls.Certificate{certificate(t, ca, &x509.Certificate{DNSNames: []string{peer.Name("shop")}, ExtKeyUsage: both[1:]})}, "bank", 0, "service profile"},
		"server only":       {[]tls.Certificate{certificate(t, ca, &x509.Certificate{DNSNames: []string{peer.Name("shop")}, ExtKeyUsage: both[:1]})}, "bank", 0, "incompatible key usage"},
		"a name that is not here": {[]tls.Certificate{certificate(t, ca, &x509.Certificate{DNSNames: []string{peer.Name("shop")}, ExtKeyUsage: both})}, "shop", 0,
			"not in this process"},
		"no enrolment here": {nil, "enrol", 0, "not in this process"},
		"TLS 1.2":           {[]tls.Certificate{certificate(t, ca, &x509.Certificate{DNSNames: []string{peer.Name("shop")}, ExtKeyUsage: both})}, "bank", tls.VersionTLS12, "unsupported versions"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := handshake(bank.addr, &tls.Config{ServerName: peer.Name(c.sni), RootCAs: pool(w.authority.Root), Certificates: c.cert, MaxVersion: c.max})
			if err == nil {
				_ = conn.Close()
				t.Fatal("served")
			}
			wantLog(t, bank, "level=WARN", "internal connection refused", c.log)
		})
	}
}

func TestEnrolmentNameServesEnrolmentOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{ServerName: peer.EnrolName, InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport}
	for path, want := range map[string]int{"/peer/v1/follow?after=0&instance=x": 404, "/peer/v1/renew": 404, "/metrics": 404, "/peer/v1/enrol": 422} {
		method, body := http.MethodPost, strings.NewReader(`{"csr":"AA=="}`)
		if strings.Contains(path, "follow") || path == "/metrics" {
			method = http.MethodGet
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "https://"+w.ca.addr+path, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s %s: %d, want %d", method, path, resp.StatusCode, want)
		}
	}
	// Under any other name the same request comes to nothing.
	if _, err := handshake(w.ca.addr, &tls.Config{ServerName: peer.Name("ca"), RootCAs: pool(w.authority.Root)}); err == nil {
		t.Fatal("ca served without a certificate")
	}
}

func TestClientRefusesAnotherServiceBehindTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	shop := w.join(t, plan{services: []string{"shop"}, urls: map[string]string{"chat": "https://" + bank.addr}})
	if _, _, err := get(t, shop, "shop", "chat", "/open"); err == nil {
		t.Fatal("the bank passed for chat")
	}
	if _, _, err := get(t, shop, "shop", "nowhere", "/"); err == nil || !strings.Contains(err.Error(), "peers.urls.nowhere") {
		t.Fatalf("a service without an address: %v", err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := shop.As("shop").Client("bank").Do(r)
	if err == nil {
		_ = resp.Body.Close()
		t.Fatal("the client of the bank calls example.com")
	}
}
