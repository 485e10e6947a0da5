package app

import (
	"context"
	"net/http"

	"guildhall/platform/session"
)

type againKey struct{}

// askAgain lets CheckAgain find out anew who makes a request, by the same identify as h.
func askAgain(identify func(http.Handler) http.Handler, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		again := func() context.Context {
			anew := r.Clone(r.Context())
			anew.Body = http.NoBody
			var identified *http.Request
			identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { identified = r })).ServeHTTP(unwritten{http.Header{}}, anew)
			if identified == nil { // refused, so it is nobody
				return context.Background()
			}
			return identified.Context()
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), againKey{}, again)))
	})
}

// CheckAgain is session.Check as things are now: for a handler that took long to read what
// it was sent, and whose caller may have lost a role or been signed out meanwhile.
func CheckAgain(ctx context.Context, role string) error {
	if again, ok := ctx.Value(againKey{}).(func() context.Context); ok {
		ctx = again()
	}
	return session.Check(ctx, role)
}

// unwritten is an answer that nobody sends.
type unwritten struct{ header http.Header }

func (u unwritten) Header() http.Header       { return u.header }
func (unwritten) Write(p []byte) (int, error) { return len(p), nil }
func (unwritten) WriteHeader(int)             {}
