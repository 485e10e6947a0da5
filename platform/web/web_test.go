package web_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/a-h/templ"

	"guildhall/platform/i18n"
	"guildhall/platform/i18n/i18ntest"
	"guildhall/platform/web"
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
	site    *web.Site
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
		Services: []string{"ca"}, Way: func(_ *http.Request, name string) string { return "https://" + name + ".guildhall.localhost/" },
		User: func(*http.Request) (web.User, bool) { return web.User{Name: "admin", SignOut: "/signout"}, true }}
	if change != nil {
		change(&o)
	}
	w.site = web.NewSite(o)
	w.shell = w.site.Shell("ca", []web.NavItem{{Path: "/", Key: "ca.nav", Icon: "home"}})
	w.mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, r *http.Request) {
		w.shell.Render(rw, r, http.StatusOK, web.Page{Title: "Start <page>", Active: "/", Body: templ.Raw("<p>body</p>")})
	})
	w.handler = w.site.Wrap(w.shell.Handler(w.mux))
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

// A page that shows something once says so beside what would load it again.
func TestPageThatShowsSomethingOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for once, want := range map[bool]int{false: 0, true: 2} {
		rec := httptest.NewRecorder()
		h := w.site.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.site.Shell("ca", nil).Render(rw, r, http.StatusOK, web.Page{Title: "Secret", Once: once})
		}))
		h.ServeHTTP(rec, browse("POST", "/", ""))
		if got := strings.Count(rec.Body.String(), "What this page shows cannot be shown again."); got != want {
			t.Errorf("once %v: said %d times, want %d", once, got, want)
		}
	}
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
	polish := newWorld(t, func(o *web.SiteOptions) { o.Language = "pl" })
	for asked, want := range map[string]string{"": "pl", "de, fr;q=0.5": "pl", "*": "pl", "de, zh;q=0.5": "zh-CN", "en-GB": "en"} {
		rec := polish.do(browse("GET", "/", "", "Accept-Language", asked))
		wantText(t, rec.Body.String(), `<html lang="`+want+`"`)
	}
	rec = w.do(browse("GET", "/", "", "Cookie", `lang=<x>; theme="><script>`))
	wantText(t, rec.Body.String(), `<html lang="en" data-theme="auto">`)
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
	nobody := newWorld(t, func(o *web.SiteOptions) { o.User = nil })
	for _, visited := range []struct {
		by   *world
		want bool
	}{{w, true}, {nobody, false}} {
		if shown := strings.Contains(visited.by.do(browse("GET", "/", "")).Body.String(), `href="/design"`); shown != visited.want {
			t.Errorf("the link to it is shown: %v, want %v", shown, visited.want)
		}
	}
	live := newWorld(t, func(o *web.SiteOptions) { o.Production = true })
	if rec := live.do(browse("GET", "/design", "")); rec.Code != http.StatusNotFound || strings.Contains(rec.Body.String(), `href="/design"`) {
		t.Errorf("in production: %d", rec.Code)
	}
}
