package license

import (
	"net/http"
	"net/url"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// customerShown is how many cards and batches of a customer its page shows.
const customerShown = 25

// customerPages names the pages of customers.
func (p *pages) customerPages(looks, support map[string]page) {
	looks["GET /customers"] = p.customers
	looks["GET /customers/{id}"] = p.customer
	support["GET /customers/new"] = p.newCustomer
	support["POST /customers/new"] = p.addCustomer
	support["POST /customers/{id}"] = p.changeCustomer
}

func (p *pages) customers(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Sorts: []string{"name", "made", "cards"}})
	v := views.Customers{Query: q, Now: p.now(), May: may(r, supportRole)}
	var err error
	if v.Rows, v.Total, err = p.Service.store.Customers(ctx, store.CustomerQuery{Text: q.Q, Sort: q.Sort, Desc: q.Desc, Limit: q.Size, Offset: q.Offset()}); err != nil {
		return err
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.customers"), Lead: i18n.T(ctx, "license.customers.lead"), Active: "/customers",
		Actions: v.Actions(ctx), Body: views.CustomersPage(v)})
}

func (p *pages) newCustomer(w http.ResponseWriter, r *http.Request) error {
	return p.showNewCustomer(w, r, form.New())
}

func (p *pages) showNewCustomer(w http.ResponseWriter, r *http.Request, f *form.Form) error {
	ctx := r.Context()
	return p.show(w, r, f, web.Page{Title: i18n.T(ctx, "license.customers.new"), Lead: i18n.T(ctx, "license.customers.lead"), Active: "/customers", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.customers", "/customers")}, Body: views.NewCustomerPage(f)})
}

func (p *pages) addCustomer(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	made, err := p.Service.catalogue.AddCustomer(r.Context(), f.Text("name"), f.Text("email"), f.Text("note"), caller(r))
	if take(f, err) {
		return p.showNewCustomer(w, r, f)
	}
	return p.did(w, r, err, "license.customers.made", views.CustomerPath(made.ID))
}

func (p *pages) customer(w http.ResponseWriter, r *http.Request) error {
	return p.showCustomer(w, r, nil)
}

// showCustomer shows a customer, with the form that was refused, if any.
func (p *pages) showCustomer(w http.ResponseWriter, r *http.Request, change *form.Form) error {
	ctx := r.Context()
	one, err := p.Service.store.Customer(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := views.Customer{Customer: one, Now: p.now(), May: may(r, supportRole), Change: change}
	if change == nil {
		v.Change = form.New("name", one.Name, "email", one.Email, "note", one.Note)
	}
	if v.Cards, v.AllCards, err = p.Service.store.Cards(ctx, store.CardQuery{Customer: one.ID, Now: v.Now, Desc: true, Limit: customerShown}); err != nil {
		return err
	}
	if v.Batches, v.AllBatches, err = p.Service.store.Batches(ctx, store.BatchQuery{Customer: one.ID, Limit: customerShown}); err != nil {
		return err
	}
	if v.Names, err = p.names(ctx); err != nil {
		return err
	}
	var actions []templ.Component
	if may(r, adminRole) {
		actions = append(actions, ui.Button{Label: i18n.T(ctx, "license.accounts.title"), URL: views.AccountsPath(one.ID), Icon: "users"})
	}
	if may(r, adminRole) && len(v.Policies) > 0 {
		actions = append(actions, ui.Button{Label: i18n.T(ctx, "license.batches.new"), URL: "/batches/new?customer=" + url.QueryEscape(one.ID), Icon: "plus"})
	}
	return p.show(w, r, change, web.Page{Title: one.Name, Lead: one.Note, Active: "/customers",
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.customers", "/customers")}, Actions: actions, Body: views.CustomerPage(v)})
}

func (p *pages) changeCustomer(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	_, err = p.Service.catalogue.ChangeCustomer(r.Context(), id, f.Text("name"), f.Text("email"), f.Text("note"), caller(r))
	if take(f, err) {
		return p.showCustomer(w, r, f)
	}
	return p.did(w, r, err, "license.saved", views.CustomerPath(id))
}
