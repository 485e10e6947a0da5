package web

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// logAccess writes one line a request. The query string, addresses, user
// agents and names stay out: they can hold secrets and personal data. The
// logger adds the trace.
func (s *Site) logAccess(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.o.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			s.o.Log.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("request_id", RequestID(r.Context())),
				slog.String("method", short(r.Method)), slog.String("host", short(r.Host)), slog.String("path", short(r.URL.Path)),
				slog.Int("status", rec.code()), slog.Int64("bytes", rec.bytes),
				slog.Duration("took", s.o.Now().Sub(start).Round(time.Microsecond)))
		}()
		h.ServeHTTP(rec, r)
	})
}

// maxLogged bounds what of a caller's text goes into a line, in bytes: anybody can
// send a long path again and again.
const maxLogged = 500

// short cuts a text for the log.
func short(text string) string {
	if len(text) <= maxLogged {
		return text
	}
	return strings.ToValidUTF8(text[:maxLogged], "") + "..." // the cut may fall inside a character
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// WriteHeader keeps the first final status; 1xx ones pass by.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes that leave.
func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
