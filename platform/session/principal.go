package session

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// Everything is the role of an administrator of the whole process: it contains
// every other role.
const Everything = "*"

// Errors of the guard.
var (
	ErrUnauthenticated = fault.New(fault.Unauthenticated, "unauthenticated",
		"Nobody is signed in. Open a link from \"guildhall admin link\", or send \"Authorization: Bearer\" with a token from \"guildhall admin token\".")
	ErrBadToken = fault.New(fault.Unauthenticated, "invalid_token",
		"The token that was sent is not one of this installation, or it has expired or was withdrawn. Make a new one on the server with \"guildhall admin token\".")
	ErrNoAccount = fault.New(fault.Forbidden, "account_needed", "This is for people with an account, and you came in without one. Sign in with yours.")
	ErrForbidden = fault.New(fault.Forbidden, "forbidden", "You are signed in, but this needs a role that you do not have.")
)

// Principal is who makes a request.
type Principal struct {
	// ID is stable and goes into audit logs: "break-glass:ses_...", "local:root".
	ID string
	// Name is for people to read.
	Name string
	// Roles are dotted names such as "ca.admin"; Everything contains them all. Of one
	// service's, admin contains operator and operator contains viewer.
	Roles []string
	// SessionID is the browser session that the request came with, or empty.
	SessionID string
	// ACR is how surely identity knows the person ("aal1", "aal2"), and AuthTime
	// when that was shown; zero for everybody whom identity did not sign in.
	ACR      string
	AuthTime time.Time
}

// Person says whether identity signed the principal in.
func (p Principal) Person() bool { return !p.AuthTime.IsZero() }

// BreakGlass says whether the principal came through the emergency entrance with a
// browser.
func (p Principal) BreakGlass() bool { return p.SessionID != "" && p.Has(Everything) && !p.Person() }

// ranks are the last words of roles that contain each other, by how much. Support is
// what operators are called where they look after customers.
var ranks = map[string]int{"viewer": 1, "operator": 2, "support": 2, "admin": 3}

// Has says whether the principal holds the role, or one that contains it.
func (p Principal) Has(role string) bool {
	return slices.ContainsFunc(p.Roles, func(held string) bool { return contains(held, role) })
}

func contains(held, role string) bool {
	if held == Everything || held == role {
		return true
	}
	service, rank := split(held)
	of, least := split(role)
	return service == of && least > 0 && rank > least
}

// split is the service of a role, and the rank of its last word; 0: none.
func split(role string) (service string, rank int) {
	i := strings.LastIndexByte(role, '.')
	if i < 0 {
		return "", 0
	}
	return role[:i], ranks[role[i+1:]]
}

// Caller is who makes a request from a network address, with or without port, for
// an audit log.
func Caller(ctx context.Context, address string) audit.Caller {
	p, _ := From(ctx)
	return p.caller(host(address))
}

func (p Principal) caller(from string) audit.Caller {
	c := audit.Caller{Actor: p.ID, From: from}
	if !strings.HasSuffix(p.ID, ":"+p.Name) { // "local:root" needs no name
		c.Name = p.Name
	}
	return c
}

// host is an address without its port; what has none stays as it is.
func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return address
}

type (
	contextKey  struct{}
	badTokenKey struct{}
	troubleKey  struct{}
)

// With puts the principal into the context.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From is the principal of the request, if anybody is signed in.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}

// withBadToken notes that the request brought a token which names nobody.
func withBadToken(ctx context.Context) context.Context {
	return context.WithValue(ctx, badTokenKey{}, true)
}

// withTrouble notes why it is not known who makes the request.
func withTrouble(ctx context.Context, err error) context.Context {
	return context.WithValue(ctx, troubleKey{}, err)
}

// Check returns ErrUnauthenticated, ErrBadToken, ErrForbidden or nil, or why it is
// not known who makes the request.
func Check(ctx context.Context, role string) error {
	p, ok := From(ctx)
	if trouble, _ := ctx.Value(troubleKey{}).(error); trouble != nil && !ok {
		return trouble
	}
	if bad, _ := ctx.Value(badTokenKey{}).(bool); bad && !ok {
		return ErrBadToken
	}
	if !ok {
		return ErrUnauthenticated
	}
	if !p.Has(role) {
		return ErrForbidden.With(map[string]any{"Role": role})
	}
	return nil
}

// CheckPerson is Check for everybody whom identity signed in, whatever his roles; others
// get ErrNoAccount.
func CheckPerson(ctx context.Context) error {
	p, _ := From(ctx)
	switch err := Check(ctx, Everything); {
	case p.Person():
		return nil
	case err == nil || errors.Is(err, ErrForbidden):
		return ErrNoAccount
	default:
		return err
	}
}

// Require lets only holders of the role through. Where people can sign in, a page
// sends those there who have not; refuse answers the others.
func Require(role string, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return guard(func(ctx context.Context) error { return Check(ctx, role) }, refuse)
}

// RequirePerson is Require for everybody whom identity signed in, whatever his roles.
func RequirePerson(refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return guard(CheckPerson, refuse)
}

func guard(check func(context.Context) error, refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := check(r.Context()); err != nil {
				if errors.Is(err, ErrUnauthenticated) && invite(w, r, nil) {
					return
				}
				Challenge(w.Header(), err)
				refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Challenge tells a program how to sign in, after an error of Check (RFC 6750,
// section 3): who sent no token is told no error.
func Challenge(h http.Header, err error) {
	challenge := `Bearer realm="guildhall"`
	switch {
	case errors.Is(err, ErrBadToken):
		challenge += `, error="invalid_token"`
	case errors.Is(err, ErrForbidden):
		challenge += `, error="insufficient_scope"`
	}
	h.Set("WWW-Authenticate", challenge)
}

// bearer is the token of the Authorization header (RFC 6750, section 2.1).
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}
