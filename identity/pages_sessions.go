package identity

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

func (p *pages) sessionList(w http.ResponseWriter, r *http.Request, v *visitor) error {
	ctx := r.Context()
	all, err := p.Sessions.List(ctx, v.Account.ID)
	if err != nil {
		return err
	}
	q := ui.ParseList(r.URL, ui.ListOptions{Sorts: []string{"seen", "begun", "device", "from"}, Desc: true})
	sortSessions(ctx, all, q)
	page := views.Sessions{Query: q, Rows: all[min(q.Offset(), len(all)):min(q.Offset()+q.Size, len(all))], Total: len(all), All: len(all),
		This: v.Session.ID, Now: p.Now()}
	return p.showOwn(w, r, v, nil, web.Page{Title: i18n.T(ctx, "identity.nav.sessions"), Lead: i18n.T(ctx, "identity.sessions.lead"), Active: "/sessions",
		Body: views.SessionsPage(page)})
}

// sortSessions sorts in memory: one person has a few.
func sortSessions(ctx context.Context, list []session.Session, q ui.ListQuery) {
	slices.SortStableFunc(list, func(a, b session.Session) int {
		order := a.SeenAt.Compare(b.SeenAt)
		switch q.Sort {
		case "begun":
			order = a.MadeAt.Compare(b.MadeAt)
		case "device":
			order = cmp.Compare(views.Device(ctx, a.UserAgent), views.Device(ctx, b.UserAgent))
		case "from":
			order = cmp.Compare(a.From, b.From)
		}
		if q.Desc {
			return -order
		}
		return order
	})
}

func (p *pages) endSession(w http.ResponseWriter, r *http.Request, v *visitor) error {
	err := p.Sessions.End(r.Context(), v.Account.ID, r.PathValue("id"), v.by())
	if err != nil && !errors.Is(err, session.ErrNotFound) { // it may have ended by itself
		return err
	}
	p.shell.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.sessions.ended"))
	p.shell.Redirect(w, r, "/sessions")
	return nil
}

func (p *pages) endOthers(w http.ResponseWriter, r *http.Request, v *visitor) error {
	if _, err := p.Sessions.EndOthers(r.Context(), v.Account.ID, v.Session.ID, v.by()); err != nil {
		return err
	}
	p.shell.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.sessions.others.done"))
	p.shell.Redirect(w, r, "/sessions")
	return nil
}
