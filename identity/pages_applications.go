package identity

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"guildhall/identity/internal/oauth"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

func (p *pages) applications(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	all, err := p.linked(ctx, v.Account.ID)
	if err != nil {
		return err
	}
	q := ui.ParseList(r.URL, ui.ListOptions{Sorts: []string{"last", "name", "since"}, Desc: true})
	found := slices.DeleteFunc(slices.Clone(all), func(a views.Application) bool {
		return !strings.Contains(strings.ToLower(a.Name), strings.ToLower(q.Q))
	})
	sortApplications(found, q)
	page := views.Applications{Query: q, Rows: found[min(q.Offset(), len(found)):min(q.Offset()+q.Size, len(found))], Total: len(found), All: len(all), Now: p.Now()}
	return p.showOwn(w, r, v, nil, web.Page{Title: i18n.T(ctx, "identity.nav.applications"), Lead: i18n.T(ctx, "identity.applications.lead"), Active: "/applications",
		Actions: []templ.Component{ui.Button{Label: i18n.T(ctx, "identity.device.title"), URL: "/device", Icon: "plus"}}, Body: views.ApplicationsPage(page)})
}

// linked are the applications that the account allowed something and those that
// it is signed in to.
func (p *pages) linked(ctx context.Context, account string) ([]views.Application, error) {
	consents, err := p.Grants.Consents(ctx, account)
	if err != nil {
		return nil, err
	}
	grants, err := p.Grants.OfAccount(ctx, account)
	if err != nil {
		return nil, err
	}
	byID := map[string]*views.Application{}
	for _, c := range consents {
		byID[c.Client] = &views.Application{ID: c.Client, Scopes: c.Scopes, Since: c.MadeAt}
	}
	for _, g := range grants {
		a := byID[g.Client]
		if a == nil {
			a = &views.Application{ID: g.Client, Since: g.MadeAt}
			byID[g.Client] = a
		}
		a.SignIns++
		a.Scopes = append(a.Scopes, g.Scopes.Beyond(a.Scopes)...)
		if g.MadeAt.Before(a.Since) {
			a.Since = g.MadeAt
		}
		if g.MadeAt.After(a.Last) {
			a.Last = g.MadeAt
		}
	}
	all := make([]views.Application, 0, len(byID))
	for id, a := range byID {
		c, err := p.Clients.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		a.Name, a.Scopes = views.ApplicationName(ctx, &c), inOrder(a.Scopes)
		all = append(all, *a)
	}
	return all, nil
}

// inOrder puts the scopes that all know first.
func inOrder(list oauth.Scopes) oauth.Scopes {
	known := []string{oauth.ScopeOffline, oauth.ScopeEmail, oauth.ScopeProfile, oauth.ScopeOpenID}
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b string) int {
		return cmp.Or(slices.Index(known, b)-slices.Index(known, a), cmp.Compare(a, b))
	})
	return sorted
}

// sortApplications sorts in memory: one person has a few.
func sortApplications(list []views.Application, q ui.ListQuery) {
	slices.SortFunc(list, func(a, b views.Application) int {
		order := a.Last.Compare(b.Last)
		switch q.Sort {
		case "name":
			order = cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
		case "since":
			order = a.Since.Compare(b.Since)
		}
		if order = cmp.Or(order, cmp.Compare(a.ID, b.ID)); q.Desc {
			return -order
		}
		return order
	})
}

// withdraw takes everything back that an application was allowed.
func (p *pages) withdraw(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if err := p.Grants.Withdraw(r.Context(), v.Account.ID, r.PathValue("id"), v.by()); err != nil {
		return err
	}
	p.shell.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.applications.withdrawn"))
	p.shell.Redirect(w, r, "/applications")
	return nil
}
