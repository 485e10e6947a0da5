package obs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
)

// Names of the headers of W3C Trace Context.
const (
	TraceparentHeader = "Traceparent"
	TracestateHeader  = "Tracestate"
)

// maxState is the length of tracestate, in bytes, that the standard obliges to
// forward; longer ones are dropped.
const maxState = 512

// Traceparent is a place in a trace: W3C Trace Context, section 3.2.
type Traceparent struct {
	trace [16]byte
	span  [8]byte
	flags byte
	state string // tracestate, forwarded unread
}

// NewTrace starts a trace of its own. It is not sampled: nothing here records
// spans, the ids tie log lines together.
func NewTrace() Traceparent {
	var t Traceparent
	_, _ = rand.Read(t.trace[:]) // crypto/rand never fails
	return t.Child()
}

// Child is the same trace with a new span.
func (t Traceparent) Child() Traceparent {
	_, _ = rand.Read(t.span[:])
	return t
}

// TraceID is the id of the whole trace, 32 hexadecimal digits.
func (t Traceparent) TraceID() string { return hex.EncodeToString(t.trace[:]) }

// SpanID is the id of this part of the trace, 16 hexadecimal digits.
func (t Traceparent) SpanID() string { return hex.EncodeToString(t.span[:]) }

// String is the header's value, of version 00.
func (t Traceparent) String() string {
	return "00-" + t.TraceID() + "-" + t.SpanID() + "-" + hex.EncodeToString([]byte{t.flags})
}

// ParseTraceparent reads a header's value. Versions after 00 are read as far as
// 00 goes, as the standard asks. Anything else is not ok: start a new trace.
func ParseTraceparent(value string) (t Traceparent, ok bool) {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(value) < length || value[2] != '-' || value[35] != '-' || value[52] != '-' ||
		value != strings.ToLower(value) {
		return Traceparent{}, false
	}
	var version, flags [1]byte
	for part, into := range map[string][]byte{value[:2]: version[:], value[3:35]: t.trace[:], value[36:52]: t.span[:], value[53:55]: flags[:]} {
		if _, err := hex.Decode(into, []byte(part)); err != nil {
			return Traceparent{}, false
		}
	}
	later := len(value) > length
	if version[0] == 0xff || version[0] == 0 && later || later && value[length] != '-' ||
		t.trace == [16]byte{} || t.span == [8]byte{} {
		return Traceparent{}, false
	}
	t.flags = flags[0] & 1 // "sampled" is all that version 00 defines
	return t, true
}

type traceKey struct{}

// WithTrace puts a place in a trace into the context.
func WithTrace(ctx context.Context, t Traceparent) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// Trace is the place in a trace that the context carries.
func Trace(ctx context.Context) (Traceparent, bool) {
	t, ok := ctx.Value(traceKey{}).(Traceparent)
	return t, ok
}

// Extract is the trace that a request goes on with: a new span of the caller's
// trace, or a new trace.
func Extract(h http.Header) Traceparent {
	values := h.Values(TraceparentHeader)
	if len(values) != 1 {
		return NewTrace()
	}
	t, ok := ParseTraceparent(values[0])
	if !ok {
		return NewTrace()
	}
	if state := strings.Join(h.Values(TracestateHeader), ","); len(state) <= maxState {
		t.state = state
	}
	return t.Child()
}

// Inject writes the context's trace into the header of an outgoing request.
func Inject(ctx context.Context, h http.Header) {
	t, ok := Trace(ctx)
	if !ok {
		return
	}
	h.Set(TraceparentHeader, t.String())
	if t.state != "" {
		h.Set(TracestateHeader, t.state)
	}
}

// Traced is the middleware that gives every request its place in a trace.
func Traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(WithTrace(r.Context(), Extract(r.Header))))
	})
}
