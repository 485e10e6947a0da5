package license

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"guildhall/license/internal/issuer"
	"guildhall/license/internal/store"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
)

// issued is an offline licence for a product.
func (c *counter) issued(t *testing.T, product string) store.Licence {
	t.Helper()
	ok(t, second(c.issuer.AddKey(t.Context(), product, boss)))
	r, err := issuer.ParseRequest([]byte(strings.Replace(asked, "press", "studio", 1)), c.clock.Now())
	ok(t, err)
	made, err := c.issuer.Issue(t.Context(), issuer.Order{Request: r, To: c.clock.Now().AddDate(1, 0, 0), Again: true}, boss)
	ok(t, err)
	return made.Licence
}

// upload sends a request as a file.
func (c *counter) upload(t *testing.T, text string) *httptest.ResponseRecorder {
	t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	file, err := m.CreateFormFile("file", "request.yaml")
	ok(t, err)
	ok(t, second(file.Write([]byte(text))))
	ok(t, m.Close())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/offline/read", &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Accept", "text/html")
	r.Header.Set(roleHeader, adminRole)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

func TestOfflineLicencesOnPages(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	product, _, _, _ := c.stocked(t)
	post := func(role, path string, status int, text string, fields ...string) string {
		t.Helper()
		w := c.open(t, role, http.MethodPost, path, fields...)
		if w.Code != status || !strings.Contains(w.Body.String(), text) {
			t.Fatalf("%s: status %d, want %d with %q:\n%s", path, w.Code, status, text, w.Body)
		}
		return w.Body.String() + w.Header().Get("Location")
	}
	keys := "/products/" + product.ID + "/signing"
	post(adminRole, keys, http.StatusSeeOther, "")
	post(adminRole, keys, http.StatusSeeOther, "")
	post(adminRole, keys+"/rotate", http.StatusSeeOther, "")
	if w := c.open(t, viewerRole, http.MethodGet, keys); !strings.Contains(w.Body.String(), "Verifies only") || strings.Contains(w.Body.String(), "/rotate") {
		t.Errorf("a viewer sees no keys, or what he may not do:\n%s", w.Body)
	}
	set, err := offline.ParseKeySet(c.open(t, viewerRole, http.MethodGet, keys+"/keys.json").Body.Bytes())
	ok(t, err)

	if w := c.upload(t, strings.Replace(asked, "press", "studio", 1)+"firm: A\n"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "Line 9: there is no field firm") {
		t.Errorf("a mistyped request: %d\n%s", w.Code, w.Body)
	}
	if w := c.upload(t, asked); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "no product with the code press") {
		t.Errorf("another product: %d\n%s", w.Code, w.Body)
	}
	w := c.upload(t, strings.Replace(asked, "press", "studio", 1))
	digest := regexp.MustCompile(`machine_id (digest:[A-Za-z0-9_-]{43})`).FindStringSubmatch(w.Body.String())
	if w.Code != http.StatusOK || digest == nil || !strings.Contains(w.Body.String(), "The request was read from request.yaml") || !strings.Contains(w.Body.String(), "company Printers Ltd; modules export; machines plant") {
		t.Fatalf("a good request: %d\n%s", w.Code, w.Body)
	}
	fields := []string{"product", product.ID, "company", "Printers Ltd", "contact", "office", "modules", "export\nreport", "users", "3", "to", "2030-12-31", "name_1", "plant",
		"identifiers_1", "machine_id " + digest[1] + "\nmac 00:1b:44:11:3a:b7", "confidential", "release", "release", "1.0"}
	wants := post(adminRole, "/offline/new", http.StatusUnprocessableEntity, "Fill in this field", "users", "0", "confidential", "none")
	for _, field := range []string{"product", "company", "contact", "to"} { // all at once
		if !strings.Contains(wants, `id="licence-`+field+`-error"`) {
			t.Errorf("an empty form says nothing of %s", field)
		}
	}
	post(adminRole, "/offline/new", http.StatusUnprocessableEntity, "Say here which of the two", append([]string{"confidential", "none"}, fields...)...)
	kept := post(adminRole, "/offline/new", http.StatusUnprocessableEntity, `id="licence-release-error"`, append([]string{"release", "7.7"}, fields...)...)
	if !strings.Contains(kept, `<option value="`+product.ID+`" selected>`) || !strings.Contains(kept, "There is no such release") {
		t.Errorf("with a release that is not there:\n%s", kept)
	}
	post(adminRole, "/offline/new", http.StatusUnprocessableEntity, "Begin each line with a kind", append([]string{"identifiers_1", "wifi a"}, fields...)...)
	post(adminRole, "/offline/new", http.StatusUnprocessableEntity, "must look like 7c1f", append([]string{"identifiers_1", "machine_id xyz"}, fields...)...)
	post(adminRole, "/offline/new", http.StatusOK, "Only an install key identifies plant", append([]string{"preview", "on", "identifiers_1", "install_key " + fingerprint.Example(fingerprint.InstallKey)}, fields...)...)
	post(adminRole, "/offline/new", http.StatusUnprocessableEntity, "one machine or three", append([]string{"name_2", "spare", "identifiers_2", "mac 00:1b:44:11:3a:b8"}, fields...)...)
	post(adminRole, "/offline/new", http.StatusUnprocessableEntity, "over already", append([]string{"to", "2001-01-01"}, fields...)...)
	post(adminRole, "/offline/new", http.StatusOK, "opens with a code", append([]string{"preview", "on"}, fields...)...)
	nonce := regexp.MustCompile(`name="nonce" value="([^"]+)"`).FindStringSubmatch(w.Body.String())
	fields = append(fields, "nonce", nonce[1])
	page := post(adminRole, "/offline/new", http.StatusOK, "shown only now", fields...)
	again := post(adminRole, "/offline/new", http.StatusUnprocessableEntity, "Choose this only if", fields...) // reloaded
	if !strings.Contains(again, "Open the earlier licence") || !strings.Contains(again, `href="#`) {
		t.Errorf("the second time:\n%s", again)
	}
	all, total, err := c.store.Licences(t.Context(), store.LicenceQuery{Limit: 5})
	ok(t, err)
	if total != 1 {
		t.Fatalf("%d licences", total)
	}
	licence, err := offline.Genuine(all[0].Text, offline.Options{Keys: set.Trusted(), Product: set.Product})
	ok(t, err)
	code := regexp.MustCompile(`([0-9A-Z]{4}-){6}[0-9A-Z]{4}`).FindString(page)
	if secret, err := licence.SecretByCode(code); err != nil || len(secret) != 32 || !licence.Has("report") || licence.Restrictions.MaxUsers != 3 {
		t.Errorf("issued: %+v opens %x, %v", licence.Claims, secret, err)
	}

	at := "/offline/" + all[0].ID
	if w := c.open(t, viewerRole, http.MethodGet, at); strings.Contains(w.Body.String(), "BEGIN GUILDHALL") {
		t.Error("a viewer gets the licence itself")
	}
	text := c.open(t, supportRole, http.MethodGet, at+"/text").Body.String()
	post(supportRole, at, http.StatusSeeOther, "", "note", "sent by post")
	if w := c.open(t, viewerRole, http.MethodGet, "/offline?q=PRINT"); !strings.Contains(w.Body.String(), "sent by post") {
		t.Errorf("the list has no note:\n%s", w.Body)
	}
	post(viewerRole, "/offline/look", http.StatusOK, "Genuine and valid today", "text", "Dear all,\n"+text)
	post(viewerRole, "/offline/look", http.StatusUnprocessableEntity, "There is no licence in this text", "text", "hello")
	post(viewerRole, "/offline/look", http.StatusUnprocessableEntity, "damaged or cut", "text", text[:len(text)/2])
	post(viewerRole, "/offline/look", http.StatusOK, "opens with a code", "text", text)
	post(viewerRole, "/offline/look", http.StatusUnprocessableEntity, "", "text", "")
	ok(t, second(c.issuer.RotateKey(t.Context(), product.ID, boss)))
	ok(t, second(c.issuer.RetireKey(t.Context(), product.ID, licence.KeyID, true, boss)))
	post(viewerRole, "/offline/look", http.StatusOK, "not accepted today", "text", text)
}
