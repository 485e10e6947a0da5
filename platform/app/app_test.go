package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/fault"
	"guildhall/platform/obs"
	"guildhall/platform/peer"
	"guildhall/platform/peer/peertest"
	"guildhall/platform/session"
	"guildhall/platform/systemd"
)

// The tests run a whole process around one small service, "notes", that keeps
// texts, beside the authority of package peertest.

const notesMigration = `-- +goose Up
CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT NOT NULL);
`

type note struct {
	Body string `json:"body" maxLength:"20"`
}

type addNote struct{ Body note }

// notes is the service. seen, unless nil, is told its environment.
func notes(authority peer.Authority, seen func(Env)) Definition {
	catalogue := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	words := `{"notes.service.title": "Notes", "notes.service.purpose": "Keeps notes"}`
	return Definition{
		Name:       "notes",
		Migrations: fstest.MapFS{"0001_notes.sql": &fstest.MapFile{Data: []byte(notesMigration)}},
		Locales:    fstest.MapFS{"en.json": catalogue(words), "zh.json": catalogue(words), "pl.json": catalogue(words)},
		New: func(_ context.Context, env Env) (*Service, error) {
			if seen != nil {
				seen(env)
			}
			return &Service{
				Authority: authority,
				API:       func(api huma.API) { notesAPI(api, env) },
				Pages: func(mux *http.ServeMux) {
					mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "notes") })
					mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("broken") })
				},
				Peer: []peer.Route{{Pattern: "GET /trace", Allow: []string{"notes"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					trace, _ := obs.Trace(r.Context())
					_, _ = io.WriteString(w, trace.TraceID())
				})}},
				Plain: func(mux *http.ServeMux) {
					mux.HandleFunc("GET /public", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "signed") })
				},
			}, nil
		},
	}
}

