package web

import (
	"context"
	"net/http"

	"guildhall/platform/obs"
)

// Wrap puts around h what every request to a public listener goes through,
// outermost first: trace context and request id, language, access log, security
// headers, recovery from panics, compression, body limit, refusal of addresses that
// are not text, cross-origin protection. Then the body is read to its end: whoever h
// asks who makes the request asks after it.
//
// The patterns of elsewhere, written as for http.ServeMux, name what pages of
// other sites may send to: endpoints where a cookie opens nothing, such as those
// of a protocol that brings its own credentials, or that only ask the person.
func (s *Site) Wrap(h http.Handler, elsewhere ...string) http.Handler {
	h = s.readWhole(h)
	h = s.protect(h, elsewhere)
	h = s.refuseUnreadable(h)
	h = s.limitBody(h)
	h = compress(h)
	h = s.recoverPanics(h)
	h = secureHeaders(h)
	h = s.logAccess(h)
	h = s.chooseLanguage(h)
	return obs.Traced(identify(h))
}

func (s *Site) limitBody(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			most, larger := r.Context().Value(mostKey{}).(int64)
			if !larger {
				most = s.o.MaxBody
			}
			r.Body = http.MaxBytesReader(w, r.Body, most)
		}
		h.ServeHTTP(w, r)
	})
}

type mostKey struct{}

// LargerBodies lets what Wrap has made take other bodies than SiteOptions.MaxBody
// where most has a bound in bytes for a pattern of http.ServeMux, such as
// "POST /pictures/{id}".
func LargerBodies(most map[string]int64, h http.Handler) http.Handler {
	patterns := http.NewServeMux()
	for pattern := range most {
		patterns.Handle(pattern, h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := patterns.Handler(r)
		if n, ok := most[pattern]; ok {
			r = r.WithContext(context.WithValue(r.Context(), mostKey{}, n))
		}
		h.ServeHTTP(w, r)
	})
}

// Handler serves a service's pages: what every host has (static files, the
// language and theme switches and, unless in production, /design), then mux,
// and error pages in the reader's language where mux knows no such path or
// method.
func (sh *Shell) Handler(mux *http.ServeMux) http.Handler {
	shared := http.NewServeMux()
	sh.site.routes(shared, sh)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := shared.Handler(r); pattern != "" {
			shared.ServeHTTP(w, r)
			return
		}
		if unmatched, pattern := mux.Handler(r); pattern == "" {
			sh.unmatched(w, r, mux, unmatched)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Site) routes(mux *http.ServeMux, sh *Shell) {
	mux.Handle("GET /static/", s.Static())
	mux.HandleFunc("GET /favicon.ico", s.favicon)
	mux.HandleFunc("POST /language", s.setLanguage)
	mux.HandleFunc("POST /theme", s.setTheme)
	if !s.o.Production {
		mux.HandleFunc("GET /design", sh.design)
		mux.HandleFunc("POST /design", sh.design)
	}
}
