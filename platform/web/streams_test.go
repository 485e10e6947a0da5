package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guildhall/platform/fault"
	"guildhall/platform/web"
)

// A stream reaches its handler while it comes; all other bodies are waited for.
func TestStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *web.SiteOptions) { o.MaxBody = 10 })
	h := web.Streams(map[string]int64{"POST /files/{name}": 20}, w.site.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		first := make([]byte, 5)
		if _, err := io.ReadFull(r.Body, first); err != nil {
			fault.Write(rw, r, err)
			return
		}
		_, _ = rw.Write(first)
		rest, err := io.ReadAll(r.Body)
		if err != nil {
			_, _ = io.WriteString(rw, " "+fault.As(err).Code)
			return
		}
		_, _ = rw.Write(rest)
	})))
	for _, c := range []struct {
		method, path, body, want string
		status                   int
	}{
		{http.MethodPost, "/files/a", "12345678901234567890", "12345678901234567890", http.StatusOK},
		{http.MethodPost, "/files/a", "123456789012345678901", "12345 too_large", http.StatusOK},
		{http.MethodPost, "/other", "12345678901", "12345 too_large", http.StatusOK},
		{http.MethodPut, "/files/a", "12345678901", "12345 too_large", http.StatusOK},
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(c.method, "https://ca.guildhall.localhost"+c.path, strings.NewReader(c.body)))
		if got := rec.Body.String(); rec.Code != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: status %d, %.80s", c.method, c.path, rec.Code, got)
		}
	}
	// The handler begins before the end of the body is there.
	body, in := io.Pipe()
	answer, out := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(&piped{header: http.Header{}, to: out}, httptest.NewRequest(http.MethodPost, "https://ca.guildhall.localhost/files/b", body))
		_ = out.Close()
	}()
	_, _ = io.WriteString(in, "12345")
	first := make([]byte, 5)
	if _, err := io.ReadFull(answer, first); err != nil || string(first) != "12345" {
		t.Errorf("before the end of the body: %q, %v", first, err)
	}
	_, _ = io.WriteString(in, "678")
	_ = in.Close()
	if rest, err := io.ReadAll(answer); err != nil || string(rest) != "678" {
		t.Errorf("after it: %q, %v", rest, err)
	}
	<-done
}

// piped is an answer that is read while it is written.
type piped struct {
	header http.Header
	to     io.Writer
}

func (p *piped) Header() http.Header         { return p.header }
func (p *piped) Write(b []byte) (int, error) { return p.to.Write(b) }
func (p *piped) WriteHeader(int)             {}
