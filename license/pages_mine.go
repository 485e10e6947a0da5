package license

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"guildhall/license/internal/policy"
	"guildhall/license/internal/portal"
	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// mineShown are those of a card's events that its customer is shown from.
const mineShown = 200

// minePages names the pages of customers, who need an account and no role. Each shows
// what the account's customers have: everything else does not exist for it.
func (p *pages) minePages() map[string]page {
	return map[string]page{
		"GET /mine":                         p.mine,
		"GET /mine/cards/{id}":              p.myCard,
		"POST /mine/cards/{id}/unbind":      p.moveMyCard,
		"GET /mine/cards/{id}/files/{file}": p.downloadMine,
		"GET /mine/licences":                p.myLicences,
		"GET /mine/licences/{id}/text":      p.myLicenceText,
		"GET " + portal.Path:                p.invitation,
		"POST " + portal.Path:               p.acceptInvitation,
	}
}

// mountMine registers them.
func (p *pages) mountMine(mux *http.ServeMux) {
	for pattern, h := range p.minePages() {
		guarded := session.RequirePerson(p.public.Error)(p.answerIn(p.own, h))
		if pattern == "GET "+portal.Path {
			guarded = p.greet(guarded)
		}
		mux.Handle(pattern, guarded)
	}
}

// greet tells a visitor what the link of an invitation is for, before he signs in. It does
// not tell whether the link is good.
func (p *pages) greet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		signIn := session.StartURL(ctx, r.URL.RequestURI())
		if signIn == "" || !errors.Is(session.CheckPerson(ctx), session.ErrUnauthenticated) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store") // the page holds the link
		p.public.Render(w, r, http.StatusOK, web.Page{Title: i18n.T(ctx, "license.invitation.greeting"), Narrow: true, Body: views.GreetingPage(signIn)})
	})
}

// refuse sends a customer who opens the start page to what is his.
func (p *pages) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.URL.Path == "/" && session.CheckPerson(r.Context()) == nil {
		p.own.Redirect(w, r, "/mine")
		return
	}
	p.public.Error(w, r, err)
}

// account is who asks; the pages of customers let nobody else in.
func account(r *http.Request) session.Principal {
	who, _ := session.From(r.Context())
	return who
}

