package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"guildhall/platform/fault"
)

// healthTimeout bounds each check, so that a hanging database shows as one.
const healthTimeout = 3 * time.Second

// Health is the answer of /readyz and of "guildhall status".
type Health struct {
	// Status is "ok", "starting", "stopping" or "failing".
	Status string `json:"status"`
	// Services holds "ok" or the reason, by service; "peers" is the way to the
	// other services.
	Services map[string]string `json:"services"`
	// Shared is "ok", or why requests are counted by this process alone; empty when
	// nothing is shared. Everything works without it.
	Shared string `json:"shared,omitempty"`
}

// OK says whether everything works.
func (h Health) OK() bool { return h.Status == "ok" }

// Alone says whether this process counts by itself what it should count together
// with others.
func (h Health) Alone() bool { return h.Shared != "" && h.Shared != "ok" }

type health struct {
	services []*running
	peers    func() error
	shared   func(say func(error) string) string
	state    atomic.Pointer[string] // "starting", "ok" or "stopping"
}

func (h *health) set(state string) { h.state.Store(&state) }

// check asks every service's database and the service itself; say puts what is
// wrong into words.
func (h *health) check(ctx context.Context, say func(error) string) Health {
	out := Health{Status: *h.state.Load(), Services: map[string]string{}}
	for _, s := range h.services {
		out.note(s.def.Name, s.check(ctx), say)
	}
	if h.peers != nil {
		out.note("peers", h.peers(), say)
	}
	if h.shared != nil {
		out.Shared = h.shared(say)
	}
	return out
}

func (h *Health) note(name string, err error, say func(error) string) {
	h.Services[name] = "ok"
	if err == nil {
		return
	}
	h.Services[name] = say(err)
	if h.Status == "ok" {
		h.Status = "failing"
	}
}

func (s *running) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if err := s.env.DB.Ping(ctx); err != nil {
		return err
	}
	if s.svc.Health == nil {
		return nil
	}
	return s.svc.Health(ctx)
}

// inPublic tells anyone what is wrong when the error was made to be shown; the
// rest is for "guildhall status" and the log.
func inPublic(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Detail
	}
	return "It does not work. \"guildhall status\" on the server says why."
}

func (h *health) serves(r *http.Request) bool {
	return r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
}

// ServeHTTP answers /healthz (the process lives) and /readyz (it can work, or
// why not).
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Path == "/healthz" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
		return
	}
	got := h.check(r.Context(), inPublic)
	status := http.StatusOK
	if !got.OK() {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, got)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone if this fails
}
