package ca

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"guildhall/ca/internal/catest"
	"guildhall/platform/app"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
	"guildhall/platform/session"
	wire "guildhall/sdk/go/ca"
)

// authority is the service as a process opens it, and a client of its API.
type authority struct {
	*service
	env    app.Env
	server *httptest.Server
	client *wire.Client
}

// testToken stands for a token of guildhall admin token, which was given a name.
const (
	testToken     = "letmein"
	testTokenName = "nightly import"
	// roleHeader has a request come from somebody who is signed in with that one role.
	roleHeader = "Test-Role"
	// shownHeader says how long ago that person showed who he is.
	shownHeader = "Test-Shown"
)

func openAuthority(t testing.TB, d *db.DB, dir string, config Config) *authority {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	env := app.Env{Name: "ca", Dir: dir, DB: d, Log: log, Now: time.Now, Domain: "guild.example.test", PlainURL: "http://ca.guild.example.test",
		Jobs: jobs.New(jobs.Options{DB: d, Now: time.Now, Log: log})}
	if err := env.Jobs.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), env, config)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{service: s, env: env}
	mux := http.NewServeMux()
	s.operations(app.NewAPI(mux, "ca", "test", "https://ca.guild.example.test", log))
	a.server = httptest.NewServer(asAdministrator(mux))
	t.Cleanup(a.server.Close)
	a.client = wire.New(wire.Options{URL: a.server.URL, Token: testToken, HTTP: a.server.Client()})
	return a
}

func asAdministrator(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+testToken {
			r = r.WithContext(session.With(r.Context(), session.Principal{ID: "break-glass:test", Name: testTokenName, Roles: []string{session.Everything}}))
		}
		if role := r.Header.Get(roleHeader); role != "" {
			r = r.WithContext(session.With(r.Context(), session.Principal{ID: "usr_1", Name: "Anna", Roles: []string{role},
				SessionID: "ses_1", ACR: "aal1", AuthTime: time.Now().Add(-shown(r))}))
		}
		next.ServeHTTP(w, r)
	})
}

// shown is how long ago who makes a request showed who he is.
func shown(r *http.Request) time.Duration {
	ago, err := time.ParseDuration(r.Header.Get(shownHeader))
	if err != nil {
		return 0
	}
	return ago
}

// onBoth runs a test on an authority on each engine.
func onBoth(t *testing.T, test func(t *testing.T, a *authority)) {
	t.Helper()
	guildtest.Engines(t, migrations(), func(t *testing.T, d *db.DB) { test(t, openAuthority(t, d, t.TempDir(), DefaultConfig())) })
}

