package identity

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/role"
)

// once is the value by which the form of a page counts once.
func (b *browser) once(t *testing.T, path string) string {
	t.Helper()
	return b.get(t, path).find(t, `name="once" value="([A-Z2-7]{26})"`)
}

func TestAdministratorRegistersAnApplication(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, _ := h.holder(t, "admin@example.com", role.Admin)
	b.get(t, "/admin/applications").wants(t, http.StatusOK, "No applications yet")
	label := regexp.MustCompile(`(?s)<label for="[^"]*redirect_uris">.*?</label>`)
	empty := b.get(t, "/admin/applications/new")
	empty.wants(t, http.StatusOK, "Web applications, applications in the browser and those on a device need at least one")
	if mark := label.FindString(empty.main()); mark == "" || strings.Contains(mark, "optional") {
		t.Errorf("where people come back to is marked %q", mark)
	}
	b.send(t, "/admin/applications/new", "kind", "web", "client_name", "Shop", "redirect_uris", "https://shop.example.org/a\nhttps://*.example.org/").
		wants(t, http.StatusUnprocessableEntity, "no address that can be registered", "https://*.example.org/")
	b.send(t, "/admin/applications/new", "kind", "other", "client_name", "Shop").wants(t, http.StatusUnprocessableEntity)

	form := []string{"once", b.once(t, "/admin/applications/new"), "kind", "web", "client_name", "Shop <1>", "redirect_uris", "https://shop.example.org/callback\r\n", "trusted", "on"}
	made := b.send(t, "/admin/applications/new", form...)
	made.wants(t, http.StatusOK, "Shop &lt;1&gt;", "The secret is shown only now", "What this page shows cannot be shown again")
	id, secret := made.find(t, `<code>(app_[^<]+)</code>`), made.find(t, `<code>([A-Za-z0-9_-]{43})</code>`)
	if made.Header.Get("Cache-Control") != "no-store" {
		t.Error("the page of a secret may be kept")
	}
	b.send(t, "/admin/applications/new", form...).leadsTo(t, "/admin/applications")
	b.get(t, "/admin/applications").wants(t, http.StatusOK, "nothing new was made", "1 entry")
	b.send(t, "/admin/applications/new", append(form, "once", "")...).leadsTo(t, "/admin/applications")
	path := "/admin/applications/" + id
	if a := b.get(t, path); strings.Contains(a.Text, secret) {
		t.Error("the secret is shown again")
	}
	c, err := h.pages.Clients.Get(t.Context(), id)
	if err != nil || !c.Trusted || !slices.Equal(c.RedirectURIs, []string{"https://shop.example.org/callback"}) {
		t.Errorf("registered is %+v, %v", c, err)
	}

	seen := func() string { return b.get(t, path).find(t, `name="seen" value="([^"]+)"`) }
	first := seen()
	h.Clock.Advance(time.Second)
	b.send(t, path, "seen", first, "client_name", "Store", "redirect_uris", "https://store.example.org/").leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "Store", "https://store.example.org/")
	b.send(t, path, "seen", first, "client_name", "Stall", "redirect_uris", "https://stall.example.org/").wants(t, http.StatusUnprocessableEntity, "Somebody else changed this application", "Stall")
	b.send(t, path, "client_name", "Stall", "redirect_uris", "https://stall.example.org/").wants(t, http.StatusUnprocessableEntity, "Somebody else changed this application")
	b.send(t, path, "seen", seen(), "client_name", "Store", "redirect_uris", "javascript:alert(1)").wants(t, http.StatusUnprocessableEntity, "no address that can be registered")

	next := b.send(t, path+"/secret", "once", b.once(t, path), "overlap", "1d").find(t, `<code>([A-Za-z0-9_-]{43})</code>`)
	good := func(when string, want bool, secrets ...string) {
		t.Helper()
		for _, s := range secrets {
			if _, ok, err := h.pages.Clients.GetWith(t.Context(), id, s); err != nil || ok != want {
				t.Errorf("%s: a secret is good: %v, %v", when, ok, err)
			}
		}
	}
	good("in the overlap", true, secret, next)
	h.Clock.Advance(25 * time.Hour)
	good("after the overlap", false, secret)
	good("after the overlap", true, next)

	b, _ = h.holder(t, "other@example.com", role.Admin) // the first has been away too long
	again := []string{"once", b.once(t, path), "overlap", "compromised"}
	last := b.send(t, path+"/secret", again...).find(t, `<code>([A-Za-z0-9_-]{43})</code>`)
	good("compromised", false, next)
	good("compromised", true, last)
	b.send(t, path+"/secret", again...).leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "nothing new was made")
	good("a form sent again", true, last)
	b.get(t, path+"/secret").leadsTo(t, path)
	b.send(t, path+"/secret", "overlap", "99d").leadsTo(t, path)
	good("a refused rotation", true, last)

	b.send(t, path+"/disable").leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "This application is disabled")
	b.send(t, path+"/enable").leadsTo(t, path)
	b.send(t, path+"/remove").leadsTo(t, "/admin/applications")
	b.get(t, path).wants(t, http.StatusNotFound)
}

