package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/issuer"
	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
	"guildhall/sdk/go/license/offline"
)

// Licences are a page of the list of offline licences.
type Licences struct {
	Query    ui.ListQuery
	Rows     []store.Licence
	Total    int
	Products []store.Product
	May      bool
	Now      time.Time
}

// Actions are the buttons beside the heading.
func (v Licences) Actions(ctx context.Context) []templ.Component {
	var all []templ.Component
	if v.May && len(v.Products) > 0 {
		all = append(all, ui.Button{Label: i18n.T(ctx, "license.offline.new"), URL: "/offline/new", Icon: "plus", Primary: true})
	}
	return append(all, ui.Button{Label: i18n.T(ctx, "license.offline.look"), URL: "/offline/look", Icon: "search"})
}

func (v Licences) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "licences", Caption: i18n.T(ctx, "license.nav.offline"), Query: v.Query, Total: v.Total, Search: i18n.T(ctx, "license.offline.search"),
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.offline.company")}, {Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.offline.issued")},
			{Label: i18n.T(ctx, "license.end")}, {Label: i18n.T(ctx, "license.note")}},
		Filters: []ui.Filter{{Name: "product", Label: i18n.T(ctx, "license.product"), Options: productOptions(v.Products)},
			{Name: "issued_from", Label: i18n.T(ctx, "license.offline.issued_from"), Type: "date"}, {Name: "issued_to", Label: i18n.T(ctx, "license.offline.issued_to"), Type: "date"},
			{Name: "end_to", Label: i18n.T(ctx, "license.cards.end_to"), Type: "date"}},
		Empty: ui.Empty{Icon: "file", Title: i18n.T(ctx, "license.offline.empty"), Text: i18n.T(ctx, "license.offline.empty.text")}}
	switch {
	case len(v.Products) == 0:
		t.Empty = Names{}.begin(ctx, v.May)
	case v.May:
		t.Empty.Action = ui.Button{Label: i18n.T(ctx, "license.offline.new"), URL: "/offline/new", Icon: "plus"}
	}
	for _, l := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Group{ui.Link{Label: l.Company, URL: "/offline/" + l.ID}, ui.Muted(l.Contact)}, ui.Text(productName(v.Products, l.Product)),
			ui.Time{At: l.IssuedAt, Now: v.Now}, ui.Time{At: l.ExpiresAt.Add(-time.Second), DateOnly: true}, ui.Text(l.Note)})
	}
	return t
}

// NewLicence is a licence that is being filled in.
type NewLicence struct {
	Form *form.Form
	// Request is a request that could not be read; Read is one that was. Both may be nil.
	Request   *form.Form
	Read      *ReadRequest
	Products  []store.Product
	Customers []store.Customer
	// Draft is what would be issued; nil as long as nobody asked, or it is wrong.
	Draft *issuer.Draft
}

// ReadRequest is a request that the form was filled in from.
type ReadRequest struct {
	// File is the name that it had; empty: it was pasted.
	File    string
	Request offline.Request
}

// alert says what was taken over.
func (r ReadRequest) alert(ctx context.Context) ui.Alert {
	title := i18n.T(ctx, "license.offline.was_pasted")
	if r.File != "" {
		title = i18n.T(ctx, "license.offline.was_read", "File", r.File)
	}
	var machines []string
	for _, n := range r.Request.Nodes {
		machines = append(machines, n.Name)
	}
	return ui.Alert{Tone: ui.Good, Title: title, Text: i18n.T(ctx, "license.offline.taken", "Company", listed(r.Request.Company), "Modules", listed(r.Request.Modules...), "Machines", listed(machines...))}
}

// listed is a list in a sentence, a dash where it has nothing.
func listed(all ...string) string { return cmp.Or(strings.Join(all, ", "), "–") }

// begins says that nothing was filled in yet: a request is the way to begin.
func (v NewLicence) begins() bool {
	return v.Draft == nil && v.Read == nil && len(v.Form.Problems()) == 0
}

// asksAgain says whether the request had a licence before, so that another one is to be asked for.
func (v NewLicence) asksAgain() bool {
	return v.Draft != nil && v.Draft.Earlier.ID != "" || v.Form.Problem("again").Code != ""
}

func (v NewLicence) earlier(ctx context.Context) ui.Alert {
	l := v.Draft.Earlier
	return ui.Alert{Tone: ui.Warn, Title: i18n.T(ctx, "license.offline.earlier"), Text: i18n.T(ctx, "license.offline.earlier.text", "ID", l.ID, "Day", i18n.Date(ctx, l.IssuedAt)),
		Actions: []templ.Component{ui.Button{Label: i18n.T(ctx, "license.offline.earlier.open"), URL: "/offline/" + l.ID, Icon: "file"}}}
}

