package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/web"
)

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
	const portal = `href="https://portal.guildhall.localhost/"`
	if refused, gone := w.do(browse("GET", "/403", "")), w.do(browse("GET", "/404", "")); strings.Count(refused.Body.String(), portal) != strings.Count(gone.Body.String(), portal)+1 {
		t.Error("whom a service refuses is not led to the portal, or who finds nothing is")
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

// TestARefusedFormIsLoadedAgain: where a form posts to is no page, and leads to the one above.
func TestARefusedFormIsLoadedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	handler := func(http.ResponseWriter, *http.Request) {}
	w.mux.HandleFunc("GET /things/{id}", handler)
	w.mux.HandleFunc("POST /things/{id}/parts", handler)
	w.mux.HandleFunc("POST /things/{id}/parts/{part}/drop", handler)
	w.mux.HandleFunc("POST /alone/do", handler)
	for path, want := range map[string]string{"/things/a%20b/parts": "/things/a%20b", "/things/7/parts/2/drop": "/things/7", "/alone/do": ""} {
		for _, accept := range []string{"text/html", "application/json"} {
			rec := w.do(browse("GET", path, "", "Accept", accept))
			if to := rec.Header().Get("Location"); want != "" && accept == "text/html" && (rec.Code != http.StatusSeeOther || to != want) || (want == "" || accept != "text/html") && rec.Code != http.StatusMethodNotAllowed {
				t.Errorf("GET %s for %s: %d to %q", path, accept, rec.Code, to)
			}
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
