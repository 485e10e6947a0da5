package peer

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"guildhall/platform/limit"
)

// deadlines is a recorder that takes deadlines, as a connection does.
type deadlines struct{ *httptest.ResponseRecorder }

func (deadlines) SetReadDeadline(time.Time) error { return nil }

// Two nodes of an authority that count together let an address try as often as one.
func TestEnrolmentIsLimitedOnAllNodes(t *testing.T) {
	t.Parallel()
	both := limit.New(limit.Options{Rate: 1e-6, Burst: 3})
	tried := 0
	node := func() http.Handler {
		return Registrar{
			Enrol: func(context.Context, EnrolRequest, string) (*Bundle, error) {
				tried++
				return nil, errors.New("refused")
			},
			Limiter: func(name string, o limit.Options) limit.Limiter {
				if name != "enrol" || o.Rate != enrolRate || o.Burst != enrolBurst {
					t.Errorf("%s: %+v", name, o)
				}
				return both
			},
		}.Routes()[0].Handler
	}
	nodes := []http.Handler{node(), node()}
	for i := range 6 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, pathEnrol, strings.NewReader(`{"csr":"","token":"x"}`))
		r.RemoteAddr = "192.0.2.1:1000"
		nodes[i%2].ServeHTTP(deadlines{httptest.NewRecorder()}, r)
	}
	if tried != 3 {
		t.Errorf("%d tried, want 3", tried)
	}
}

func TestEnrolmentIsLimitedByAddress(t *testing.T) {
	t.Parallel()
	tried := 0
	routes := Registrar{Enrol: func(context.Context, EnrolRequest, string) (*Bundle, error) {
		tried++
		return nil, errors.New("refused")
	}}.Routes()
	enrol := func(from string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, pathEnrol, strings.NewReader(`{"csr":"","token":"x"}`))
		r.RemoteAddr = from
		w := deadlines{httptest.NewRecorder()}
		routes[0].Handler.ServeHTTP(w, r)
		return w.ResponseRecorder
	}
	for range enrolBurst {
		enrol("192.0.2.1:1000")
	}
	w := enrol("192.0.2.1:2000")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || tried != enrolBurst {
		t.Errorf("one too many: %d, Retry-After %q, %d tried", w.Code, w.Header().Get("Retry-After"), tried)
	}
	if enrol("192.0.2.2:1000"); tried != enrolBurst+1 {
		t.Error("another address was held back")
	}
}
