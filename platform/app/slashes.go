package app

import (
	"net/http"
	"strings"
)

// keepSlashes lets a path with "//" through to the handlers. ServeMux would
// redirect to the path with one slash, and so damage what is base64 in there:
// one OCSP request by GET in forty, from clients that do not escape it.
func keepSlashes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "//") {
			next.ServeHTTP(w, r)
			return
		}
		copied, u := *r, *r.URL
		u.RawPath = strings.ReplaceAll(u.EscapedPath(), "//", "/%2F")
		copied.URL = &u
		next.ServeHTTP(w, &copied)
	})
}
