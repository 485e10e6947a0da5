package web

import (
	"context"
	"io"
	"net/http"
	"time"
)

// streamStall is how long the next piece of a stream may take to come.
const streamStall = 30 * time.Second

type streamKey struct{}

// Streams lets what Wrap has made pass on the bodies of some requests while they come, by
// the patterns of http.ServeMux with their bounds in bytes: files that are too large for
// memory. Their handlers must ask again, at the end, who makes the request.
func Streams(most map[string]int64, h http.Handler) http.Handler {
	if len(most) == 0 {
		return h
	}
	known := http.NewServeMux()
	for pattern := range most {
		known.HandleFunc(pattern, http.NotFound)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := known.Handler(r); pattern != "" {
			ctx := context.WithValue(r.Context(), mostKey{}, most[pattern])
			r = r.WithContext(context.WithValue(ctx, streamKey{}, true))
			r.Body = &stream{ReadCloser: r.Body, control: http.NewResponseController(w)}
		}
		h.ServeHTTP(w, r)
	})
}

func streams(r *http.Request) bool { return r.Context().Value(streamKey{}) != nil }

// stream is a body whose whole may take as long as it likes, but none of its pieces.
type stream struct {
	io.ReadCloser
	control *http.ResponseController
}

func (s *stream) Read(p []byte) (int, error) {
	_ = s.control.SetReadDeadline(time.Now().Add(streamStall)) // a connection without deadlines has none to move
	n, err := s.ReadCloser.Read(p)
	if err != nil { // a deadline that passed later would end the request
		_ = s.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
