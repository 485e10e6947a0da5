package identity

import (
	"encoding/base64"
	"encoding/json"
	"net/http"

	"guildhall/identity/internal/code"
	"guildhall/platform/audit"
	"guildhall/platform/i18n"
	signin "guildhall/platform/session"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// challenge is what a browser keeps between asking for a code and typing it. It
// is in a cookie and in no address, so that no log and no history has it.
type challenge struct {
	ID    string `json:"c"`
	Email string `json:"e"`
	// ReturnTo is what follows a registration.
	ReturnTo string `json:"r,omitempty"`
}

// challengeCookie keeps the challenges of one purpose.
func challengeCookie(purpose string) string { return "__Host-guildhall-" + purpose }

func keepChallenge(w http.ResponseWriter, purpose string, c challenge) {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // three strings always marshal
	}
	setCookie(w, challengeCookie(purpose), base64.RawURLEncoding.EncodeToString(text), code.Window)
}

// challengeOf is the browser's challenge of a purpose; false without one.
func challengeOf(r *http.Request, purpose string) (c challenge, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(cookie(r, challengeCookie(purpose)))
	if err != nil || json.Unmarshal(text, &c) != nil || c.ID == "" {
		return challenge{}, false
	}
	c.ReturnTo = signin.OwnPath(c.ReturnTo)
	return c, true
}

// lost sends a browser that has no challenge to where one begins.
func (p *pages) lost(w http.ResponseWriter, r *http.Request, to string) error {
	p.public.Flash(w, r, ui.Warn, i18n.T(r.Context(), "identity.code.none"))
	p.public.Redirect(w, r, to)
	return nil
}

// resend sends another letter and leads to back. What it is refused for stands
// on the form that show shows.
func (p *pages) resend(w http.ResponseWriter, r *http.Request, c challenge, by audit.Caller, back string, show func(f *form.Form, err error) error) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	err = p.Accounts.ResendCode(r.Context(), c.ID, by)
	if refused(f, "resend", err) {
		return show(f, err)
	}
	if err != nil {
		return err
	}
	p.public.Flash(w, r, ui.Good, i18n.T(r.Context(), "identity.code.resent"))
	p.public.Redirect(w, r, back)
	return nil
}
