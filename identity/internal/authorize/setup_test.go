package authorize

import (
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/signing"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/id"
)

// world is the service and what it stands on, with a person of one test alone.
type world struct {
	*identitytest.World
	*Service
	keys     *signing.Desk
	clients  *client.Desk
	grants   *grant.Desk
	sessions *session.Desk
	ann      *Visitor
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{World: identitytest.New(t, d)}
	log := slog.New(slog.DiscardHandler)
	w.keys = signing.New(signing.Options{Store: w.Store, Journal: w.Journal, Key: w.Key, Now: w.Clock.Now, Log: log})
	must(t, w.keys.Start(t.Context()))
	w.clients = client.New(client.Options{DB: d, Store: w.Store, Journal: w.Journal, Now: w.Clock.Now, Log: log})
	w.sessions = &session.Desk{Store: w.Store, Journal: w.Journal, Log: log, Now: w.Clock.Now}
	w.grants = grant.New(grant.Options{Store: w.Store, Journal: w.Journal, Key: w.Key, Sessions: w.sessions, Now: w.Clock.Now, Log: log})
	w.clients.OnRevoke, w.sessions.Ended = w.grants.ClientEnded, w.grants.SessionsEnded
	w.Service = New(Options{DB: d, Store: w.Store, Journal: w.Journal, Clients: w.clients, Grants: w.grants, Issuer: issuer, Now: w.Clock.Now, Log: log,
		Minter: &mint.Minter{Signing: w.keys, Accounts: w.Accounts, Issuer: issuer, Now: w.Clock.Now}})
	return w
}

// fresh is the world with another person, who signed in a minute ago.
func (w *world) fresh(t *testing.T) *world {
	t.Helper()
	n := *w
	account := id.New("usr")
	w.exec(t, `INSERT INTO accounts (id, email, email_key, name, language, theme, password, password_set_at, must_change, state, created_at)
		VALUES ($1, $2, $3, 'Ann', 'en', '', '', $4, FALSE, 'active', $5)`, account, account+"@example.test", account+"@example.test",
		db.Micros(w.Clock.Now()), db.Micros(w.Clock.Now()))
	n.ann = n.visitor(t, account, session.Password, session.MethodPassword)
	w.Clock.Advance(time.Minute)
	return &n
}

func (w *world) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	must(t, w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query, args...)
		return err
	}))
}

// visitor signs the account in.
func (w *world) visitor(t *testing.T, account string, level session.Level, methods ...string) *Visitor {
	t.Helper()
	_, s, err := w.sessions.Start(t.Context(), session.Start{Account: account, Level: level, Methods: methods})
	must(t, err)
	return &Visitor{Account: account, Session: s.ID, Level: s.Level, Methods: s.Methods, AuthenticatedAt: s.AuthenticatedAt, By: audit.Caller{Actor: account}}
}

// app registers an application as the preset makes it, with changes.
func (w *world) app(t *testing.T, change func(m *client.Metadata)) client.Client {
	t.Helper()
	m := web().Metadata
	if change != nil {
		change(&m)
	}
	c, _, err := w.clients.Create(t.Context(), m, audit.Caller{Actor: "admin"})
	must(t, err)
	return c
}

// asks is a browser that comes with a request of the application.
func (w *world) asks(t *testing.T, c client.Client, changes ...string) string {
	t.Helper()
	request, err := w.Begin(t.Context(), params(append(changes, "client_id", c.ID)...))
	must(t, err)
	return request
}

// next fails the test unless this comes next for the visitor.
func (w *world) next(t *testing.T, request string, v *Visitor, want Kind) Step {
	t.Helper()
	step, err := w.Decide(t.Context(), request, v)
	must(t, err)
	if step.Kind != want {
		t.Fatalf("%d comes next, want %d: %+v", step.Kind, want, step.Answer)
	}
	return step
}

// redeem is the grant of an answer with a code.
func (w *world) redeem(t *testing.T, a Answer) grant.Grant {
	t.Helper()
	carries(t, a, "code")
	g, _, err := w.grants.RedeemCode(t.Context(), a.Values.Get("code"), func(_ *grant.Grant, c grant.Code) error {
		if c.RedirectURI != a.RedirectURI || c.Challenge != s256 {
			return errors.New("the code is bound to something else")
		}
		return nil
	}, grant.RefreshLife{}, audit.Caller{})
	must(t, err)
	return g
}

// carries fails the test unless the answer has the parameters, with state and
// issuer, and no other.
func carries(t *testing.T, a Answer, names ...string) {
	t.Helper()
	if a.Values.Get("state") != "s1" || a.Values.Get("iss") != issuer || len(a.Values) != len(names)+2 {
		t.Fatalf("the answer is %v", a.Values)
	}
	for _, name := range names {
		if a.Values.Get(name) == "" {
			t.Fatalf("the answer lacks %s: %v", name, a.Values)
		}
	}
}

// fails fails the test unless the answer is the error, at the address of the
// request.
func fails(t *testing.T, a Answer, code string) {
	t.Helper()
	carries(t, a, "error", "error_description")
	if a.Values.Get("error") != code || a.RedirectURI != back {
		t.Fatalf("%s is answered %v, want %s", a.RedirectURI, a.Values, code)
	}
}

// refused fails the test unless Begin answers with the error.
func (w *world) refused(t *testing.T, p url.Values, code string) {
	t.Helper()
	_, err := w.Begin(t.Context(), p)
	var r *Refused
	if !errors.As(err, &r) {
		t.Fatalf("%v, want an answer with %s", err, code)
	}
	if r.Values.Get("error") != code || r.RedirectURI != back || r.Values.Get("iss") != issuer {
		t.Fatalf("answered %+v, want %s", r.Answer, code)
	}
}

func wants(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("the error is %v, want %v", err, want)
	}
}

func asOAuthCode(t *testing.T, err error, code string) {
	t.Helper()
	if e, ours := oauth.AsError(err); ours || e.Code != code {
		t.Fatalf("the error is %v, want %s", err, code)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
