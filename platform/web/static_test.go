package web_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestVendoredHTMX holds the vendored file against the release 2.0.11 as its
// authors published it. An update changes the file, this sum and the licence
// together.
func TestVendoredHTMX(t *testing.T) {
	t.Parallel()
	const want = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
	body, err := os.ReadFile("static/vendor/htmx.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want {
		t.Errorf("htmx.min.js has the sum %x, want %s", sum, want)
	}
	if !bytes.Contains(body, []byte(`version:"2.0.11"`)) {
		t.Error("htmx.min.js is not version 2.0.11")
	}
	licence, err := os.ReadFile("static/vendor/htmx.LICENSE")
	if err != nil || !bytes.Contains(licence, []byte("Zero-Clause BSD")) {
		t.Errorf("the licence beside it: %v", err)
	}
}

func assetURL(t *testing.T, page, name string) string {
	t.Helper()
	url := regexp.MustCompile(`/static/[0-9a-f]{16}/` + regexp.QuoteMeta(name)).FindString(page)
	if url == "" {
		t.Fatalf("the page does not load %s", name)
	}
	return url
}

func TestStatic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	page := w.do(browse("GET", "/", "")).Body.String()
	types := map[string]string{"app.css": "text/css", "app.js": "text/javascript", "vendor/htmx.min.js": "text/javascript", "favicon.svg": "image/svg+xml"}
	for name, contentType := range types {
		url := assetURL(t, page, name)
		rec := w.do(browse("GET", url, ""))
		if rec.Code != 200 || !strings.HasPrefix(rec.Header().Get("Content-Type"), contentType) || rec.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %v", url, rec.Code, rec.Header())
		}
		again := w.do(browse("GET", url, "", "If-None-Match", rec.Header().Get("ETag")))
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s again: %d", url, again.Code)
		}
	}
	css := assetURL(t, page, "app.css")
	plain := w.do(browse("GET", css, "")).Body.Bytes()
	zipped := w.do(browse("GET", css, "", "Accept-Encoding", "br, gzip"))
	if zipped.Header().Get("Content-Encoding") != "gzip" || !bytes.Equal(unzip(t, zipped.Body), plain) {
		t.Error("the compressed style sheet is not the style sheet")
	}
	if rec := w.do(browse("GET", "/static/0000000000000000/app.css", "")); rec.Code != 200 || rec.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("under another hash: %d, %q", rec.Code, rec.Header().Get("Cache-Control"))
	}
	for _, path := range []string{"/static/", "/static/x", "/static/x/none.css", "/static/x/../../site.go", "/static/x/css/20-tokens.css"} {
		if rec := w.do(browse("GET", path, "")); rec.Code == 200 {
			t.Errorf("%s is served", path)
		}
	}
}

func unzip(t *testing.T, r io.Reader) []byte {
	t.Helper()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestPageETag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	tag := w.do(browse("GET", "/", "")).Header().Get("ETag")
	if !strings.HasPrefix(tag, `W/"`) {
		t.Fatalf("ETag %q", tag)
	}
	if rec := w.do(browse("GET", "/", "", "If-None-Match", `"other", `+tag, "Accept-Encoding", "gzip")); rec.Code != http.StatusNotModified || rec.Body.Len() > 0 {
		t.Errorf("the same page again: %d, %d bytes", rec.Code, rec.Body.Len())
	}
	if rec := w.do(browse("GET", "/", "", "If-None-Match", tag, "Cookie", "theme=dark")); rec.Code != http.StatusOK {
		t.Errorf("in another theme: %d", rec.Code)
	}
	if rec := w.do(browse("HEAD", "/", "")); rec.Code != http.StatusOK || rec.Body.Len() > 0 || rec.Header().Get("ETag") != tag {
		t.Errorf("HEAD: %d, %d bytes", rec.Code, rec.Body.Len())
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text := strings.Repeat("stone, ink and one seal. ", 200)
	answer := func(path string, headers ...string) {
		w.mux.HandleFunc("GET "+path, func(rw http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				rw.Header().Set(headers[i], headers[i+1])
			}
			_, _ = io.WriteString(rw, text)
		})
	}
	answer("/json", "Content-Type", "application/problem+json", "Content-Length", "5000")
	answer("/secret", "Content-Type", "text/plain", "Cache-Control", "no-store")
	answer("/der", "Content-Type", "application/pkix-cert")
	answer("/events", "Content-Type", "text/event-stream")
	w.mux.HandleFunc("GET /small", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(rw, "small")
	})
	tests := []struct {
		path, accept string
		zipped       bool
	}{
		{"/json", "gzip", true}, {"/json", "deflate, GZIP;q=0.5", true}, {"/json", "*", true},
		{"/json", "", false}, {"/json", "br", false}, {"/json", "gzip;q=0", false}, {"/json", "gzip; q=0.000", false},
		{"/secret", "gzip", false}, {"/der", "gzip", false}, {"/events", "gzip", false}, {"/small", "gzip", false},
	}
	for _, tc := range tests {
		rec := w.do(browse("GET", tc.path, "", "Accept-Encoding", tc.accept))
		if got := rec.Header().Get("Content-Encoding") == "gzip"; got != tc.zipped {
			t.Errorf("%s for %q: compressed %v", tc.path, tc.accept, got)
			continue
		}
		body := rec.Body.String()
		if tc.zipped {
			body = string(unzip(t, rec.Body))
		}
		if tc.path != "/small" && body != text {
			t.Errorf("%s for %q: %d bytes, want %d", tc.path, tc.accept, len(body), len(text))
		}
	}
}

// TestStylesNameEveryClass finds a class in the markup that no style sheet
// knows: a slip of the pen in either.
func TestStylesNameEveryClass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	page := w.do(browse("GET", "/design?q=none", "")).Body.String() + w.do(browse("GET", "/design", "")).Body.String()
	css := w.do(browse("GET", assetURL(t, page, "app.css"), "")).Body.String()
	hooks := map[string]bool{"neutral": true, "htmx-indicator": true, "info": true}
	for _, match := range regexp.MustCompile(` class="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		for class := range strings.FieldsSeq(match[1]) {
			if !hooks[class] && !strings.Contains(css, "."+class) {
				t.Errorf("no style for the class %q", class)
			}
		}
	}
}
