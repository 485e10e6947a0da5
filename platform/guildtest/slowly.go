package guildtest

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"
)

// Slowly sends a request by the transport's way whose body comes only after meanwhile,
// which runs when the server begins to read it. The answer's body is closed.
func Slowly(t testing.TB, by *http.Transport, r *http.Request, body string, meanwhile func() error) *http.Response {
	t.Helper()
	rest, in := io.Pipe()
	trace := &httptrace.ClientTrace{Got100Continue: func() {
		go func() {
			if err := meanwhile(); err != nil {
				t.Error(err)
			}
			_, err := io.WriteString(in, body)
			_ = in.CloseWithError(err)
		}()
	}}
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), trace))
	r.Body, r.ContentLength = rest, -1
	r.Header.Set("Expect", "100-continue")
	by = by.Clone()
	by.ExpectContinueTimeout = time.Minute
	t.Cleanup(by.CloseIdleConnections)
	out, err := by.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Body.Close()
	return out
}
