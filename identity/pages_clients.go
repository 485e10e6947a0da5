package identity

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/identity/internal/client"
	views "guildhall/identity/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

const (
	clientsPage = "/admin/applications"
	// maxLines is how many lines a field takes; what is registered may be fewer.
	maxLines = 50
)

// clientPages names the pages of all applications.
func (p *pages) clientPages(looks, changes map[string]staff) {
	looks["GET /admin/applications"] = p.clientList
	looks["GET /admin/applications/{id}"] = p.client
	looks["GET /admin/applications/{id}/secret"] = p.shownOnce
	maps.Copy(changes, map[string]staff{
		"GET /admin/applications/new":           p.newClient,
		"POST /admin/applications/new":          p.createClient,
		"POST /admin/applications/{id}":         p.changeClient,
		"POST /admin/applications/{id}/secret":  p.rotateClient,
		"POST /admin/applications/{id}/disable": p.disableClient,
		"POST /admin/applications/{id}/enable":  p.enableClient,
		"POST /admin/applications/{id}/remove":  p.removeClient,
	})
}

func clientPath(id string) string { return clientsPage + "/" + id }

func (p *pages) clientList(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"state"}})
	rows, total, err := p.Clients.List(ctx, client.Query{Text: q.Q, State: q.Filter("state"), Limit: q.Size, Offset: q.Offset()})
	if err != nil {
		return err
	}
	page := web.Page{Title: i18n.T(ctx, "identity.clients"), Lead: i18n.T(ctx, "identity.clients.lead"), Active: clientsPage,
		Body: views.ClientsPage(views.Clients{Query: q, Rows: rows, Total: total, Now: p.Now()})}
	if a.May {
		page.Actions = []templ.Component{ui.Button{Label: i18n.T(ctx, "identity.clients.new"), URL: clientsPage + "/new", Icon: "plus", Primary: true}}
	}
	return p.showAdmin(w, r, a, nil, page)
}

func (p *pages) newClient(w http.ResponseWriter, r *http.Request, a *administrator) error {
	return p.showNewClient(w, r, a, nil, form.New("kind", client.Web))
}

func (p *pages) showNewClient(w http.ResponseWriter, r *http.Request, a *administrator, err error, f *form.Form) error {
	ctx := r.Context()
	return p.showAdmin(w, r, a, err, web.Page{Title: i18n.T(ctx, "identity.clients.new"), Lead: i18n.T(ctx, "identity.clients.new.lead"), Active: clientsPage, Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "identity.clients", clientsPage)}, Body: views.NewClientPage(f)})
}

func (p *pages) createClient(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	m, err := client.Preset(f.Choice("kind", client.Kinds()...))
	if err == nil {
		preset := m.Scopes
		if fillClient(f, &m); len(m.Scopes) == 0 {
			m.Scopes = preset
		}
		err = f.Err()
	}
	if err != nil {
		return p.showNewClient(w, r, a, err, f)
	}
	if err := wholeFields(p.Clients.Check(m)); refused(f, "client_name", err) {
		return p.showNewClient(w, r, a, err, f)
	}
	if err := p.Forms.take(r.Context(), f); err != nil {
		return p.did(w, r, err, "", clientsPage)
	}
	made, secret, err := p.Clients.Create(r.Context(), m, a.By)
	if err != nil {
		return err
	}
	if secret != "" {
		return p.showSecretOnce(w, r, a, &made, secret, time.Time{})
	}
	return p.did(w, r, nil, i18n.T(r.Context(), "identity.clients.created"), clientPath(made.ID))
}

// fillClient takes what the form says into the metadata.
func fillClient(f *form.Form, m *client.Metadata) {
	m.Name = f.Text("client_name", form.Required)
	m.RedirectURIs, m.PostLogoutURIs = f.Lines("redirect_uris", maxLines), f.Lines("post_logout_redirect_uris", maxLines)
	m.Scopes, m.Audiences, m.Resources = f.Lines("scopes", maxLines), f.Lines("audiences", maxLines), f.Lines("resources", maxLines)
	m.Trusted = f.Bool("trusted")
}

// wholeFields makes of wrong lines of a field a wrong field, which names the first.
func wholeFields(err error) error {
	if err == nil || len(fault.As(err).Fields) == 0 {
		return err
	}
	var fields []fault.Field
	for _, f := range fault.As(err).Fields {
		f.Name, _, _ = strings.Cut(f.Name, "[")
		if !slices.ContainsFunc(fields, func(g fault.Field) bool { return g.Name == f.Name }) {
			fields = append(fields, f)
		}
	}
	return fault.Fields(fields...)
}

