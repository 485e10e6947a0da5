package identity

import (
	"net/http"

	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

const keysPage = "/admin/keys"

// keyPages names the page of the keys that sign tokens.
func (p *pages) keyPages(looks, changes map[string]staff) {
	looks["GET /admin/keys"] = p.keys
	changes["POST /admin/keys"] = p.rotateKeys
}

func (p *pages) keys(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ctx := r.Context()
	all, err := p.Keys.List(ctx)
	if err != nil {
		return err
	}
	const most = 200
	q := ui.ParseList(r.URL, ui.ListOptions{Size: most, Sizes: []int{most}})
	return p.showAdmin(w, r, a, nil, web.Page{Title: i18n.T(ctx, "identity.keys"), Lead: i18n.T(ctx, "identity.keys.lead"), Active: keysPage,
		Body: views.KeysPage(views.Keys{Query: q, Rows: all, May: a.May, Now: p.Now()})})
}

// rotateKeys begins a rotation, or replaces keys that are in wrong hands.
func (p *pages) rotateKeys(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	if f.Value("how") == "replace" {
		return p.did(w, r, p.Keys.Replace(r.Context(), a.By), i18n.T(r.Context(), "identity.keys.replaced"), keysPage)
	}
	return p.did(w, r, p.Keys.Rotate(r.Context(), a.By), i18n.T(r.Context(), "identity.keys.rotated"), keysPage)
}