func onSQLite(t testing.TB, config Config) *authority {
	t.Helper()
	return openAuthority(t, guildtest.Open(t, guildtest.SQLite(t), migrations()), t.TempDir(), config)
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

func TestAPIFromIssueToRevocation(t *testing.T) {
	onBoth(t, func(t *testing.T, a *authority) {
		ctx, c := t.Context(), a.client
		issued, err := c.Issue(ctx, wire.IssueRequest{CommonName: "shop.example.com", SANs: []string{"10.0.0.7"}, Lifetime: "30d"})
		ok(t, err)
		got := issued.Certificate
		if got.Status != "valid" || strings.Join(got.SANs, " ") != "dns:shop.example.com ip:10.0.0.7" || got.Requester != "break-glass:test" ||
			issued.PrivateKey == "" || strings.Count(issued.Chain, "BEGIN CERTIFICATE") != 2 || issued.Reused {
			t.Errorf("issued: %+v", issued)
		}
		again, err := c.Issue(ctx, wire.IssueRequest{CommonName: "shop.example.com", SANs: []string{"10.0.0.7"}, Reuse: true})
		if err != nil || !again.Reused || again.Certificate.ID != got.ID {
			t.Errorf("reuse: %+v, %v", again, err)
		}
		renewed, err := c.Renew(ctx, got.Serial, wire.RenewRequest{})
		ok(t, err)
		verification, err := c.Verify(ctx, wire.VerifyRequest{Certificate: renewed.Certificate.PEM, CommonName: "shop.example.com"})
		if err != nil || !verification.Valid || len(verification.Checks) != 6 {
			t.Errorf("verify: %+v, %v", verification, err)
		}
		revoked, err := c.Revoke(ctx, renewed.Certificate.Serial, wire.RevokeRequest{Reason: "keyCompromise"})
		if err != nil || revoked.Certificate.Status != "revoked" || revoked.Certificate.Reason != "keyCompromise" || !revoked.Announced || revoked.Already {
			t.Errorf("revoke: %+v, %v", revoked, err)
		}
		list, err := c.List(ctx, wire.ListRequest{Text: "SHOP", Status: "revoked", Limit: 1})
		if err != nil || len(list.Certificates) != 1 || list.Certificates[0].ID != renewed.Certificate.ID || list.Next != "" {
			t.Errorf("list: %+v, %v", list, err)
		}
		one, err := c.Get(ctx, got.ID)
		if err != nil || one.RenewedBy != renewed.Certificate.ID {
			t.Errorf("get: %+v, %v", one, err)
		}
		entries, err := c.Audit(ctx, wire.AuditRequest{Limit: 10})
		ok(t, err)
		var actions []string
		for _, e := range entries.Entries {
			actions = append(actions, e.Action)
		}
		if want := []string{"certificate.revoked", "certificate.renewed", "certificate.issued", "authority.created"}; !slices.Equal(actions, want) || entries.Entries[0].From != "127.0.0.1" {
			t.Errorf("audit log: %v from %q", actions, entries.Entries[0].From)
		}
		report, err := c.VerifyAudit(ctx, wire.AuditVerifyRequest{})
		if err != nil || !report.OK || report.Rows != 4 {
			t.Errorf("verify audit: %+v, %v", report, err)
		}
		if report, err = c.VerifyAudit(ctx, wire.AuditVerifyRequest{Head: report.Head}); err != nil || !report.OK {
			t.Errorf("verify audit against a kept head: %+v, %v", report, err)
		}
		var export bytes.Buffer
		if err := c.ExportAudit(ctx, &export); err != nil || strings.Count(export.String(), "\n") != 5 {
			t.Errorf("export: %v\n%s", err, export.String())
		}
	})
}

func TestAPIDownloads(t *testing.T) {
	t.Parallel()
	a := onSQLite(t, DefaultConfig())
	issued, err := a.client.Issue(t.Context(), wire.IssueRequest{CommonName: "shop.example.com"})
	ok(t, err)
	id := issued.Certificate.ID
	for format, want := range map[string]int{wire.FormatPEM: 1, wire.FormatChain: 2, wire.FormatDER: 0} {
		data, err := a.client.Download(t.Context(), id, format)
		if err != nil || bytes.Count(data, []byte("BEGIN CERTIFICATE")) != want {
			t.Errorf("%s: %v %s", format, err, data)
		}
		if block, _ := pem.Decode([]byte(issued.Certificate.PEM)); format == wire.FormatDER && !bytes.Equal(data, block.Bytes) {
			t.Error("der is not the certificate")
		}
	}
	file, err := a.client.PKCS12(t.Context(), id, wire.PKCS12Request{Password: "correct horse", PrivateKey: issued.PrivateKey})
	ok(t, err)
	if _, _, _, err := pkcs12.DecodeChain(file, "correct horse"); err != nil {
		t.Error(err)
	}
	roots, err := wire.New(wire.Options{URL: a.server.URL}).Authority(t.Context())
	if err != nil || len(roots.RootFingerprint) != 64 || !strings.Contains(roots.RootSubject, "guildhall Root CA") {
		t.Errorf("roots without a token: %+v, %v", roots, err)
	}
}

func TestAPIJoinTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, a *authority) {
		made, err := a.client.CreateToken(t.Context(), wire.TokenRequest{Service: "shop", Lifetime: "10m"})
		ok(t, err)
		token, err := wire.ParseJoinToken(made.Text)
		ok(t, err)
		if token.ID != made.Token.ID || !token.Trusts(a.keys.RootCertificate().Raw) || made.Token.State != "unused" {
			t.Errorf("made %v %+v", token, made.Token)
		}
		if issued, err := a.enroller.Enrol(t.Context(), catest.CSR(t, catest.NewKey(t), "shop.guildhall.internal"), made.Text, "10.0.0.1"); err != nil || len(issued.Chain) != 2 {
			t.Errorf("enrol: %v", err)
		}
		if p := problemOf(a.client.WithdrawToken(t.Context(), token.ID)); p.Code != "join_token_ended" {
			t.Errorf("withdraw a used one: %+v", p)
		}
		other, err := a.client.CreateToken(t.Context(), wire.TokenRequest{Service: "bank"})
		ok(t, err)
		ok(t, a.client.WithdrawToken(t.Context(), other.Token.ID))
		list, err := a.client.Tokens(t.Context())
		if err != nil || len(list.Tokens) != 2 || list.Tokens[0].State != "withdrawn" || list.Tokens[1].State != "used" || list.Tokens[1].UsedFor == "" {
			t.Errorf("list: %+v, %v", list, err)
		}
		var export bytes.Buffer
		ok(t, a.client.ExportAudit(t.Context(), &export))
		if secret := strings.Split(made.Text, ".")[2]; strings.Contains(export.String(), secret) {
			t.Error("the token's secret is in the audit log")
		}
	})
}

