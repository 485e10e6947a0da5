// Package clientauth finds out which application makes a request: by its secret,
// an assertion that it signed, or its certificate.
//
// A secret has 256 bits and a signature cannot be guessed, so tries are not
// counted before they are looked at, as those at passwords are. What failed counts
// for the network address it came from: beyond its share an address that fails is
// told to wait and no longer recorded, while whoever is right gets through. So
// nobody keeps an application out by failing in its name.
package clientauth

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/db"
)

// AssertionJWT is the only "client_assertion_type": RFC 7523, 2.2.
const AssertionJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxID bounds a "client_id", in bytes.
const maxID = 256

// ErrRefused is the one answer to an unknown or disabled application and to one
// that has not shown who it is.
var ErrRefused = oauth.NewError(oauth.InvalidClient, "The application is unknown, or has not shown that it is this one. Check client_id and what it authenticates with.")

// Presented is what came with a request.
type Presented struct {
	// Basic is of the header Authorization; nil: none was sent.
	Basic *Basic
	// ClientID, Secret, Assertion and AssertionType are the parameters client_id,
	// client_secret, client_assertion and client_assertion_type; empty: not sent.
	ClientID, Secret         string
	Assertion, AssertionType string
	// Certificates are those of the TLS connection, the client's own first.
	Certificates []*x509.Certificate
	By           audit.Caller
}

// Basic is a client id and secret, decoded: RFC 6749, 2.3.1.
type Basic struct{ ID, Secret string }

// Options is what a Desk needs; all but VerifyCertificate.
type Options struct {
	DB      *db.DB
	Journal *audit.Journal
	Clients *client.Desk
	Gate    *throttle.Gate
	// Once notes that a key was presented: grant.Desk's Once.
	Once func(ctx context.Context, key string, until time.Time) (first bool, err error)
	// VerifyCertificate returns nil when the authority stands for the certificate: its
	// chain, purpose and time, and that it is not revoked; fault.Unavailable when that
	// cannot be known at the moment. Without it nobody gets in by tls_client_auth.
	VerifyCertificate func(ctx context.Context, certificate *x509.Certificate, intermediates []*x509.Certificate) error
	Now               func() time.Time
	Log               *slog.Logger
}

// Desk authenticates applications. It is safe for concurrent use.
type Desk struct{ o Options }

// New makes a desk.
func New(o Options) *Desk { return &Desk{o: o} }

// Methods are the ways of authentication that work here, as discovery lists them.
func (d *Desk) Methods() []string {
	list := []string{oauth.MethodBasic, oauth.MethodPost, oauth.MethodPrivateKeyJWT, oauth.MethodSelfSignedTLS}
	if d.o.VerifyCertificate != nil {
		list = append(list, oauth.MethodTLS)
	}
	return append(list, oauth.MethodNone)
}

// Authenticate is the active application that makes a request. It came in one
// way, the one that it is registered for. audiences are the names under which an
// assertion may call us. The error is oauth.InvalidRequest, oauth.InvalidClient or
// throttle.ErrThrottled.
func (d *Desk) Authenticate(ctx context.Context, p Presented, audiences []string) (client.Client, error) {
	id, err := p.id()
	if err != nil {
		return client.Client{}, err
	}
	c, right, err := d.o.Clients.GetWith(ctx, id, p.secret())
	if errors.Is(err, client.ErrNotFound) {
		return client.Client{}, d.refused(ctx, p.By, "unknown", "unknown", nil)
	}
	if err != nil {
		return client.Client{}, err
	}
	if err := p.fits(&c); err != nil {
		return client.Client{}, err
	}
	why, err := d.check(ctx, &c, p, right, audiences)
	if err != nil || why != "" {
		return client.Client{}, d.refused(ctx, p.By, c.ID, why, err)
	}
	if !c.Active() {
		return client.Client{}, d.refused(ctx, p.By, c.ID, "disabled", nil)
	}
	return c, nil
}

