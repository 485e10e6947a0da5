package app

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"guildhall/platform/fault"
	"guildhall/platform/session"
)

// Whoever loses a role while he sends a file is refused at its end.
func TestCheckAgain(t *testing.T) {
	t.Parallel()
	roles := []string{"ca.admin"}
	identify := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Identified", "yes")
			h.ServeHTTP(w, r.WithContext(session.With(r.Context(), session.Principal{ID: "usr_1", Roles: roles})))
		})
	}
	h := askAgain(identify, identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := CheckAgain(r.Context(), "ca.admin"); err != nil {
			t.Errorf("at first: %v", err)
		}
		roles = nil
		if err := session.Check(r.Context(), "ca.admin"); err != nil {
			t.Errorf("as it was: %v", err)
		}
		if err := CheckAgain(r.Context(), "ca.admin"); fault.As(err).Kind != fault.Forbidden {
			t.Errorf("as it is: %v", err)
		}
	})))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
	if err := CheckAgain(session.With(t.Context(), session.Principal{ID: "usr_1", Roles: []string{"ca.admin"}}), "ca.admin"); err != nil {
		t.Errorf("without the process around it: %v", err)
	}
}
