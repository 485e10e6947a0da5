package license

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// transportPages names the pages of a product's transport keys.
func (p *pages) transportPages(looks, admin map[string]page) {
	looks["GET /products/{id}/transport"] = p.transport
	admin["POST /products/{id}/transport/rotate"] = p.rotateTransport
	admin["POST /products/{id}/transport/end"] = p.endTransport
	admin["POST /products/{id}/transport/kit"] = p.kit
}

func transportPath(product string) string {
	return "/products/" + url.PathEscape(product) + "/transport"
}

func (p *pages) transport(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	one, err := p.Service.store.Product(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := views.Transport{Product: one, Now: p.now(), May: may(r, adminRole)}
	if v.Keys, err = p.Service.transport.Keys(ctx, one.ID); err != nil {
		return err
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.product.transport"), Lead: i18n.T(ctx, "license.transport.lead"), Active: "/products",
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.products", "/products"), {Label: one.Name, URL: "/products/" + one.ID}}, Body: views.TransportPage(v)})
}

// rotateTransport makes another key of a kind.
func (p *pages) rotateTransport(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	err = p.Service.transport.Rotate(r.Context(), r.PathValue("id"), f.Text("kind"), f.Bool("end"), caller(r))
	return p.did(w, r, err, "license.transport.rotated", transportPath(r.PathValue("id")))
}

func (p *pages) endTransport(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	err = p.Service.transport.End(r.Context(), r.PathValue("id"), f.Text("key"), caller(r))
	return p.did(w, r, err, "license.transport.ended", transportPath(r.PathValue("id")))
}

// kit sends what is built into the program, as a file: it has a shared key in it.
func (p *pages) kit(w http.ResponseWriter, r *http.Request) error {
	back := transportPath(r.PathValue("id"))
	if !p.shownRecently(w, r, back) {
		return nil
	}
	kit, err := p.Service.transport.Kit(r.Context(), r.PathValue("id"), caller(r))
	if err != nil {
		return p.did(w, r, err, "", back)
	}
	content, err := json.MarshalIndent(kit, "", "  ")
	if err != nil {
		return fmt.Errorf("write a kit: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="`+kit.Product+`-kit.json"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(append(content, '\n')) // the client is gone if this fails, and can take it again
	return nil
}
