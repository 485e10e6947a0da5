package license

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"guildhall/platform/app"
	"guildhall/platform/blob"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
	"guildhall/platform/session"
	wire "guildhall/sdk/go/license/manage"
)

const (
	testToken = "letmein"
	// roleHeader is the one role of who makes a request.
	roleHeader = "X-Test-Role"
)

// office is license's API with a client of an administrator.
type office struct {
	*service
	clock   *guildtest.Clock
	env     app.Env
	handler http.Handler
	client  *wire.Client
}

func openOffice(t testing.TB, d *db.DB) *office {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	o := &office{clock: guildtest.NewClock(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))}
	env := app.Env{Name: Name, Dir: t.TempDir(), Metrics: prometheus.NewRegistry(), PublicURL: func(name string) string { return "https://" + name + ".guild.example.test" }, PlainURL: "http://license.guild.example.test", DB: d, Log: log, Now: o.clock.Now,
		Jobs: jobs.New(jobs.Options{DB: d, Now: o.clock.Now, Log: log})}
	ok(t, env.Jobs.Migrate(t.Context()))
	env.Mail = outbox(t, env.Jobs)
	o.env = env
	var err error
	o.service, err = open(t.Context(), env, Config{Files: blob.Default()})
	ok(t, err)
	mux := http.NewServeMux()
	o.operations(app.NewAPI(mux, Name, "test", "https://license.guild.example.test", log))
	o.handler = asAdministrator(o.clock.Now, mux)
	server := httptest.NewServer(o.handler)
	t.Cleanup(server.Close)
	o.client = wire.New(wire.Options{URL: server.URL, Token: testToken, HTTP: server.Client()})
	return o
}

func asAdministrator(now func() time.Time, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+testToken {
			r = r.WithContext(session.With(r.Context(), session.Principal{ID: "break-glass:test", Roles: []string{session.Everything}}))
		}
		if role := r.Header.Get(roleHeader); role != "" {
			r = r.WithContext(session.With(r.Context(), session.Principal{ID: "usr_1", Name: "Anna", Roles: []string{role}, SessionID: "ses_1", ACR: "aal1", AuthTime: now()}))
		}
		next.ServeHTTP(w, r)
	})
}

// onBothOffices runs a test on an office on each engine.
func onBothOffices(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	guildtest.Engines(t, migrations(), func(t *testing.T, d *db.DB) { test(t, openOffice(t, d)) })
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// problemOf is the problem that an error is, or an empty one.
func problemOf(err error) *wire.Problem {
	if p, ok := errors.AsType[*wire.Problem](err); ok {
		return p
	}
	return &wire.Problem{}
}

func second[T any](_ T, err error) error { return err }

// as makes a request with one role.
func (o *office) as(t testing.TB, role, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Header.Set(roleHeader, role)
	w := httptest.NewRecorder()
	o.handler.ServeHTTP(w, r)
	return w
}
