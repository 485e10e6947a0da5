package license

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/cardid"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

const (
	// timelineRead are the events of a card that its page reads: many say the same.
	timelineRead = 500
	usageSpan    = 30 * 24 * time.Hour
)

// cardPages names the pages of cards.
func (p *pages) cardPages(looks, support map[string]page) {
	looks["GET /cards"] = p.cards
	looks["GET /cards/{id}"] = p.card
	looks["POST /cards/find"] = p.findCard
	looks["GET /cards/find"] = p.allCards
	support["POST /cards/{id}/change"] = p.changeCard
	support["POST /cards/{id}/suspend"] = p.suspendCard
	support["POST /cards/{id}/resume"] = p.resumeCard
	support["POST /cards/{id}/revoke"] = p.revokeCard
	support["POST /cards/{id}/extend"] = p.extendCard
	support["POST /cards/{id}/unbind"] = p.unbindCard
	support["POST /cards/{id}/modules"] = p.setCardModules
	support["POST /cards/{id}/bin"] = p.binCard
	support["POST /cards/{id}/restore"] = p.restoreCard
}

func (p *pages) cards(w http.ResponseWriter, r *http.Request) error {
	return p.showCards(w, r, r.URL, nil)
}

// allCards is what is seen of a page that came by POST when another language is chosen.
func (p *pages) allCards(w http.ResponseWriter, r *http.Request) error {
	return p.showCards(w, r, &url.URL{Path: "/cards"}, nil)
}

// listed is the list of cards that an address asks for.
func listed(u *url.URL) ui.ListQuery {
	return ui.ParseList(u, ui.ListOptions{Sorts: []string{"made", "expires", "activated"}, Desc: true,
		Filters: []string{"state", "product", "policy", "batch", "customer", "prefix", "ip", "end_from", "end_to", "made_from", "made_to"}})
}

// showCards lists cards, with the key that no card has, if one was looked for.
func (p *pages) showCards(w http.ResponseWriter, r *http.Request, list *url.URL, find *form.Form) error {
	ctx, q := r.Context(), listed(list)
	v := views.Cards{Query: q, Now: p.now(), May: may(r, adminRole), Acts: may(r, supportRole), Find: find}
	_, err := cardid.Parse(q.Q)
	v.KeyTyped = err == nil
	if v.Rows, v.Total, err = p.Service.store.Cards(ctx, cardQuery(q, v.Now)); err != nil {
		return err
	}
	if v.Names, err = p.names(ctx); err != nil {
		return err
	}
	if v.Customers, _, err = p.Service.store.Customers(ctx, store.CustomerQuery{Limit: offered}); err != nil {
		return err
	}
	if v.Batch, err = p.Service.store.Batch(ctx, q.Filter("batch")); err != nil && !errors.Is(err, store.ErrBatch) {
		return err
	}
	return p.show(w, r, find, web.Page{Title: i18n.T(ctx, "license.nav.cards"), Lead: i18n.T(ctx, "license.cards.lead"), Active: "/cards", Actions: v.Actions(ctx), Body: views.CardsPage(v)})
}

// findCard leads to the card with a whole key. It comes by POST, because addresses are
// kept in histories and logs.
func (p *pages) findCard(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	key, err := cardid.Parse(f.Text("key", form.Required))
	if f.Err() == nil && err != nil {
		f.Fail(fault.Field{Name: "key", Code: "license_no_key", Detail: "This is no card key. Type all of its characters."})
	}
	if f.Err() == nil {
		found, err := p.Service.store.CardOfKey(r.Context(), key.Hash())
		if err == nil {
			p.shell.Redirect(w, r, views.CardPath(found.ID))
			return nil
		}
		if !errors.Is(err, store.ErrCard) {
			return err
		}
		f.Fail(fault.Field{Name: "key", Code: "license_key_unknown", Detail: "No card has this key."})
	}
	return p.showCards(w, r, &url.URL{Path: "/cards"}, f)
}