// NodeNumbers are the numbers of those that the form has room for.
func NodeNumbers() []int { return []int{1, 2, 3} }

func licenceLabels(ctx context.Context) map[string]string {
	labels := map[string]string{"request": i18n.T(ctx, "license.offline.request"), "file": i18n.T(ctx, "license.offline.file"), "product": i18n.T(ctx, "license.product"),
		"company": i18n.T(ctx, "license.offline.company"), "contact": i18n.T(ctx, "license.offline.contact"), "modules": i18n.T(ctx, "license.policy.modules"),
		"users": i18n.T(ctx, "license.offline.users"), "from": i18n.T(ctx, "license.offline.from"), "to": i18n.T(ctx, "license.offline.to"),
		"version_from": i18n.T(ctx, "license.offline.version_from"), "version_to": i18n.T(ctx, "license.offline.version_to"),
		"release": i18n.T(ctx, "license.offline.release"), "value": i18n.T(ctx, "license.offline.value"), "note": i18n.T(ctx, "license.note"), "text": i18n.T(ctx, "license.offline.text"),
		"again": i18n.T(ctx, "license.offline.again")}
	for _, n := range NodeNumbers() {
		number := fmt.Sprintf(" (%d)", n)
		labels[fmt.Sprintf("name_%d", n)] = i18n.T(ctx, "license.offline.node") + number
		labels[fmt.Sprintf("public_key_%d", n)] = i18n.T(ctx, "license.offline.public_key") + number
		labels[fmt.Sprintf("identifiers_%d", n)] = i18n.T(ctx, "license.offline.identifiers") + number
	}
	return labels
}

func confidentials(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: "none", Label: i18n.T(ctx, "license.offline.none")},
		{Value: "release", Label: i18n.T(ctx, "license.offline.of_release"), Hint: i18n.T(ctx, "license.offline.of_release.hint")},
		{Value: "value", Label: i18n.T(ctx, "license.offline.own"), Hint: i18n.T(ctx, "license.offline.own.hint")}}
}

// terms are what the draft would say.
func (v NewLicence) terms(ctx context.Context) ui.Definitions {
	all := says(ctx, v.Draft.Claims, v.Draft.Product.Name)
	all = append(all, ui.Term{Name: i18n.T(ctx, "license.offline.signed"), Value: ui.Mono(v.Draft.SigningKey)})
	return append(all, ui.Term{Name: i18n.T(ctx, "license.offline.confidential"), Value: ui.Text(confidential(ctx, v.Draft.Confidential, v.recipients()))})
}

// recipients are those that the draft would be sealed to.
func (v NewLicence) recipients() (all []offline.Recipient) {
	for _, n := range v.Draft.Keys {
		all = append(all, offline.Recipient{Node: n.Name})
	}
	if v.Draft.Code {
		all = append(all, offline.Recipient{Code: true})
	}
	return all
}

// confidential says what the confidential part is, and who opens it.
func confidential(ctx context.Context, what string, recipients []offline.Recipient) string {
	switch what {
	case "":
		return i18n.T(ctx, "license.offline.none")
	case "value":
		what = i18n.T(ctx, "license.offline.own")
	}
	return what + ": " + opens(ctx, recipients)
}

// opens says who opens confidential parts.
func opens(ctx context.Context, recipients []offline.Recipient) string {
	var all []string
	for _, r := range recipients {
		switch {
		case r.Code:
			all = append(all, i18n.T(ctx, "license.offline.opens.code"))
		case r.Key == "":
			all = append(all, i18n.T(ctx, "license.offline.opens.key", "Name", r.Node))
		default:
			all = append(all, i18n.T(ctx, "license.offline.opens.key", "Name", r.Node)+" ("+r.Key+")")
		}
	}
	return strings.Join(all, "; ")
}

