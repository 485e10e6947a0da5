package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/ca/internal/crl"
	"guildhall/ca/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Revocations is one page of what was revoked, and where clients learn of it.
type Revocations struct {
	Query ui.ListQuery
	Page  store.Page
	Now   time.Time
	Lists []PublishedList
	// OCSP is the responder's address.
	OCSP string
}

// PublishedList is a revocation list and its address.
type PublishedList struct {
	Name, URL string
	// List is nil when there is none yet.
	List *crl.List
}

func (l PublishedList) title(ctx context.Context) string {
	if l.Name == crl.Root {
		return i18n.T(ctx, "ca.crl.root")
	}
	return i18n.T(ctx, "ca.crl.issuing")
}

func (l PublishedList) fresh(ctx context.Context, now time.Time) templ.Component {
	if now.Before(l.List.NextUpdate) {
		return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "ca.crl.current")}
	}
	return ui.Badge{Tone: ui.Bad, Label: i18n.T(ctx, "ca.crl.over")}
}

func (l PublishedList) terms(ctx context.Context, now time.Time) ui.Definitions {
	return ui.Definitions{
		{Name: i18n.T(ctx, "ca.col.state"), Value: l.fresh(ctx, now)},
		{Name: i18n.T(ctx, "ca.crl.number"), Value: ui.Mono(number(l.List.Number))},
		{Name: i18n.T(ctx, "ca.crl.entries"), Value: ui.Text(i18n.Number(ctx, l.List.Entries))},
		{Name: i18n.T(ctx, "ca.crl.this"), Value: ui.Time{At: l.List.ThisUpdate}},
		{Name: i18n.T(ctx, "ca.crl.next"), Value: ui.Time{At: l.List.NextUpdate}},
		{Name: i18n.T(ctx, "ca.crl.address"), Value: ui.Link{Label: l.URL, URL: l.URL}, Copy: l.URL},
	}
}

func (v Revocations) table(ctx context.Context) templ.Component {
	t := ui.Table{ID: "revocations", Caption: i18n.T(ctx, "ca.nav.revocations"), Query: v.Query, Total: -1, Next: v.Page.Next,
		Search: i18n.T(ctx, "ca.list.search"), Filters: listFilters(ctx)[1:],
		Columns: []ui.Column{{Label: i18n.T(ctx, "ca.col.name")}, {Label: i18n.T(ctx, "ca.col.reason")}, {Label: i18n.T(ctx, "ca.col.profile")},
			{Label: i18n.T(ctx, "ca.col.serial")}, {Label: i18n.T(ctx, "ca.col.revoked"), Sort: store.ByState}, {Label: i18n.T(ctx, "ca.col.expires")}},
		Empty: ui.Empty{Icon: "check", Title: i18n.T(ctx, "ca.revocations.empty"), Text: i18n.T(ctx, "ca.revocations.empty.text"),
			Action: ui.Button{Label: i18n.T(ctx, "ca.nav.certificates"), URL: "/certificates", Icon: "certificate"}}}
	for _, r := range v.Page.Records {
		t.Rows = append(t.Rows, ui.Row{nameCell(r), ui.Text(ReasonName(ctx, r.Reason)), ui.Text(ProfileName(ctx, r.Profile)),
			shortSerial(r.Serial), ui.Time{At: r.RevokedAt}, ui.Time{At: r.NotAfter, Now: v.Now}})
	}
	return t
}
