package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"guildhall/platform/access"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

const (
	sessionCookie = "__Host-guildhall-session"

	startPath    = "/session/start"
	callbackPath = "/session/callback"
	endedPath    = "/session/ended"

	// EndPath takes the POST that signs somebody out.
	EndPath = "/session/end"
)

// How long people stay signed in at a service: without using it, and in all.
const (
	idle     = 12 * time.Hour
	absolute = 24 * time.Hour
)

// policy is the header that says where forms may lead; browsers hold redirects
// after them to it too.
const policy = "Content-Security-Policy"

const (
	// recheck is how often identity is asked again who somebody is, and what his
	// roles are, while he uses the service.
	recheck = time.Minute
	// believe is how old its answer may be when it cannot be asked.
	believe = 2 * time.Minute
)

// Errors of a Desk.
var (
	ErrUnavailable = fault.New(fault.Unavailable, "sign_in_unavailable",
		"Nobody can sign in at the moment, because the service \"identity\" does not answer. Try again.").After(5 * time.Second)
	ErrForeign = fault.New(fault.Invalid, "sign_in_foreign",
		"This sign-in was begun in another browser, was finished already, or took too long. Open the page that you wanted and sign in again.")
	ErrRefused = fault.New(fault.Forbidden, "sign_in_refused",
		"You were not signed in. Open the page that you wanted and sign in again.")
	ErrUnknown = fault.New(fault.Unavailable, "sign_in_unknown",
		"Whether you are still signed in cannot be known at the moment, because the service \"identity\" does not answer. Try again.").After(5 * time.Second)
	ErrElsewhere = fault.New(fault.Unavailable, "sign_out_elsewhere",
		"You are signed out here. Whether also elsewhere is not known, because the service \"identity\" does not answer: sign out there too.")
	ErrStepUp = fault.New(fault.Forbidden, "step_up",
		"Show again who you are before you do this: open the page anew and sign in.")
)

// DeskOptions is what NewDesk needs; all of it.
type DeskOptions struct {
	// Service is the service's name, URL the public https address of its host,
	// without final slash.
	Service, URL string
	// DB is the service's database, at Migrations.
	DB *db.DB
	// Issuer is identity's public address, without final slash. Forms may lead there:
	// whoever is not signed in any more when he sends one is sent on.
	Issuer string
	// Identity calls identity as the service, under IdentityURL.
	Identity    *http.Client
	IdentityURL string
	// Revoked is what identity revoked; somebody keeps it up to date.
	Revoked access.Set
	// Refuse answers what cannot be done, and Ended who has signed out.
	Refuse func(http.ResponseWriter, *http.Request, error)
	Ended  http.HandlerFunc
	Now    func() time.Time
	Log    *slog.Logger
}

// Desk signs people in on the host of one service, by the service identity: it is
// an OpenID Connect client (code flow with PKCE), and keeps who is signed in in the
// service's own database. It is safe for concurrent use, also by several nodes.
type Desk struct{ o DeskOptions }

// NewDesk makes a desk.
func NewDesk(o DeskOptions) *Desk { return &Desk{o: o} }

// Mount adds the paths under /session/.
func (d *Desk) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /session/start", d.start)
	mux.HandleFunc("GET /session/callback", d.callback)
	mux.HandleFunc("POST /session/end", d.end)
	mux.HandleFunc("GET /session/ended", d.o.Ended)
}

// deskKey is where a request's Desk is found.
type deskKey struct{}

func deskOf(ctx context.Context) *Desk {
	d, _ := ctx.Value(deskKey{}).(*Desk)
	return d
}

// StartURL is where a visitor of the request's host signs in, and comes back to a
// path from; empty: nowhere.
func StartURL(ctx context.Context, to string) string {
	if deskOf(ctx) == nil {
		return ""
	}
	return startURL(to, url.Values{})
}

