package app

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ocsp"

	"guildhall/platform/fault"
	"guildhall/platform/peer"
)

// How often the public certificate is looked at: renewed in the last third of
// its life, and its OCSP answer fetched again.
const (
	publicCheck  = time.Minute
	stapleMaxAge = time.Hour
	maxStaple    = 64 << 10
)

// publicCert is a certificate of the public listener, kept in the data
// directory, renewed and stapled while running; or the one from
// server.tls_cert.
type publicCert struct {
	authority peer.Authority
	files     [2]string // certificate and key
	given     bool      // the files are the operator's, not ours to write
	hosts     []string
	now       func() time.Time
	log       *slog.Logger
	client    *http.Client
	revoked   *peer.Revocations

	mu      sync.Mutex // one load, renewal or stapling at a time
	stapled time.Time  // when the staple was last fetched
	// stapleEnds is when the staple runs out.
	stapleEnds time.Time
	current    atomic.Pointer[tls.Certificate]
}

// newPublicCert makes the certificate for hosts, the first of which names its
// files.
func newPublicCert(a *App, hosts []string) *publicCert {
	file := filepath.Join(a.cfg.Server.Data, "tls", hosts[0])
	return &publicCert{authority: a.node.Authority(), now: a.opts.Now, log: a.log, revoked: a.node.Revocations(),
		client: &http.Client{Timeout: 5 * time.Second}, hosts: hosts, files: [2]string{file + ".crt", file + ".key"}}
}

// givenCert is the certificate from server.tls_cert, which has to name the hosts.
func givenCert(a *App, hosts []string) *publicCert {
	p := newPublicCert(a, hosts)
	p.files, p.given = [2]string{a.cfg.Server.TLSCert, a.cfg.Server.TLSKey}, true
	return p
}

// start loads the certificate, or gets one when there is none to use.
func (p *publicCert) start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.load(); err != nil {
		if p.given {
			return err
		}
		if !errors.Is(err, os.ErrNotExist) {
			p.log.WarnContext(ctx, "the stored public certificate is of no use; asking for another", "err", err)
		}
		return p.renew(ctx)
	}
	return p.tend(ctx)
}

// reload reads given files again, or looks after our own certificate at once.
func (p *publicCert) reload(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.given {
		return p.load()
	}
	return p.tend(ctx)
}

func (p *publicCert) run(ctx context.Context) error {
	tick := time.NewTicker(publicCheck)
	defer tick.Stop()
	news := p.revoked.News()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-news:
			news = p.revoked.News()
		}
		p.mu.Lock()
		if err := p.tend(ctx); err != nil {
			p.log.WarnContext(ctx, "look after the public certificate; trying again in a minute", "err", err)
		}
		p.mu.Unlock()
	}
}

// tend renews our own certificate when two thirds of its life are over, its
// hosts changed, or it was revoked or forgotten by a restore, and keeps the staple fresh.
func (p *publicCert) tend(ctx context.Context) error {
	leaf := p.current.Load().Leaf
	if !p.given && (!covers(leaf, p.hosts) || p.now().After(renewAt(leaf)) || !p.fromRoot(leaf)) {
		return p.renew(ctx)
	}
	bad := p.isRevoked(leaf)
	if !bad && p.now().Sub(p.stapled) < stapleMaxAge {
		return nil
	}
	if (bad || p.freshen(ctx)) && !p.given {
		p.log.WarnContext(ctx, "the public certificate is revoked or unknown to the authority; asking for another", "serial", leaf.SerialNumber.Text(16))
		return p.renew(ctx)
	}
	return nil
}

// isRevoked is what the authority's feed says, before any OCSP answer does.
func (p *publicCert) isRevoked(leaf *x509.Certificate) bool {
	return p.revoked.CheckListed([]*x509.Certificate{leaf}) != nil
}

// offer is the certificate for a handshake. An answer that calls a revoked
// certificate good is not sent along, however fresh it is.
func (p *publicCert) offer() *tls.Certificate {
	c := p.current.Load()
	if c.OCSPStaple == nil || !p.isRevoked(c.Leaf) {
		return c
	}
	bare := *c
	bare.OCSPStaple = nil
	return &bare
}

func renewAt(leaf *x509.Certificate) time.Time {
	return leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) * 2 / 3)
}

func covers(leaf *x509.Certificate, hosts []string) bool { return len(missing(leaf, hosts)) == 0 }

// missing are the hosts that a certificate is not for.
func missing(leaf *x509.Certificate, hosts []string) []string {
	return slices.DeleteFunc(slices.Clone(hosts), func(h string) bool { return leaf.VerifyHostname(h) == nil })
}

// fromRoot is false for a certificate of an authority that is not ours any
// more: the data directory was restored, say.
func (p *publicCert) fromRoot(leaf *x509.Certificate) bool {
	chain := p.current.Load().Certificate
	issuer, err := x509.ParseCertificate(chain[len(chain)-1])
	if err != nil || len(chain) < 2 {
		return false
	}
	ours, err := p.authority.Roots()
	return err == nil && slices.ContainsFunc(ours, func(root *x509.Certificate) bool { return issuer.CheckSignatureFrom(root) == nil }) &&
		leaf.CheckSignatureFrom(issuer) == nil
}

