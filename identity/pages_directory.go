package identity

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"guildhall/identity/internal/directory"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// directoryPath is where the pages of the import are.
const directoryPath = "/admin/directory"

// directoryPages names the pages of the import.
func (p *pages) directoryPages(looks, changes map[string]staff) {
	looks["GET /admin/directory"] = p.directory
	looks["GET /admin/directory/runs/{id}"] = p.directoryRun
	// Where a reader comes back to who has shown again who he is.
	looks["GET /admin/directory/{action}"] = p.toDirectory
	maps.Copy(changes, map[string]staff{
		"GET /admin/directory/settings":  p.directoryForm,
		"POST /admin/directory/settings": p.saveDirectory,
		"POST /admin/directory/test":     p.testDirectory,
		"POST /admin/directory/dry-run":  p.dryRunDirectory,
		"POST /admin/directory/on":       p.switchDirectory(true),
		"POST /admin/directory/off":      p.switchDirectory(false),
		"POST /admin/directory/run":      p.runDirectory,
	})
}

func (p *pages) toDirectory(w http.ResponseWriter, r *http.Request, _ *administrator) error {
	p.admin.Redirect(w, r, directoryPath)
	return nil
}

func (p *pages) showDirectory(w http.ResponseWriter, r *http.Request, a *administrator, err error, page web.Page) error {
	page.Active = directoryPath
	if page.Title == "" {
		page.Title, page.Lead = i18n.T(r.Context(), "identity.nav.directory"), i18n.T(r.Context(), "identity.directory.lead")
	} else {
		page.Crumbs = []web.Crumb{crumb(r.Context(), "identity.nav.directory", directoryPath)}
	}
	return p.showAdmin(w, r, a, err, page)
}

func (p *pages) directory(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ctx := r.Context()
	v := views.Directory{May: a.May, Now: p.Now(), Query: ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"outcome"}})}
	var err error
	if v.State, err = p.Directory.State(ctx); err != nil {
		return err
	}
	if v.Last, err = p.Directory.Last(ctx); err != nil {
		return err
	}
	if v.Rows, v.Total, err = p.Directory.Reports(ctx, v.Query.Filter("outcome"), v.Query.Offset(), v.Query.Size); err != nil {
		return err
	}
	return p.showDirectory(w, r, a, nil, web.Page{Body: views.DirectoryPage(v)})
}

func (p *pages) directoryForm(w http.ResponseWriter, r *http.Request, a *administrator) error {
	st, err := p.Directory.State(r.Context())
	if err != nil {
		return err
	}
	f := form.New("version", strconv.FormatInt(st.Version, 10), "servers", strings.Join(st.Servers, "\n"), "trust", st.Trust, "ca", st.CA, "bind_dn", st.BindDN,
		"base_dn", st.BaseDN, "group_dn", st.GroupDN, "minutes", strconv.Itoa(st.Minutes), "limit", strconv.Itoa(st.Limit), "welcome", st.Welcome, "language", st.Language,
		"plain", ticked(st.Plain), "sign_in", ticked(st.SignIn))
	return p.showDirectoryForm(w, r, a, nil, f)
}

// ticked is the value of a checkbox.
func ticked(on bool) string {
	if on {
		return "on"
	}
	return ""
}

func (p *pages) showDirectoryForm(w http.ResponseWriter, r *http.Request, a *administrator, err error, f *form.Form) error {
	return p.showDirectory(w, r, a, err, web.Page{Title: i18n.T(r.Context(), "identity.directory.settings"),
		Body: views.DirectorySettingsPage(views.DirectorySettings{Form: f, Kept: f.Value("version") != "0", Plain: !p.Production})})
}

