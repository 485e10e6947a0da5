package web

import (
	"net/http"

	"guildhall/platform/fault"
)

// ContentSecurityPolicy is sent with every answer: pages run our own files and
// nothing inline, talk to their own host only and cannot be framed.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secureHeaders sets the headers before the handler runs, so that a handler
// with a reason may change one.
func secureHeaders(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", ContentSecurityPolicy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
		if r.TLS != nil {
			head.Set("Strict-Transport-Security", "max-age=31536000")
		}
		h.ServeHTTP(w, r)
	})
}

// KeepOpener has the answers leave a page in touch with the one that opened it, also
// of another site (Cross-Origin-Opener-Policy: unsafe-none). It is for what a pop-up
// passes through when an application in a browser lets people sign in there and waits
// for the answer by window.opener: one answer with another policy on the way, a
// redirect too, cuts that off for good.
func KeepOpener(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Opener-Policy", "unsafe-none")
		h.ServeHTTP(w, r)
	})
}

// protect refuses what other sites send in the reader's name, but for the patterns
// of elsewhere.
func (s *Site) protect(h http.Handler, elsewhere []string) http.Handler {
	cross := http.NewCrossOriginProtection()
	for _, pattern := range elsewhere {
		cross.AddInsecureBypassPattern(pattern)
	}
	cross.SetDenyHandler(http.HandlerFunc(s.refuseCrossOrigin))
	return cross.Handler(h)
}

// refuseCrossOrigin answers a form that another site sent in the reader's name.
func (s *Site) refuseCrossOrigin(w http.ResponseWriter, r *http.Request) {
	s.Shell("", nil).Error(w, r, fault.New(fault.Forbidden, "cross_origin",
		"The request came from another site. Open the page here and send it again."))
}
