package web_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guildhall/platform/web"
)

// bodies answers with what it was sent, or with what that broke off with.
func bodies(t *testing.T, w *world) http.Handler {
	t.Helper()
	return w.site.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			rw.WriteHeader(http.StatusBadRequest)
			data = append(data, err.Error()...)
		}
		_, _ = rw.Write(data)
	}))
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestBodiesReachTheirReaderAsTheyCame(t *testing.T) {
	t.Parallel()
	h := bodies(t, newWorld(t, nil))
	large := strings.Repeat("0123456789", 50_000)
	for name, c := range map[string]struct {
		body   io.Reader
		status int
		want   string
	}{
		"none":       {http.NoBody, http.StatusOK, ""},
		"small":      {strings.NewReader("a=b"), http.StatusOK, "a=b"},
		"one piece":  {strings.NewReader(large[:64<<10]), http.StatusOK, large[:64<<10]},
		"large":      {strings.NewReader(large), http.StatusOK, large},
		"broken off": {io.MultiReader(strings.NewReader("a="), broken{errors.New("the line is cut")}), http.StatusBadRequest, "a=the line is cut"},
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "https://ca.guildhall.localhost/in", c.body))
		if rec.Code != c.status || rec.Body.String() != c.want {
			t.Errorf("%s: status %d with %d bytes, want %d with %d", name, rec.Code, rec.Body.Len(), c.status, len(c.want))
		}
	}
}

// Many who send large bodies slowly find no place from some number on; small ones do,
// and large ones again once the others are through.
func TestMemoryOfSlowBodiesIsBounded(t *testing.T) {
	t.Parallel()
	h := bodies(t, newWorld(t, func(o *web.SiteOptions) { o.BodyMemory = 1 << 20 }))
	send := func(body io.Reader) int {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "https://ca.guildhall.localhost/in", body))
		return rec.Code
	}
	chunk := bytes.Repeat([]byte("x"), 400_000)
	const slow = 2
	ends, answers := make([]*io.PipeWriter, slow), make(chan int)
	for i := range ends {
		rest, in := io.Pipe()
		ends[i] = in
		go func() { answers <- send(rest) }()
		if _, err := in.Write(chunk); err != nil { // it returns when all was read
			t.Fatal(err)
		}
	}
	if got := send(bytes.NewReader(chunk)); got != http.StatusServiceUnavailable {
		t.Errorf("one more has status %d", got)
	}
	if got := send(strings.NewReader("a=b")); got != http.StatusOK {
		t.Errorf("a small one has status %d", got)
	}
	for _, in := range ends {
		_ = in.Close()
		if got := <-answers; got != http.StatusOK {
			t.Errorf("a slow one has status %d", got)
		}
	}
	if got := send(bytes.NewReader(chunk)); got != http.StatusOK {
		t.Errorf("one after them has status %d", got)
	}
}
