package ca

import (
	"context"
	"errors"
	"net/http"

	"guildhall/ca/internal/crl"
	"guildhall/ca/internal/store"
	views "guildhall/ca/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

func (p *pages) revocations(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Sorts: []string{store.ByState}, Desc: true, Filters: []string{"profile"}})
	found, err := p.Certificates.List(ctx, store.Filter{Text: q.Q, Status: store.Revoked, Profile: q.Filter("profile"),
		Sort: q.Sort, Ascending: !q.Desc, Cursor: q.Cursor, Limit: q.Size})
	if errors.Is(err, store.ErrCursor) {
		p.shell.Redirect(w, r, q.PageURL(1))
		return nil
	}
	if err != nil {
		return err
	}
	v := views.Revocations{Query: q, Page: found, Now: p.now(), OCSP: p.Certificates.Addresses.OCSP()}
	for _, name := range []string{crl.Issuing, crl.Root} {
		l, err := p.publishedList(ctx, name)
		if err != nil {
			return err
		}
		v.Lists = append(v.Lists, l)
	}
	return p.show(w, r, false, web.Page{Title: i18n.T(ctx, "ca.nav.revocations"), Lead: i18n.T(ctx, "ca.revocations.lead"), Active: "/revocations",
		Body: views.RevocationsPage(v)})
}

func (p *pages) publishedList(ctx context.Context, name string) (views.PublishedList, error) {
	published := views.PublishedList{Name: name, URL: p.Certificates.Addresses.IssuingCRL()}
	if name == crl.Root {
		published.URL = p.Certificates.Addresses.RootCRL()
	}
	l, err := p.Lists.Current(ctx, name)
	if errors.Is(err, crl.ErrNotFound) {
		return published, nil
	}
	published.List = &l
	return published, err
}
