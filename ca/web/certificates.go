package web

import (
	"context"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Certificates is one page of the list.
type Certificates struct {
	Query ui.ListQuery
	Page  store.Page
	Now   time.Time
	// State is the state of a certificate at this moment.
	State func(*store.Record) string
	// Operator says that the reader may issue certificates.
	Operator bool
}

// CertificatesPage lists them.
func CertificatesPage(ctx context.Context, c Certificates) templ.Component {
	return ui.Table{
		ID: "certificates", Caption: i18n.T(ctx, "ca.nav.certificates"), Query: c.Query, Total: -1, Next: c.Page.Next,
		Search: i18n.T(ctx, "ca.list.search"), Filters: listFilters(ctx), Rows: c.rows(ctx),
		Columns: []ui.Column{
			{Label: i18n.T(ctx, "ca.col.name"), Sort: store.ByName}, {Label: i18n.T(ctx, "ca.col.state")},
			{Label: i18n.T(ctx, "ca.col.profile")}, {Label: i18n.T(ctx, "ca.col.serial")},
			{Label: i18n.T(ctx, "ca.col.issued"), Sort: store.ByIssue}, {Label: i18n.T(ctx, "ca.col.expires"), Sort: store.ByEnd},
		},
		Empty: c.empty(ctx),
	}
}

// empty says that there is nothing yet and, to those who may, what to do about it.
func (c Certificates) empty(ctx context.Context) ui.Empty {
	e := ui.Empty{Icon: "certificate", Title: i18n.T(ctx, "ca.list.empty")}
	if c.Operator {
		e.Text = i18n.T(ctx, "ca.list.empty.text")
		e.Action = ui.Button{Label: i18n.T(ctx, "ca.issue.title"), URL: "/certificates/new", Primary: true, Icon: "plus"}
	}
	return e
}

func listFilters(ctx context.Context) []ui.Filter {
	states := ui.Filter{Name: "status", Label: i18n.T(ctx, "ca.col.state")}
	for _, s := range []string{store.Valid, store.Expiring, store.Expired, store.Revoked} {
		states.Options = append(states.Options, ui.Option{Value: s, Label: StateName(ctx, s)})
	}
	profiles := ui.Filter{Name: "profile", Label: i18n.T(ctx, "ca.col.profile")}
	for _, name := range []string{profile.Server, profile.Client, profile.User, profile.Service, profile.OCSP} {
		profiles.Options = append(profiles.Options, ui.Option{Value: name, Label: ProfileName(ctx, name)})
	}
	return []ui.Filter{states, profiles}
}

func (c Certificates) rows(ctx context.Context) []ui.Row {
	rows := make([]ui.Row, 0, len(c.Page.Records))
	for _, r := range c.Page.Records {
		rows = append(rows, ui.Row{nameCell(r), StateBadge(ctx, c.State(r)), ui.Text(ProfileName(ctx, r.Profile)),
			shortSerial(r.Serial), ui.Time{At: r.IssuedAt, DateOnly: true}, ui.Time{At: r.NotAfter, Now: c.Now}})
	}
	return rows
}

// nameCell is the certificate's name as a link, and how many more it has.
func nameCell(r *store.Record) templ.Component {
	link := ui.Link{Label: Title(r), URL: URL(r)}
	if len(r.Names) < 2 {
		return link
	}
	return ui.Group{link, ui.Muted("+" + strconv.Itoa(len(r.Names)-1))}
}

// shortSerial is the beginning of a serial number, enough to tell rows apart.
func shortSerial(serial string) templ.Component {
	if len(serial) <= 12 {
		return ui.Mono(serial)
	}
	return ui.Group{ui.Mono(serial[:12] + "…"), ui.Copy{Text: serial, What: serial}}
}