// id is the application that is meant, if that is clear.
func (p *Presented) id() (string, error) {
	ways := 0
	for _, there := range []bool{p.Basic != nil, p.Secret != "", p.Assertion != "" || p.AssertionType != ""} {
		if there {
			ways++
		}
	}
	if ways > 1 {
		return "", oauth.NewError(oauth.InvalidRequest, "The application authenticates in more than one way. Use the one that it is registered for.")
	}
	id := p.ClientID
	switch {
	case p.Basic != nil:
		id = p.Basic.ID
	case p.Assertion != "" && p.AssertionType != AssertionJWT:
		return "", oauth.NewError(oauth.InvalidRequest, "The client_assertion_type is not %s.", AssertionJWT)
	case p.Assertion != "":
		subject, err := subject(p.Assertion)
		if err != nil {
			return "", ErrRefused.Because(err)
		}
		id = subject
	case p.AssertionType != "":
		return "", oauth.NewError(oauth.InvalidRequest, "The client_assertion is missing.")
	}
	if p.ClientID != "" && p.ClientID != id {
		return "", oauth.NewError(oauth.InvalidRequest, "The client_id is another than the one that the application authenticates as.")
	}
	if id == "" {
		return "", oauth.NewError(oauth.InvalidClient, "The request does not say which application makes it: client_id is missing.")
	}
	if len(id) > maxID || !utf8.ValidString(id) || strings.ContainsRune(id, 0) { // which databases differ about
		return "", ErrRefused
	}
	return id, nil
}

func (p *Presented) secret() string {
	if p.Basic != nil {
		return p.Basic.Secret
	}
	return p.Secret
}

// fits says whether the application comes the way that it is registered for.
// Coming another way is a mistake and no guess.
func (p *Presented) fits(c *client.Client) error {
	comes := false
	switch c.Method {
	case oauth.MethodBasic:
		comes = p.Basic != nil
	case oauth.MethodPost:
		comes = p.Secret != ""
	case oauth.MethodPrivateKeyJWT:
		comes = p.Assertion != ""
	case oauth.MethodTLS, oauth.MethodSelfSignedTLS:
		comes = p.bare() && len(p.Certificates) > 0
	case oauth.MethodNone:
		comes = p.bare()
	}
	if !comes {
		return oauth.NewError(oauth.InvalidClient, "The application is registered to authenticate by %s, and did not.", c.Method)
	}
	return nil
}

// bare says whether only a client_id was sent.
func (p *Presented) bare() bool { return p.Basic == nil && p.Secret == "" && p.Assertion == "" }

// check says why the application is not the one that it says it is, in a word for
// the audit log; empty: it is. right says whether its secret is.
func (d *Desk) check(ctx context.Context, c *client.Client, p Presented, right bool, audiences []string) (why string, err error) {
	switch c.Method {
	case oauth.MethodBasic, oauth.MethodPost:
		return unless(right, "secret"), nil
	case oauth.MethodPrivateKeyJWT:
		return d.assertion(ctx, c, p.Assertion, audiences)
	case oauth.MethodTLS:
		return d.certified(ctx, c, p.Certificates)
	case oauth.MethodSelfSignedTLS:
		return unless(registered(c, p.Certificates[0]), "certificate"), nil
	}
	return "", nil // it is public: what it may do, it may do unknown
}

func unless(right bool, why string) string {
	if right {
		return ""
	}
	return why
}

// refused counts and records a failure, unless the failure is ours.
func (d *Desk) refused(ctx context.Context, by audit.Caller, subject, why string, trouble error) error {
	if trouble != nil {
		return trouble
	}
	ctx = context.WithoutCancel(ctx)
	from := throttle.Address(by.From)
	if err := d.o.Gate.Allow(ctx, from); err != nil {
		return err
	}
	err := d.o.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := d.o.Journal.Append(ctx, tx, by, journal.ApplicationRefused, subject, map[string]any{"why": why}); err != nil {
			return err
		}
		return d.o.Gate.FailedIn(ctx, tx, by, from)
	})
	if err != nil {
		d.o.Log.ErrorContext(ctx, "the refusal of an application was not recorded", "application", subject, "err", err)
	}
	return ErrRefused
}