func (p *pages) mine(w http.ResponseWriter, r *http.Request) error {
	ctx, who := r.Context(), account(r)
	v := views.Mine{Query: ui.ParseList(r.URL, ui.ListOptions{}), Now: p.now()}
	var err error
	if v.Customers, err = p.Service.store.CustomersOf(ctx, who.ID); err != nil {
		return err
	}
	cards, total, err := p.Service.store.CardsOf(ctx, who.ID, v.Query.Size, v.Query.Offset())
	if err != nil {
		return err
	}
	v.Total = total
	for _, c := range cards {
		environments, err := p.Service.store.Environments(ctx, c.ID)
		if err != nil {
			return err
		}
		v.Rows = append(v.Rows, views.MyCard{Card: c, Environments: environments})
	}
	if v.Products, err = p.Service.store.Products(ctx); err != nil {
		return err
	}
	return p.showMine(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.mine"), Lead: v.Lead(ctx), Body: views.MinePage(v)})
}

func (p *pages) showMine(w http.ResponseWriter, r *http.Request, f *form.Form, page web.Page) error {
	status := http.StatusOK
	if len(f.Problems()) > 0 { // there may be no form
		status = http.StatusUnprocessableEntity
	}
	page.Active = cmp.Or(page.Active, "/mine")
	p.own.Render(w, r, status, page)
	return nil
}

func (p *pages) myCard(w http.ResponseWriter, r *http.Request) error {
	c, err := p.Service.store.CardOf(r.Context(), account(r).ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.showMyCard(w, r, c, nil)
}

// showMyCard shows a card, with the form that moves it when that was refused.
func (p *pages) showMyCard(w http.ResponseWriter, r *http.Request, c store.Card, f *form.Form) error {
	ctx := r.Context()
	v := views.MyCardDetail{MyCard: views.MyCard{Card: c}, Now: p.now(), Form: f}
	var err error
	if v.Environments, err = p.Service.store.Environments(ctx, c.ID); err != nil {
		return err
	}
	if v.Events, _, err = p.Service.store.Events(ctx, store.EventQuery{Card: c.ID, Limit: mineShown}); err != nil {
		return err
	}
	if v.Moves, err = p.Service.cards.Moves(ctx, c); err != nil {
		return err
	}
	v.Files, v.NoFiles = p.Service.files.Own(ctx, c)
	if e := fault.As(v.NoFiles); v.NoFiles != nil && e.Kind != fault.Forbidden {
		return v.NoFiles
	}
	rules, err := p.Service.store.Policy(ctx, c.Policy)
	if err != nil {
		return err
	}
	if v.Rules, err = policy.Parse([]byte(rules.Body)); err != nil {
		return err
	}
	product, err := p.Service.store.Product(ctx, c.Product)
	if err != nil {
		return err
	}
	return p.showMine(w, r, f, web.Page{Title: i18n.T(ctx, "license.cards.title", "Prefix", c.Prefix), Lead: product.Name,
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.mine", "/mine")}, Body: views.MyCardPage(v)})
}

func (p *pages) moveMyCard(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	who, id := account(r), r.PathValue("id")
	c, err := p.Service.store.CardOf(r.Context(), who.ID, id) // somebody else's has no form to be wrong
	if err != nil {
		return err
	}
	_, err = p.Service.cards.Move(r.Context(), who.ID, id, f.Text("reason"), caller(r))
	if take(f, err) {
		return p.showMyCard(w, r, c, f)
	}
	return p.did(w, r, dated(r.Context(), err), "license.mine.moved", views.MyCardPath(id))
}

// downloadMine sends a file that one of the customer's cards gives him.
func (p *pages) downloadMine(w http.ResponseWriter, r *http.Request) error {
	c, err := p.Service.store.CardOf(r.Context(), account(r).ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	what, err := p.Service.files.OwnDownload(r.Context(), c, r.PathValue("file"), caller(r).Actor)
	if err != nil {
		return err
	}
	return sendFile(w, r, p.Service.files, p.Service.log, what)
}

// myLicences lists the offline licences that were issued to the account's customers.
func (p *pages) myLicences(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v := views.MyLicences{Query: ui.ParseList(r.URL, ui.ListOptions{}), Now: p.now()}
	var err error
	if v.Rows, v.Total, err = p.Service.store.LicencesOf(ctx, account(r).ID, v.Query.Size, v.Query.Offset()); err != nil {
		return err
	}
	if v.Products, err = p.Service.store.Products(ctx); err != nil {
		return err
	}
	return p.showMine(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.offline"), Lead: i18n.T(ctx, "license.mine.offline.lead"), Active: "/mine/licences",
		Body: views.MyLicencesPage(v)})
}

func (p *pages) myLicenceText(w http.ResponseWriter, r *http.Request) error {
	one, err := p.Service.store.LicenceOf(r.Context(), account(r).ID, r.PathValue("id"))
	if err != nil {
		return err
	}
	return sendLicence(w, one)
}

// dated is an error whose argument Next, a time, is written for the reader.
func dated(ctx context.Context, err error) error {
	if next, ok := fault.As(err).Args["Next"].(time.Time); ok {
		return fault.As(err).With(map[string]any{"Next": i18n.DateTime(ctx, next)})
	}
	return err
}

// invitation asks whether the account that is signed in shall see a customer's things.
// Looking uses nothing up.
func (p *pages) invitation(w http.ResponseWriter, r *http.Request) error {
	ctx, link := r.Context(), r.URL.Query().Get("link")
	customer, err := p.Service.portal.Invited(ctx, link, account(r).ID)
	if errors.Is(err, portal.ErrAccepted) {
		p.own.Redirect(w, r, "/mine")
		return nil
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store") // the page holds the link
	return p.showMine(w, r, nil, web.Page{Title: i18n.T(ctx, "license.invitation.title", "Customer", customer.Name), Narrow: true,
		Body: views.InvitationPage(link, customer.Name, account(r).Name)})
}

func (p *pages) acceptInvitation(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	who := account(r)
	if err := p.Service.portal.Accept(r.Context(), f.Value("link"), who.ID, who.Name, caller(r)); err != nil && !errors.Is(err, portal.ErrAccepted) {
		return err
	}
	return p.did(w, r, nil, "license.invitation.accepted", "/mine")
}
