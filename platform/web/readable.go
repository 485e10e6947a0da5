package web

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"guildhall/platform/fault"
)

// refuseUnreadable turns away addresses that hold what is not text (RFC 3629) or
// the NUL character: no service has a use for them, and the databases differ in
// what they do with them.
func (s *Site) refuseUnreadable(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !Readable(r.URL.Path) || !readableQuery(r) {
			s.Shell("", nil).Error(w, r, fault.New(fault.Malformed, "malformed_address",
				"The address holds bytes that are not text (UTF-8), or NUL. Check how it was encoded."))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Readable says whether a text is one: UTF-8 without the NUL character.
func Readable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

func readableQuery(r *http.Request) bool {
	if r.URL.RawQuery == "" {
		return true
	}
	for name, values := range r.URL.Query() {
		for _, text := range append(values, name) {
			if !Readable(text) {
				return false
			}
		}
	}
	return true
}