// post sends raw bytes, as somebody would who does not use the client.
func (a *authority) post(t testing.TB, path string, body []byte) (int, wire.Problem) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, a.server.URL+path, bytes.NewReader(body))
	ok(t, err)
	r.Header.Set("Authorization", "Bearer "+testToken)
	r.Header.Set("Content-Type", "application/json")
	answer, err := a.server.Client().Do(r)
	ok(t, err)
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	ok(t, err)
	var p wire.Problem
	if answer.StatusCode >= 400 {
		if ct := answer.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Fatalf("status %d with %s: %s", answer.StatusCode, ct, data)
		}
		ok(t, json.Unmarshal(data, &p))
	}
	return answer.StatusCode, p
}

func TestAPIRefusesBadInput(t *testing.T) {
	t.Parallel()
	a := onSQLite(t, DefaultConfig())
	for name, c := range map[string]struct {
		path, body string
		status     int
		field      string
	}{
		"not JSON":           {"/api/v1/certificates", `{`, 400, "body"},
		"an unknown field":   {"/api/v1/certificates", `{"common_name":"a.example.com","colour":"red"}`, 422, "colour"},
		"a wrong type":       {"/api/v1/certificates", `{"common_name":7}`, 422, "common_name"},
		"a bad name":         {"/api/v1/certificates", `{"common_name":"a b"}`, 422, "common_name"},
		"a bad lifetime":     {"/api/v1/certificates", `{"common_name":"a.example.com","lifetime":"soon"}`, 422, "lifetime"},
		"too large":          {"/api/v1/certificates", `{"common_name":"` + strings.Repeat("a", 300<<10) + `"}`, 413, ""},
		"no body":            {"/api/v1/certificates", ``, 400, "body"},
		"an unknown id":      {"/api/v1/certificates/00/revoke", `{}`, 404, ""},
		"a bad reason":       {"/api/v1/certificates/00/revoke", `{"reason":"boredom"}`, 422, "reason"},
		"no service":         {"/api/v1/join-tokens", `{}`, 422, "service"},
		"no password":        {"/api/v1/certificates/00/pkcs12", `{}`, 422, "password"},
		"nothing to verify":  {"/api/v1/verify", `{}`, 422, "certificate"},
		"a bad service name": {"/api/v1/join-tokens", `{"service":"a.b"}`, 422, "service"},
		"a key twice":        {"/api/v1/certificates", `{"csr":"x","key_type":"ed25519"}`, 422, "key_type"},
		"a new key twice":    {"/api/v1/certificates/00/renew", `{"csr":"x","new_key":true}`, 422, "new_key"},
		"alias":              {"/api/issue_certificate", `{"common_name":"*"}`, 422, "common_name"},
		"a forged head":      {"/api/v1/audit/verify", `{"head":"x"}`, 422, "head"},
	} {
		status, p := a.post(t, c.path, []byte(c.body))
		field := ""
		if len(p.Fields) > 0 {
			field = p.Fields[0].Name
		}
		if status != c.status || field != c.field || p.Detail == "" || p.Code == "" {
			t.Errorf("%s: %d %q %+v", name, status, field, p)
		}
	}
	if _, err := wire.New(wire.Options{URL: a.server.URL}).List(t.Context(), wire.ListRequest{}); problemOf(err).Status != 401 {
		t.Errorf("without a token: %v", err)
	}
	list, err := a.client.List(t.Context(), wire.ListRequest{})
	if err != nil || len(list.Certificates) != 0 {
		t.Errorf("bad requests left certificates: %+v, %v", list, err)
	}
	if _, err := a.client.List(t.Context(), wire.ListRequest{Cursor: "x"}); problemOf(err).Code != "invalid_cursor" {
		t.Errorf("a bad cursor: %v", err)
	}
}

