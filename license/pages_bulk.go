package license

import (
	"net/http"
	"net/url"
	"slices"

	"guildhall/license/internal/card"
	views "guildhall/license/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
	wire "guildhall/sdk/go/license/manage"
)

// maxBulk is how many cards something is done to at once, as in the API.
const maxBulk = 1000

// bulkPages names the pages of what is done to many cards.
func (p *pages) bulkPages(support map[string]page) {
	support["POST /cards/choose"] = p.chooseCards
	support["POST /cards/do"] = p.actOnCards
	support["GET /cards/choose"] = p.allCards
	support["GET /cards/do"] = p.allCards
}

// bulk is what a form asks to be done, to cards that there are.
func (p *pages) bulk(r *http.Request) (v views.Bulk, err error) {
	f, err := form.Read(r)
	if err != nil {
		return v, err
	}
	v = views.Bulk{Do: f.Choice("do", views.BulkActions()...), Query: f.Value("query"), Form: f, Now: p.now()}
	if err := f.Err(); err != nil {
		return v, err
	}
	if f.Bool("all") {
		q := cardQuery(listed(&url.URL{Path: "/cards", RawQuery: v.Query}), v.Now)
		q.Limit, q.Offset = maxBulk+1, 0
		v.Cards, _, err = p.Service.store.Cards(r.Context(), q)
		return v, err
	}
	ids := f.All("id")
	if len(ids) > maxBulk {
		ids = ids[:maxBulk+1] // enough to be refused
	}
	found, err := p.Service.store.CardsByID(r.Context(), ids)
	for _, id := range ids {
		if c, ok := found[id]; ok {
			v.Cards = append(v.Cards, c)
			delete(found, id) // who says it twice means it once
		}
	}
	return v, err
}

// bulkOf is bulk for cards that something can be done to; else the reader is told why
// not, and sent back.
func (p *pages) bulkOf(w http.ResponseWriter, r *http.Request) (v views.Bulk, ok bool, err error) {
	v, err = p.bulk(r)
	if err != nil {
		return v, false, err
	}
	var wrong string
	switch {
	case len(v.Cards) == 0:
		wrong = "license.bulk.none"
	case len(v.Cards) > maxBulk:
		wrong = "license.bulk.too_many"
	case v.Do == "revoke" && !p.shownRecently(w, r, v.Back()): // what is revoked stays so
		return v, false, nil
	default:
		return v, true, nil
	}
	p.shell.Flash(w, r, ui.Warn, i18n.T(r.Context(), wrong))
	p.shell.Redirect(w, r, v.Back())
	return v, false, nil
}

// chooseCards asks what is to be said about it, and names how many cards it is.
func (p *pages) chooseCards(w http.ResponseWriter, r *http.Request) error {
	v, ok, err := p.bulkOf(w, r)
	if !ok {
		return err
	}
	v.Form = nil
	return p.showBulk(w, r, v)
}

func (p *pages) showBulk(w http.ResponseWriter, r *http.Request, v views.Bulk) error {
	ctx := r.Context()
	return p.show(w, r, v.Form, web.Page{Title: v.Title(ctx), Active: "/cards", Narrow: true, Crumbs: []web.Crumb{crumb(ctx, "license.nav.cards", v.Back())}, Body: views.BulkPage(v)})
}

func (p *pages) actOnCards(w http.ResponseWriter, r *http.Request) error {
	v, ok, err := p.bulkOf(w, r)
	if !ok {
		return err
	}
	f, ctx, by := v.Form, r.Context(), caller(r)
	a := wire.CardAction{Action: v.Do, Reason: f.Text("reason")}
	if v.Do == "extend" {
		a.Days, a.Until = extension(f)
	}
	if f.Err() != nil {
		return p.showBulk(w, r, v)
	}
	done, left, last := 0, 0, error(nil)
	for _, c := range v.Cards {
		_, err := p.Service.act(ctx, c.ID, a, by)
		refused := fault.As(err)
		switch {
		case err == nil:
			done++
		case refused.Kind == fault.Internal || refused.Kind == fault.Unavailable:
			return err
		case done == 0 && last == nil && wrongForAll(refused):
			take(f, err)
			return p.showBulk(w, r, v)
		case refused.Code == card.ErrState.Code: // as the page said
			left++
		default:
			last = err
		}
	}
	switch {
	case last == nil && left == 0:
		p.shell.Flash(w, r, ui.Good, i18n.T(ctx, "license.bulk.done", "Count", done))
	case last == nil:
		p.shell.Flash(w, r, ui.Warn, i18n.T(ctx, "license.bulk.left", "Done", done, "Count", left))
	default:
		why := web.FaultText(ctx, last)
		if fields := fault.As(last).Fields; len(fields) > 0 {
			why = ui.Problem(ctx, ownField(fields[0]))
		}
		p.shell.Flash(w, r, ui.Warn, i18n.T(ctx, "license.bulk.partly", "Done", done, "Count", len(v.Cards)-done, "Why", why))
	}
	p.shell.Redirect(w, r, v.Back())
	return nil
}

// wrongForAll says that what was typed is wrong whatever the card.
func wrongForAll(e *fault.Error) bool {
	return slices.ContainsFunc(e.Fields, func(f fault.Field) bool { return f.Code != "endless" && f.Code != "too_late" })
}
