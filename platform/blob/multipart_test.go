package blob_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/platform/blob"
)

// large is more than two parts.
func large() []byte {
	content := make([]byte, 11<<20+7)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	return content
}

func receive(t *testing.T, d blob.Drafts, content []byte) *blob.Draft {
	t.Helper()
	draft, err := d.Receive(t.Context(), bytes.NewReader(content), int64(len(content)))
	must(t, err)
	return draft
}

func TestALargeContentIsSentInParts(t *testing.T) {
	t.Parallel()
	stores(t, func(t *testing.T, s blob.Store, d blob.Drafts) {
		content := large()
		draft := receive(t, d, content)
		must(t, s.Put(t.Context(), draft))
		if got := read(t, s, draft.Sum, 0, io.SeekStart); got != string(content) {
			t.Errorf("%d bytes became %d others", len(content), len(got))
		}
		if got := read(t, s, draft.Sum, -9, io.SeekEnd); got != string(content[len(content)-9:]) {
			t.Error("its end is another")
		}
		must(t, s.Tidy(t.Context(), time.Now().Add(time.Hour)))
		if got := all(t, s); len(got) != 1 {
			t.Errorf("there are %v", got)
		}
	})
}

// broken is a bucket behind something that answers a request with a failure, where fails
// says so.
func broken(t *testing.T, fails func(r *http.Request) string) blob.S3Config {
	t.Helper()
	c := server(t)
	u, err := url.Parse(c.Endpoint)
	must(t, err)
	bucket := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := fails(r)
		if answer == "" {
			bucket.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if !strings.HasPrefix(answer, "200 ") {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, strings.TrimPrefix(answer, "200 "))
	}))
	t.Cleanup(s.Close)
	c.Endpoint = s.URL
	return c
}

// begun are the uploads of the bucket that were not ended.
func begun(t *testing.T, c blob.S3Config) (ids []string) {
	t.Helper()
	answer, err := http.Get(c.Endpoint + "/" + c.Bucket + "?uploads=")
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	var list struct {
		Upload []struct{ UploadId string } //nolint:revive // as the protocol writes it
	}
	must(t, xml.NewDecoder(answer.Body).Decode(&list))
	for _, u := range list.Upload {
		ids = append(ids, u.UploadId)
	}
	return ids
}

func TestAPutThatFailsLeavesNoParts(t *testing.T) {
	t.Parallel()
	if os.Getenv("S3_TEST_BUCKET") != "" {
		t.Skip("it needs the bucket of this process, which signs nothing")
	}
	const inBody = `200 <?xml version="1.0"?><Error><Code>InternalError</Code><Message>later</Message></Error>`
	for name, fails := range map[string]func(r *http.Request) string{
		"a part": func(r *http.Request) string { return when(r.URL.Query().Get("partNumber") == "2", "no") },
		"its end": func(r *http.Request) string {
			return when(r.Method == http.MethodPost && r.URL.Query().Has("uploadId"), inBody)
		},
		"an end that says nothing": func(r *http.Request) string {
			return when(r.Method == http.MethodPost && r.URL.Query().Has("uploadId"), "200 ")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := broken(t, fails)
			s, d, err := blob.Config{S3: c}.Open(t.TempDir(), time.Now)
			must(t, err)
			draft := receive(t, d, large())
			if err := s.Put(t.Context(), draft); !errors.Is(err, blob.ErrUnavailable) {
				t.Errorf("put: %v", err)
			}
			if ids := begun(t, c); len(ids) > 0 {
				t.Errorf("left: %v", ids)
			}
			if _, err := s.Open(t.Context(), draft.Sum); !errors.Is(err, blob.ErrMissing) {
				t.Errorf("open: %v", err)
			}
		})
	}
}

func when(yes bool, answer string) string {
	if yes {
		return answer
	}
	return ""
}

// A process that is killed cannot abort: Tidy does later, and leaves alone what has just
// begun or is somebody else's.
func TestLeftUploadsAreRemoved(t *testing.T) {
	t.Parallel()
	if os.Getenv("S3_TEST_BUCKET") != "" {
		t.Skip("it needs the bucket of this process, which signs nothing")
	}
	var mu sync.Mutex
	killed := true
	c := broken(t, func(r *http.Request) string {
		mu.Lock()
		defer mu.Unlock()
		return when(killed && r.URL.Query().Has("uploadId"), "no")
	})
	s, d, err := blob.Config{S3: c}.Open(t.TempDir(), time.Now)
	must(t, err)
	for at := range 2 {
		if err := s.Put(t.Context(), receive(t, d, append(large(), byte(at)))); !errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("put: %v", err)
		}
	}
	answer, err := http.Post(c.Endpoint+"/"+c.Bucket+"/"+c.Prefix+"theirs?uploads=", "", nil)
	must(t, err)
	must(t, answer.Body.Close())
	mu.Lock()
	killed = false
	mu.Unlock()
	was := begun(t, c)
	must(t, s.Tidy(t.Context(), time.Now().Add(-time.Hour)))
	if got := begun(t, c); len(was) != 3 || !slices.Equal(got, was) {
		t.Errorf("of %v are left %v", was, got)
	}
	must(t, s.Tidy(t.Context(), time.Now().Add(time.Hour)))
	if got := begun(t, c); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}
