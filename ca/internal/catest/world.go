// Package catest is a working authority for tests: real keys, a real database,
// a real audit log.
package catest

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/clock"
	"guildhall/ca/internal/enrol"
	"guildhall/ca/internal/keys"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/ca/internal/token"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// Admin is the caller that tests act as.
var Admin = audit.Caller{Actor: "break-glass:test", From: "127.0.0.1"}

// World is an authority and what it stands on.
type World struct {
	DB       *db.DB
	Clock    *guildtest.Clock
	Keys     *keys.Keyring
	Audit    *audit.Log
	Journal  *audit.Journal
	Store    *store.Store
	Service  *certificate.Service
	Tokens   *token.Desk
	Enroller *enrol.Enroller
	// Announced are the revocations that the peers were told.
	Announced *[]store.Revocation

	announcing *sync.Mutex
}

// Options change a World from the usual.
type Options struct {
	// Dir holds seal.key and root.passphrase; empty: a new folder.
	Dir      string
	Policy   profile.PolicyText
	KeepKeys bool
	// Base is the address in the certificates; empty: one that nobody serves.
	Base string
	// Changed is told of every revocation in its transaction; nil: nobody.
	Changed func(ctx context.Context, tx *sql.Tx) error
}

// New opens an authority on a database that has the ca's migrations.
func New(t testing.TB, d *db.DB, o Options) *World {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	// Now, so that programs with clocks of their own agree.
	w := &World{DB: d, Clock: guildtest.NewClock(time.Now()), Store: store.New(d), Announced: new([]store.Revocation), announcing: new(sync.Mutex)}
	policy, err := profile.NewPolicy(o.Policy)
	must(t, err)
	profiles, err := profile.NewSet(policy, nil)
	must(t, err)
	addresses := profile.Addresses{Base: cmp.Or(o.Base, "http://ca.example.test")}
	if o.Changed == nil {
		o.Changed = func(context.Context, *sql.Tx) error { return nil }
	}
	log := slog.New(slog.DiscardHandler)
	w.Keys, err = keys.Open(t.Context(), keys.Options{DB: d, Now: w.Clock.Now, Log: log, Organization: "Example Guild", Policy: policy, Addresses: addresses,
		SealFile: filepath.Join(o.Dir, "seal.key"), PassphraseFile: filepath.Join(o.Dir, "root.passphrase")})
	must(t, err)
	w.Audit, err = audit.New(audit.Options{DB: d, Name: "ca.example.test/audit", Key: w.Keys.Audit(), Now: w.Clock.Now})
	must(t, err)
	must(t, w.Audit.Migrate(t.Context()))
	w.Journal = &audit.Journal{DB: d, Audit: w.Audit, Log: log}
	high, err := w.Store.HighWater(t.Context())
	must(t, err)
	w.Service = certificate.New(certificate.Options{DB: d, Store: w.Store, Journal: w.Journal, Keys: w.Keys, Profiles: profiles,
		Addresses: addresses, Guard: clock.New(w.Clock.Now, clock.DefaultTolerance, high), Log: log, KeepKeys: o.KeepKeys,
		Changed: o.Changed, Announce: w.announce})
	w.Tokens = &token.Desk{Store: w.Store, Journal: w.Journal, Now: w.Clock.Now, Root: sha256.Sum256(w.Keys.RootCertificate().Raw), Services: []string{"bank", "chat", "shop"}}
	w.Enroller = &enrol.Enroller{Certificates: w.Service, Tokens: w.Tokens, Domain: "guild.example.test"}
	return w
}

func (w *World) announce(_ context.Context, r store.Revocation) (certificate.Reach, error) {
	w.announcing.Lock()
	defer w.announcing.Unlock()
	*w.Announced = append(*w.Announced, r)
	return certificate.Reach{Peers: 2, Acknowledged: 2}, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Issue issues a certificate that the test relies on.
func (w *World) Issue(t testing.TB, r certificate.IssueRequest) *certificate.Issued {
	t.Helper()
	if r.By.Actor == "" {
		r.By = Admin
	}
	issued, err := w.Service.Issue(t.Context(), r)
	must(t, err)
	return issued
}

// VerifyAudit fails the test unless the audit log is whole.
func (w *World) VerifyAudit(t testing.TB) {
	t.Helper()
	report, err := w.Audit.Verify(t.Context())
	must(t, err)
	if !report.OK() {
		t.Fatalf("the audit log does not verify: %+v", report)
	}
}

// Actions are the actions of the audit log, oldest first.
func (w *World) Actions(t testing.TB) []string {
	t.Helper()
	page, err := w.Audit.List(t.Context(), audit.Filter{Limit: audit.MaxLimit})
	must(t, err)
	actions := make([]string, 0, len(page.Records))
	for _, r := range slices.Backward(page.Records) {
		actions = append(actions, r.Action)
	}
	return actions
}

// NewKey is an ECDSA P-256 key.
func NewKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

// CSR is a request in PEM for the names, signed by key. The first name is the
// common name too.
func CSR(t testing.TB, key crypto.Signer, names ...string) []byte {
	t.Helper()
	r := &x509.CertificateRequest{}
	if len(names) > 0 {
		r.Subject = pkix.Name{CommonName: names[0]}
	}
	for _, n := range names {
		switch {
		case strings.Contains(n, "://"):
			u, err := url.Parse(n)
			must(t, err)
			r.URIs = append(r.URIs, u)
		case strings.Contains(n, "@"):
			r.EmailAddresses = append(r.EmailAddresses, n)
		case net.ParseIP(n) != nil:
			r.IPAddresses = append(r.IPAddresses, net.ParseIP(n))
		default:
			r.DNSNames = append(r.DNSNames, n)
		}
	}
	return CSROf(t, key, r)
}

// CSROf signs a request of any content.
func CSROf(t testing.TB, key crypto.Signer, r *x509.CertificateRequest) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, r, key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}
