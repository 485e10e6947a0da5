package license

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/a-h/templ"

	"guildhall/license/internal/card"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	views "guildhall/license/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// offered is how many customers a choice offers.
const offered = 1000

// batchPages names the pages of batches.
func (p *pages) batchPages(looks, admin map[string]page) {
	looks["GET /batches"] = p.batches
	looks["GET /batches/{id}"] = p.batch
	admin["GET /batches/new"] = p.newBatch
	admin["POST /batches/new"] = p.orderBatch
	admin["POST /batches/{id}/export"] = p.exportBatch
}

func (p *pages) batches(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Filters: []string{"product"}})
	v := views.Batches{Query: q, Now: p.now(), May: may(r, adminRole)}
	var err error
	if v.Rows, v.Total, err = p.Service.store.Batches(ctx, store.BatchQuery{Product: q.Filter("product"), Limit: q.Size, Offset: q.Offset()}); err != nil {
		return err
	}
	if v.Names, err = p.names(ctx); err != nil {
		return err
	}
	var actions []templ.Component
	if v.May && len(v.Policies) > 0 {
		actions = append(actions, ui.Button{Label: i18n.T(ctx, "license.batches.new"), URL: "/batches/new", Icon: "plus", Primary: true})
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.nav.batches"), Lead: i18n.T(ctx, "license.batches.lead"), Active: "/batches",
		Actions: actions, Body: views.BatchesPage(v)})
}

func (p *pages) newBatch(w http.ResponseWriter, r *http.Request) error {
	return p.showNewBatch(w, r, form.New("policy", r.URL.Query().Get("policy"), "customer", r.URL.Query().Get("customer"), "count", "10", "days", "0"))
}

func (p *pages) showNewBatch(w http.ResponseWriter, r *http.Request, f *form.Form) error {
	ctx := r.Context()
	names, err := p.names(ctx)
	if err != nil {
		return err
	}
	customers, _, err := p.Service.store.Customers(ctx, store.CustomerQuery{Limit: offered})
	if err != nil {
		return err
	}
	body := orBegin(len(names.Policies) > 0, names, views.NewBatchPage(views.NewBatch{Form: f, Names: names, Customers: customers}))
	return p.show(w, r, f, web.Page{Title: i18n.T(ctx, "license.batches.new"), Lead: i18n.T(ctx, "license.batches.lead"), Active: "/batches", Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "license.nav.batches", "/batches")}, Body: body})
}

func (p *pages) orderBatch(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	o := card.Order{Policy: f.Text("policy", form.Required), Customer: f.Text("customer"), Count: int(f.Int("count", 1, card.MaxBatch)),
		Days: int(f.Int("days", 0, policy.MaxDays)), EndsAt: f.Date("ends_at"), Note: f.Text("note")}
	if !o.EndsAt.IsZero() {
		o.EndsAt = o.EndsAt.AddDate(0, 0, 1) // the day is in it
	}
	if f.Err() != nil {
		return p.showNewBatch(w, r, f)
	}
	made, err := p.Service.cards.Order(r.Context(), o, caller(r))
	if take(f, err) {
		return p.showNewBatch(w, r, f)
	}
	return p.did(w, r, err, "license.batches.ordered", "/batches/"+made.ID)
}

func (p *pages) batch(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	b, err := p.Service.store.Batch(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := views.Batch{Batch: b, Again: card.Again, Now: p.now(), May: may(r, adminRole)}
	if recent().Check(ctx, v.Now) != nil {
		v.ConfirmURL = recent().URL("/batches/" + b.ID)
	}
	if v.Names, err = p.names(ctx); err != nil {
		return err
	}
	if b.Customer != "" {
		if v.Customer, err = p.Service.store.Customer(ctx, b.Customer); err != nil {
			return err
		}
	}
	return p.show(w, r, nil, web.Page{Title: i18n.T(ctx, "license.batches.title", "Count", b.Wanted), Lead: b.Note, Active: "/batches",
		Crumbs:  []web.Crumb{crumb(ctx, "license.nav.batches", "/batches")},
		Actions: []templ.Component{ui.Button{Label: i18n.T(ctx, "license.policies.cards"), URL: "/cards?batch=" + b.ID, Icon: "list"}}, Body: views.BatchPage(v)})
}

// exportBatch sends the keys of a batch as a file, the only time that there are any.
func (p *pages) exportBatch(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	b, err := p.Service.store.Batch(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if !p.shownRecently(w, r, "/batches/"+b.ID) {
		return nil
	}
	kind := f.Choice("format", "csv", "json")
	if err := f.Err(); err != nil {
		return err
	}
	keys, err := p.Service.cards.Export(r.Context(), b.ID, caller(r))
	if err != nil {
		return p.did(w, r, err, "", "/batches/"+b.ID)
	}
	content, mediaType := []byte(card.CSV(keys)), "text/csv; charset=utf-8"
	if kind == "json" {
		mediaType = "application/json"
		if content, err = json.MarshalIndent(map[string]any{"batch": b.ID, "keys": keys}, "", "  "); err != nil {
			return fmt.Errorf("write the card keys: %w", err)
		}
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", `attachment; filename="`+b.ID+"."+kind+`"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(content) //nolint:gosec // no HTML: the client is gone if this fails, and can export again for a while
	return nil
}
