package fault

import "net/http"

// These three methods are what huma looks for in an error that a handler
// returns: its status, its media type and its headers.

// GetStatus is the HTTP status of the fault.
func (e *Error) GetStatus() int { return e.Kind.Status() }

// ContentType makes the answer a problem document (RFC 9457).
func (e *Error) ContentType(string) string { return "application/problem+json" }

// GetHeaders holds Retry-After when the caller should come back.
func (e *Error) GetHeaders() http.Header {
	h := http.Header{}
	SetRetryAfter(h, e)
	return h
}
