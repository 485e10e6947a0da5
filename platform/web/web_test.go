package web_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/a-h/templ"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/i18n/i18ntest"
	"guildhall/platform/obs"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/locales"
	"guildhall/platform/web/ui"
)

func TestCatalogue(t *testing.T) {
	t.Parallel()
	i18ntest.Check(t, locales.FS(), ".")
}

// world is a small service behind the whole middleware.
type world struct {
	handler http.Handler
	shell   *web.Shell
	mux     *http.ServeMux
	log     *bytes.Buffer
}

func newWorld(t *testing.T, change func(o *web.SiteOptions)) *world {
	t.Helper()
	bundle, err := i18n.NewBundle(locales.FS(), words())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{log: &bytes.Buffer{}, mux: http.NewServeMux()}
	o := web.SiteOptions{Bundle: bundle, Log: slog.New(slog.NewJSONHandler(w.log, nil)), Domain: "guildhall.localhost",
		Now:      func() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) },
		Services: []web.ServiceLink{{Name: "ca", URL: "https://ca.guildhall.localhost/"}},
		User:     func(*http.Request) (web.User, bool) { return web.User{Name: "admin", SignOut: "/signout"}, true }}
	if change != nil {
		change(&o)
	}
	site := web.NewSite(o)
	w.shell = site.Shell("ca", []web.NavItem{{Path: "/", Key: "ca.nav", Icon: "home"}})
	w.mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, r *http.Request) {
		w.shell.Render(rw, r, http.StatusOK, web.Page{Title: "Start <page>", Active: "/", Body: templ.Raw("<p>body</p>")})
	})
	w.handler = site.Wrap(w.shell.Handler(w.mux))
	return w
}

func words() fstest.MapFS {
	text := []byte(`{"ca.service.title": "CA", "ca.service.purpose": "certificates", "ca.nav": "Start"}`)
	return fstest.MapFS{"en.json": {Data: text}, "zh.json": {Data: text}, "pl.json": {Data: text}}
}