func (p *pages) saveDirectory(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	version, err := strconv.ParseInt(f.Value("version"), 10, 64)
	if err != nil {
		version = -1 // of no settings
	}
	s := directory.Settings{Servers: f.Lines("servers", 10), Plain: f.Bool("plain"), Trust: f.Choice("trust", directory.Trusts()...), CA: f.Text("ca"),
		BindDN: f.Text("bind_dn", form.Required), BaseDN: f.Text("base_dn", form.Required), GroupDN: f.Text("group_dn", form.Required),
		Minutes: int(f.Int("minutes", 5, 24*60)), Limit: int(f.Int("limit", 1, 100)), Welcome: f.Choice("welcome", directory.Welcomes()...),
		SignIn: f.Bool("sign_in"), Language: f.Text("language", form.Required)}
	password := f.Secret("password")
	if err := f.Err(); err != nil {
		return p.showDirectoryForm(w, r, a, err, f)
	}
	err = p.Directory.Save(r.Context(), version, s, password, a.By)
	if refused(f, "servers", err) {
		return p.showDirectoryForm(w, r, a, err, f)
	}
	return p.did(w, r, err, i18n.T(r.Context(), "identity.directory.saved"), directoryPath)
}

func (p *pages) testDirectory(w http.ResponseWriter, r *http.Request, a *administrator) error {
	steps, err := p.Directory.Test(r.Context())
	if errors.Is(err, directory.ErrNotSetUp) {
		return p.did(w, r, err, "", directoryPath)
	}
	if err != nil {
		return err
	}
	return p.showDirectory(w, r, a, nil, web.Page{Title: i18n.T(r.Context(), "identity.directory.test"), Body: views.DirectoryTestPage(views.DirectoryTest{Steps: steps})})
}

func (p *pages) dryRunDirectory(w http.ResponseWriter, r *http.Request, a *administrator) error {
	report, err := p.Directory.Run(r.Context(), directory.Order{Dry: true, By: a.By})
	if err != nil {
		return p.did(w, r, err, "", directoryPath)
	}
	p.admin.Redirect(w, r, directoryPath+"/runs/"+report.ID)
	return nil
}

func (p *pages) switchDirectory(on bool) staff {
	return func(w http.ResponseWriter, r *http.Request, a *administrator) error {
		done := i18n.T(r.Context(), "identity.directory.on.done")
		if !on {
			done = i18n.T(r.Context(), "identity.directory.off.done")
		}
		return p.did(w, r, p.Directory.Switch(r.Context(), on, a.By), done, directoryPath)
	}
}

func (p *pages) runDirectory(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	return p.did(w, r, p.Directory.Ask(r.Context(), f.Bool("beyond"), a.By), i18n.T(r.Context(), "identity.directory.asked"), directoryPath)
}

func (p *pages) directoryRun(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ctx := r.Context()
	report, err := p.Directory.Report(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	st, err := p.Directory.State(ctx)
	if err != nil {
		return err
	}
	v := views.DirectoryRun{Report: report, May: a.May, Now: p.Now(), Query: ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"what"}}),
		On:     report.Dry && st.Tried && !st.Enabled && report.Outcome == directory.Done,
		Beyond: !report.Dry && st.Enabled && report.Code == directory.ErrLimit.Code}
	found := chooseEntries(report.Entries, v.Query)
	v.Total, v.Rows = len(found), found[min(v.Query.Offset(), len(found)):min(v.Query.Offset()+v.Query.Size, len(found))]
	return p.showDirectory(w, r, a, nil, web.Page{Title: directoryRunTitle(ctx, report), Body: views.DirectoryRunPage(v)})
}

func directoryRunTitle(ctx context.Context, r *directory.Report) string {
	if r.Dry {
		return i18n.T(ctx, "identity.directory.dry")
	}
	return i18n.T(ctx, "identity.directory.report")
}

// chooseEntries searches and filters a report, of which there are 2000 at most.
func chooseEntries(all []directory.Entry, q ui.ListQuery) []directory.Entry {
	text, what := strings.ToLower(q.Q), q.Filter("what")
	return slices.DeleteFunc(slices.Clone(all), func(e directory.Entry) bool {
		return what != "" && e.What != what || !strings.Contains(strings.ToLower(e.Name+" "+e.Email+" "+e.DN), text)
	})
}
