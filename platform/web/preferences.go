package web

import (
	"context"
	"net"
	"net/http"
	"strings"

	"guildhall/platform/i18n"
)

// Names of the cookies that keep a reader's choices. They hold no identity.
const (
	languageCookie = "lang"
	themeCookie    = "theme"
)

// chooseLanguage takes the reader's own choice, else what the browser asks for, else the
// installation's.
func (s *Site) chooseLanguage(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chosen := ""
		if c, err := r.Cookie(languageCookie); err == nil {
			chosen = c.Value
		}
		ctx := s.o.Bundle.Context(r.Context(), chosen, r.Header.Get("Accept-Language"), s.o.Language)
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// theme is "light", "dark" or "auto".
func theme(r *http.Request) string {
	if c, err := r.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return "auto"
}

func (s *Site) setLanguage(w http.ResponseWriter, r *http.Request) {
	for _, l := range i18n.Languages() {
		if r.PostFormValue("lang") == l.Code {
			s.remember(w, r, languageCookie, l.Code)
		}
	}
	//nolint:gosec // G710: localPath lets only paths of this host pass
	http.Redirect(w, r, localPath(r.PostFormValue("back")), http.StatusSeeOther)
}

func (s *Site) setTheme(w http.ResponseWriter, r *http.Request) {
	switch chosen := r.PostFormValue("theme"); chosen {
	case "light", "dark", "auto":
		s.remember(w, r, themeCookie, chosen)
	}
	//nolint:gosec // G710: localPath lets only paths of this host pass
	http.Redirect(w, r, localPath(r.PostFormValue("back")), http.StatusSeeOther)
}

// Prefer makes a language and a theme those of the browser from the next page
// on: when a service knows what the reader once chose. What is not offered is
// left as it was. The context speaks that language, for a message on that page.
func (s *Site) Prefer(w http.ResponseWriter, r *http.Request, lang, theme string) context.Context {
	for _, l := range i18n.Languages() {
		if l.Code == lang {
			s.remember(w, r, languageCookie, lang)
		}
	}
	switch theme {
	case "light", "dark", "auto":
		s.remember(w, r, themeCookie, theme)
	}
	return s.o.Bundle.Context(r.Context(), lang, i18n.Lang(r.Context()))
}

// remember sets a choice for a year, on the whole domain when this host is
// part of it.
func (s *Site) remember(w http.ResponseWriter, r *http.Request, name, value string) {
	//nolint:gosec // G124: Secure follows the connection; the value holds no identity
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if d := s.o.Domain; d != "" && strings.Contains(d, ".") && (host == d || strings.HasSuffix(host, "."+d)) {
		c.Domain = d
	}
	http.SetCookie(w, c)
}

// localPath is a path on this host, or "/" when back could lead elsewhere.
// Browsers read "//" and "/\" as another host, and drop tabs and line ends.
func localPath(back string) string {
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") ||
		strings.ContainsAny(back, "\\\t\r\n") {
		return "/"
	}
	return back
}
