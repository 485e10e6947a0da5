package identity

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
	"guildhall/platform/audit"
)

// holder is a browser in which an account with the role is signed in.
func (h *host) holder(t *testing.T, email, name string) (*browser, *account.Account) {
	t.Helper()
	a := h.Account(t, email)
	if err := h.pages.Roles.Give(t.Context(), name, role.Holder{Account: a.ID}, audit.Caller{Actor: "local:root"}); err != nil {
		t.Fatal(err)
	}
	return h.signedIn(t, a), a
}

// Every page under /admin is shut to those without a role, and every change to
// viewers.
func TestAdminPagesAreForAdministrators(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna := h.Account(t, "anna@example.com")
	none := h.signedIn(t, anna)
	viewer, _ := h.holder(t, "viewer@example.com", role.Viewer)
	looks, changes := map[string]staff{}, map[string]staff{}
	h.pages.adminPages(looks, changes)
	address := func(pattern string) (method, path string) {
		method, path, _ = strings.Cut(pattern, " ")
		return method, strings.NewReplacer("{id}", anna.ID, "{sid}", "ses_1", "{gid}", "grp_1", "{uid}", "usr_1", "{role}", role.Admin, "{$}", "").Replace(path)
	}
	body := func(method string) url.Values {
		if method == http.MethodPost {
			return url.Values{"reason": {"x"}}
		}
		return nil
	}
	rows := h.Rows(t)
	for pattern := range changes {
		method, path := address(pattern)
		for who, b := range map[string]*browser{"nobody's": none, "a viewer's": viewer} {
			if a := b.do(t, method, path, body(method)); a.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s with %s role: status %d", method, path, who, a.StatusCode)
			}
		}
		if a := h.browser().do(t, method, path, body(method)); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/sign-in") {
			t.Errorf("%s %s by a stranger: status %d to %s", method, path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	for pattern := range looks {
		method, path := address(pattern)
		if a := none.do(t, method, path, nil); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s %s without a role: status %d", method, path, a.StatusCode)
		}
		if a := viewer.do(t, method, path, nil); a.StatusCode == http.StatusForbidden {
			t.Errorf("%s %s by a viewer: status %d", method, path, a.StatusCode)
		}
	}
	if h.Rows(t) != rows {
		t.Errorf("something was done: %q", h.Actions(t, rows+1))
	}
	none.get(t, "/").wants(t, http.StatusOK)
	if strings.Contains(none.get(t, "/").Text, `href="/admin/users"`) {
		t.Error("the way to the administration is shown to everybody")
	}
	viewer.get(t, "/").wants(t, http.StatusOK, `href="/admin/users"`)
	if a := viewer.get(t, "/admin/users/"+anna.ID); strings.Contains(a.main(), "<form") {
		t.Errorf("a viewer is offered changes:\n%s", a.main())
	}
}

