package identity

import (
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/directory"
	"guildhall/identity/internal/directory/directorytest"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/web/locales"
	"guildhall/platform/guildtest"
	"guildhall/platform/i18n"
	"guildhall/platform/session"
	"guildhall/platform/web"
	weblocales "guildhall/platform/web/locales"
	wire "guildhall/sdk/go/identity"
)

// directoryHost is working pages and a real Active Directory, and a browser of an
// administrator who came by a break-glass link.
func directoryHost(t *testing.T) (*browser, *directorytest.Unit) {
	t.Helper()
	samba := directorytest.Shared(t)
	h := openHost(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(samba.CA))
	h.pages.Directory, h.pages.Accounts = h.Directory(func(o *directory.Options) { o.Roots = func() *x509.CertPool { return roots } })
	mux := http.NewServeMux()
	h.pages.Mount(mux)
	words, err := i18n.NewBundle(weblocales.FS(), locales.FS())
	ok(t, err)
	site := web.NewSite(web.SiteOptions{Bundle: words, Log: slog.New(slog.DiscardHandler), Now: h.Clock.Now})
	handler := site.Wrap(h.pages.Shell().Handler(mux))
	h.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/welcome") {
			r = r.WithContext(session.With(r.Context(), session.Principal{ID: "break-glass:test", Name: "Break glass", Roles: []string{session.Everything}}))
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(h.site.Close)
	return h.browser(), samba.Unit(t)
}

func TestAnAdministratorSetsTheDirectoryUp(t *testing.T) {
	t.Parallel()
	b, unit := directoryHost(t)
	unit.Join(unit.Group, unit.NewUser("anna", "Quiet-River-77"))
	b.get(t, "/admin/directory").wants(t, http.StatusOK, "No directory is set up")
	b.get(t, "/admin/directory/settings").wants(t, http.StatusOK, `value="15"`, `value="20"`)
	form := []string{"version", "0", "servers", "ldaps://" + unit.Samba.Address, "trust", "known", "bind_dn", directorytest.AdminDN, "password", "wrong",
		"base_dn", unit.DN, "group_dn", "Staff", "minutes", "15", "limit", "20", "welcome", "link", "language", "pl"}
	set := func(name, value string) {
		for i := 0; i < len(form); i += 2 {
			if form[i] == name {
				form[i+1] = value
			}
		}
	}
	b.send(t, "/admin/directory/settings", form...).wants(t, http.StatusUnprocessableEntity, "Write a distinguished name", directorytest.AdminDN)
	set("group_dn", unit.Group)
	b.send(t, "/admin/directory/settings", form...).leadsTo(t, "/admin/directory")
	b.send(t, "/admin/directory/test").wants(t, http.StatusOK, "The directory does not know the account that reads it", "data 52e", "Not tried")
	set("version", "1")
	set("password", directorytest.Password)
	b.send(t, "/admin/directory/settings", form...).leadsTo(t, "/admin/directory")
	b.send(t, "/admin/directory/test").wants(t, http.StatusOK, "Every step went well", "Members: 1.", "TLS 1.3")
	b.send(t, "/admin/directory/on").leadsTo(t, "/admin/directory") // and says that it was never tried
	if page := b.get(t, "/admin/directory"); !strings.Contains(page.Text, "These settings were never tried") || strings.Contains(page.Text, directorytest.Password) {
		t.Errorf("%s", page.main())
	}
	report := b.send(t, "/admin/directory/dry-run").Header.Get("Location")
	b.get(t, report).wants(t, http.StatusOK, "Nothing was changed", "Anna Example", unit.Email("anna"), "Switch on")
	b.send(t, "/admin/directory/on").leadsTo(t, "/admin/directory")
	if err := b.pages.Directory.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	last, err := b.pages.Directory.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.get(t, "/admin/directory").wants(t, http.StatusOK, "Next run", "/admin/directory/runs/"+last.ID)
	b.get(t, "/admin/directory/runs/"+last.ID+"?what=added&q=anna").wants(t, http.StatusOK, "Anna Example")
	if page := b.get(t, "/admin/directory/runs/"+last.ID+"?what=disabled"); strings.Contains(page.Text, "Anna Example") {
		t.Error("the filter shows everybody")
	}
	b.get(t, "/admin/directory/runs/dir_none").wants(t, http.StatusNotFound, "There is no such run")
	b.send(t, "/admin/directory/run").leadsTo(t, "/admin/directory")
	b.send(t, "/admin/directory/off").leadsTo(t, "/admin/directory")

	letters := b.Letters()
	link, _ := letters[len(letters)-1].Data["Link"].(string)
	_, path, _ := strings.Cut(link, "example.test")
	anna := b.browser()
	anna.get(t, path).wants(t, http.StatusOK, unit.Email("anna"))
	anna.get(t, path).wants(t, http.StatusOK) // looking spends nothing
	_, token, _ := strings.Cut(path, "=")
	anna.send(t, "/welcome", "link", token, "password", "short").wants(t, http.StatusUnprocessableEntity, "at least 10")
	anna.send(t, "/welcome", "link", token, "password", "another good secret").leadsTo(t, "/")
	b.browser().get(t, path).wants(t, http.StatusGone, "This link was used already")
	if _, err := b.pages.Accounts.SignIn(t.Context(), account.SignInRequest{Email: unit.Email("anna"), Password: "another good secret", By: identitytest.By}); err != nil {
		t.Error(err)
	}
}

