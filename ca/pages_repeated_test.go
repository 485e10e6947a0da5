package ca

import (
	"net/http"
	"strings"
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/store"
)

// TestAFormIssuesOnce sends the forms that issue a second time, as loading the
// page with the key again does.
func TestAFormIssuesOnce(t *testing.T) {
	t.Parallel()
	v := visit(t)
	once := v.get(t, "/certificates/new?key=made").find(t, `name="as" value="(crt_[a-z0-9]+)"`)
	issue := []string{"as", once, "profile", "server", "common_name", "shop.example.com", "unit", "days", "key_type", "ecdsa-p256"}
	v.submit(t, "/certificates/new?key=made", append(issue, "lifetime", "900")...).wants(t, http.StatusUnprocessableEntity, `name="as" value="`+once+`"`)
	v.submit(t, "/certificates/new?key=made", issue...).wants(t, http.StatusOK, "BEGIN PRIVATE KEY")
	v.repeats(t, "/certificates/new?key=made", once, issue)

	successor := v.get(t, "/certificates/"+once+"/renew").find(t, `name="as" value="(crt_[a-z0-9]+)"`)
	renew := []string{"as", successor, "key", "new", "unit", "days"}
	v.submit(t, "/certificates/"+once+"/renew", renew...).wants(t, http.StatusOK, "BEGIN PRIVATE KEY")
	v.repeats(t, "/certificates/"+once+"/renew", successor, renew)

	v.submit(t, "/certificates/new?key=made", append(issue, "as", "")...).wants(t, http.StatusBadRequest, "Open the page again")
	v.submit(t, "/certificates/"+once+"/renew", append(renew, "as", "crt_1")...).wants(t, http.StatusBadRequest, "Open the page again")
	page, err := v.certificates.List(t.Context(), store.Filter{})
	ok(t, err)
	if len(page.Records) != 2 {
		t.Errorf("there are %d certificates, want 2", len(page.Records))
	}
}

// repeats sends a form that has given the certificate already.
func (v *visitor) repeats(t *testing.T, path, id string, form []string) {
	t.Helper()
	again := v.submit(t, path, form...)
	again.wants(t, http.StatusConflict, "nothing new was issued", `href="/certificates/`+id+`"`, `href="/certificates/`+id+`/renew"`,
		"It was shown once", "Renew with a new key")
	if strings.Contains(again.Text, "PRIVATE KEY") {
		t.Error("the page holds a key")
	}
}

func TestARepeatedRequestLeadsToItsCertificate(t *testing.T) {
	t.Parallel()
	v := visit(t)
	form := []string{"as", v.get(t, "/certificates/new").find(t, `name="as" value="([^"]+)"`), "profile", "server", "unit", "days",
		"csr", string(catest.CSR(t, catest.NewKey(t), "shop.example.com"))}
	first, second := v.submit(t, "/certificates/new", form...), v.submit(t, "/certificates/new", form...)
	if first.Header.Get("Location") != second.Header.Get("Location") {
		t.Errorf("the first leads to %q, the second to %q", first.Header.Get("Location"), second.Header.Get("Location"))
	}
	v.follow(t, second).wants(t, http.StatusOK, "already issued; nothing new was")
}

func TestAFormMakesOneJoinToken(t *testing.T) {
	t.Parallel()
	v := visit(t)
	form := []string{"as", v.get(t, "/tokens").find(t, `name="as" value="(jtk_[a-z0-9]+)"`), "service", "shop", "lifetime", "1h0m0s"}
	v.submit(t, "/tokens", form...).wants(t, http.StatusOK, "Copy the token now")
	v.follow(t, v.submit(t, "/tokens", form...)).wants(t, http.StatusOK, "withdraw it and create another", "1 entry")
	v.submit(t, "/tokens", append(form, "as", "jtk_1")...).wants(t, http.StatusBadRequest, "Open the page again")
}
