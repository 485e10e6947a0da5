package app

import (
	"net/http"
	"slices"
	"time"
)

// pace cuts clients that send or read so slowly that they only hold a connection.
// An answer may be as long as it likes and come as slowly as the service makes
// it: what is bounded is how long the client takes for each piece of it.
type pace struct {
	// body is how long a request's body may take, stall how long a client may
	// take to receive the next piece of the answer.
	body, stall time.Duration
	// piece is in bytes. With stall it is the slowest speed that is served.
	piece int
}

// publicPace serves whoever takes about a kilobyte a second.
var publicPace = pace{body: time.Minute, stall: 30 * time.Second, piece: 32 << 10}

// server is s with the bounds. Its own time for an answer stands until the
// handler begins.
func (p pace) server(s *http.Server) *http.Server {
	s.ReadTimeout, s.WriteTimeout, s.Handler = p.body, p.stall, p.around(s.Handler)
	return s
}

func (p pace) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w), pace: p}
		out.lift()
		defer out.grant() // the server sends what is left in its buffers
		next.ServeHTTP(out, r)
	})
}

// pacedWriter has a deadline while it writes, and none while the handler works.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	pace    pace
}

func (w *pacedWriter) grant() { _ = w.control.SetWriteDeadline(time.Now().Add(w.pace.stall)) }

func (w *pacedWriter) lift() { _ = w.control.SetWriteDeadline(time.Time{}) }

// Write sends p piece by piece, with a time for each.
func (w *pacedWriter) Write(p []byte) (n int, err error) {
	defer w.lift()
	for part := range slices.Chunk(p, w.pace.piece) {
		w.grant()
		sent, err := w.ResponseWriter.Write(part)
		n += sent
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// FlushError sends what is buffered, as http.ResponseController asks for it.
func (w *pacedWriter) FlushError() error {
	defer w.lift()
	w.grant()
	return w.control.Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