func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// browse is what a browser asks, with headers: name, value, name, value.
func browse(method, target, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func wantText(t *testing.T, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(body, text) {
			t.Errorf("%q is not in the page:\n%.3000s", text, body)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	rec := w.do(browse("GET", "/", "", "Accept-Language", "pl"))
	wantText(t, rec.Body.String(), `<html lang="pl" data-theme="auto">`, "<title>Start &lt;page&gt; · CA · guildhall</title>", `href="#main"`, `<main id="main" tabindex="-1"`,
		`aria-current="page"`, "<p>body</p>", `action="/language"`, `action="/theme"`, `action="/signout"`, "Przejdź do treści", `popovertarget="nav"`)
	if got := rec.Header().Get("Content-Language"); got != "pl" {
		t.Errorf("Content-Language %q", got)
	}
	for _, forbidden := range []string{" style=", " onclick=", "<style", "javascript:"} {
		if strings.Contains(rec.Body.String(), forbidden) {
			t.Errorf("the page has %q, which the policy forbids", forbidden)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	want := map[string]string{
		"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Strict-Transport-Security":    "",
	}
	for _, path := range []string{"/", "/none", "/static/x/none"} {
		rec := w.do(browse("GET", path, ""))
		for name, value := range want {
			if got := rec.Header().Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
	}
	r := browse("GET", "/", "")
	r.TLS = &tls.ConnectionState{}
	if got := w.do(r).Header().Get("Strict-Transport-Security"); got == "" {
		t.Error("no Strict-Transport-Security on TLS")
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var parent string
	w.mux.HandleFunc("GET /id", func(rw http.ResponseWriter, r *http.Request) {
		trace, _ := obs.Trace(r.Context())
		parent = trace.String()
		_, _ = io.WriteString(rw, web.RequestID(r.Context()))
	})
	if rec := w.do(browse("GET", "/id", "", "X-Request-Id", "abc-123_DEF.9")); rec.Body.String() != "abc-123_DEF.9" || rec.Header().Get("X-Request-Id") != "abc-123_DEF.9" {
		t.Errorf("a sane id became %q", rec.Body)
	}
	for _, bad := range []string{"", "short", "a b c d e f", "<script>alert", strings.Repeat("x", 65), "żółćżółć"} {
		rec := w.do(browse("GET", "/id", "", "X-Request-Id", bad))
		if got := rec.Header().Get("X-Request-Id"); got == bad || len(got) < 16 {
			t.Errorf("the id %q became %q", bad, got)
		}
	}
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	w.do(browse("GET", "/id", "", "Traceparent", "00-"+trace+"-00f067aa0ba902b7-01"))
	if !strings.HasPrefix(parent, "00-"+trace+"-") || !strings.HasSuffix(parent, "-01") || strings.Contains(parent, "00f067aa0ba902b7") {
		t.Errorf("the trace goes on as %q", parent)
	}
	for _, bad := range []string{"", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", "ff-" + trace + "-00f067aa0ba902b7-01", "00-" + strings.ToUpper(trace) + "-00f067aa0ba902b7-01", "00-" + trace + "-0000000000000000-01"} {
		w.do(browse("GET", "/id", "", "Traceparent", bad))
		if len(parent) != 55 || strings.Contains(parent, trace) {
			t.Errorf("the traceparent %q became %q", bad, parent)
		}
	}
}

func TestAccessLogHoldsNothingPersonal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r := browse("GET", "/?token=planted-secret", "", "User-Agent", "planted-agent", "Cookie", "session=planted-cookie", "Authorization", "Bearer planted-bearer")
	r.RemoteAddr = "203.0.113.77:1234"
	w.do(r)
	var line map[string]any
	if err := json.Unmarshal(w.log.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, w.log)
	}
	if line["path"] != "/" || line["status"] != float64(200) || line["method"] != "GET" || line["request_id"] == "" {
		t.Errorf("the line is %s", w.log)
	}
	if s := w.log.String(); strings.Contains(s, "planted") || strings.Contains(s, "203.0.113.77") {
		t.Errorf("the log tells too much: %s", s)
	}
}

func TestPanicBecomesThe500Page(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.mux.HandleFunc("GET /panic", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("ETag", `"x"`)
		panic("planted reason")
	})
	rec := w.do(browse("GET", "/panic", "", "Accept-Language", "zh", "X-Request-Id", "my-request-1", "Accept-Encoding", "gzip"))
	if rec.Code != 500 || rec.Header().Get("ETag") != "" {
		t.Errorf("status %d, ETag %q", rec.Code, rec.Header().Get("ETag"))
	}
	wantText(t, rec.Body.String(), "服务器出错了", "my-request-1")
	if strings.Contains(rec.Body.String(), "planted") {
		t.Error("the page shows the reason")
	}
	if !strings.Contains(w.log.String(), "planted reason") {
		t.Error("the log does not have the reason")
	}
}

func TestPanicAfterTheFirstByteCutsTheConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.mux.HandleFunc("GET /half", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(rw, "half")
		_ = http.NewResponseController(rw).Flush()
		panic("late")
	})
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	res, err := server.Client().Get(server.URL + "/half")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("half a page came as a whole one: %q", body)
	}
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	failures := map[string]error{
		"/401": fault.New(fault.Unauthenticated, "no_session", "Nobody is signed in."),
		"/403": fault.New(fault.Forbidden, "not_yours", "Only administrators."),
		"/404": fault.New(fault.NotFound, "no_certificate", "No such certificate."),
		"/409": fault.New(fault.Conflict, "already_revoked", "It is revoked already."),
		"/429": fault.New(fault.TooMany, "slow_down", "Too fast.").After(30 * time.Second),
		"/500": errors.New("planted reason"),
		"/503": fault.New(fault.Unavailable, "starting", "Not yet.").After(time.Minute),
	}
	titles := map[string][]string{
		"en":    {"You are not signed in", "This is not open to you", "Nothing is here", "That does not fit the present state", "Too many requests", "Something went wrong on our side", "Not available right now"},
		"zh-CN": {"您尚未登录", "您无权访问此页", "此处没有内容", "与当前状态冲突", "请求过于频繁", "服务器出错了", "暂时不可用"},
		"pl":    {"Nie zalogowano", "Brak dostępu", "Niczego tu nie ma", "To nie pasuje do obecnego stanu", "Zbyt wiele żądań", "Coś się u nas zepsuło", "Chwilowo niedostępne"},
	}
	w := newWorld(t, nil)
	for path, failure := range failures {
		w.mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, r *http.Request) { w.shell.Error(rw, r, failure) })
	}
	for lang, list := range titles {
		for i, path := range []string{"/401", "/403", "/404", "/409", "/429", "/500", "/503"} {
			rec := w.do(browse("GET", path, "", "Accept-Language", lang))
			if strconv.Itoa(rec.Code) != path[1:] {
				t.Errorf("%s answers %d", path, rec.Code)
			}
			if rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s may be cached: %q", path, rec.Header().Get("Cache-Control"))
			}
			wantText(t, rec.Body.String(), "<h1>"+list[i]+"</h1>")
			if strings.Contains(rec.Body.String(), "planted") {
				t.Errorf("%s shows an internal reason", path)
			}
		}
	}
	if rec := w.do(browse("GET", "/429", "")); rec.Header().Get("Retry-After") != "30" {
		t.Errorf("Retry-After %q", rec.Header().Get("Retry-After"))
	}
	if !strings.Contains(w.log.String(), "planted reason") {
		t.Error("the log does not have the reason of the 500")
	}
}