func TestAdministratorMakesAccounts(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, _ := h.holder(t, "admin@example.com", role.Admin)
	b.get(t, "/admin").leadsTo(t, "/admin/users")
	b.get(t, "/admin/users/new").wants(t, http.StatusOK)
	b.send(t, "/admin/users/new", "email", "admin@example.com", "name", "X", "language", "en", "how", "password").
		wants(t, http.StatusUnprocessableEntity, "There is an account with this e-mail address already.")
	b.send(t, "/admin/users/new", "email", "x", "name", "", "language", "en", "how", "other").wants(t, http.StatusUnprocessableEntity)
	wrong := b.send(t, "/admin/users/new", "email", "", "name", "", "language", "en", "how", "invite").main()
	if name, email := strings.Index(wrong, `href="#f-name"`), strings.Index(wrong, `href="#f-email"`); name < 0 || email < name {
		t.Errorf("the errors are not in the order of the page: name at %d, address at %d", name, email)
	}

	made := b.send(t, "/admin/users/new", "email", "bert@example.com", "name", "Bert <b>", "language", "pl", "how", "password")
	made.wants(t, http.StatusOK, "Bert &lt;b&gt;")
	password := made.find(t, `<code>([A-Z2-7]{5}(?:-[A-Z2-7]{5}){3})</code>`)
	bert := h.browser()
	bert.send(t, "/sign-in", "email", "bert@example.com", "password", password).leadsTo(t, "/")
	bert.get(t, "/").leadsTo(t, "/security/password")
	bert.send(t, "/security/password", "old", password, "new", "another good secret").leadsTo(t, "/security")
	bert.get(t, "/").wants(t, http.StatusOK)

	to := b.send(t, "/admin/users/new", "email", "eva@example.com", "name", "Eva", "language", "en", "how", "invite", "second", "on").Header.Get("Location")
	b.get(t, to).wants(t, http.StatusOK, "eva@example.com", "not proved", "a letter is on its way", ">Invited<", "Send the invitation again", `<option value="">Choose a role</option>`)
	if a := b.get(t, "/admin/users?state=invited"); !strings.Contains(a.main(), "eva@example.com") || strings.Contains(a.main(), "admin@example.com") {
		t.Errorf("those who are invited:\n%s", a.main())
	}
	letters := h.Letters()
	if last := letters[len(letters)-1]; last.Template != "identity.invited" || last.To != "eva@example.com" {
		t.Errorf("the letter is %+v", last)
	}
	link, _ := letters[len(letters)-1].Data["Link"].(string)
	_, way, _ := strings.Cut(link, "example.test")
	_, token, _ := strings.Cut(way, "=")
	eva := h.browser()
	for range 2 { // looking spends nothing
		eva.get(t, way).wants(t, http.StatusOK, "eva@example.com")
	}
	eva.send(t, "/welcome", "link", token, "password", "").wants(t, http.StatusUnprocessableEntity, "New password: ")
	if strings.Contains(eva.get(t, way).main(), "signed in in this browser") {
		t.Error("the page names somebody who is signed in, and nobody is")
	}
	b.get(t, way).wants(t, http.StatusOK, "admin@example.com is signed in in this browser. Setting this password signs in as eva@example.com instead.")
	eva.cookies["lang"] = &http.Cookie{Name: "lang", Value: "pl"}
	eva.send(t, "/welcome", "link", token, "password", "").wants(t, http.StatusUnprocessableEntity)
	eva.send(t, "/welcome", "link", token, "password", "another good secret").leadsTo(t, "/")
	eva.get(t, "/").leadsTo(t, "/security") // is in; the account needs a second factor
	if lang := eva.cookies["lang"]; lang == nil || lang.Value != "pl" {
		t.Errorf("the pages after the choice speak %v", lang)
	}
	b.get(t, to).wants(t, http.StatusOK, "Polski")
	h.browser().get(t, way).wants(t, http.StatusGone, "This link was used already")
	h.browser().send(t, "/welcome", "link", token, "password", "yet another secret").wants(t, http.StatusGone)

	b.get(t, "/admin/users?q=EVA").wants(t, http.StatusOK, "eva@example.com")
	if a := b.get(t, "/admin/users?q=EVA"); strings.Contains(a.main(), "bert@example.com") {
		t.Error("the search finds everybody")
	}
}

func TestAdministratorChangesAnAccount(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, admin := h.holder(t, "admin@example.com", role.Admin)
	anna := h.Account(t, "anna@example.com")
	hers, path := h.signedIn(t, anna), "/admin/users/"+anna.ID
	b.get(t, path).wants(t, http.StatusOK, "anna@example.com", anna.ID, "Send a letter to choose a new password")

	b.send(t, path+"/roles", "role", "ca.admin").leadsTo(t, path)
	b.send(t, path+"/roles", "role", "*").leadsTo(t, path)
	g, err := h.pages.Groups.Create(t.Context(), "Office", "", identitytest.By)
	if err != nil {
		t.Fatal(err)
	}
	b.send(t, path+"/groups", "group", g.ID).leadsTo(t, path)
	if roles, err := h.pages.Roles.Of(t.Context(), anna.ID); err != nil || !slices.Equal(roles, []string{"ca.admin"}) {
		t.Errorf("the roles are %q, %v", roles, err)
	}
	b.get(t, path).wants(t, http.StatusOK, "ca.admin", "Office")
	b.send(t, path+"/roles/ca.admin/take").leadsTo(t, path)
	b.send(t, path+"/groups/"+g.ID+"/leave").leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "No roles.", "In no group.")

	b.send(t, "/admin/users/"+admin.ID+"/roles/"+role.Admin+"/take").leadsTo(t, "/admin/users/"+admin.ID)
	b.get(t, "/admin/users/"+admin.ID).wants(t, http.StatusOK, "this is the last active account")

	hers.get(t, "/").wants(t, http.StatusOK)
	b.send(t, path+"/sessions/end").leadsTo(t, path)
	hers.get(t, "/").leadsTo(t, "/sign-in")

	b.send(t, path+"/disable", "reason", "").leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK)
	b.send(t, path+"/disable", "reason", "left").leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "This account is disabled")
	h.browser().send(t, "/sign-in", "email", anna.Email, "password", identitytest.Password).wants(t, http.StatusUnprocessableEntity)
	b.send(t, path+"/enable").leadsTo(t, path)
	once := b.once(t, path)
	password := b.send(t, path+"/password", "once", once).find(t, `<code>([A-Z2-7-]{23})</code>`)
	b.send(t, path+"/password", "once", once).leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "nothing new was made")
	b.get(t, path+"/password").leadsTo(t, path)
	h.browser().send(t, "/sign-in", "email", anna.Email, "password", password).leadsTo(t, "/")
	b.get(t, path).wants(t, http.StatusOK, "Remove the account of", "<li>Its roles and its places in groups</li>")
	b.send(t, path+"/remove").leadsTo(t, "/admin/users")
	b.get(t, "/admin/users").wants(t, http.StatusOK, "The account is removed.")
	b.get(t, path).wants(t, http.StatusNotFound)
	b.send(t, "/admin/users/"+admin.ID+"/remove").leadsTo(t, "/admin/users/"+admin.ID)
	if own := b.get(t, "/admin/users/"+admin.ID); !strings.Contains(own.Text, "Ask another administrator to do this.") || strings.Contains(own.main(), `action="/admin/users/`+admin.ID+`/remove"`) {
		t.Errorf("one's own account:\n%s", own.main())
	}
	b.send(t, "/admin/users/usr_none/disable", "reason", "x").leadsTo(t, "/admin/users/usr_none")
	b.get(t, "/admin/users/usr_none").wants(t, http.StatusNotFound)
}

