package ca

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"guildhall/ca/internal/crl"
	"guildhall/ca/internal/ocsp"
	"guildhall/platform/fault"
)

// statusMaxAge is how long a cache may give out a list or an OCSP response
// without asking again. Asking costs a 304; a revocation that waits in caches
// until nextUpdate costs more.
const statusMaxAge = time.Minute

// authorityMaxAge is the same for the authority's own certificates.
const authorityMaxAge = time.Hour

// statusFiles serves what clients fetch to check a certificate: the revocation
// lists, OCSP and the authority's certificates, at the addresses that stand in
// every certificate. It needs no sign-in and serves plain HTTP too: all of it
// is signed, and a client that would have to check a certificate in order to
// check a certificate has nowhere to begin (RFC 5280, section 8).
type statusFiles struct {
	Lists         *crl.Publisher
	Responder     *ocsp.Responder
	Root, Issuing *x509.Certificate
	Now           func() time.Time
	Log           *slog.Logger
}

// mount registers the handlers. A pattern with GET takes HEAD too.
func (s *statusFiles) mount(mux *http.ServeMux) {
	mux.Handle("GET /crl/issuing.crl", s.list(crl.Issuing))
	mux.Handle("GET /crl/root.crl", s.list(crl.Root))
	mux.HandleFunc("POST /ocsp", s.ocspPost)
	mux.HandleFunc("GET /ocsp/{request...}", s.ocspGet)
	for name, cert := range map[string]*x509.Certificate{"root": s.Root, "issuing": s.Issuing} {
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
		mux.Handle("GET /ca/"+name+".cer", s.certificate(cert, "application/pkix-cert", cert.Raw))
		mux.Handle("GET /ca/"+name+".pem", s.certificate(cert, "application/x-pem-file", text))
	}
}

func (s *statusFiles) list(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l, err := s.Lists.Current(r.Context(), name)
		if err != nil {
			if !errors.Is(err, crl.ErrNotFound) {
				s.Log.ErrorContext(r.Context(), "revocation list was not served", "list", name, "error", err)
			}
			fault.Write(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/pkix-crl")
		h.Set("ETag", fmt.Sprintf(`"%s-%d"`, name, l.Number))
		s.cache(h, statusMaxAge, l.NextUpdate)
		http.ServeContent(w, r, "", l.ThisUpdate, bytes.NewReader(l.DER))
	}
}

// ocspPost answers the usual form of a request (RFC 6960, appendix A.1).
func (s *statusFiles) ocspPost(w http.ResponseWriter, r *http.Request) {
	// One byte more than is read lets the parser see that it is too much.
	der, err := io.ReadAll(io.LimitReader(r.Body, ocsp.MaxRequest+1))
	if err != nil {
		fault.Write(w, r, fault.New(fault.Malformed, "ocsp_body", "The body of the OCSP request could not be read."))
		return
	}
	answer := s.Responder.Respond(r.Context(), der)
	s.ocspHeaders(w.Header(), answer)
	w.Header().Set("Content-Length", strconv.Itoa(len(answer.DER)))
	_, _ = w.Write(answer.DER) // the client is gone if this fails
}

// ocspGet answers the form that caches can keep: the request in base64 as the
// rest of the path.
func (s *statusFiles) ocspGet(w http.ResponseWriter, r *http.Request) {
	der, err := base64.StdEncoding.DecodeString(r.PathValue("request"))
	if err != nil {
		der = nil // which is answered as malformed
	}
	answer := s.Responder.Respond(r.Context(), der)
	s.ocspHeaders(w.Header(), answer)
	http.ServeContent(w, r, "", answer.ThisUpdate, bytes.NewReader(answer.DER))
}

// ocspHeaders sets the headers of RFC 5019, section 6.2, but for a max-age that
// is shorter than until nextUpdate.
func (s *statusFiles) ocspHeaders(h http.Header, a ocsp.Answer) {
	h.Set("Content-Type", "application/ocsp-response")
	if !a.Cacheable() {
		h.Set("Cache-Control", "no-store")
		return
	}
	h.Set("ETag", tag(a.DER))
	h.Set("Last-Modified", a.ThisUpdate.UTC().Format(http.TimeFormat))
	s.cache(h, statusMaxAge, a.NextUpdate)
}

func (s *statusFiles) certificate(cert *x509.Certificate, contentType string, body []byte) http.HandlerFunc {
	etag := tag(body)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("ETag", etag)
		s.cache(w.Header(), authorityMaxAge, cert.NotAfter)
		http.ServeContent(w, r, "", cert.NotBefore, bytes.NewReader(body))
	}
}

// cache allows caches to keep a file for a while, and not beyond its end.
func (s *statusFiles) cache(h http.Header, age time.Duration, end time.Time) {
	age = max(0, min(age, end.Sub(s.Now())))
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d, no-transform, must-revalidate", int(age.Seconds())))
	h.Set("Expires", end.UTC().Format(http.TimeFormat))
}

func tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}