// showSecretOnce hands a secret over; the one before works on until the time given.
func (p *pages) showSecretOnce(w http.ResponseWriter, r *http.Request, a *administrator, c *client.Client, secret string, until time.Time) error {
	ctx := r.Context()
	return p.showAdmin(w, r, a, nil, web.Page{Title: i18n.T(ctx, "identity.clients.secret.for", "Name", views.ApplicationName(ctx, c)), Active: clientsPage, Narrow: true, Once: true,
		Crumbs: clientCrumbs(ctx, c), Body: views.SecretPage(c, secret, until, clientPath(c.ID))})
}

func clientCrumbs(ctx context.Context, c *client.Client) []web.Crumb {
	return []web.Crumb{crumb(ctx, "identity.clients", clientsPage), {Label: views.ApplicationName(ctx, c), URL: clientPath(c.ID)}}
}

func (p *pages) client(w http.ResponseWriter, r *http.Request, a *administrator) error {
	c, err := p.Clients.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	trusted := ""
	if c.Trusted {
		trusted = "on"
	}
	return p.showClient(w, r, a, nil, &c, form.New("client_name", c.Name, "redirect_uris", strings.Join(c.RedirectURIs, "\n"),
		"post_logout_redirect_uris", strings.Join(c.PostLogoutURIs, "\n"), "scopes", strings.Join(c.Scopes, "\n"),
		"audiences", strings.Join(c.Audiences, "\n"), "resources", strings.Join(c.Resources, "\n"), "trusted", trusted, "seen", c.ChangedAt.UTC().Format(time.RFC3339Nano)))
}

func (p *pages) showClient(w http.ResponseWriter, r *http.Request, a *administrator, err error, c *client.Client, f *form.Form) error {
	ctx := r.Context()
	return p.showAdmin(w, r, a, err, web.Page{Title: views.ApplicationName(ctx, c), Lead: i18n.T(ctx, "identity.clients.kind."+c.Kind), Active: clientsPage,
		Crumbs: []web.Crumb{crumb(ctx, "identity.clients", clientsPage)}, Body: views.ClientPage(views.Client{Client: c, Path: clientPath(c.ID), May: a.May, Form: f})})
}

func (p *pages) changeClient(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	c, err := p.Clients.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if client.IsOwn(c.ID) {
		return p.did(w, r, client.ErrOwn, "", clientPath(c.ID))
	}
	m := c.Metadata
	fillClient(f, &m)
	if err := f.Err(); err != nil {
		return p.showClient(w, r, a, err, &c, f)
	}
	seen, err := time.Parse(time.RFC3339Nano, f.Value("seen"))
	if err != nil {
		seen = time.Unix(0, 0) // of no application
	}
	_, err = p.Clients.Update(r.Context(), c.ID, m, seen, a.By)
	if err = wholeFields(err); refused(f, "client_name", err) {
		return p.showClient(w, r, a, err, &c, f)
	}
	return p.did(w, r, err, i18n.T(r.Context(), "identity.users.saved"), clientPath(c.ID))
}

// overlaps are how long a replaced secret may work on; "compromised" is a word of
// its own.
func overlaps() map[string]client.Rotation {
	const day = 24 * time.Hour
	return map[string]client.Rotation{"0": {}, "1d": {Overlap: day}, "7d": {Overlap: 7 * day}, "30d": {Overlap: 30 * day}, "compromised": {Compromised: true}}
}

func (p *pages) rotateClient(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	c, err := p.Clients.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	how, ok := overlaps()[f.Text("overlap", form.Required)]
	if !ok {
		return p.did(w, r, fault.Fields(fault.Field{Name: "overlap", Code: "not_offered", Detail: "Choose one of those offered."}), "", clientPath(c.ID))
	}
	if err := p.Forms.take(r.Context(), f); err != nil {
		return p.did(w, r, err, "", clientPath(c.ID))
	}
	now := p.Now()
	secret, err := p.Clients.RotateSecret(r.Context(), c.ID, how, a.By)
	if err != nil {
		return p.did(w, r, err, "", clientPath(c.ID))
	}
	var until time.Time
	if how.Overlap > 0 {
		until = now.Add(how.Overlap)
	}
	return p.showSecretOnce(w, r, a, &c, secret, until)
}

func (p *pages) disableClient(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	return p.did(w, r, p.Clients.Disable(r.Context(), id, a.By), i18n.T(r.Context(), "identity.clients.disabled"), clientPath(id))
}

func (p *pages) enableClient(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	return p.did(w, r, p.Clients.Enable(r.Context(), id, a.By), i18n.T(r.Context(), "identity.clients.enabled"), clientPath(id))
}

func (p *pages) removeClient(w http.ResponseWriter, r *http.Request, a *administrator) error {
	err := p.Clients.Remove(r.Context(), r.PathValue("id"), a.By)
	return p.did(w, r, err, i18n.T(r.Context(), "identity.clients.removed"), clientsPage)
}
