package fault

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
)

// Problem is the problem document of RFC 9457, with our extension members
// code, errors and request_id.
type Problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail,omitempty"`
	Instance  string  `json:"instance,omitempty"`
	Code      string  `json:"code"`
	Errors    []Field `json:"errors,omitempty"`
	RequestID string  `json:"request_id,omitempty"`
}

// ProblemOf renders err as the document that the edge sends.
func ProblemOf(err error) Problem {
	e := As(err)
	return Problem{Type: "about:blank", Title: http.StatusText(e.Kind.Status()), Status: e.Kind.Status(),
		Detail: e.Detail, Code: e.Code, Errors: e.Fields}
}

// Error makes a Problem an error for clients that received one.
func (p Problem) Error() string { return p.Detail }

// Write answers a request with err as application/problem+json. It does not
// log; the request log does.
func Write(w http.ResponseWriter, r *http.Request, err error) {
	p := ProblemOf(err)
	p.Instance = r.URL.Path
	p.RequestID = w.Header().Get("X-Request-Id")
	SetRetryAfter(w.Header(), err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	// The client is gone if this fails; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(p)
}

// SetRetryAfter sets Retry-After in whole seconds, rounded up, when err asks
// the caller to come back (RFC 9110, section 10.2.3).
func SetRetryAfter(h http.Header, err error) {
	if d := As(err).RetryAfter; d > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
	}
}
