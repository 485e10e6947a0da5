package license

import (
	"net/http"
	"net/url"

	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// signingPages names the pages of the keys that sign a product's offline licences.
func (p *pages) signingPages(looks, admin map[string]page) {
	looks["GET /products/{id}/signing"] = p.signing
	looks["GET /products/{id}/signing/keys.json"] = p.keySet
	admin["POST /products/{id}/signing"] = p.addSigningKey
	admin["POST /products/{id}/signing/rotate"] = p.rotateSigningKey
	admin["POST /products/{id}/signing/retire"] = p.retireSigningKey
}

func signingPath(product string) string { return "/products/" + url.PathEscape(product) + "/signing" }

func (p *pages) signing(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	one, err := p.Service.store.Product(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := views.Signing{Product: one, Now: p.now(), May: may(r, adminRole)}
	if v.Keys, err = p.Service.store.SigningKeys(ctx, one.ID); err != nil {
		return err
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.product.signing"), Lead: i18n.T(ctx, "license.signing.lead"), Active: "/products",
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.products", "/products"), {Label: one.Name, URL: "/products/" + one.ID}}, Body: views.SigningPage(v)})
}

// keySet sends what the program embeds, as a file.
func (p *pages) keySet(w http.ResponseWriter, r *http.Request) error {
	set, err := p.Service.issuer.KeySet(r.Context(), r.PathValue("id"))
	if err != nil {
		return p.did(w, r, err, "", signingPath(r.PathValue("id")))
	}
	text, err := set.Text()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="`+set.Product+`-licence-keys.json"`)
	_, _ = w.Write(text) //nolint:gosec // no HTML: the client is gone if this fails, and can take it again
	return nil
}

func (p *pages) addSigningKey(w http.ResponseWriter, r *http.Request) error {
	_, err := p.Service.issuer.AddKey(r.Context(), r.PathValue("id"), caller(r))
	return p.did(w, r, err, "license.signing.made", signingPath(r.PathValue("id")))
}

func (p *pages) rotateSigningKey(w http.ResponseWriter, r *http.Request) error {
	_, err := p.Service.issuer.RotateKey(r.Context(), r.PathValue("id"), caller(r))
	return p.did(w, r, err, "license.signing.rotated", signingPath(r.PathValue("id")))
}

func (p *pages) retireSigningKey(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	_, err = p.Service.issuer.RetireKey(r.Context(), r.PathValue("id"), f.Text("key"), f.Bool("stolen"), caller(r))
	return p.did(w, r, err, "license.signing.retire.done", signingPath(r.PathValue("id")))
}