// Identify puts who is signed in, or in whose name a program comes with an access
// token of identity for this host, into the request's context, unless somebody is
// there already.
func (d *Desk) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), deskKey{}, d)
		const own = "form-action 'self'"
		w.Header().Set(policy, strings.Replace(w.Header().Get(policy), own, own+" "+d.o.Issuer, 1))
		if _, known := From(ctx); !known {
			if token, ok := bearer(r); ok {
				ctx = d.admit(ctx, token)
			} else if value := cookieValue(r); value != "" {
				ctx = d.identify(ctx, value)
			}
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (d *Desk) identify(ctx context.Context, token string) context.Context {
	s, err := d.live(ctx, token)
	switch {
	case errors.Is(err, errNone):
		return ctx
	case err != nil:
		if ctx.Err() == nil {
			d.o.Log.WarnContext(ctx, "whether somebody is signed in is not known", "err", err)
		}
		return withTrouble(ctx, err)
	}
	return With(ctx, Principal{ID: s.Account, Name: s.Name, Roles: d.roles(s.Roles), SessionID: s.id, ACR: s.ACR, AuthTime: s.AuthTime})
}

// admit is identify for an access token. One that is not good stays a bad token.
func (d *Desk) admit(ctx context.Context, token string) context.Context {
	verifier := access.Verifier{Set: d.o.Revoked, Now: d.o.Now}
	c, err := verifier.Verify(token, d.o.URL)
	switch {
	case errors.Is(err, access.ErrStale):
		return withTrouble(ctx, err)
	case err != nil:
		return ctx
	}
	return With(ctx, Principal{ID: c.Subject, Roles: d.roles(c.Roles), ACR: c.ACR, AuthTime: c.AuthTime})
}

// roles are those that are about this service.
func (d *Desk) roles(all []string) []string {
	var own []string
	for _, role := range all {
		if strings.HasPrefix(role, d.o.Service+".") {
			own = append(own, role)
		}
	}
	return own
}

// live is the session of a token, as identity knows the person a minute ago at
// most; errNone when it is over.
func (d *Desk) live(ctx context.Context, token string) (row, error) {
	now := d.now()
	s, err := find(ctx, d.o.DB, digest(token), now)
	if err != nil {
		return row{}, err
	}
	switch err := d.revoked(s); {
	case errors.Is(err, access.ErrRevoked):
		return row{}, d.over(ctx, s)
	case err != nil:
		return row{}, err
	}
	if now.Sub(s.checkedAt) < recheck {
		return s, nil
	}
	person, err := d.person(ctx, s.grant)
	switch {
	case errors.Is(err, errOver), err == nil && person.Account != s.Account:
		return row{}, d.over(ctx, s)
	case err != nil && now.Sub(s.checkedAt) > believe:
		return row{}, ErrUnknown.Because(err)
	case err != nil:
		return s, nil //nolint:nilerr // what identity said last is believed for a while
	}
	s.Name, s.Roles, s.checkedAt, s.idleUntil = person.Name, person.Roles, now, earlier(now.Add(idle), s.endsAt)
	if err := update(ctx, d.o.DB, s); err != nil && ctx.Err() == nil {
		// A database that cannot be written signs nobody out.
		d.o.Log.WarnContext(ctx, "the use of a session was not noted, so it may end early", "session", s.id, "err", err)
	}
	return s, nil
}

// revoked is access.ErrRevoked for a session whose session at identity ended, or
// whose account, application or grant was revoked, and access.ErrStale when that is
// not known. Its beginning is what counts: identity vouched for all of it then.
func (d *Desk) revoked(s row) error {
	err := d.o.Revoked.CheckSession(access.Session{ID: s.Session, Account: s.Account, Since: s.madeAt})
	if err != nil {
		return err
	}
	return d.o.Revoked.Check(access.Token{Grant: s.grant, Client: ClientPrefix + d.o.Service, IssuedAt: s.madeAt})
}

// over removes a session that identity no longer knows.
func (d *Desk) over(ctx context.Context, s row) error {
	if err := remove(ctx, d.o.DB, s.id); err != nil && ctx.Err() == nil {
		d.o.Log.WarnContext(ctx, "a session that is over was not removed", "session", s.id, "err", err)
	}
	return errNone
}

// begin begins a session, in place of the one that the browser had: the token is
// always a new one.
func (d *Desk) begin(ctx context.Context, grant string, p Person, old string) (token string, err error) {
	token = rand.Text()
	now := d.now()
	return token, insert(ctx, d.o.DB, row{id: id.New("ses"), hash: digest(token), grant: grant, Person: p,
		madeAt: now, checkedAt: now, idleUntil: now.Add(idle), endsAt: now.Add(absolute)}, digest(old))
}

// end signs out: here at once, and then at identity, which ends the person's
// sessions at all services.
func (d *Desk) end(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	setCookie(w, sessionCookie, "", -time.Second)
	s, err := find(r.Context(), d.o.DB, digest(cookieValue(r)), d.now())
	if err == nil {
		if err = remove(r.Context(), d.o.DB, s.id); err == nil {
			if err = d.endAt(r.Context(), s.grant); err != nil {
				err = ErrElsewhere.Because(err)
			}
		}
	}
	if err != nil && !errors.Is(err, errNone) {
		d.o.Refuse(w, r, err)
		return
	}
	http.Redirect(w, r, endedPath, http.StatusSeeOther)
}

// now is the clock as the database keeps it.
func (d *Desk) now() time.Time { return d.o.Now().UTC().Truncate(time.Microsecond) }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// digest is what is kept of a token.
func digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// cookieValue is the token of the browser's session; empty without one.
func cookieValue(r *http.Request) string {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// invite sends a browser that wants a page to where its person signs in, and says
// whether it did.
func invite(w http.ResponseWriter, r *http.Request, more url.Values) bool {
	if deskOf(r.Context()) == nil || r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get("HX-Request") == "" {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.Header.Get("HX-Request") != "" {
		// A part of a page that is open already: the whole page goes.
		to := "/"
		if page, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil {
			to = page.RequestURI()
		}
		w.Header().Set("HX-Redirect", startURL(to, more))
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	http.Redirect(w, r, startURL(r.URL.RequestURI(), more), http.StatusSeeOther)
	return true
}