// Who may administer and has been away must show again who it is before anything
// is changed, and comes back to the page that he was on.
func TestAdministratorConfirms(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, _ := h.holder(t, "admin@example.com", role.Admin)
	anna := h.Account(t, "anna@example.com")
	h.Clock.Advance(16 * time.Minute)
	path := "/admin/users/" + anna.ID
	b.get(t, path).wants(t, http.StatusOK)
	b.send(t, path+"/disable", "reason", "left").leadsTo(t, "/confirm?return_to="+url.QueryEscape(path))
	b.get(t, "/admin/users/new").leadsTo(t, "/confirm?return_to=%2Fadmin%2Fusers%2Fnew")
	if a, err := h.Accounts.Get(t.Context(), anna.ID); err != nil || a.Disabled {
		t.Errorf("without a confirmation: %+v, %v", a, err)
	}
	b.send(t, "/confirm", "password", identitytest.Password, "return_to", path).leadsTo(t, path)
	b.send(t, path+"/disable", "reason", "left").leadsTo(t, path)
	if a, err := h.Accounts.Get(t.Context(), anna.ID); err != nil || !a.Disabled {
		t.Errorf("after the confirmation: %+v, %v", a, err)
	}
}

// An account that needs a second factor opens nothing but the pages to set it up.
func TestRequiredSecondFactorComesFirst(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	anna := h.Account(t, "anna@example.com")
	b := h.signedIn(t, anna)
	if err := h.Accounts.RequireSecond(t.Context(), anna.ID, true, identitytest.By); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/sessions", "/applications", "/email", "/delete", "/device", "/admin/users"} {
		b.get(t, path).leadsTo(t, "/security")
	}
	b.send(t, "/", "name", "Other", "language", "en", "theme", "auto").leadsTo(t, "/security")
	b.get(t, "/security").wants(t, http.StatusOK, "want a second factor")
	b.get(t, "/security/authenticator").wants(t, http.StatusOK)
	b.get(t, "/confirm").wants(t, http.StatusOK)
	b.send(t, "/sign-out").leadsTo(t, "/sign-in")
}

// Somebody has lost the telephone: an administrator removes the second factors, and
// where one is required the next sign-in begins with setting one up.
func TestAdministratorRemovesSecondFactors(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, admin := h.holder(t, "admin@example.com", role.Admin)
	anna := h.Account(t, "anna@example.com")
	path := "/admin/users/" + anna.ID
	if page := b.get(t, path); strings.Contains(page.main(), "Remove second factors") {
		t.Error("there is nothing to remove, and the page offers it")
	}
	owner := ownerIn(t, h.pages.Sessions, anna)
	made, err := h.pages.Factors.BeginTOTP(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(made.Secret, " ", ""), h.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.pages.Factors.ConfirmTOTP(t.Context(), owner, code, identitytest.By); err != nil {
		t.Fatal(err)
	}
	if _, err := h.pages.Factors.MakeRecovery(t.Context(), owner, identitytest.By); err != nil {
		t.Fatal(err)
	}
	if err := h.Accounts.RequireSecond(t.Context(), anna.ID, true, identitytest.By); err != nil {
		t.Fatal(err)
	}
	h.browser().send(t, "/sign-in", "email", anna.Email, "password", identitytest.Password).leadsTo(t, "/sign-in/second-factor")

	b.get(t, path).wants(t, http.StatusOK, "Remove second factors", "<li>Authenticator app</li>", "<li>All recovery codes</li>", "<li>Every session, and what applications were allowed</li>")
	b.send(t, path+"/second-factor/remove").leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "The second factors are removed, and all sessions ended.")
	if ended := h.Ended(); !slices.Contains(ended, anna.ID+" but ") {
		t.Errorf("the sessions that ended: %q", ended)
	}
	hers := h.signedIn(t, anna)
	hers.get(t, "/").leadsTo(t, "/security")
	hers.get(t, "/security").wants(t, http.StatusOK, "want a second factor")

	// One's own are under /security.
	if page := b.get(t, "/admin/users/"+admin.ID); strings.Contains(page.main(), "second-factor/remove") {
		t.Error("an administrator is offered to remove his own")
	}
}
