package license

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"guildhall/sdk/go/license"
	wire "guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/sealed"
)

// straight sends requests to a handler, whatever host they name.
type straight struct {
	to http.Handler
	ip string
}

func (s straight) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r = r.Clone(r.Context())
	r.RemoteAddr = s.ip
	s.to.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestTheGoClientAndTheService is a program of a customer with sdk/go/license, in each
// mode, and a copy of its card elsewhere.
func TestTheGoClientAndTheService(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		_, rules := o.stock(t)
		ok(t, second(o.client.CreateRelease(t.Context(), "press", wire.ReleaseCreate{Version: "1.0"})))
		secret, err := o.client.HandshakeKey(t.Context(), "press", "1.0", "")
		ok(t, err)
		for _, mode := range modes() {
			p := o.program(t, mode, o.card(t, rules))
			install := func(parts map[string]string, ip string) *license.Client {
				c, err := license.Open(license.Options{Kit: *p.kit, Dir: t.TempDir(), Version: "1.0", Components: parts, Mode: mode,
					HTTP: &http.Client{Transport: straight{p.counter, ip}}, Now: o.clock.Now})
				ok(t, err)
				return c
			}
			c := install(p.parts, p.ip)
			s, err := c.Activate(t.Context(), p.card)
			if err != nil || s.Verdict != license.VerdictActivated || s.Cached {
				t.Fatalf("%s: activated: %+v, %v", mode, s, err)
			}
			key, _, err := c.OpenKey(t.Context(), "")
			if err != nil || !bytes.Equal(key, secret.Key) {
				t.Errorf("%s: the handshake key: %v", mode, err)
			}
			if at, err := c.Time(t.Context()); err != nil || !at.Equal(o.clock.Now()) {
				t.Errorf("%s: the time: %s, %v", mode, at, err)
			}
			copied := install(o.program(t, sealed.HTTPS, p.card).parts, "203.0.113.9:4000")
			refused := (*license.RefusedError)(nil)
			if _, err := copied.Activate(t.Context(), p.card); !errors.As(err, &refused) || refused.Code != "environment_mismatch" {
				t.Errorf("%s: another machine: %v", mode, err)
			}
			found, err := o.client.FindCard(t.Context(), p.card)
			ok(t, err)
			ok(t, second(o.client.RevokeCard(t.Context(), found.ID, "sold twice")))
			if _, err := c.Validate(t.Context()); !errors.As(err, &refused) || refused.Code != "card_revoked" {
				t.Errorf("%s: revoked: %v", mode, err)
			}
		}
	})
}

// cutting breaks answers with files off after some bytes, until none are left to cut.
type cutting struct {
	straight
	cuts *int
}

func (c cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.straight.RoundTrip(r)
	if err == nil && r.Method == http.MethodGet && r.URL.Path == license.PathFiles && *c.cuts > 0 {
		*c.cuts--
		answer.Body = io.NopCloser(io.MultiReader(io.LimitReader(answer.Body, 1000), iotest.ErrReader(io.ErrUnexpectedEOF)))
	}
	return answer, err
}

// TestTheGoClientDownloads has downloads that break off, go on after the program ended,
// outlive their ticket, and begin with a part of something else.
func TestTheGoClientDownloads(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	rules := o.shelf(t)
	content := strings.Repeat("0123456789", 1000)
	o.upload(t, "data.bin", content)
	p := o.program(t, sealed.HPKE, o.card(t, rules))
	cuts := 3
	c, err := license.Open(license.Options{Kit: *p.kit, Dir: t.TempDir(), Version: "9", Components: p.parts,
		HTTP: &http.Client{Transport: cutting{straight{p.counter, p.ip}, &cuts}}, Now: o.clock.Now})
	ok(t, err)
	ok(t, second(c.Activate(t.Context(), p.card)))
	files, err := c.Files(t.Context(), "")
	if err != nil || len(files) != 1 || files[0].Version != "1.0" {
		t.Fatalf("the files are %+v, %v", files, err)
	}
	if none, err := c.Files(t.Context(), "2.0"); err != nil || len(none) != 0 {
		t.Errorf("those of no version are %+v, %v", none, err)
	}
	dest := filepath.Join(t.TempDir(), "data.bin")
	download := func(want string) {
		t.Helper()
		last := int64(-1)
		err := c.Download(t.Context(), files[0], dest, func(done, size int64) {
			if size != 10_000 || done < 0 || done > size {
				t.Errorf("%d of %d bytes", done, size)
			}
			last = done
		})
		text, read := os.ReadFile(dest)
		if err != nil || read != nil || string(text) != content || last != 10_000 {
			t.Errorf("%s: %d bytes, %v, %v", want, len(text), err, read)
		}
		if _, err := os.Stat(dest + ".part"); err == nil {
			t.Errorf("%s: the part is still there", want)
		}
	}
	download("three times broken off")
	if cuts != 0 {
		t.Errorf("%d cuts are left", cuts)
	}
	ok(t, os.WriteFile(dest+".part", []byte(content[:5000]), 0o600))
	download("from the middle")
	ok(t, os.WriteFile(dest+".part", []byte(content), 0o600))
	download("all was there")
	ok(t, os.WriteFile(dest+".part", []byte(strings.Repeat("x", 5000)), 0o600))
	download("a part of something else")
	ok(t, os.WriteFile(dest+".part", []byte(strings.Repeat("x", 20_000)), 0o600))
	download("too much of something else")
	o.clock.Advance(2 * time.Hour)
	download("the ticket is over")

	refused := (*license.RefusedError)(nil)
	list, err := o.client.Files(t.Context(), "press", "1.0")
	ok(t, err)
	ok(t, o.client.RemoveFile(t.Context(), "press", "1.0", list.Files[0].ID))
	if err := c.Download(t.Context(), files[0], dest, nil); !errors.As(err, &refused) || refused.Code != "file_not_found" {
		t.Errorf("a file that was removed: %v", err)
	}
	found, err := o.client.FindCard(t.Context(), p.card)
	ok(t, err)
	ok(t, second(o.client.RevokeCard(t.Context(), found.ID, "")))
	if err := c.Download(t.Context(), files[0], dest, nil); !errors.As(err, &refused) || refused.Code != "card_revoked" {
		t.Errorf("a card that was revoked: %v", err)
	}
	if text, err := os.ReadFile(dest); err != nil || string(text) != content {
		t.Errorf("what was there is gone: %v", err)
	}
}