func notesAPI(api huma.API, env Env) {
	huma.Register(api, huma.Operation{OperationID: "add", Method: http.MethodPost, Path: "/api/v1/notes/{id}"},
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
			addNote
		}) (*struct{}, error) {
			if in.ID == "secret" {
				return nil, errors.New("connect to 10.1.2.3 with password hunter2")
			}
			return nil, env.DB.WithTx(ctx, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO notes (id, body) VALUES ($1, $2)`, in.ID, in.Body.Body)
				return err
			})
		})
	huma.Register(api, huma.Operation{OperationID: "count", Method: http.MethodGet, Path: "/api/v1/notes", Metadata: map[string]any{Public: true}},
		func(ctx context.Context, _ *struct{}) (*struct{ Body int }, error) {
			out := &struct{ Body int }{}
			return out, env.DB.Read.QueryRowContext(ctx, `SELECT COUNT(*) FROM notes`).Scan(&out.Body)
		})
}

// process is a running App and a client that trusts it.
type process struct {
	options   Options
	announced Announcement
	env       Env
	log       *bytes.Buffer
	stop      func() error
	hangup    chan os.Signal
	root      *x509.CertPool
	authority *peertest.Authority
}

func options(t *testing.T, dir string, authority peer.Authority, log io.Writer) Options {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Server.Data, cfg.Server.HTTP, cfg.Server.HTTPS, cfg.Server.Internal = dir, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	return Options{Definitions: []Definition{notes(authority, nil)}, Config: cfg, Version: "test", Now: time.Now, Level: new(slog.LevelVar),
		Log: slog.New(slog.NewTextHandler(log, nil))}
}

func run(t *testing.T, dir string, change ...func(*Config)) *process {
	t.Helper()
	return runAs(t, dir, func(*Definition) {}, change...)
}

// runAs is run with another definition of the service.
func runAs(t *testing.T, dir string, redefine func(*Definition), change ...func(*Config)) *process {
	t.Helper()
	return runUnder(t, systemd.Manager{}, dir, redefine, change...)
}

// runUnder is runAs, started by a service manager.
func runUnder(t *testing.T, manager systemd.Manager, dir string, redefine func(*Definition), change ...func(*Config)) *process {
	t.Helper()
	authority, err := peertest.NewAuthority(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{log: &bytes.Buffer{}, root: x509.NewCertPool(), authority: authority, hangup: make(chan os.Signal)}
	roots, err := authority.Roots()
	if err != nil {
		t.Fatal(err)
	}
	p.root.AddCert(roots[0])
	p.options = options(t, dir, authority, p.log)
	p.options.Hangup, p.options.Manager = p.hangup, manager
	for _, f := range change {
		f(&p.options.Config)
	}
	ready, ended := make(chan Announcement, 1), make(chan error, 1)
	p.options.Definitions = []Definition{notes(authority, func(env Env) { p.env = env })}
	redefine(&p.options.Definitions[0])
	p.options.Ready = func(a Announcement) { ready <- a }
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- Run(ctx, p.options) }()
	p.stop = func() error { cancel(); err := <-ended; ended <- nil; return err }
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Errorf("the process ended with %v", err)
		}
	})
	select {
	case p.announced = <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatalf("not ready: %v", err)
	}
	return p
}

// browser is a client with cookies whose names all lead to the process.
func (p *process) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: p.root}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: 30 * time.Second}
}

func (p *process) notes() string {
	return strings.Replace(p.announced.Portal, "https://", "https://notes.", 1)
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	return send(t, c, http.MethodGet, url, "")
}

func send(t *testing.T, c *http.Client, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestProcessServesPortalServiceAndHealth(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir())
	c := p.browser(t)
	for url, want := range map[string]string{
		p.announced.Portal + "/": "Keeps notes", p.notes() + "/": "notes", p.notes() + "/public": "signed",
		p.announced.Portal + "/healthz": "ok", p.announced.Portal + "/readyz": `"notes":"ok"`, p.announced.Portal + "/root.pem": "BEGIN CERTIFICATE",
		p.notes() + "/api": "/api/v1/notes/{id}", p.notes() + "/api/openapi.json": "openapi",
	} {
		if status, body := get(t, c, url); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d, without %q:\n%.300s", url, status, want, body)
		}
	}
	for url, want := range map[string]int{
		p.notes() + "/missing": 404, p.announced.Portal + "/jobs": 401, p.notes() + "/panic": 500,
	} {
		if status, _ := get(t, c, url); status != want {
			t.Errorf("%s: %d, want %d", url, status, want)
		}
	}
}

func TestMetricsAreOnTheInternalListenerForServices(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir())
	if status, _ := get(t, p.browser(t), p.notes()+"/"); status != http.StatusOK {
		t.Fatalf("the service: %d", status)
	}
	status, text := get(t, p.env.Peer.Client("notes"), peer.URL("notes")+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("metrics: %d %s", status, text)
	}
	for _, want := range []string{`guildhall_http_request_seconds_count{code="200",method="get",service="notes"} 1`,
		`guildhall_service_up{service="notes"} 1`, `guildhall_jobs{kind="platform.backup"`, "guildhall_peer_lease_seconds", "go_goroutines"} {
		if !strings.Contains(text, want) {
			t.Errorf("without %s", want)
		}
	}
	last, err := lastAddresses(ServerConfig{Data: p.announced.Data})
	if err != nil {
		t.Fatal(err)
	}
	stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: peer.Name("notes")}}}
	if resp, err := stranger.Get("https://" + last.Internal + "/metrics"); err == nil {
		_ = resp.Body.Close()
		t.Fatalf("a client without certificate got %d", resp.StatusCode)
	}
}

func TestCallsBetweenServicesCarryTheTrace(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir())
	trace := obs.NewTrace()
	r, err := http.NewRequestWithContext(obs.WithTrace(t.Context(), trace), http.MethodGet, peer.URL("notes")+"/trace", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := p.env.Peer.Client("notes").Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != trace.TraceID() {
		t.Fatalf("the other side is in trace %q, want %q (%v)", text, trace.TraceID(), err)
	}
	if len(r.Header) != 0 {
		t.Fatalf("the caller's request was changed: %v", r.Header)
	}
}

func TestForeignHostNameIsRefused(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.announced.Portal+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example.com"
	resp, err := p.browser(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusNotFound || !strings.Contains(string(text), "unknown_host") {
		t.Fatalf("%d %s, %v", resp.StatusCode, text, err)
	}
}

func TestPlainListenerRedirectsAllButPublicFiles(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir())
	last, err := lastAddresses(ServerConfig{Data: p.announced.Data})
	if err != nil {
		t.Fatal(err)
	}
	c := p.browser(t)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if status, body := get(t, c, "http://"+last.HTTP+"/public"); status != 200 || body != "signed" {
		t.Fatalf("public file: %d %q", status, body)
	}
	if status, _ := get(t, c, "http://"+last.HTTP+"/healthz"); status != 200 {
		t.Fatalf("healthz: %d", status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+last.HTTP+"/deep?x=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "notes.guildhall.localhost"
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if got, want := resp.Header.Get("Location"), p.notes()+"/deep?x=1"; resp.StatusCode != http.StatusFound || got != want {
		t.Fatalf("redirect %d to %q, want %q", resp.StatusCode, got, want)
	}
}

func TestAPIAnswersProblems(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir())
	c := p.browser(t)
	url := p.notes() + "/api/v1/notes/a"
	if status, _ := send(t, c, http.MethodPost, url, `{"body":"x"}`); status != http.StatusUnauthorized {
		t.Fatalf("anonymous: %d", status)
	}
	if status, _ := get(t, c, p.announced.Link); status != http.StatusOK {
		t.Fatalf("one-time link: %d", status)
	}
	if status, _ := get(t, c, p.announced.Portal+session.PassPath("notes")); status != http.StatusOK {
		t.Fatalf("on to the service: %d", status)
	}
	for body, want := range map[string]struct {
		status      int
		code, field string
	}{
		`{"body":"` + strings.Repeat("x", 21) + `"}`: {422, "invalid_fields", "body"},
		`{"body":"x","extra":1}`:                     {422, "invalid_fields", "extra"},
		`{}`:                                         {422, "invalid_fields", "body"},
		`{`:                                          {400, "malformed_body", "body"},
	} {
		status, text := send(t, c, http.MethodPost, url, body)
		var problem fault.Problem
		if err := json.Unmarshal([]byte(text), &problem); err != nil {
			t.Fatalf("%s: %v in %s", body, err, text)
		}
		if status != want.status || problem.Code != want.code || problem.RequestID == "" || problem.Instance != "/api/v1/notes/a" {
			t.Errorf("%s: %d %+v", body, status, problem)
		}
		if want.field != "" && (len(problem.Errors) != 1 || problem.Errors[0].Name != want.field) {
			t.Errorf("%s: fields %+v", body, problem.Errors)
		}
	}
	status, text := send(t, c, http.MethodPost, p.notes()+"/api/v1/notes/secret", `{"body":"x"}`)
	if status != http.StatusInternalServerError || strings.Contains(text, "hunter2") || !strings.Contains(text, `"code":"internal"`) {
		t.Errorf("internal error: %d %s", status, text)
	}
	if status, text := send(t, c, http.MethodPost, url, `{"body":"x"}`); status >= 300 {
		t.Errorf("good request: %d %s", status, text)
	}
}

func TestControlSocket(t *testing.T) {
	t.Parallel()
	p := run(t, filepath.Join(t.TempDir(), strings.Repeat("long", 30)))
	c, err := Dial(t.Context(), p.announced.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var s Status
	if err := c.Do(t.Context(), http.MethodGet, "/status", nil, &s); err != nil || !s.OK() || s.PID != os.Getpid() {
		t.Fatalf("status %+v, %v", s, err)
	}
	base, client := c.Service("notes")
	if status, text := send(t, client, http.MethodPost, base+"/api/v1/notes/b", `{"body":"x"}`); status >= 300 {
		t.Fatalf("call a service: %d %s", status, text)
	}
	files := map[string]string{}
	if err := c.Do(t.Context(), http.MethodPost, "/backup", nil, &files); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(files["notes"]); err != nil {
		t.Fatal(err)
	}
	err = c.Do(t.Context(), http.MethodPost, "/admin/token", TokenRequest{Name: "x", Seconds: 1}, nil)
	if problem, ok := errors.AsType[fault.Problem](err); !ok || problem.Errors[0].Name != "seconds" {
		t.Fatalf("token of a second: %v", err)
	}
	var g Grant
	if err := c.Do(t.Context(), http.MethodPost, "/admin/token", TokenRequest{Name: "x", Seconds: 3600}, &g); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.log.String(), g.Secret) {
		t.Fatal("the token is in the log")
	}
	var jobs []ServiceJob
	if err := c.Do(t.Context(), http.MethodGet, "/jobs", nil, &jobs); err != nil || len(jobs) == 0 || jobs[0].Service != "notes" {
		t.Fatalf("jobs %v, %v", jobs, err)
	}
	if err := c.Do(t.Context(), http.MethodPost, "/reload", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), http.MethodPost, "/stop", nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := WaitStopped(t.Context(), p.announced.Data); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), p.announced.Data); !errors.Is(err, ErrNotRunning) {
		t.Fatalf("after the stop: %v", err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	p := run(t, t.TempDir())
	if err := Run(t.Context(), options(t, p.announced.Data, nil, io.Discard)); !errors.Is(err, ErrLocked) {
		t.Fatalf("got %v", err)
	}
}

func TestLocalWorksWithoutAProcessAndKeepsAddresses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := run(t, dir)
	before, err := lastAddresses(ServerConfig{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	err = Local(t.Context(), p.options, func(c *Client) error {
		base, client := c.Service("notes")
		if status, text := send(t, client, http.MethodPost, base+"/api/v1/notes/c", `{"body":"x"}`); status >= 300 {
			return fmt.Errorf("%d %s", status, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	after, err := lastAddresses(ServerConfig{Data: dir})
	if err != nil || !reflect.DeepEqual(after, before) {
		t.Fatalf("addresses %+v became %+v, %v", before, after, err)
	}
}

func TestAddressInUseIsSaid(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	o := options(t, t.TempDir(), nil, io.Discard)
	o.Config.Server.HTTPS = l.Addr().String()
	err = Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "--https") {
		t.Fatalf("got %v", err)
	}
}

func TestUnknownServiceIsRefused(t *testing.T) {
	t.Parallel()
	o := options(t, filepath.Join(t.TempDir(), "data"), nil, io.Discard)
	o.Only = []string{"shop"}
	if err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "The services are: notes") {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(o.Config.Server.Data); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("a data directory was made")
	}
}