// says is what a licence says of itself.
func says(ctx context.Context, c offline.Claims, product string) ui.Definitions {
	all := ui.Definitions{{Name: i18n.T(ctx, "license.offline.company"), Value: ui.Text(c.Licensee.Company)}, {Name: i18n.T(ctx, "license.offline.contact"), Value: ui.Text(c.Licensee.Contact)},
		{Name: i18n.T(ctx, "license.product"), Value: ui.Text(product)}}
	add := func(key string, value templ.Component) {
		all = append(all, ui.Term{Name: i18n.T(ctx, key), Value: value})
	}
	if v := c.Deployment.ProductVersions; v != (offline.Versions{}) {
		add("license.offline.versions", ui.Text(strings.Trim(v.From+" – "+v.To, " ")))
	}
	if len(c.Modules) > 0 {
		add("license.policy.modules", ui.Text(strings.Join(c.Modules, ", ")))
	}
	if c.Restrictions.MaxUsers > 0 {
		add("license.offline.users", ui.Text(i18n.Number(ctx, c.Restrictions.MaxUsers)))
	}
	add("license.offline.issued", ui.Time{At: c.IssuedAt})
	if !c.Restrictions.ValidFrom.IsZero() {
		add("license.offline.from", ui.Time{At: c.Restrictions.ValidFrom})
	}
	if !c.Restrictions.ValidTo.IsZero() {
		add("license.offline.valid_to", ui.Time{At: c.Restrictions.ValidTo})
	}
	add("license.end", ui.Time{At: c.ExpiresAt})
	if len(c.Deployment.Nodes) == 0 {
		add("license.machine", ui.Text(i18n.T(ctx, "license.offline.any")))
	}
	alone := c.Deployment.KeyOnly()
	for _, n := range c.Deployment.Nodes {
		parts := i18n.T(ctx, "license.offline.parts", "Count", len(n.Components))
		if slices.Contains(alone, n.Name) {
			parts = i18n.T(ctx, "license.offline.key_only")
		}
		add("license.machine", ui.Text(n.Name+": "+parts))
	}
	return all
}

// Licence is an offline licence as its page shows it.
type Licence struct {
	store.Licence
	Claims   offline.Claims
	Product  store.Product
	Customer store.Customer
	// Text is empty for those who only look; Code is there once.
	Text, Code string
	Form       *form.Form
	MayNote    bool
}

func (v Licence) terms(ctx context.Context) ui.Definitions {
	all := says(ctx, v.Claims, v.Product.Name)
	if v.Customer.ID != "" {
		all = append(all, ui.Term{Name: i18n.T(ctx, "license.customer"), Value: ui.Link{Label: v.Customer.Name, URL: "/customers/" + v.Customer.ID}})
	}
	return append(all, ui.Term{Name: i18n.T(ctx, "license.offline.confidential"), Value: ui.Text(confidential(ctx, v.Confidential, v.Claims.Recipients()))},
		ui.Term{Name: i18n.T(ctx, "license.offline.signed"), Value: ui.Mono(v.SigningKey)}, ui.Term{Name: i18n.T(ctx, "license.id"), Value: ui.Mono(v.ID), Copy: v.ID})
}

// Look is a text that somebody pasted, and what it turned out to be.
type Look struct {
	Form   *form.Form
	Result *issuer.Looked
}

// verdict is the answer in a word, and why.
func (v Look) verdict(ctx context.Context) ui.Alert {
	l := v.Result
	why := ""
	if l.Refused != nil {
		why = known(ctx, "license.offline.refused."+string(offline.CodeOf(l.Refused)), web.FaultText(ctx, l.Refused))
	}
	switch {
	case !l.Genuine:
		return ui.Alert{Tone: ui.Bad, Title: i18n.T(ctx, "license.offline.forged"), Text: why}
	case l.Refused != nil:
		return ui.Alert{Tone: ui.Warn, Title: i18n.T(ctx, "license.offline.over"), Text: why}
	case l.Record.ID == "":
		return ui.Alert{Tone: ui.Warn, Title: i18n.T(ctx, "license.offline.genuine"), Text: i18n.T(ctx, "license.offline.unrecorded")}
	}
	return ui.Alert{Tone: ui.Good, Title: i18n.T(ctx, "license.offline.genuine"), Text: i18n.T(ctx, "license.offline.genuine.text")}
}

func (v Look) terms(ctx context.Context) ui.Definitions {
	claims := v.Result.Says.Claims
	part := i18n.T(ctx, "license.offline.none")
	if recipients := claims.Recipients(); len(recipients) > 0 {
		part = opens(ctx, recipients)
	}
	return append(says(ctx, claims, claims.Product), ui.Term{Name: i18n.T(ctx, "license.offline.confidential"), Value: ui.Text(part)}, ui.Term{Name: i18n.T(ctx, "license.offline.signed"), Value: ui.Mono(v.Result.Says.KeyID)})
}
