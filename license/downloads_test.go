package license

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/platform/fault"
	"guildhall/sdk/go/license"
	wire "guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/sealed"
)

// shelf is an office whose product has a release, and a policy that gives its files.
func (o *office) shelf(t testing.TB) wire.Policy {
	t.Helper()
	_, rules := o.stock(t)
	change := wire.PolicyChange{Name: rules.Name, Rules: rules.Rules, Revision: rules.Revision}
	change.Rules.Files = true
	changed, err := o.client.UpdatePolicy(t.Context(), rules.ID, change)
	ok(t, err)
	_, err = o.client.CreateRelease(t.Context(), "press", wire.ReleaseCreate{Version: "1.0"})
	ok(t, err)
	return *changed
}

func (o *office) upload(t testing.TB, name, content string) *wire.File {
	t.Helper()
	f, err := o.client.UploadFile(t.Context(), "press", "1.0", wire.FileUpload{Name: name, MediaType: "text/plain", Size: int64(len(content)), Content: strings.NewReader(content)})
	ok(t, err)
	return f
}

func fetch(t testing.TB, counter http.Handler, method, ticket string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, license.PathFiles+"?ticket="+url.QueryEscape(ticket), nil)
	r.RemoteAddr = "198.51.100.7:4000"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	counter.ServeHTTP(w, r)
	return w
}

func TestDownloads(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		rules := o.shelf(t)
		content := strings.Repeat("0123456789", 1000)
		f := o.upload(t, "zażółć 1.txt", content)
		empty := o.upload(t, "empty", "")
		p := o.program(t, sealed.PSK, o.card(t, rules))
		files := p.want(t, "activated ok", license.CallFiles).Files
		if len(files) != 2 || files[0].ID != empty.ID || files[1].ID != f.ID {
			t.Fatalf("the files are %+v", files)
		}
		ticket := files[1].Ticket
		tag := `"` + f.SHA256 + `"`
		for _, c := range []struct {
			method       string
			headers      []string
			status       int
			body, ranges string
		}{
			{http.MethodGet, nil, http.StatusOK, content, ""},
			{http.MethodHead, nil, http.StatusOK, "", ""},
			{http.MethodGet, []string{"Range", "bytes=9990-"}, http.StatusPartialContent, content[9990:], "bytes 9990-9999/10000"},
			{http.MethodGet, []string{"Range", "bytes=3-5", "If-Range", tag}, http.StatusPartialContent, "345", "bytes 3-5/10000"},
			{http.MethodGet, []string{"Range", "bytes=3-5", "If-Range", `"another"`}, http.StatusOK, content, ""},
			{http.MethodGet, []string{"Range", "bytes=1-2,5-6"}, http.StatusOK, content, ""},
			{http.MethodGet, []string{"Range", "bytes=20000-"}, http.StatusRequestedRangeNotSatisfiable, "", "bytes */10000"},
			{http.MethodGet, []string{"If-None-Match", tag}, http.StatusNotModified, "", ""},
		} {
			w := fetch(t, p.counter, c.method, ticket, c.headers...)
			head := w.Header()
			if w.Code != c.status || head.Get("Content-Range") != c.ranges || w.Code < 300 && (w.Body.String() != c.body || head.Get("ETag") != tag ||
				head.Get("Content-Type") != "text/plain" || !strings.Contains(head.Get("Content-Disposition"), "filename*=utf-8''za%C5%BC%C3%B3%C5%82%C4%87%201.txt") ||
				!strings.HasPrefix(head.Get("Repr-Digest"), "sha-256=:") || head.Get("Cache-Control") != "no-store, no-transform") {
				t.Errorf("%s with %v: status %d, %v, %d bytes", c.method, c.headers, w.Code, head, w.Body.Len())
			}
			if whole := head.Get("Content-Digest") != ""; whole != (c.status == http.StatusOK && !strings.Contains(strings.Join(c.headers, " "), "another")) && w.Code < 300 {
				t.Errorf("%s with %v has the digest %q", c.method, c.headers, head.Get("Content-Digest"))
			}
		}
		if w := fetch(t, p.counter, http.MethodGet, files[0].Ticket); w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("an empty file: status %d, %d bytes", w.Code, w.Body.Len())
		}

		events, err := o.client.Events(t.Context(), wire.EventRequest{Kind: card.Downloaded})
		ok(t, err)
		complete := 0
		for _, e := range events.Events {
			if e.IP != "198.51.100.7" || e.Detail["version"] != "1.0" {
				t.Errorf("the time line has %+v", e)
			}
			if e.Detail["complete"] == true {
				complete++
			}
		}
		if len(events.Events) != 6 || complete != 5 {
			t.Errorf("%d downloads are noted, %d of them complete", len(events.Events), complete)
		}

		refused := func(ticket, code string, status int) {
			t.Helper()
			w := fetch(t, p.counter, http.MethodGet, ticket)
			var problem fault.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != status || problem.Code != code || strings.Contains(problem.Instance, "ticket") {
				t.Errorf("status %d, %s, want %d %s", w.Code, w.Body, status, code)
			}
		}
		refused("", "ticket_wrong", http.StatusForbidden)
		ok(t, o.client.RemoveFile(t.Context(), "press", "1.0", f.ID))
		refused(ticket, "file_not_found", http.StatusNotFound)
		cards, err := o.client.Cards(t.Context(), wire.CardRequest{})
		ok(t, err)
		_, err = o.client.RevokeCard(t.Context(), cards.Cards[0].ID, "")
		ok(t, err)
		refused(files[0].Ticket, "card_revoked", http.StatusForbidden)
		o.clock.Advance(2 * time.Hour)
		refused(files[0].Ticket, "ticket_over", http.StatusForbidden)
	})
}

