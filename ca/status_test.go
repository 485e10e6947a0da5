package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	xocsp "golang.org/x/crypto/ocsp"

	"guildhall/ca/internal/crl"
)

// ask sends a request to the status files.
func (s *site) ask(method, path string, body []byte, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	mux := http.NewServeMux()
	s.files.mount(mux)
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, bytes.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func (s *site) wantHeader(w *httptest.ResponseRecorder, name, want string) {
	s.t.Helper()
	if got := w.Header().Get(name); got != want {
		s.t.Fatalf("%s: %q, wanted %q", name, got, want)
	}
}

func TestStatusFilesAreCached(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for path, want := range map[string]struct{ contentType, cache string }{
		"/crl/issuing.crl": {"application/pkix-crl", "public, max-age=60, no-transform, must-revalidate"},
		"/crl/root.crl":    {"application/pkix-crl", "public, max-age=60, no-transform, must-revalidate"},
		"/ca/root.cer":     {"application/pkix-cert", "public, max-age=3600, no-transform, must-revalidate"},
		"/ca/issuing.cer":  {"application/pkix-cert", "public, max-age=3600, no-transform, must-revalidate"},
		"/ca/issuing.pem":  {"application/x-pem-file", "public, max-age=3600, no-transform, must-revalidate"},
	} {
		got := s.ask("GET", path, nil)
		if got.Code != http.StatusOK || got.Body.Len() == 0 {
			t.Fatalf("GET %s: %d", path, got.Code)
		}
		s.wantHeader(got, "Content-Type", want.contentType)
		s.wantHeader(got, "Cache-Control", want.cache)
		head := s.ask("HEAD", path, nil)
		if head.Code != http.StatusOK || head.Body.Len() != 0 || head.Header().Get("Content-Length") != got.Header().Get("Content-Length") {
			t.Fatalf("HEAD %s: %d, %v", path, head.Code, head.Header())
		}
		if again := s.ask("GET", path, nil, "If-None-Match", got.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Fatalf("GET %s with its ETag: %d", path, again.Code)
		}
		if again := s.ask("GET", path, nil, "If-Modified-Since", got.Header().Get("Last-Modified")); again.Code != http.StatusNotModified {
			t.Fatalf("GET %s with its date: %d", path, again.Code)
		}
		if wrong := s.ask("POST", path, nil); wrong.Code != http.StatusMethodNotAllowed {
			t.Fatalf("POST %s: %d", path, wrong.Code)
		}
	}
}

func TestNewListReplacesTheCached(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	before := s.ask("GET", "/crl/issuing.crl", nil)
	s.revoke(s.issue("old", "old.example.test"))
	after := s.ask("GET", "/crl/issuing.crl", nil, "If-None-Match", before.Header().Get("ETag"))
	list, err := x509.ParseRevocationList(after.Body.Bytes())
	if err != nil || after.Code != http.StatusOK || len(list.RevokedCertificateEntries) != 1 {
		t.Fatalf("%d, %v", after.Code, err)
	}
	s.Clock.Set(list.NextUpdate.Add(-10 * time.Second))
	s.wantHeader(s.ask("GET", "/crl/issuing.crl", nil), "Cache-Control", "public, max-age=10, no-transform, must-revalidate")
	s.Clock.Advance(time.Hour) // an ended list is served on: it is the newest there is
	s.wantHeader(s.ask("GET", "/crl/issuing.crl", nil), "Cache-Control", "public, max-age=0, no-transform, must-revalidate")
}

func TestMissingListIsNotFound(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if w := s.ask("GET", "/crl/other.crl", nil); w.Code != http.StatusNotFound {
		t.Fatalf("got %d", w.Code)
	}
}

func TestOCSPByGETAndPOST(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	record := s.issue("www", "www.example.test")
	cert := s.certificate("www")
	req, err := xocsp.CreateRequest(cert, s.files.Issuing, &xocsp.RequestOptions{Hash: crypto.SHA256})
	must(t, err)
	path := "/ocsp/" + url.PathEscape(base64.StdEncoding.EncodeToString(req))
	status := func(w *httptest.ResponseRecorder) int {
		t.Helper()
		s.wantHeader(w, "Content-Type", "application/ocsp-response")
		res, err := xocsp.ParseResponseForCert(w.Body.Bytes(), cert, s.files.Issuing)
		must(t, err)
		s.wantHeader(w, "Cache-Control", "public, max-age=60, no-transform, must-revalidate")
		s.wantHeader(w, "Last-Modified", res.ThisUpdate.UTC().Format(http.TimeFormat))
		s.wantHeader(w, "Expires", res.NextUpdate.UTC().Format(http.TimeFormat))
		return res.Status
	}
	get, post := s.ask("GET", path, nil), s.ask("POST", "/ocsp", req, "Content-Type", "application/ocsp-request")
	if status(get) != xocsp.Good || status(post) != xocsp.Good {
		t.Fatal("not good")
	}
	if again := s.ask("GET", path, nil, "If-None-Match", get.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Fatalf("with its ETag: %d", again.Code)
	}
	s.revoke(record)
	get = s.ask("GET", path, nil, "If-None-Match", get.Header().Get("ETag"))
	post = s.ask("POST", "/ocsp", req)
	if status(get) != xocsp.Revoked || status(post) != xocsp.Revoked {
		t.Fatal("not revoked")
	}
}

func TestMalformedOCSP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	big := make([]byte, 1<<20)
	for name, w := range map[string]*httptest.ResponseRecorder{
		"empty POST":    s.ask("POST", "/ocsp", nil),
		"large POST":    s.ask("POST", "/ocsp", big),
		"empty GET":     s.ask("GET", "/ocsp/", nil),
		"no base64":     s.ask("GET", "/ocsp/!!!!", nil),
		"no request":    s.ask("GET", "/ocsp/aGVsbG8=", nil),
		"cut in base64": s.ask("GET", "/ocsp/aGVsbG8", nil),
	} {
		_, err := xocsp.ParseResponse(w.Body.Bytes(), nil)
		if got, ok := errors.AsType[xocsp.ResponseError](err); !ok || got.Status != xocsp.Malformed || w.Code != http.StatusOK {
			t.Errorf("%s: %d, %v", name, w.Code, err)
		}
		s.wantHeader(w, "Cache-Control", "no-store")
	}
}

// TestZlintPassesTheLists runs the RFC 5280 lints of zlint over both lists.
func TestZlintPassesTheLists(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	for _, name := range []string{crl.Issuing, crl.Root} {
		cmd := exec.CommandContext(t.Context(), "go", "tool", "zlint", "-includeSources", "RFC5280", "-format", "pem", "-pretty", s.path(name+".crl.pem"))
		cmd.Dir = "../tools"
		var failed bytes.Buffer
		cmd.Stderr = &failed
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("zlint, which tools/go.mod pins, does not run: %v\n%s", err, failed.String())
		}
		text := string(out)
		if strings.Contains(text, `"error"`) || strings.Contains(text, `"fatal"`) || strings.Contains(text, `"warn"`) {
			t.Errorf("%s list:\n%s", name, text)
		}
		if !strings.Contains(text, `"pass"`) {
			t.Errorf("%s list: no lint ran:\n%s", name, text)
		}
	}
}

// TestPlainAndSecure holds that the files are the same over https.
func TestPlainAndSecure(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	mux := http.NewServeMux()
	s.files.mount(mux)
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	res, err := server.Client().Get(server.URL + "/crl/issuing.crl")
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	if !bytes.Equal(body, s.read("issuing.crl")) {
		t.Fatal("another list over https")
	}
}
