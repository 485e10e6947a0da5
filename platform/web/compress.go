package web

import (
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// compressFloor is the body size, in bytes, under which gzip gains nothing.
const compressFloor = 600

// compress gzips text bodies. Answers marked no-store stay as they are: they
// may hold secrets beside what the caller sent, and their compressed length
// would tell about them (BREACH).
func compress(h http.Handler) http.Handler {
	pool := &sync.Pool{New: func() any { return gzip.NewWriter(nil) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !acceptsGzip(r) || r.Method == http.MethodHead || r.Header.Get("Range") != "" || r.Header.Get("Upgrade") != "" {
			h.ServeHTTP(w, r)
			return
		}
		z := &zipWriter{ResponseWriter: w, pool: pool}
		h.ServeHTTP(z, r)
		z.close()
	})
}

// acceptsGzip reads Accept-Encoding (RFC 9110, section 12.5.3).
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(part, ";")
		if coding = strings.TrimSpace(coding); !strings.EqualFold(coding, "gzip") && coding != "*" {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		value, err := strconv.ParseFloat(q, 64)
		return !found || err == nil && value > 0
	}
	return false
}

// zipWriter decides at the first byte whether to compress.
type zipWriter struct {
	http.ResponseWriter
	pool    *sync.Pool
	zip     *gzip.Writer
	status  int
	decided bool
}

// WriteHeader waits for the first byte, so that the decision can still change
// the headers.
func (w *zipWriter) WriteHeader(status int) {
	if status < 200 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.status == 0 {
		w.status = status
	}
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.begin(0)
	}
}

// Write compresses, or passes p on.
func (w *zipWriter) Write(p []byte) (int, error) {
	w.begin(len(p))
	if w.zip != nil {
		return w.zip.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// begin sends the headers, once. A first write is the whole body for pages and
// JSON, so its size stands for the body's.
func (w *zipWriter) begin(size int) {
	if w.decided {
		return
	}
	w.decided = true
	h := w.Header()
	if h.Get("Content-Type") != "" && compressible(h.Get("Content-Type")) {
		h.Add("Vary", "Accept-Encoding")
		if size >= compressFloor && h.Get("Content-Encoding") == "" && !strings.Contains(h.Get("Cache-Control"), "no-store") {
			h.Set("Content-Encoding", "gzip")
			h.Del("Content-Length")
			w.zip = w.pool.Get().(*gzip.Writer)
			w.zip.Reset(w.ResponseWriter)
		}
	}
	if w.status != 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
}

// Flush sends what is there. A stream that flushes before its first byte stays
// uncompressed.
func (w *zipWriter) Flush() {
	w.begin(0)
	if w.zip != nil {
		_ = w.zip.Flush() // a broken connection shows at the next write
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *zipWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *zipWriter) close() {
	w.begin(0)
	if w.zip != nil {
		_ = w.zip.Close() // the client is gone if this fails
		w.pool.Put(w.zip)
	}
}

func compressible(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	switch kind = strings.TrimSpace(kind); {
	case kind == "text/event-stream":
		return false
	case strings.HasPrefix(kind, "text/"), strings.HasSuffix(kind, "json"), strings.HasSuffix(kind, "+xml"):
		return true
	}
	return kind == "application/javascript"
}
