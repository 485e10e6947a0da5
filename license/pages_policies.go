package license

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/policy"
	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// policyPages names the pages of policies.
func (p *pages) policyPages(looks, admin map[string]page) {
	looks["GET /policies"] = p.policies
	looks["GET /policies/{id}"] = p.policy
	admin["GET /policies/new"] = p.newPolicy
	admin["POST /policies/new"] = p.createPolicy
	admin["POST /policies/{id}"] = p.changePolicy
}

func (p *pages) policies(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"product"}})
	v := views.Policies{Query: q, Now: p.now(), May: may(r, adminRole)}
	var err error
	if v.Rows, err = p.Service.catalogue.Policies(ctx, q.Filter("product")); err != nil {
		return err
	}
	if v.Products, err = p.Service.store.Products(ctx); err != nil {
		return err
	}
	v.Total = len(v.Rows)
	v.Rows = v.Rows[min(q.Offset(), v.Total):min(q.Offset()+q.Size, v.Total)]
	var actions []templ.Component
	if v.May && len(v.Products) > 0 {
		actions = append(actions, ui.Button{Label: i18n.T(ctx, "license.policies.new"), URL: "/policies/new", Icon: "plus", Primary: true})
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.policies"), Lead: i18n.T(ctx, "license.policies.lead"), Active: "/policies",
		Actions: actions, Body: views.PoliciesPage(v)})
}

func (p *pages) newPolicy(w http.ResponseWriter, r *http.Request) error {
	rules := policy.Default()
	return p.showNewPolicy(w, r, policyForm(rules, "product", r.URL.Query().Get("product")), rules)
}

func (p *pages) showNewPolicy(w http.ResponseWriter, r *http.Request, f *form.Form, rules policy.Policy) error {
	ctx := r.Context()
	products, err := p.Service.store.Products(ctx)
	if err != nil {
		return err
	}
	body := orBegin(len(products) > 0, views.Names{}, views.PolicyPage(views.Policy{Form: f, Products: products, Rules: rules, May: true}))
	return p.show(w, r, f, web.Page{Title: i18n.T(ctx, "license.policies.new"), Lead: i18n.T(ctx, "license.policies.lead"), Active: "/policies", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.policies", "/policies")}, Body: body})
}

func (p *pages) createPolicy(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	rules, product, name := readPolicy(f), f.Text("product", form.Required), f.Text("name", form.Required)
	if f.Err() != nil || f.Bool("preview") {
		return p.showNewPolicy(w, r, f, rules)
	}
	made, err := p.Service.catalogue.CreatePolicy(r.Context(), product, name, rules, caller(r))
	if take(f, err) {
		return p.showNewPolicy(w, r, f, rules)
	}
	return p.did(w, r, err, "license.policies.made", "/policies/"+made.ID)
}

func (p *pages) policy(w http.ResponseWriter, r *http.Request) error {
	one, err := p.Service.catalogue.Policy(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	f := policyForm(one.Rules, "name", one.Name, "revision", strconv.FormatInt(one.Revision, 10))
	return p.showPolicy(w, r, one, f, one.Rules)
}

func (p *pages) showPolicy(w http.ResponseWriter, r *http.Request, one catalogue.Policy, f *form.Form, rules policy.Policy) error {
	ctx := r.Context()
	product, err := p.Service.store.Product(ctx, one.Product)
	if err != nil {
		return err
	}
	v := views.Policy{Form: f, Policy: one, Product: product, Rules: rules, May: may(r, adminRole)}
	return p.show(w, r, f, web.Page{Title: one.Name, Lead: product.Name, Active: "/policies", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.policies", "/policies")}, Actions: policyActions(ctx, v), Body: views.PolicyPage(v)})
}

func policyActions(ctx context.Context, v views.Policy) []templ.Component {
	actions := []templ.Component{ui.Button{Label: i18n.T(ctx, "license.policies.cards"), URL: "/cards?policy=" + url.QueryEscape(v.ID), Icon: "list"}}
	if v.May {
		actions = append(actions, ui.Button{Label: i18n.T(ctx, "license.batches.new"), URL: "/batches/new?policy=" + url.QueryEscape(v.ID), Icon: "plus"})
	}
	return actions
}

func (p *pages) changePolicy(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	one, err := p.Service.catalogue.Policy(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	rules, name := readPolicy(f), f.Text("name")
	revision, err := strconv.ParseInt(f.Value("revision"), 10, 64)
	if err != nil {
		revision = 0 // nothing has it: the answer is that somebody else changed it
	}
	if f.Err() != nil || f.Bool("preview") {
		return p.showPolicy(w, r, one, f, rules)
	}
	_, err = p.Service.catalogue.ChangePolicy(r.Context(), one.ID, name, rules, revision, caller(r))
	if take(f, err) {
		return p.showPolicy(w, r, one, f, rules)
	}
	return p.did(w, r, err, "license.saved", "/policies/"+one.ID)
}