func TestAPIAliases(t *testing.T) {
	t.Parallel()
	a := onSQLite(t, DefaultConfig())
	if status, p := a.post(t, "/api/issue_certificate", []byte(`{"common_name":"a.example.com"}`)); status != http.StatusCreated {
		t.Errorf("issue: %d %+v", status, p)
	}
	if status, p := a.post(t, "/api/verify_certificate", []byte(`{"common_name":"a.example.com"}`)); status != http.StatusOK {
		t.Errorf("verify: %d %+v", status, p)
	}
}

// FuzzBodies: whatever the body, the answer is a success or a problem document
// that is not our fault.
func FuzzBodies(f *testing.F) {
	a := onSQLite(f, DefaultConfig())
	paths := []string{"/api/v1/certificates", "/api/v1/certificates/00/renew", "/api/v1/certificates/00/revoke", "/api/v1/certificates/00/pkcs12",
		"/api/v1/verify", "/api/v1/join-tokens", "/api/v1/audit/verify", "/api/issue_certificate", "/api/verify_certificate"}
	for _, body := range []string{`{"common_name":"a.example.com","sans":["10.0.0.1","x@y.z"],"profile":"user","lifetime":"1h","csr":"","key_type":"ed25519"}`,
		`{"reason":"superseded"}`, `{"service":"shop","lifetime":"1h"}`, `{"password":"12345678","private_key":""}`, `{"certificate":"-----BEGIN CERTIFICATE-----"}`, `{"head":""}`, `[]`, `null`, "\xff"} {
		f.Add(uint8(len(body)), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		path := paths[int(which)%len(paths)]
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+testToken)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		a.server.Config.Handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		if w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%s: %d is no problem document: %s", path, w.Code, w.Body)
		}
	})
}

func TestAPIListsRefuseUnknownValues(t *testing.T) {
	t.Parallel()
	a := onSQLite(t, DefaultConfig())
	for query, want := range map[string]string{
		"certificates?profile=sever":         `profile: "sever" is not known here; did you mean "server"? Use one of: client, ocsp, server, service, user.`,
		"certificates?status=zzz":            `status: "zzz" is not known here. Use one of: valid, expiring, expired, revoked.`,
		"certificates?sort=name":             `sort: "name" is not known here. Use one of: issued_at, not_after, common_name, revoked_at.`,
		"certificates?order=up":              `order: "up" is not known here. Use one of: desc, asc.`,
		"certificates?limit=501":             `limit: It is 501; at most 500 is allowed.`,
		"certificates?proflie=server":        `There is no query parameter "proflie"; did you mean "profile"? Known query parameters: cursor, limit, order, profile, q, sort, status.`,
		"certificates/x/download?format=p12": `format: "p12" is not known here. Use one of: pem, chain, der.`,
		"audit?action=certificate.isued":     `action: "certificate.isued" is not known here; did you mean "certificate.issued"? Use one of: authority.created, backup.failed, backup.made, backup.restore_interrupted, backup.restored, break_glass.created, break_glass.ended, break_glass.entered, break_glass.left, break_glass.refused, certificate.expiring, certificate.issue_refused, certificate.issued, certificate.key_exported, certificate.renew_refused, certificate.renewed, certificate.revoke_refused, certificate.revoked, certificate.verification_failed, job.retried, join_token.created, join_token.refused, join_token.withdrawn, process.reloaded, process.stopped.`,
		"audit?before=-1":                    `before: It is -1; at least 0 is allowed.`,
	} {
		status, p := a.read(t, query)
		if status != http.StatusUnprocessableEntity || p.Detail != want || len(p.Fields) != 1 {
			t.Errorf("%s: %d %+v", query, status, p)
		}
	}
	for _, query := range []string{"certificates?profile=service", "certificates?profile=", "audit?action=join_token.created", "audit?since=2026-01-31T12:00:00%2B01:00"} {
		if status, p := a.read(t, query); status != http.StatusOK {
			t.Errorf("%s: %d %+v", query, status, p)
		}
	}
}

