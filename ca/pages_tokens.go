package ca

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"guildhall/ca/internal/store"
	"guildhall/ca/internal/token"
	views "guildhall/ca/web"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

func (p *pages) tokens(w http.ResponseWriter, r *http.Request) error {
	return p.showTokens(w, r, form.New("lifetime", token.DefaultLifetime.String(), "as", token.NewID()))
}

func (p *pages) showTokens(w http.ResponseWriter, r *http.Request, f *form.Form) error {
	ctx := r.Context()
	all, err := p.Tokens.List(ctx)
	if err != nil {
		return err
	}
	q := ui.ParseList(r.URL, ui.ListOptions{Sorts: []string{"made", "expires", "service"}, Desc: true, Filters: []string{"state"}})
	v := views.Tokens{Query: q, Now: p.now(), Form: f}
	if recent().Check(ctx, v.Now) != nil {
		v.ConfirmURL = recent().URL("/tokens")
	}
	found := chooseTokens(all, q, v.Now)
	v.Total, v.Rows = len(found), found[min(q.Offset(), len(found)):min(q.Offset()+q.Size, len(found))]
	return p.show(w, r, f.Err() != nil, web.Page{Title: i18n.T(ctx, "ca.nav.tokens"), Lead: i18n.T(ctx, "ca.tokens.lead"), Active: "/tokens", Body: views.TokensPage(v)})
}

// chooseTokens searches, filters and sorts. The desk lists some hundreds at
// most, so that memory does it.
func chooseTokens(all []*store.Token, q ui.ListQuery, now time.Time) []*store.Token {
	text, state := strings.ToLower(q.Q), q.Filter("state")
	found := slices.DeleteFunc(all, func(t *store.Token) bool {
		return !strings.Contains(strings.ToLower(t.Service+" "+t.ID+" "+t.MadeBy), text) || state != "" && views.TokenState(t, now) != state
	})
	slices.SortStableFunc(found, func(a, b *store.Token) int {
		order := a.MadeAt.Compare(b.MadeAt)
		switch q.Sort {
		case "expires":
			order = a.ExpiresAt.Compare(b.ExpiresAt)
		case "service":
			order = cmp.Compare(a.Service, b.Service)
		}
		if q.Desc {
			return -order
		}
		return order
	})
	return found
}

func (p *pages) createToken(w http.ResponseWriter, r *http.Request) error {
	if !p.shownRecently(w, r, "/tokens") {
		return nil
	}
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	service, life := f.Text("service", form.Required, form.Max(63)), readTokenLife(f)
	as := f.Value("as")
	if !token.IsID(as) {
		return errMalformedForm
	}
	if f.Err() != nil {
		return p.showTokens(w, r, f)
	}
	text, made, err := p.Tokens.CreateAs(r.Context(), as, service, life, by(r))
	if errors.Is(err, token.ErrMadeBefore) {
		p.shell.Flash(w, r, ui.Info, i18n.T(r.Context(), "fault.join_token_made_before"))
		p.shell.Redirect(w, r, "/tokens")
		return nil
	}
	if e := fault.As(err); err != nil && len(e.Fields) > 0 {
		f.Fail(e.Fields[0])
		return p.showTokens(w, r, f)
	}
	if err != nil {
		return err
	}
	ctx := r.Context()
	secret(w)
	return p.show(w, r, false, web.Page{Title: i18n.T(ctx, "ca.tokens.for", "Service", service), Active: "/tokens", Narrow: true, Once: true,
		Crumbs: []web.Crumb{crumb(ctx, "ca.nav.tokens", "/tokens")},
		Body:   views.NewTokenPage(views.NewToken{Token: made, Text: text.Text(), Config: p.joinConfig(service, text.Text())})})
}

func readTokenLife(f *form.Form) time.Duration {
	var offered []string
	for _, d := range views.TokenLives() {
		offered = append(offered, d.String())
	}
	life, err := time.ParseDuration(f.Choice("lifetime", offered...))
	if err != nil {
		return 0 // Choice has noted it
	}
	return life
}

// joinConfig is the part of the other host's configuration by which it finds
// this authority and enrols.
func (p *pages) joinConfig(service, text string) string {
	return fmt.Sprintf("peers:\n  urls:\n    ca: %s\n  join_tokens:\n    %s: %s\n", p.InternalURL, service, text)
}

func (p *pages) withdrawToken(w http.ResponseWriter, r *http.Request) error {
	if err := p.Tokens.Withdraw(r.Context(), r.PathValue("id"), by(r)); err != nil {
		return err
	}
	p.shell.Flash(w, r, ui.Good, i18n.T(r.Context(), "ca.tokens.gone"))
	p.shell.Redirect(w, r, "/tokens")
	return nil
}
