package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

type identityKey struct{}

// identity ties one request's log lines together.
type identity struct{ request, traceparent string }

// RequestID is the id that the answer carries as X-Request-Id and the log
// under "request_id"; "" outside a request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(identityKey{}).(identity)
	return id.request
}

// Traceparent is the W3C trace context to send with calls made on behalf of
// this request; "" outside a request.
func Traceparent(ctx context.Context) string {
	id, _ := ctx.Value(identityKey{}).(identity)
	return id.traceparent
}

func identify(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := identity{request: r.Header.Get("X-Request-Id"), traceparent: continueTrace(r.Header.Get("Traceparent"))}
		if !saneID(id.request) {
			id.request = rand.Text()
		}
		w.Header().Set("X-Request-Id", id.request)
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, id)))
	})
}

// saneID says whether a caller's id may go into our log and answer: 8 to 64
// letters, digits and -_. so that it can forge neither a line nor a header.
func saneID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// continueTrace keeps the trace of a valid traceparent (W3C Trace Context,
// version 00) under a new span id; anything else starts a trace.
func continueTrace(header string) string {
	trace, flags := randomHex(16), "00"
	if validTraceparent(header) {
		trace, flags = header[3:35], header[53:55]
	}
	return "00-" + trace + "-" + randomHex(8) + "-" + flags
}

func validTraceparent(h string) bool {
	if len(h) != 55 || h[:3] != "00-" || h[35] != '-' || h[52] != '-' {
		return false
	}
	return lowerHex(h[3:35]) && lowerHex(h[36:52]) && lowerHex(h[53:])
}

// lowerHex refuses what is not lower-case hexadecimal and, as the
// specification does for ids, all zeros; two digits of flags may be zero.
func lowerHex(s string) bool {
	zero := len(s) > 2
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
		zero = zero && c == '0'
	}
	return !zero
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b)
}