func TestAPIOfFiles(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	o.shelf(t)
	f := o.upload(t, "setup.zip", "content")
	if f.Size != 7 || f.MediaType != "text/plain" || len(f.SHA256) != 64 {
		t.Errorf("made: %+v", f)
	}
	list, err := o.client.Files(t.Context(), "press", "1.0")
	ok(t, err)
	if len(list.Files) != 1 || list.Files[0] != *f {
		t.Errorf("the files are %+v", list.Files)
	}
	for code, up := range map[string]wire.FileUpload{
		"file_exists": {Name: "setup.zip", Size: 1, Content: strings.NewReader("x")},
		"file_name":   {Name: "../setup.zip", Size: 1, Content: strings.NewReader("x")},
		"sum_differs": {Name: "b", SHA256: strings.Repeat("0", 64), Size: 1, Content: strings.NewReader("x")},
	} {
		if p := problemOf(second(o.client.UploadFile(t.Context(), "press", "1.0", up))); len(p.Fields) != 1 || p.Fields[0].Code != code || p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %+v", code, p)
		}
	}
	if p := problemOf(second(o.client.UploadFile(t.Context(), "press", "9", wire.FileUpload{Name: "x", Content: strings.NewReader("")}))); p.Code != "release_not_found" {
		t.Errorf("a release that is none: %+v", p)
	}
	broken := wire.FileUpload{Name: "cut", Size: 10, Content: io.LimitReader(strings.NewReader("12345"), 5)}
	if _, err := o.client.UploadFile(t.Context(), "press", "1.0", broken); err == nil {
		t.Error("half a file is kept")
	}
	if p := problemOf(o.client.RemoveFile(t.Context(), "press", "1.0", "fil_none")); p.Code != "file_not_found" {
		t.Errorf("remove what is not there: %+v", p)
	}
	ok(t, o.client.RemoveFile(t.Context(), "press", "1.0", f.ID))
	if list, err = o.client.Files(t.Context(), "press", "1.0"); err != nil || len(list.Files) != 0 {
		t.Errorf("the files are %+v, %v", list, err)
	}
}
