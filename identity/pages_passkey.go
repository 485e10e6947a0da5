package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/session"
	views "guildhall/identity/web"
	"guildhall/platform/fault"
	signin "guildhall/platform/session"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
)

// passkeyScript serves the script of the passkey forms.
func (p *pages) passkeyScript(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "passkey.js", time.Time{}, bytes.NewReader(views.PasskeyScript()))
	return nil
}

// beginPasskey answers the script with what the browser is to be asked, and
// remembers the question in a cookie.
func (p *pages) beginPasskey(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	options, state, err := p.askPasskey(r, f.Value("for"))
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		return p.passkeyProblem(w, r, err)
	}
	setCookie(w, passkeyCookie, state, factor.StateLife)
	_, _ = w.Write(options) //nolint:gosec // JSON, and said to be; the client is gone if this fails
	return nil
}

// passkeyProblem says in the reader's language why nothing can be asked.
func (p *pages) passkeyProblem(w http.ResponseWriter, r *http.Request, err error) error {
	e := fault.As(err)
	if e.Kind == fault.Internal {
		return err
	}
	text, err := json.Marshal(map[string]string{"problem": web.FaultText(r.Context(), e)})
	if err != nil {
		return err
	}
	fault.SetRetryAfter(w.Header(), e)
	w.WriteHeader(e.Kind.Status())
	_, _ = w.Write(text)
	return nil
}

// askPasskey is the question for a use.
func (p *pages) askPasskey(r *http.Request, use string) (options []byte, state string, err error) {
	ctx := r.Context()
	switch use {
	case views.ForSecond:
		v, err := p.pending(r)
		if err != nil {
			return nil, "", err
		}
		return p.Factors.BeginPasskeySignIn(ctx, v.Account.ID)
	case views.ForConfirm:
		v, err := p.visitor(r)
		if err != nil {
			return nil, "", err
		}
		return p.Factors.BeginPasskeySignIn(ctx, v.Account.ID)
	case views.ForAdding:
		v, err := p.visitor(r)
		if err != nil {
			return nil, "", err
		}
		return p.Factors.BeginPasskey(ctx, owner(v))
	default:
		return p.Factors.BeginPasskeySignIn(ctx, "")
	}
}

func owner(v *visitor) factor.Owner {
	return factor.Owner{Account: v.Account.ID, Email: v.Account.Email, Name: v.Account.Name, Session: v.Session.ID}
}

// errNoPasskey is for a form that came without a browser's answer.
var errNoPasskey = fault.New(fault.Invalid, "identity_no_passkey", "No passkey answered. Press the button and follow your browser.")

// usePasskey is whose passkey gave the answer in the form; of account, unless
// that is empty.
func (p *pages) usePasskey(ctx context.Context, r *http.Request, f *form.Form, account string) (string, error) {
	answer := f.Secret("answer")
	if answer == "" {
		return "", errNoPasskey
	}
	by := stranger(r).As(account)
	owner, _, err := p.Factors.FinishPasskeySignIn(ctx, account, cookie(r, passkeyCookie), []byte(answer), by)
	return owner, err
}

// signInByPasskey signs in by a passkey alone, or as the second factor.
func (p *pages) signInByPasskey(w http.ResponseWriter, r *http.Request) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	to := signin.OwnPath(f.Value("return_to"))
	if f.Value("for") == views.ForSecond {
		return p.secondByPasskey(w, r, f, to)
	}
	who, err := p.usePasskey(r.Context(), r, f, "")
	if refused(f, "answer", err) {
		return p.showSignIn(w, r, err, views.SignIn{Passkey: f, ReturnTo: to})
	}
	if err != nil {
		return err
	}
	return p.enter(w, r, session.Start{Account: who, Level: session.Strong, Methods: []string{session.MethodPasskey}, ByFactor: true}, to)
}

func (p *pages) secondByPasskey(w http.ResponseWriter, r *http.Request, f *form.Form, to string) error {
	v, err := p.pending(r)
	if err != nil {
		return p.again(w, r, err)
	}
	_, err = p.usePasskey(r.Context(), r, f, v.Account.ID)
	if refused(f, "answer", err) {
		return p.showSecond(w, r, v, err, views.SecondFactor{Form: f, Way: views.WayPasskey, ReturnTo: to})
	}
	if err != nil {
		return err
	}
	return p.finish(w, r, v, session.MethodPasskey, to)
}
