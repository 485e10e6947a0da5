package web_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guildhall/platform/obs"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

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

func TestOtherSitesMaySendWhereTheyAreExpected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.mux.HandleFunc("/{any...}", func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) })
	open := w.site.Wrap(w.shell.Handler(w.mux), "POST /token")
	for path, want := range map[string]int{"/token": http.StatusNoContent, "/token/": http.StatusForbidden, "/theme": http.StatusForbidden, "//token": http.StatusForbidden} {
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
			rec := httptest.NewRecorder()
			open.ServeHTTP(rec, browse("POST", path, "a=b", headers...))
			if rec.Code != want {
				t.Errorf("%s with %v: %d, want %d", path, headers, rec.Code, want)
			}
		}
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
	for path, want := range map[string]int{"/in": http.StatusOK, "/other": http.StatusRequestEntityTooLarge} {
		rec := httptest.NewRecorder()
		web.LargerBodies(map[string]int64{"POST " + path: 200}, w.handler).ServeHTTP(rec, browse("POST", "/in", "a="+strings.Repeat("x", 100)))
		if rec.Code != want {
			t.Errorf("when %s takes more: %d, want %d", path, rec.Code, want)
		}
	}
}

func TestOnlyWhatKeepsItsOpenerStaysInTouchWithIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	answers := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusNoContent) })
	w.mux.Handle("GET /own", answers)
	w.mux.Handle("GET /sign-in", web.KeepOpener(answers))
	for path, want := range map[string]string{"/own": "same-origin", "/sign-in": "unsafe-none", "/nowhere": "same-origin"} {
		got := w.do(browse("GET", "https://ca.guildhall.localhost"+path, "")).Header().Values("Cross-Origin-Opener-Policy")
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
