package license

import (
	"cmp"
	"net/http"

	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// accountPages names the pages of the accounts that see what a customer has.
func (p *pages) accountPages(admin map[string]page) {
	admin["GET /customers/{id}/accounts"] = p.accounts
	admin["POST /customers/{id}/accounts"] = p.invite
	admin["POST /customers/{id}/accounts/{account}/unlink"] = p.unlinkAccount
	admin["POST /customers/{id}/invitations/{invitation}/withdraw"] = p.withdrawInvitation
}

func (p *pages) accounts(w http.ResponseWriter, r *http.Request) error {
	one, err := p.Service.store.Customer(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.showAccounts(w, r, one, form.New("email", one.Email, "language", i18n.Lang(r.Context())))
}

func (p *pages) showAccounts(w http.ResponseWriter, r *http.Request, one store.Customer, f *form.Form) error {
	ctx := r.Context()
	v := views.Accounts{Customer: one, Form: f, Now: p.now()}
	var err error
	if v.Accounts, err = p.Service.store.Accounts(ctx, one.ID); err != nil {
		return err
	}
	if v.Invitations, err = p.Service.store.Invitations(ctx, one.ID, v.Now); err != nil {
		return err
	}
	return p.show(w, r, f, p.accountsPage(r, one, web.Page{Title: i18n.T(ctx, "license.accounts.title"), Lead: i18n.T(ctx, "license.accounts.lead", "Customer", one.Name), Body: views.AccountsPage(v)}))
}

func (p *pages) accountsPage(r *http.Request, one store.Customer, page web.Page) web.Page {
	page.Active = "/customers"
	page.Crumbs = []web.Crumb{crumb(r.Context(), "license.nav.customers", "/customers"), {Label: one.Name, URL: views.CustomerPath(one.ID)}}
	return page
}

// invite shows the link of a new invitation, this once.
func (p *pages) invite(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	one, err := p.Service.store.Customer(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	made, link, err := p.Service.portal.Invite(ctx, one.ID, f.Text("email"), cmp.Or(f.Text("language"), i18n.Lang(ctx)), caller(r))
	if take(f, err) {
		return p.showAccounts(w, r, one, f)
	}
	if err != nil {
		return p.did(w, r, err, "", views.AccountsPath(one.ID))
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.show(w, r, nil, p.accountsPage(r, one, web.Page{Title: i18n.T(ctx, "license.accounts.invited"), Narrow: true, Once: true,
		Body: views.InvitedPage(made, link)}))
}

func (p *pages) unlinkAccount(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	err := p.Service.portal.Unlink(r.Context(), id, r.PathValue("account"), caller(r))
	return p.did(w, r, err, "license.accounts.unlinked", views.AccountsPath(id))
}

func (p *pages) withdrawInvitation(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	err := p.Service.portal.Withdraw(r.Context(), id, r.PathValue("invitation"), caller(r))
	return p.did(w, r, err, "license.accounts.withdrawn", views.AccountsPath(id))
}
