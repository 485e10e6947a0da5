package ca

import (
	"errors"
	"net/http"

	"github.com/a-h/templ"

	"guildhall/ca/internal/store"
	views "guildhall/ca/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

func (p *pages) certificates(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Sorts: []string{store.ByIssue, store.ByEnd, store.ByName}, Desc: true, Filters: []string{"status", "profile"}})
	found, err := p.Certificates.List(ctx, store.Filter{Text: q.Q, Status: q.Filter("status"), Profile: q.Filter("profile"),
		Sort: q.Sort, Ascending: !q.Desc, Cursor: q.Cursor, Limit: q.Size})
	if errors.Is(err, store.ErrCursor) { // an old address: the list from its start
		p.shell.Redirect(w, r, q.PageURL(1))
		return nil
	}
	if err != nil {
		return err
	}
	return p.show(w, r, false, web.Page{Title: i18n.T(ctx, "ca.nav.certificates"), Lead: i18n.T(ctx, "ca.list.lead"), Active: "/certificates",
		Actions: issueActions(r),
		Body:    views.CertificatesPage(ctx, views.Certificates{Query: q, Page: found, Now: p.now(), State: p.Certificates.Status, Operator: may(r, operatorRole)})})
}

// issueActions is the button that issues a certificate, for those who may.
func issueActions(r *http.Request) []templ.Component {
	if !may(r, operatorRole) {
		return nil
	}
	return []templ.Component{ui.Button{Label: i18n.T(r.Context(), "ca.issue.title"), URL: "/certificates/new", Primary: true, Icon: "plus"}}
}