// cardQuery is what the address of a list asks for.
func cardQuery(q ui.ListQuery, now time.Time) store.CardQuery {
	endFrom, endTo := days(q, "end_from", "end_to")
	madeFrom, madeTo := days(q, "made_from", "made_to")
	c := store.CardQuery{State: q.Filter("state"), Product: q.Filter("product"), Policy: q.Filter("policy"), Batch: q.Filter("batch"), Customer: q.Filter("customer"),
		Prefix: firstGroup(q.Filter("prefix")), Text: q.Q, IP: canonical(q.Filter("ip")), EndFrom: endFrom, EndTo: endTo, MadeFrom: madeFrom, MadeTo: madeTo,
		Now: now, Sort: q.Sort, Desc: q.Desc, Limit: q.Size, Offset: q.Offset()}
	return c
}

// firstGroup is what lists know of a key, of all that was typed of it.
func firstGroup(typed string) string {
	known := cardid.Canonical(typed)
	return known[:min(len(known), cardid.PrefixLength)]
}

func (p *pages) card(w http.ResponseWriter, r *http.Request) error {
	c, err := p.Service.store.Card(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.showCard(w, r, c, "", nil)
}

// showCard shows a card, with what was typed in the form of one of its dialogs when that
// was refused.
func (p *pages) showCard(w http.ResponseWriter, r *http.Request, c store.Card, dialog string, f *form.Form) error {
	ctx := r.Context()
	v := views.Card{Card: c, Now: p.now(), May: may(r, supportRole), Dialog: dialog, Form: f}
	var err error
	if v.Names, err = p.names(ctx); err != nil {
		return err
	}
	if v.Customers, _, err = p.Service.store.Customers(ctx, store.CustomerQuery{Limit: offered}); err != nil {
		return err
	}
	if c.Customer != "" {
		if v.Customer, err = p.Service.store.Customer(ctx, c.Customer); err != nil {
			return err
		}
		if !slices.ContainsFunc(v.Customers, func(o store.Customer) bool { return o.ID == c.Customer }) {
			v.Customers = append(v.Customers, v.Customer) // there are more than are offered
		}
	}
	if v.Environments, err = p.Service.store.Environments(ctx, c.ID); err != nil {
		return err
	}
	if v.Events, v.AllEvents, err = p.Service.store.Events(ctx, store.EventQuery{Card: c.ID, Limit: timelineRead}); err != nil {
		return err
	}
	if v.Usage, err = p.Service.store.Usage(ctx, c.ID, v.Now.Add(-usageSpan)); err != nil {
		return err
	}
	if v.Moves, err = p.Service.cards.Moves(ctx, c); err != nil {
		return err
	}
	return p.show(w, r, f, web.Page{Title: i18n.T(ctx, "license.cards.title", "Prefix", c.Prefix), Lead: c.Note, Active: "/cards",
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.cards", "/cards")}, Actions: []templ.Component{v.Badge(ctx)}, Body: views.CardPage(v)})
}

// cardForm is the form of what is done to a card, and the card's page.
func cardForm(r *http.Request) (f *form.Form, id, back string, err error) {
	f, err = form.Read(r)
	id = r.PathValue("id")
	return f, id, views.CardPath(id), err
}

// changeCard gives a card another policy, customer or note.
func (p *pages) changeCard(w http.ResponseWriter, r *http.Request) error {
	f, id, back, err := cardForm(r)
	if err != nil {
		return err
	}
	_, err = p.Service.cards.Change(r.Context(), id, f.Text("policy"), f.Text("customer"), f.Text("note"), caller(r))
	if take(f, err) {
		return p.showCardAgain(w, r, id, "change", f)
	}
	return p.did(w, r, err, "license.saved", back)
}

func (p *pages) suspendCard(w http.ResponseWriter, r *http.Request) error {
	f, id, back, err := cardForm(r)
	if err != nil {
		return err
	}
	_, err = p.Service.cards.Suspend(r.Context(), id, f.Text("reason"), caller(r))
	return p.did(w, r, err, "license.cards.suspended", back)
}

func (p *pages) resumeCard(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	_, err := p.Service.cards.Resume(r.Context(), id, caller(r))
	return p.did(w, r, err, "license.cards.resumed", views.CardPath(id))
}

// revokeCard asks who it is first: what is revoked stays so.
func (p *pages) revokeCard(w http.ResponseWriter, r *http.Request) error {
	f, id, back, err := cardForm(r)
	if err != nil {
		return err
	}
	if !p.shownRecently(w, r, back) {
		return nil
	}
	_, err = p.Service.cards.Revoke(r.Context(), id, f.Text("reason"), caller(r))
	return p.did(w, r, err, "license.cards.revoked", back)
}

func (p *pages) extendCard(w http.ResponseWriter, r *http.Request) error {
	f, id, back, err := cardForm(r)
	if err != nil {
		return err
	}
	c, err := p.Service.store.Card(r.Context(), id)
	if err != nil {
		return err
	}
	days, until := extension(f)
	if f.Err() != nil {
		return p.showCard(w, r, c, "extend", f)
	}
	_, err = p.Service.cards.Extend(r.Context(), id, days, until, caller(r))
	if take(f, err) {
		return p.showCard(w, r, c, "extend", f)
	}
	return p.did(w, r, err, "license.cards.extended", back)
}

// extension is by how many days or until when a form moves the end of cards.
func extension(f *form.Form) (days int, until time.Time) {
	byDays, byDay := f.Text("days") != "", f.Text("until") != ""
	switch {
	case byDays == byDay:
		f.Fail(fault.Field{Name: "days", Code: "license_days_or_day", Detail: "Give days or a last day, one of the two."})
	case byDays:
		return int(f.Int("days", 1, policy.MaxDays)), until
	}
	if until = f.Date("until"); until.IsZero() {
		return 0, until
	}
	return 0, until.AddDate(0, 0, 1) // the day is in it
}

func (p *pages) unbindCard(w http.ResponseWriter, r *http.Request) error {
	f, id, back, err := cardForm(r)
	if err != nil {
		return err
	}
	_, err = p.Service.cards.Unbind(r.Context(), id, f.Text("reason"), caller(r))
	if take(f, err) {
		return p.showCardAgain(w, r, id, "unbind", f)
	}
	return p.did(w, r, err, "license.cards.unbound", back)
}

// showCardAgain is showCard for a form that was refused.
func (p *pages) showCardAgain(w http.ResponseWriter, r *http.Request, id, dialog string, f *form.Form) error {
	c, err := p.Service.store.Card(r.Context(), id)
	if err != nil {
		return err
	}
	return p.showCard(w, r, c, dialog, f)
}

func (p *pages) setCardModules(w http.ResponseWriter, r *http.Request) error {
	f, id, back, err := cardForm(r)
	if err != nil {
		return err
	}
	var modules []string // nil: those of the policy
	if f.Bool("own") {
		modules = append([]string{}, f.Lines("modules", policy.MaxNames)...)
	}
	if f.Err() != nil {
		return p.showCardAgain(w, r, id, "modules", f)
	}
	_, err = p.Service.cards.SetModules(r.Context(), id, modules, caller(r))
	if take(f, err) {
		return p.showCardAgain(w, r, id, "modules", f)
	}
	return p.did(w, r, err, "license.cards.modules_set", back)
}

func (p *pages) binCard(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	_, err := p.Service.cards.Bin(r.Context(), id, caller(r))
	return p.did(w, r, err, "license.cards.binned", views.CardPath(id))
}

func (p *pages) restoreCard(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	_, err := p.Service.cards.Restore(r.Context(), id, caller(r))
	return p.did(w, r, err, "license.cards.restored", views.CardPath(id))
}