// What an application may ask for, and for which resources, is on its page; a wrong
// line is named beside its field.
func TestScopesAndResourcesOfAnApplication(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, _ := h.holder(t, "admin@example.com", role.Admin)
	form := func(pairs ...string) []string {
		return append([]string{"once", b.once(t, "/admin/applications/new"), "client_name", "Robot"}, pairs...)
	}
	for field, wrong := range map[string]struct{ text, says string }{
		"scopes":    {"orders\n\na b", "“a b” is no scope"},
		"audiences": {"https://api.example.org\napi", "“api” is no name of a resource"},
		"resources": {"https://api.example.org\nhttps://api.example.org", "“https://api.example.org” stands here twice"},
	} {
		b.send(t, "/admin/applications/new", form("kind", "service", field, wrong.text)...).wants(t, http.StatusUnprocessableEntity, wrong.says, wrong.text)
	}
	registered := func(a answer) client.Client {
		t.Helper()
		c, err := h.pages.Clients.Get(t.Context(), a.find(t, `<code>(app_[^<]+)</code>`))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	web := registered(b.send(t, "/admin/applications/new", form("kind", "web", "scopes", "", "redirect_uris", "https://shop.example.org/")...))
	if preset, err := client.Preset(client.Web); err != nil || !slices.Equal(web.Scopes, preset.Scopes) {
		t.Errorf("scopes that are left out: %v, %v", web.Scopes, err)
	}
	c := registered(b.send(t, "/admin/applications/new", form("kind", "service", "scopes", "orders:read\r\norders:write", "audiences", "https://api.example.org", "resources", "urn:robot")...))
	path := "/admin/applications/" + c.ID
	if !slices.Equal(c.Scopes, []string{"orders:read", "orders:write"}) || !slices.Equal(c.Audiences, []string{"https://api.example.org"}) || !slices.Equal(c.Resources, []string{"urn:robot"}) {
		t.Errorf("registered is %+v", c.Metadata)
	}
	page := b.get(t, path)
	page.wants(t, http.StatusOK, "orders:read\norders:write</textarea>", "https://api.example.org</textarea>", "urn:robot</textarea>")
	seen := page.find(t, `name="seen" value="([^"]+)"`)
	b.send(t, path, "seen", seen, "client_name", "Robot", "scopes", "roles").wants(t, http.StatusUnprocessableEntity, "The scope roles is for the company’s own applications alone")
	h.Clock.Advance(time.Second)
	b.send(t, path, "seen", seen, "client_name", "Robot", "scopes", "roles", "trusted", "on").leadsTo(t, path)
	c, err := h.pages.Clients.Get(t.Context(), c.ID)
	if err != nil || !slices.Equal(c.Scopes, []string{oauth.ScopeRoles}) || len(c.Audiences) != 0 || len(c.Resources) != 0 {
		t.Errorf("changed: %+v, %v", c.Metadata, err)
	}
}

// What OAuth 2.1 has removed is told loudly, in the list and on the page.
func TestInsecureApplicationsAreWarnedOf(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, _ := h.holder(t, "viewer@example.com", role.Viewer)
	m, err := client.Preset(client.Web)
	if err != nil {
		t.Fatal(err)
	}
	m.Name, m.RedirectURIs = "Old", []string{"https://old.example.org/"}
	m.GrantTypes = append(m.GrantTypes, oauth.GrantPassword)
	c, _, err := h.pages.Clients.Create(t.Context(), m, identitytest.By)
	if err != nil {
		t.Fatal(err)
	}
	b.get(t, "/admin/applications").wants(t, http.StatusOK, "Old", "insecure")
	b.get(t, "/admin/applications/"+c.ID).wants(t, http.StatusOK, "insecure ways to tokens", "https://old.example.org/")
}

func TestAdministratorRotatesKeys(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, _ := h.holder(t, "admin@example.com", role.Admin)
	before, err := h.pages.Keys.List(t.Context())
	if err != nil || len(before) == 0 {
		t.Fatal(before, err)
	}
	b.get(t, "/admin/keys").wants(t, http.StatusOK, before[0].ID, "signs")
	b.send(t, "/admin/keys", "how", "rotate").leadsTo(t, "/admin/keys")
	b.get(t, "/admin/keys").wants(t, http.StatusOK, "announced")
	b.send(t, "/admin/keys", "how", "rotate").leadsTo(t, "/admin/keys")
	b.get(t, "/admin/keys").wants(t, http.StatusOK, "published already")
	b.send(t, "/admin/keys", "how", "replace").leadsTo(t, "/admin/keys")
	if a := b.get(t, "/admin/keys"); strings.Contains(a.main(), before[0].ID) {
		t.Error("a key in wrong hands is still there")
	}
}

// What is a part of the installation can be disabled, which says what it breaks, and
// is left as it is otherwise.
func TestOwnApplicationsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, _ := h.holder(t, "admin@example.com", role.Admin)
	direct, err := h.pages.Clients.RegisterDirect(t.Context(), "identity.guildhall.internal")
	if err != nil {
		t.Fatal(err)
	}
	path := "/admin/applications/" + direct.ID
	for _, page := range []answer{b.get(t, "/admin/applications"), b.get(t, path)} {
		page.wants(t, http.StatusOK, "Part of guildhall")
		if text := page.main(); strings.Contains(text, "insecure") || strings.Contains(text, path+"/remove") || strings.Contains(text, `name="client_name"`) {
			t.Errorf("it is taken for another:\n%s", text)
		}
	}
	b.get(t, path).wants(t, http.StatusOK, "Nobody can sign in by JSON any more")
	b.send(t, path+"/remove").leadsTo(t, "/admin/applications")
	b.get(t, path).wants(t, http.StatusOK, "it cannot be removed")
	b.send(t, path, "client_name", "Mine").leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "it cannot be removed")
	b.send(t, path+"/disable").leadsTo(t, path)
	h.browser().get(t, "/oauth2/authorize?client_id="+direct.ID).wants(t, http.StatusForbidden, "disabled signing in to this service")
}