// read gets a path as somebody would who does not use the client.
func (a *authority) read(t testing.TB, path string) (int, wire.Problem) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/"+path, nil)
	r.Header.Set("Authorization", "Bearer "+testToken)
	w := httptest.NewRecorder()
	a.server.Config.Handler.ServeHTTP(w, r)
	var p wire.Problem
	if w.Code >= 400 {
		ok(t, json.Unmarshal(w.Body.Bytes(), &p))
	}
	return w.Code, p
}

// PostgreSQL takes no NUL and nothing that is not UTF-8: neither reaches it.
func TestAPITakesOnlyText(t *testing.T) {
	onBoth(t, func(t *testing.T, a *authority) {
		for _, bad := range []string{`\u0000`, "\xff", `a\u0000b`, "\xc3"} {
			for _, c := range []struct{ path, body, field string }{
				{"/api/v1/verify", `{"common_name":"` + bad + `"}`, "common_name"},
				{"/api/verify_certificate", `{"certificate":"` + bad + `"}`, "certificate"},
				{"/api/v1/certificates", `{"common_name":"a.example.com","sans":["b.example.com","` + bad + `"]}`, "sans[1]"},
				{"/api/v1/certificates", `{"common_name":"` + bad + `","profile":"client"}`, "common_name"},
				{"/api/v1/certificates", `{"common_name":"a.example.com","lifetime":"` + bad + `"}`, "lifetime"},
				{"/api/v1/certificates/00/revoke", `{"reason":"` + bad + `"}`, "reason"},
				{"/api/v1/certificates/00/renew", `{"csr":"` + bad + `"}`, "csr"},
				{"/api/v1/certificates/00/pkcs12", `{"password":"longenough` + bad + `"}`, "password"},
				{"/api/v1/join-tokens", `{"service":"` + bad + `"}`, "service"},
				{"/api/v1/audit/verify", `{"head":"` + bad + `"}`, "head"},
			} {
				status, p := a.post(t, c.path, []byte(c.body))
				if status != http.StatusUnprocessableEntity || len(p.Fields) != 1 || p.Fields[0].Name != c.field || p.Fields[0].Code != "not_text" {
					t.Errorf("%s %q: %d %+v", c.path, c.body, status, p)
				}
			}
		}
		for path, field := range map[string]string{"certificates?q=%00": "q", "certificates?cursor=%ff": "cursor", "certificates/%00": "path", "certificates/%ff/download": "path",
			"audit?actor=a%00": "actor", "audit?subject=%c3": "subject", "audit?q=%00": "q", "audit?action=%00": "action"} {
			if status, p := a.read(t, path); status != http.StatusUnprocessableEntity || len(p.Fields) != 1 || p.Fields[0].Name != field {
				t.Errorf("%s: %d %+v", path, status, p)
			}
		}
	})
}

func TestAPIFindsBySerialPrefix(t *testing.T) {
	t.Parallel()
	a := onSQLite(t, DefaultConfig())
	issued, err := a.client.Issue(t.Context(), wire.IssueRequest{CommonName: "shop.example.com"})
	ok(t, err)
	serial := issued.Certificate.Serial
	for _, text := range []string{serial[:8], strings.ToUpper(serial), serial[:12] + "…", serial[:2] + ":" + serial[2:4] + ":" + serial[4:]} {
		if got, err := a.client.Get(t.Context(), text); err != nil || got.Serial != serial {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := a.client.Download(t.Context(), text, wire.FormatPEM); err != nil {
			t.Errorf("download %s: %v", text, err)
		}
	}
	if _, err := a.client.Get(t.Context(), serial[:7]); problemOf(err).Code != "certificate_not_found" {
		t.Errorf("7 digits: %v", err)
	}
	_, err = a.client.Revoke(t.Context(), serial[:12], wire.RevokeRequest{})
	if p := problemOf(err); p.Status != http.StatusUnprocessableEntity || p.Code != "serial_not_whole" || !strings.Contains(p.Detail, serial) {
		t.Errorf("revoke: %+v", p)
	}
}
