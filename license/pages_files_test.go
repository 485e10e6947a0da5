package license

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// send uploads a file by the form of a page.
func (c *counter) send(t *testing.T, role, path, note, name, content string) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	ok(t, m.WriteField("note", note))
	part, err := m.CreateFormFile("file", name)
	ok(t, err)
	_, err = part.Write([]byte(content))
	ok(t, err)
	ok(t, m.Close())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Accept", "text/html")
	r.Header.Set(roleHeader, role)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

func TestFilesAreUploadedAndRemovedOnTheirPage(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	product, _, _, _ := c.stocked(t)
	path := "/products/" + product.ID + "/releases/1.0"
	if w := c.open(t, adminRole, http.MethodGet, path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "The release has no files yet") ||
		!strings.Contains(w.Body.String(), "multipart/form-data") {
		t.Fatalf("an empty release: status %d: %s", w.Code, w.Body)
	}
	if w := c.open(t, adminRole, http.MethodGet, "/products/"+product.ID); !strings.Contains(w.Body.String(), `href="`+path+`"`) {
		t.Error("the product's page has no way to the files of its release")
	}
	if w := c.send(t, adminRole, path+"/files", "for testers", "setup <1>.zip", "content"); w.Code != http.StatusUnprocessableEntity ||
		!strings.Contains(w.Body.String(), "for testers") || !strings.Contains(w.Body.String(), "This name does not work on every system") {
		t.Errorf("a name that does not work: status %d: %s", w.Code, w.Body)
	}
	if w := c.send(t, adminRole, path+"/files", "", "", ""); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("no file: status %d", w.Code)
	}
	if w := c.send(t, adminRole, path+"/files", "for testers", "setup.zip", "content"); w.Code != http.StatusSeeOther {
		t.Fatalf("upload: status %d: %s", w.Code, w.Body)
	}
	if w := c.send(t, adminRole, path+"/files", "", "setup.zip", "content"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "of this name already") {
		t.Errorf("a name that is taken: status %d: %s", w.Code, w.Body)
	}
	if w := c.send(t, supportRole, path+"/files", "", "other.zip", "content"); w.Code != http.StatusForbidden {
		t.Errorf("upload by support: status %d", w.Code)
	}
	r, err := c.release(t.Context(), product.ID, "1.0")
	ok(t, err)
	files, err := c.store.Files(t.Context(), r.ID)
	ok(t, err)
	if len(files) != 1 || files[0].Note != "for testers" || files[0].Size != 7 {
		t.Fatalf("the files are %+v", files)
	}
	if w := c.open(t, viewerRole, http.MethodGet, path); !strings.Contains(w.Body.String(), files[0].SHA256) || strings.Contains(w.Body.String(), "<form class=\"form\"") {
		t.Errorf("for who looks: %s", w.Body)
	}
	if w := c.open(t, adminRole, http.MethodPost, path+"/files/"+files[0].ID+"/remove"); w.Code != http.StatusSeeOther {
		t.Errorf("remove: status %d", w.Code)
	}
	if files, err = c.store.Files(t.Context(), r.ID); err != nil || len(files) != 0 {
		t.Errorf("the files are %+v, %v", files, err)
	}
}
