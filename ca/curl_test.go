package ca

import (
	"crypto"
	"testing"

	xocsp "golang.org/x/crypto/ocsp"
)

// staple is the OCSP response for NAME.pem, as a server would fetch it.
func (s *site) staple(name string) []byte {
	s.t.Helper()
	req, err := xocsp.CreateRequest(s.certificate(name), s.files.Issuing, &xocsp.RequestOptions{Hash: crypto.SHA1})
	must(s.t, err)
	answer := s.files.Responder.Respond(s.t.Context(), req)
	if !answer.Cacheable() {
		s.t.Fatalf("no response for %s: %x", name, answer.DER)
	}
	return answer.DER
}

func (s *site) curl(host, port string, args ...string) []string {
	return append([]string{"--silent", "--show-error", "--cacert", "root.pem", "--resolve", host + ":" + port + ":127.0.0.1",
		"https://" + host + ":" + port + "/"}, args...)
}

func TestCurlTrustsAndChecksTheLists(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	www, old := s.serveTLS("www", nil), s.serveTLS("old", nil)
	s.ok([]string{"hello"}, "curl", s.curl("www.example.test", www)...)
	s.refuses([]string{"no alternative certificate subject name"}, "curl", s.curl("other.example.test", www)...)
	s.ok([]string{"hello"}, "curl", s.curl("www.example.test", www, "--crlfile", "lists.pem")...)
	s.ok([]string{"hello"}, "curl", s.curl("old.example.test", old)...)
	s.refuses([]string{"certificate revoked"}, "curl", s.curl("old.example.test", old, "--crlfile", "lists.pem")...)
}

func TestCurlChecksTheStaple(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	www, old, bare := s.serveTLS("www", s.staple("www")), s.serveTLS("old", s.staple("old")), s.serveTLS("www", nil)
	s.ok([]string{"hello"}, "curl", s.curl("www.example.test", www, "--cert-status")...)
	s.refuses([]string{"revocation reason: keyCompromise"}, "curl", s.curl("old.example.test", old, "--cert-status")...)
	s.refuses([]string{"No OCSP response received"}, "curl", s.curl("www.example.test", bare, "--cert-status")...)
}

func TestCurlFetchesTheStatusFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, name := range []string{"/ca/root.cer", "/ca/issuing.cer", "/crl/issuing.crl", "/crl/root.crl"} {
		s.ok([]string{"200"}, "curl", "--silent", "--fail", "--head", s.base+name)
	}
}
