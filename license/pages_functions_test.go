package license

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guildhall/license/internal/wasmtest"
)

// uploadModule posts the form of a module.
func (c *counter) uploadModule(t *testing.T, path, name string, module []byte) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	ok(t, form.WriteField("name", name))
	part, err := form.CreateFormFile("module", "price.wasm")
	ok(t, err)
	ok(t, second(part.Write(module)))
	ok(t, form.WriteField("note", "rates of 2027"))
	ok(t, form.Close())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", c.lang)
	r.Header.Set(roleHeader, adminRole)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

func TestPagesOfFunctions(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	product, _, _, _ := c.stocked(t)
	path := "/products/" + product.ID + "/functions"
	for _, lang := range []string{"en", "zh", "pl"} {
		c.lang = lang
		if w := c.open(t, adminRole, http.MethodGet, path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `enctype="multipart/form-data"`) {
			t.Errorf("%s: the empty list: %d", lang, w.Code)
		}
	}
	c.lang = "en"
	for name, x := range map[string]struct {
		name   string
		module []byte
		says   string
	}{
		"no file":     {"price", nil, "module"},
		"no module":   {"price", []byte("MZ"), "first bytes"},
		"other names": {"no name", wasmtest.EchoProgram(), "at most 64"},
	} {
		if w := c.uploadModule(t, path, x.name, x.module); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), x.says) ||
			!strings.Contains(w.Body.String(), "rates of 2027") {
			t.Errorf("%s: %d, %s", name, w.Code, w.Body)
		}
	}
	for _, module := range [][]byte{wasmtest.EchoProgram(), wasmtest.WriteProgram("2")} {
		if w := c.uploadModule(t, path, "price", module); w.Code != http.StatusSeeOther || w.Header().Get("Location") != path+"/price" {
			t.Fatalf("uploaded: %d, %s", w.Code, w.Body)
		}
	}
	one := path + "/price"
	for _, do := range [][]string{{one + "/use", "version", "1"}, {one + "/disable"}, {one, "time_ms", "250", "memory_mib", "32", "output_bytes", "1000", "note", "n"}} {
		if w := c.open(t, adminRole, http.MethodPost, do[0], do[1:]...); w.Code != http.StatusSeeOther {
			t.Errorf("%v: %d, %s", do, w.Code, w.Body)
		}
	}
	f, err := c.store.Function(t.Context(), product.ID, "price")
	ok(t, err)
	if f.Current != 1 || f.Enabled || f.TimeMS != 250 || f.MemoryMiB != 32 || f.OutputBytes != 1000 || f.Note != "n" {
		t.Errorf("afterwards: %+v", f)
	}
	if w := c.open(t, adminRole, http.MethodPost, one, "time_ms", "10001", "memory_mib", "32", "output_bytes", "1000"); w.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(w.Body.String(), `value="10001"`) {
		t.Errorf("too long: %d", w.Code)
	}
	for _, lang := range []string{"en", "zh", "pl"} {
		c.lang = lang
		for _, role := range []string{viewerRole, adminRole} {
			w := c.open(t, role, http.MethodGet, one)
			if w.Code != http.StatusOK || strings.Contains(w.Body.String(), one+"/use") != (role == adminRole) || strings.Contains(w.Body.String(), "license.functions.") {
				t.Errorf("%s as %s: %d, %s", lang, role, w.Code, w.Body)
			}
		}
	}
	if w := c.open(t, viewerRole, http.MethodPost, one+"/enable"); w.Code != http.StatusForbidden {
		t.Errorf("a viewer enables: %d", w.Code)
	}
	for _, do := range []string{"/enable", "/remove"} {
		if w := c.open(t, adminRole, http.MethodPost, one+do); w.Code != http.StatusSeeOther {
			t.Errorf("%s: %d", do, w.Code)
		}
	}
	if w := c.open(t, viewerRole, http.MethodGet, one); w.Code != http.StatusNotFound {
		t.Errorf("removed: %d", w.Code)
	}
}
