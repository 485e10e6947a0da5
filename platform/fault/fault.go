// Package fault gives an error a stable code and a kind, once, where it is
// understood; at the edge it becomes an RFC 9457 problem document or an error
// page. Errors that carry no fault are internal: their text is logged and
// never shown.
package fault

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind says what sort of failure it is; each kind has one HTTP status.
type Kind int

// The kinds of fault, with the HTTP status each becomes at the edge.
const (
	Internal        Kind = iota // 500: ours; the text stays in the log
	Invalid                     // 422: the request is understood and wrong
	Malformed                   // 400: the request cannot be read
	Unauthenticated             // 401: nobody is signed in
	Forbidden                   // 403: signed in, not allowed
	NotFound                    // 404: no such thing
	BadMethod                   // 405: the address does not take this method
	Conflict                    // 409: the state does not allow it
	Slow                        // 408: the request did not arrive in time
	Gone                        // 410: it was there, and is over
	TooLarge                    // 413: more bytes than we take
	Misdirected                 // 421: the connection is for another host name
	TooMany                     // 429: slow down; see RetryAfter
	Unavailable                 // 503: not now; see RetryAfter
)

var statuses = [...]int{
	Internal: http.StatusInternalServerError, Invalid: http.StatusUnprocessableEntity,
	Malformed: http.StatusBadRequest, Unauthenticated: http.StatusUnauthorized,
	Forbidden: http.StatusForbidden, NotFound: http.StatusNotFound, BadMethod: http.StatusMethodNotAllowed, Conflict: http.StatusConflict,
	Slow: http.StatusRequestTimeout, Gone: http.StatusGone, TooLarge: http.StatusRequestEntityTooLarge,
	Misdirected: http.StatusMisdirectedRequest, TooMany: http.StatusTooManyRequests, Unavailable: http.StatusServiceUnavailable,
}

// Status is the HTTP status of the kind.
func (k Kind) Status() int { return statuses[k] }

// Field is one wrong part of the input.
type Field struct {
	// Name is where it was: a JSON path ("sans[2]"), a form field or a flag.
	Name string `json:"field"`
	// Code is stable and machine-readable: "required", "too_long".
	Code string `json:"code"`
	// Detail says in English what is wrong and what to do.
	Detail string `json:"detail"`
	// Args fill the placeholders of the translated sentence.
	Args map[string]any `json:"-"`
}

// Error is a failure with a stable code. Detail is an English sentence for the
// caller: what was wrong, where, what to do. Pages show the sentence found in
// the catalogue under "fault.<Code>" (filled with Args), else Detail.
type Error struct {
	Kind       Kind
	Code       string
	Detail     string
	Args       map[string]any
	Fields     []Field
	RetryAfter time.Duration
	cause      error
}

// New makes a fault. The format makes the Detail; a %w operand becomes its
// cause, whose text is part of the Detail, so wrap only what a caller may see.
func New(kind Kind, code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Code: code, Detail: err.Error(), cause: errors.Unwrap(err)}
}

// Fields makes an Invalid fault out of wrong fields, or nil of none.
func Fields(fields ...Field) error {
	if len(fields) == 0 {
		return nil
	}
	e := &Error{Kind: Invalid, Code: "invalid_fields", Fields: fields}
	e.Detail = fields[0].Name + ": " + fields[0].Detail
	if n := len(fields) - 1; n > 0 {
		e.Detail += fmt.Sprintf(" (and %d more)", n)
	}
	return e
}

// With returns a copy that carries arguments for the translated sentence.
func (e *Error) With(args map[string]any) *Error {
	c := *e
	c.Args = args
	return &c
}

// Because returns a copy whose cause is err. The cause is for the log; it is
// not part of what the caller sees.
func (e *Error) Because(err error) *Error {
	c := *e
	c.cause = err
	return &c
}

// maxNamed bounds what Naming repeats, in characters.
const maxNamed = 60

// Naming returns a copy whose Detail ends in what was asked for. It must be no secret.
func (e *Error) Naming(what string) *Error {
	if what == "" {
		return e
	}
	if r := []rune(what); len(r) > maxNamed {
		what = string(r[:maxNamed]) + "..."
	}
	c := *e
	c.Detail = strings.TrimSuffix(e.Detail, ".") + ": " + strconv.Quote(what) + "."
	return &c
}

// After returns a copy that asks the caller to come back after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Error is the detail; the cause is reached by errors.Is and errors.As.
func (e *Error) Error() string { return e.Detail }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is match by code, so that a package can export a sentinel
// (ErrNotFound) and return copies of it with more to say.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Kind == e.Kind
}

// As returns the fault in err's chain, or an Internal one whose Detail says
// nothing of err's text.
func As(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return New(TooLarge, "too_large", "The request is larger than %d bytes. Send less.", e.Limit)
	}
	return &Error{Kind: Internal, Code: "internal", cause: err,
		Detail: "Something went wrong on our side. Nothing was changed. The log has the reason under this request's id."}
}
