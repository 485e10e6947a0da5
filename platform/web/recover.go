package web

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
)

// recoverPanics answers a panic with the 500 page and logs it with its stack.
// When the answer had begun, the connection is cut instead, so that the client
// does not take half a page for a whole one.
func (s *Site) recoverPanics(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(cause)
			}
			s.o.Log.ErrorContext(r.Context(), "panic in handler", "request_id", RequestID(r.Context()),
				"method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
			if rec.status != 0 {
				panic(http.ErrAbortHandler)
			}
			s.Shell("", nil).fail(w, r, fmt.Errorf("panic: %v", cause))
		}()
		h.ServeHTTP(rec, r)
	})
}