func TestTheDirectoryIsForAdministrators(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	h.browser().get(t, "/admin/directory").leadsTo(t, "/sign-in?return_to=%2Fadmin%2Fdirectory")
	b := h.signedIn(t, h.Account(t, "anna@example.com"))
	for _, path := range []string{"/admin/directory", "/admin/directory/settings", "/admin/directory/runs/dir_1"} {
		b.get(t, path).wants(t, http.StatusForbidden)
	}
	for _, path := range []string{"settings", "test", "dry-run", "on", "off", "run"} {
		b.send(t, "/admin/directory/"+path).wants(t, http.StatusForbidden)
	}
}

func TestTheDirectoryByAPI(t *testing.T) {
	t.Parallel()
	samba := directorytest.Shared(t)
	o := openOffice(t, guildtest.SQLite(t))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(samba.CA))
	o.directory, _ = o.Directory(func(opt *directory.Options) { opt.Roots = func() *x509.CertPool { return roots } })
	unit := samba.Unit(t)
	unit.Join(unit.Group, unit.NewUser("anna", "Quiet-River-77"))
	ctx, c := t.Context(), o.client

	_, err := c.RunDirectory(ctx, wire.DirectoryRunRequest{DryRun: true})
	if p := problemOf(err); p.Code != "directory_not_set_up" || p.Status != http.StatusConflict {
		t.Errorf("nothing is set up: %v", err)
	}
	st, err := c.Directory(ctx)
	ok(t, err)
	u := wire.DirectoryUpdate{DirectorySettings: st.DirectorySettings, Password: directorytest.Password}
	u.Servers, u.BindDN, u.BaseDN, u.GroupDN = []string{"ldaps://" + samba.Address}, directorytest.AdminDN, unit.DN, "Staff"
	_, err = c.UpdateDirectory(ctx, u)
	if p := problemOf(err); len(p.Fields) != 1 || p.Fields[0].Name != "group_dn" {
		t.Errorf("no DN: %v", err)
	}
	u.GroupDN = unit.Group
	st, err = c.UpdateDirectory(ctx, u)
	ok(t, err)
	if !st.SetUp || st.Version != 1 || st.Enabled || st.GroupDN != unit.Group {
		t.Errorf("%+v", st)
	}
	steps, err := c.TestDirectory(ctx)
	ok(t, err)
	if !steps.OK || len(steps.Steps) != 5 || steps.Steps[4].Found != "1 people, 0 of them disabled, 0 without an e-mail address" {
		t.Errorf("%+v", steps)
	}
	_, err = c.RunDirectory(ctx, wire.DirectoryRunRequest{})
	if problemOf(err).Code != "directory_off" {
		t.Errorf("a run while it is off: %v", err)
	}
	dry, err := c.RunDirectory(ctx, wire.DirectoryRunRequest{DryRun: true})
	ok(t, err)
	if !dry.Dry || dry.Added != 1 || dry.Outcome != "done" || dry.Entries[0].Email != unit.Email("anna") {
		t.Errorf("%+v", dry)
	}
	st, err = c.SwitchDirectory(ctx, true)
	ok(t, err)
	run, err := c.RunDirectory(ctx, wire.DirectoryRunRequest{})
	ok(t, err)
	if !st.Enabled || run.Added != 1 || run.Entries[0].Account == "" {
		t.Errorf("%+v, %+v", st, run)
	}
	list, err := c.DirectoryRuns(ctx, "done", 0, 10)
	ok(t, err)
	if list.Total != 2 || list.Runs[0].ID != run.ID {
		t.Errorf("%+v", list)
	}
	again, err := c.DirectoryRun(ctx, run.ID)
	ok(t, err)
	if again.Added != 1 || len(again.Entries) != 1 {
		t.Errorf("%+v", again)
	}
}
