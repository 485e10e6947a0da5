package identity

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/audit"
	"guildhall/platform/i18n"
	signin "guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// pending is a sign-in that waits for its second factor, or session.ErrNone.
func (p *pages) pending(r *http.Request) (*visitor, error) {
	token := cookie(r, pendingCookie)
	s, err := p.Sessions.Find(r.Context(), token)
	if err != nil {
		return nil, err
	}
	if s.Level != session.Pending {
		return nil, session.ErrNone
	}
	a, err := p.Accounts.Get(r.Context(), s.Account)
	if errors.Is(err, account.ErrNotFound) {
		return nil, session.ErrNone
	}
	if err != nil {
		return nil, err
	}
	return &visitor{Account: a, Session: s, Token: token, From: from(r)}, nil
}

// again sends a sign-in that is over back to its beginning.
func (p *pages) again(w http.ResponseWriter, r *http.Request, err error) error {
	if !errors.Is(err, session.ErrNone) {
		return err
	}
	dropCookie(w, pendingCookie)
	p.public.Flash(w, r, ui.Warn, i18n.T(r.Context(), "identity.second.over"))
	p.public.Redirect(w, r, "/sign-in")
	return nil
}

func (p *pages) secondForm(w http.ResponseWriter, r *http.Request) error {
	v, err := p.pending(r)
	if err != nil {
		return p.again(w, r, err)
	}
	q := r.URL.Query()
	return p.showSecond(w, r, v, nil, views.SecondFactor{Way: q.Get("with"), ReturnTo: signin.OwnPath(q.Get("return_to"))})
}

func (p *pages) showSecond(w http.ResponseWriter, r *http.Request, v *visitor, err error, page views.SecondFactor) error {
	factors, trouble := p.Factors.Has(r.Context(), v.Account.ID)
	if trouble != nil {
		return trouble
	}
	page.Email, page.Ways = v.Account.Email, ways(factors)
	if !slices.Contains(page.Ways, page.Way) {
		page.Way = page.Ways[0]
	}
	ctx := r.Context()
	return p.show(w, r, err, web.Page{Title: i18n.T(ctx, "identity.second.title"), Lead: i18n.T(ctx, "identity.second.lead"), Narrow: true,
		Body: views.SecondFactorPage(page)})
}

// ways are the second factors of an account, the usual first. A recovery code is
// always among them: that none is left is no matter of who only knows a password.
func ways(f factor.Factors) []string {
	var list []string
	if f.TOTP {
		list = append(list, views.WayTOTP)
	}
	if f.Passkeys > 0 {
		list = append(list, views.WayPasskey)
	}
	return append(list, views.WayRecovery)
}

func (p *pages) second(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	v, err := p.pending(r)
	if err != nil {
		return p.again(w, r, err)
	}
	page := views.SecondFactor{Form: f, Way: f.Value("with"), ReturnTo: signin.OwnPath(f.Value("return_to"))}
	code := f.Secret("code", form.Required)
	if err := f.Err(); err != nil {
		return p.showSecond(w, r, v, err, page)
	}
	check, method := p.Factors.CheckTOTP, session.MethodTOTP
	// Six digits are never a recovery code, so one is taken wherever it was typed.
	if page.Way == views.WayRecovery || factor.IsRecovery(code) {
		check, method = p.Factors.UseRecovery, session.MethodRecovery
	}
	err = check(r.Context(), v.Account.ID, code, v.by())
	if refused(f, "code", err) {
		return p.showSecond(w, r, v, err, page)
	}
	if err != nil {
		return err
	}
	if method == session.MethodRecovery {
		p.tellLeft(r.Context(), w, r, v.by())
	}
	return p.finish(w, r, v, method, page.ReturnTo)
}

// tellLeft says how many recovery codes there are still.
func (p *pages) tellLeft(ctx context.Context, w http.ResponseWriter, r *http.Request, by audit.Caller) {
	left, err := p.Factors.Left(ctx, by.Actor)
	if err != nil {
		return // the sign-in matters more
	}
	p.public.Flash(w, r, ui.Warn, i18n.T(ctx, "identity.second.left", "Left", left))
}

// finish makes a session of a pending sign-in.
func (p *pages) finish(w http.ResponseWriter, r *http.Request, v *visitor, method, to string) error {
	token, s, err := p.raise(w, r, v.Token, session.Strong, method)
	if err != nil {
		return p.again(w, r, err)
	}
	if err := p.Sessions.SignOut(r.Context(), cookie(r, sessionCookie), v.by()); err != nil {
		return err
	}
	return p.admit(w, r, token, s, to)
}