func TestErrorsForPrograms(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, accept := range []string{"", "*/*", "application/json"} {
		r := browse("GET", "/none", "")
		r.Header.Set("Accept", accept)
		rec := w.do(r)
		var p fault.Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
			t.Fatalf("Accept %q: %v in %s", accept, err, rec.Body)
		}
		if rec.Header().Get("Content-Type") != "application/problem+json" || p.Status != 404 || p.Code != "no_page" || p.RequestID == "" {
			t.Errorf("Accept %q: %+v", accept, p)
		}
	}
}

func TestWrongMethod(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, accept := range []string{"text/html", "*/*"} {
		rec := w.do(browse("POST", "/", "a=b", "Accept", accept))
		if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("Accept %s: %d, Allow %q", accept, rec.Code, rec.Header().Get("Allow"))
		}
	}
}

func TestSignInHelp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.SiteOptions) {
		o.SignIn = func(context.Context) web.SignIn {
			return web.SignIn{Text: "Ask for a link.", Command: "guildhall admin link", URL: "/login"}
		}
	})
	w.mux.HandleFunc("GET /401", func(rw http.ResponseWriter, r *http.Request) {
		w.shell.Error(rw, r, fault.New(fault.Unauthenticated, "no_session", "Nobody is signed in."))
	})
	wantText(t, w.do(browse("GET", "/401", "")).Body.String(), "Ask for a link.", "<code>guildhall admin link</code>", `href="/login"`, "Nobody is signed in.")
}

func TestLanguageAndTheme(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tests := []struct {
		target, body, cookie, location string
	}{
		{"https://ca.guildhall.localhost/language", "lang=zh-CN&back=/a%3Fb%3Dc", "lang=zh-CN; Path=/; Domain=guildhall.localhost; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax", "/a?b=c"},
		{"https://other.example/theme", "theme=dark&back=//evil.example", "theme=dark; Path=/; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax", "/"},
		{"https://ca.guildhall.localhost/language", "lang=xx&back=/%5Cevil", "", "/"},
		{"https://ca.guildhall.localhost/theme", "theme=pink&back=https://evil.example", "", "/"},
		{"https://ca.guildhall.localhost/theme", "theme=auto&back=/%09/evil", "theme=auto; Path=/; Domain=guildhall.localhost; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax", "/"},
	}
	for _, tc := range tests {
		rec := w.do(browse("POST", tc.target, tc.body))
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != tc.location || rec.Header().Get("Set-Cookie") != tc.cookie {
			t.Errorf("%s %s: %d to %q, cookie %q", tc.target, tc.body, rec.Code, rec.Header().Get("Location"), rec.Header().Get("Set-Cookie"))
		}
	}
	rec := w.do(browse("GET", "/", "", "Accept-Language", "pl", "Cookie", "lang=zh-CN; theme=dark"))
	wantText(t, rec.Body.String(), `<html lang="zh-CN" data-theme="dark">`, "跳到正文")
	rec = w.do(browse("GET", "/", "", "Cookie", `lang=<x>; theme="><script>`))
	wantText(t, rec.Body.String(), `<html lang="en" data-theme="auto">`)
}

func TestCrossOriginFormIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		rec := w.do(browse("POST", "https://ca.guildhall.localhost/theme", "theme=dark", headers...))
		if rec.Code != http.StatusForbidden || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%v: %d", headers, rec.Code)
		}
		wantText(t, rec.Body.String(), "came from another site")
	}
	if rec := w.do(browse("POST", "https://ca.guildhall.localhost/theme", "theme=dark", "Sec-Fetch-Site", "same-origin")); rec.Code != http.StatusSeeOther {
		t.Errorf("its own form: %d", rec.Code)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.SiteOptions) { o.MaxBody = 50 })
	w.mux.HandleFunc("POST /in", func(rw http.ResponseWriter, r *http.Request) {
		if _, err := form.Read(r); err != nil {
			w.shell.Error(rw, r, err)
		}
	})
	if rec := w.do(browse("POST", "/in", "a="+strings.Repeat("x", 100))); rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", rec.Code)
	}
	if rec := w.do(browse("POST", "/in", "a=b")); rec.Code != http.StatusOK {
		t.Errorf("status %d", rec.Code)
	}
}

func TestFlashShowsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.mux.HandleFunc("POST /do", func(rw http.ResponseWriter, r *http.Request) {
		w.shell.Flash(rw, r, ui.Good, "Done: <b> żółć")
		w.shell.Redirect(rw, r, "/")
	})
	set := w.do(browse("POST", "https://ca.guildhall.localhost/do", "a=b")).Result().Cookies()
	if len(set) != 1 || set[0].Name != "__Host-flash" || !set[0].HttpOnly || !set[0].Secure || set[0].Domain != "" {
		t.Fatalf("cookies %+v", set)
	}
	rec := w.do(browse("GET", "https://ca.guildhall.localhost/", "", "Cookie", set[0].Name+"="+set[0].Value))
	wantText(t, rec.Body.String(), "Done: &lt;b&gt; żółć", `role="status"`)
	if gone := rec.Result().Cookies(); len(gone) != 1 || gone[0].MaxAge >= 0 || rec.Header().Get("ETag") != "" {
		t.Errorf("the message stays: %+v, ETag %q", gone, rec.Header().Get("ETag"))
	}
	for _, bad := range []string{"%%%", "e30", "bm90IGpzb24"} {
		if rec := w.do(browse("GET", "/", "", "Cookie", "flash="+bad)); rec.Code != 200 || strings.Contains(rec.Body.String(), "data-flash") {
			t.Errorf("the cookie %q shows something", bad)
		}
	}
}

func TestDesignPage(t *testing.T) {
	t.Parallel()
	keys := regexp.MustCompile(`\b(web\.(design|table|form|nav|theme|error|chart|dialog|copy|flash)|i18n|fault)\.[a-z.]+`)
	w := newWorld(t, nil)
	for _, lang := range []string{"en", "zh-CN", "pl"} {
		rec := w.do(browse("GET", "/design?q=a&sort=uses&dir=desc&page=2", "", "Accept-Language", lang))
		if rec.Code != 200 {
			t.Errorf("%s: %d", lang, rec.Code)
		}
		if key := keys.FindString(rec.Body.String()); key != "" {
			t.Errorf("%s: the key %s has no sentence", lang, key)
		}
		if strings.Contains(rec.Body.String(), " style=") {
			t.Errorf("%s: a style attribute, which the policy forbids", lang)
		}
	}
	rec := w.do(browse("POST", "/design", "name=&days=900&sans=typed-before"))
	wantText(t, rec.Body.String(), "typed-before", `href="#f-name"`, `aria-describedby="f-name-error f-name-hint"`, `aria-invalid="true"`, `id="f-days-error"`, `value="900"`, "data-wrong")
	if rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("status %d", rec.Code)
	}
	live := newWorld(t, func(o *web.SiteOptions) { o.Production = true })
	if rec := live.do(browse("GET", "/design", "")); rec.Code != http.StatusNotFound || strings.Contains(rec.Body.String(), `href="/design"`) {
		t.Errorf("in production: %d", rec.Code)
	}
}
