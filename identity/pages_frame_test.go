package identity

import (
	"net/http"
	"strings"
	"testing"

	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
)

// Who is signed in keeps the navigation and the menu of the account where there is no
// page, or none for him.
func TestErrorPagesKeepTheFrame(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	none := h.signedIn(t, h.Account(t, "anna@example.com"))
	viewer, _ := h.holder(t, "viewer@example.com", role.Viewer)

	none.get(t, "/nothing").wants(t, http.StatusNotFound, `href="/security"`, `popovertarget="user"`)
	none.get(t, "/admin/keys").wants(t, http.StatusForbidden, `href="/security"`, `popovertarget="user"`, "Accounts: viewer (identity.viewer)", "Ask an administrator")
	viewer.get(t, "/nothing").wants(t, http.StatusNotFound, `href="/security"`, `href="/admin/users"`)
	viewer.get(t, "/admin/users/new").wants(t, http.StatusForbidden, `href="/admin/groups"`, `popovertarget="user"`, "identity.admin")
	viewer.get(t, "/admin/users/usr_none").wants(t, http.StatusNotFound, `href="/admin/groups"`)

	stranger := h.browser().get(t, "/nothing")
	if stranger.StatusCode != http.StatusNotFound || strings.Contains(stranger.Text, `href="/security"`) || strings.Contains(stranger.Text, `popovertarget="user"`) {
		t.Errorf("a stranger's page that is not there: %d\n%s", stranger.StatusCode, stranger.Text)
	}
}

// The header's language is that of the profile from then on, and the profile's form has
// the language that the page has.
func TestTheHeadersLanguageIsTheProfiles(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna := h.Account(t, "anna@example.com")
	b := h.signedIn(t, anna)
	language := func() string {
		t.Helper()
		a, err := h.Accounts.Get(t.Context(), anna.ID)
		if err != nil {
			t.Fatal(err)
		}
		return a.Language
	}
	rows := h.Rows(t)
	b.send(t, "/language", "lang", "pl", "back", "/").leadsTo(t, "/")
	b.send(t, "/language", "lang", "xx", "back", "/").leadsTo(t, "/")
	if got := h.Actions(t, rows); language() != "pl" || len(got) != 1 || got[0] != "account.profile_changed" {
		t.Errorf("the profile has %q; recorded is %q", language(), got)
	}
	b.get(t, "/").wants(t, http.StatusOK, `<option value="pl" selected`, `<html lang="pl"`)

	// Another host of the domain has changed the language of the browser alone.
	b.cookies["lang"] = &http.Cookie{Name: "lang", Value: "zh-CN"}
	b.get(t, "/").wants(t, http.StatusOK, `<option value="zh-CN" selected`)
	b.send(t, "/", "name", anna.Name, "language", "zh-CN", "theme", "auto").leadsTo(t, "/")
	if b.get(t, "/").wants(t, http.StatusOK, `<html lang="zh-CN"`); language() != "zh-CN" {
		t.Errorf("the profile has %q", language())
	}

	h.browser().send(t, "/language", "lang", "en", "back", "/sign-in").leadsTo(t, "/sign-in")
	if language() != "zh-CN" {
		t.Error("a stranger has changed somebody's language")
	}
	h.browser().send(t, "/sign-in", "email", anna.Email, "password", identitytest.Password).leadsTo(t, "/")
}
