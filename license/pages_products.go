package license

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// productPages names the pages of products.
func (p *pages) productPages(looks, admin map[string]page) {
	looks["GET /products"] = p.products
	looks["GET /products/{id}"] = p.product
	admin["GET /products/new"] = p.newProduct
	admin["POST /products/new"] = p.createProduct
	admin["POST /products/{id}"] = p.changeProduct
	admin["POST /products/{id}/releases"] = p.createRelease
	admin["POST /products/{id}/rotate"] = p.rotate
}

func (p *pages) products(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	all, err := p.Service.store.Products(ctx)
	if err != nil {
		return err
	}
	q := ui.ParseList(r.URL, ui.ListOptions{})
	v := views.Products{Query: q, Now: p.now(), May: may(r, adminRole)}
	for _, one := range all {
		if strings.Contains(strings.ToLower(one.Code+" "+one.Name+" "+one.Note), strings.ToLower(q.Q)) {
			v.Rows = append(v.Rows, one)
		}
	}
	v.Total = len(v.Rows)
	v.Rows = v.Rows[min(q.Offset(), v.Total):min(q.Offset()+q.Size, v.Total)]
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.products"), Lead: i18n.T(ctx, "license.products.lead"), Active: "/products",
		Actions: v.Actions(ctx), Body: views.ProductsPage(v)})
}

func (p *pages) newProduct(w http.ResponseWriter, r *http.Request) error {
	return p.showNewProduct(w, r, form.New())
}

func (p *pages) showNewProduct(w http.ResponseWriter, r *http.Request, f *form.Form) error {
	ctx := r.Context()
	return p.show(w, r, f, web.Page{Title: i18n.T(ctx, "license.products.new"), Lead: i18n.T(ctx, "license.products.lead"), Active: "/products", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.products", "/products")}, Body: views.NewProductPage(f)})
}

func (p *pages) createProduct(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	made, err := p.Service.catalogue.CreateProduct(r.Context(), f.Text("code"), f.Text("name"), f.Text("note"), caller(r))
	if take(f, err) {
		return p.showNewProduct(w, r, f)
	}
	return p.did(w, r, err, "license.products.made", "/products/"+made.ID)
}

func (p *pages) product(w http.ResponseWriter, r *http.Request) error {
	return p.showProduct(w, r, nil, nil)
}

// showProduct shows a product with the form that was refused, if any.
func (p *pages) showProduct(w http.ResponseWriter, r *http.Request, change, release *form.Form) error {
	ctx := r.Context()
	one, err := p.Service.store.Product(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := views.Product{Product: one, Now: p.now(), May: may(r, adminRole), Change: change, Release: release}
	if change == nil {
		v.Change = form.New("name", one.Name, "note", one.Note)
	}
	if v.Releases, err = p.releases(ctx, one); err != nil {
		return err
	}
	if v.Counts, err = p.Service.store.CardCounts(ctx, one.ID, v.Now); err != nil {
		return err
	}
	if v.Policies, err = p.Service.store.Policies(ctx, one.ID); err != nil {
		return err
	}
	wrong := change
	if release != nil {
		wrong = release
	}
	return p.show(w, r, wrong, web.Page{Title: one.Name, Lead: one.Note, Active: "/products",
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.products", "/products")}, Actions: productActions(ctx, v), Body: views.ProductPage(v)})
}

func productActions(ctx context.Context, v views.Product) []templ.Component {
	if !v.May {
		return nil
	}
	return []templ.Component{ui.Button{Label: i18n.T(ctx, "license.policies.new"), URL: "/policies/new?product=" + url.QueryEscape(v.ID), Icon: "plus"}}
}

// releases are those of a product with their keys.
func (p *pages) releases(ctx context.Context, of store.Product) ([]views.Release, error) {
	rows, err := p.Service.store.Releases(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	all := make([]views.Release, len(rows))
	for i, row := range rows {
		keys, err := p.Service.store.HandshakeKeys(ctx, row.ID)
		if err != nil {
			return nil, err
		}
		all[i] = views.Release{Release: row, Keys: keys}
	}
	return all, nil
}

func (p *pages) changeProduct(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	_, err = p.Service.catalogue.ChangeProduct(r.Context(), r.PathValue("id"), f.Text("name"), f.Text("note"), caller(r))
	if take(f, err) {
		return p.showProduct(w, r, f, nil)
	}
	return p.did(w, r, err, "license.saved", "/products/"+url.PathEscape(r.PathValue("id")))
}

func (p *pages) createRelease(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	_, err = p.Service.catalogue.CreateRelease(r.Context(), r.PathValue("id"), f.Text("version"), f.Text("note"), caller(r))
	if take(f, err) {
		return p.showProduct(w, r, nil, f)
	}
	return p.did(w, r, err, "license.releases.made", "/products/"+url.PathEscape(r.PathValue("id")))
}

// rotate gives a release another handshake key.
func (p *pages) rotate(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	version := f.Text("version", form.Required) // none would mean the newest
	if err := f.Err(); err != nil {
		return err
	}
	_, err = p.Service.catalogue.RotateHandshakeKey(r.Context(), r.PathValue("id"), version, caller(r))
	return p.did(w, r, err, "license.releases.rotated", "/products/"+url.PathEscape(r.PathValue("id")))
}
