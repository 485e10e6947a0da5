package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// asset is one static file, ready to send.
type asset struct {
	hash, contentType string
	body, zipped      []byte
}

// assets are the static files by name ("app.css", "vendor/htmx.min.js").
type assets struct{ files map[string]*asset }

// loadAssets reads the embedded files. The style sheets of static/css become
// one app.css, in the order of their names.
func loadAssets() *assets {
	a := &assets{files: map[string]*asset{}}
	var styles bytes.Buffer
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := staticFiles.ReadFile(name)
		switch name = strings.TrimPrefix(name, "static/"); {
		case err != nil:
			return err
		case strings.HasPrefix(name, "css/"):
			styles.Write(body)
		default:
			a.add(name, body)
		}
		return nil
	})
	if err != nil { // the files are part of the program
		panic(err)
	}
	a.add("app.css", styles.Bytes())
	return a
}

func (a *assets) add(name string, body []byte) {
	sum := sha256.Sum256(body)
	f := &asset{hash: hex.EncodeToString(sum[:8]), body: body, contentType: mime.TypeByExtension(path.Ext(name))}
	if f.contentType == "" {
		f.contentType = "text/plain; charset=utf-8"
	}
	var zipped bytes.Buffer
	z, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression) // the level is valid
	_, _ = z.Write(body)                                       // a buffer takes everything
	_ = z.Close()
	if zipped.Len() < len(body)*9/10 {
		f.zipped = zipped.Bytes()
	}
	a.files[name] = f
}

// url is the address that changes whenever the file does.
func (a *assets) url(name string) string { return "/static/" + a.files[name].hash + "/" + name }

// Static serves /static/<hash>/<name>. The address names the content, so a
// browser keeps it for a year without asking; under another hash (a page of an
// older or newer version) the file is served for this once.
func (s *Site) Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
		f, ok := s.assets.files[name]
		if !ok {
			s.notFound(w, r)
			return
		}
		h := w.Header()
		if h.Set("Cache-Control", "no-cache"); hash == f.hash {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		h.Set("Content-Type", f.contentType)
		h.Add("Vary", "Accept-Encoding")
		f.send(w, r)
	})
}

func (f *asset) send(w http.ResponseWriter, r *http.Request) {
	body, tag := f.body, `"`+f.hash+`"`
	if f.zipped != nil && acceptsGzip(r) {
		body, tag = f.zipped, `"`+f.hash+`-gz"`
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("ETag", tag)
	if matchesETag(r.Header.Get("If-None-Match"), tag) {
		w.Header().Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone if this fails
	}
}

// matchesETag compares weakly (RFC 9110, section 13.1.2).
func matchesETag(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

func (s *Site) favicon(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, s.assets.url("favicon.svg"), http.StatusFound)
}