// load reads the two files.
func (p *publicCert) load() error {
	c, err := tls.LoadX509KeyPair(p.files[0], p.files[1])
	if err != nil && p.given {
		return fault.New(fault.Invalid, "certificate_unusable", "server.tls_cert: the certificate in %s and the key in %s cannot be used: %w. What was served before stays.", p.files[0], p.files[1], err)
	}
	if err != nil {
		return fmt.Errorf("load the public certificate: %w", err)
	}
	if names := missing(c.Leaf, p.hosts); len(names) > 0 {
		if p.given {
			return fault.New(fault.Invalid, "certificate_names", "server.tls_cert: the certificate in %s is not for %s. It needs all of: %s; a wildcard stands for one label.",
				p.files[0], strings.Join(names, ", "), strings.Join(p.hosts, ", "))
		}
		return fmt.Errorf("the public certificate is not for %s", strings.Join(names, ", "))
	}
	p.current.Store(&c)
	p.stapled = time.Time{}
	return nil
}

// renew gets a certificate for a fresh key and stores both.
func (p *publicCert) renew(ctx context.Context) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: p.hosts[0]}, DNSNames: p.hosts}, key)
	if err != nil {
		return fmt.Errorf("make a certificate request: %w", err)
	}
	b, err := p.authority.ServerCertificate(ctx, csr)
	if err != nil {
		return fmt.Errorf("get a certificate for %s: %w", strings.Join(p.hosts, ", "), err)
	}
	if err := p.store(b.Chain, key); err != nil {
		return err
	}
	if err := p.load(); err != nil {
		return err
	}
	p.log.InfoContext(ctx, "the public hosts have a new certificate", "hosts", p.hosts, "until", p.current.Load().Leaf.NotAfter)
	p.freshen(ctx)
	return nil
}

func (p *publicCert) store(chain [][]byte, key crypto.PrivateKey) error {
	var certs bytes.Buffer
	for _, der := range chain {
		if err := pem.Encode(&certs, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return fmt.Errorf("encode the certificate: %w", err)
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(p.files[0]), 0o700); err != nil {
		return fmt.Errorf("make the directory of the public certificate: %w", err)
	}
	// A stop between the two writes leaves a pair that does not fit; load
	// refuses it and the next start asks for another.
	return errors.Join(os.WriteFile(p.files[0], certs.Bytes(), 0o600),
		os.WriteFile(p.files[1], pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

// freshen gets a new staple. The hosts work without one, and the address in the
// certificate may be out of reach from here or that of an earlier start: so a
// failure is logged, and the next look after the certificate tries again.
func (p *publicCert) freshen(ctx context.Context) (bad bool) {
	bad, err := p.staple(ctx)
	if err != nil {
		p.log.WarnContext(ctx, "the public certificate has no fresh OCSP answer to send along; trying again later", "err", err)
		p.dropStaple()
	}
	return bad
}

// dropStaple takes back an answer that has run out: clients would refuse it. A
// given certificate's responder may be on an internet that is not there, so it
// is not asked again before an hour.
func (p *publicCert) dropStaple() {
	if p.given {
		p.stapled = p.now()
	}
	if c := *p.current.Load(); c.OCSPStaple != nil && p.now().After(p.stapleEnds) {
		c.OCSPStaple = nil
		p.current.Store(&c)
	}
}

// staple fetches the OCSP answer for the current certificate and sends it along
// from the next handshake on (RFC 6066, section 8).
func (p *publicCert) staple(ctx context.Context) (bad bool, err error) {
	c := *p.current.Load()
	if len(c.Leaf.OCSPServer) == 0 || len(c.Certificate) < 2 {
		p.stapled = p.now()
		return false, nil
	}
	issuer, err := x509.ParseCertificate(c.Certificate[1])
	if err != nil {
		return false, fmt.Errorf("read the issuer of the public certificate: %w", err)
	}
	text, err := p.ask(ctx, c.Leaf, issuer)
	if err != nil {
		return false, fmt.Errorf("fetch the OCSP answer for the public certificate: %w", err)
	}
	answer, err := ocsp.ParseResponseForCert(text, c.Leaf, issuer)
	if err != nil {
		return false, fmt.Errorf("read the OCSP answer for the public certificate: %w", err)
	}
	p.stapled, p.stapleEnds = p.now(), answer.NextUpdate
	c.OCSPStaple = text
	p.current.Store(&c)
	return answer.Status != ocsp.Good, nil
}

func (p *publicCert) ask(ctx context.Context, leaf, issuer *x509.Certificate) ([]byte, error) {
	request, err := ocsp.CreateRequest(leaf, issuer, nil)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, leaf.OCSPServer[0], bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/ocsp-request")
	resp, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", leaf.OCSPServer[0], resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, maxStaple))
}

// fingerprint is the SHA-256 of a certificate as people compare it.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
