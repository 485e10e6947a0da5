package authorize

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

func TestService(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for name, test := range map[string]func(*testing.T, *world){
			"a person allows an application once":             allowsOnce,
			"more is asked for alone":                         asksForMore,
			"without scopes it is asked once too":             asksForNothing,
			"a person refuses":                                denies,
			"without asking":                                  asksNothing,
			"who it is must be shown again":                   showsAgain,
			"age is measured from the sign-in":                grows,
			"an account is chosen":                            chooses,
			"a second factor is asked for":                    stepsUp,
			"a level is demanded":                             demands,
			"a password of another comes first":               mustChange,
			"an ID token says who is meant":                   hinted,
			"the company's own application asks nothing":      trusted,
			"what could be impersonated asks each time":       impersonated,
			"what an application lost meanwhile it gets not":  lost,
			"a pushed request is good once":                   pushed,
			"a pushed request is read when it is pushed":      pushedWrong,
			"some must push":                                  mustPush,
			"a request is over after ten minutes":             over,
			"a second click is answered, a later one not":     clicksTwice,
			"an application that was changed meanwhile":       changedMeanwhile,
			"tokens in the fragment":                          implicitly,
			"who was signed out meanwhile":                    signedOut,
			"nobody is allowed who has to show something":     notYet,
			"what is not known is not answered":               unknown,
			"what has no value is not there":                  withoutValue,
			"many browsers come with the same pushed request": race,
			"the application's key and audience are kept":     bindings,
			"somebody else's consent is nobody's":             ownConsent,
			"a withdrawn consent is asked for again":          withdrawn,
			"an access token is no hint":                      noHint,
		} {
			t.Run(name, func(t *testing.T) { test(t, w.fresh(t)) })
		}
	})
}

func allowsOnce(t *testing.T, w *world) {
	c := w.app(t, nil)
	request := w.asks(t, c, "nonce", "n1", "claims", `{"id_token":{"email":null}}`)
	w.next(t, request, nil, SignIn)
	step := w.next(t, request, w.ann, Consent)
	if step.Client.Name != "Shop" || !slices.Equal(step.Scopes, oauth.Scopes{"openid", "email"}) || step.Local {
		t.Errorf("asked is %+v", step)
	}
	answer, err := w.Approve(t.Context(), request, *w.ann)
	must(t, err)
	g := w.redeem(t, answer)
	if g.Account != w.ann.Account || g.Client != c.ID || g.Session != w.ann.Session || g.Offline || g.Nonce != "n1" || g.ACR != "aal1" ||
		!slices.Equal(g.AMR, []string{"pwd"}) || !g.AuthTime.Equal(w.ann.AuthenticatedAt) || !slices.Equal(g.Scopes, step.Scopes) || !strings.Contains(string(g.Claims), "email") {
		t.Errorf("the grant is %+v", g)
	}
	w.redeem(t, w.next(t, w.asks(t, c), w.ann, Done).Answer)
}

func (w *world) allow(t *testing.T, c client.Client, changes ...string) {
	t.Helper()
	request := w.asks(t, c, changes...)
	w.next(t, request, w.ann, Consent)
	_, err := w.Approve(t.Context(), request, *w.ann)
	must(t, err)
}

func asksForMore(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c, "scope", "openid email")
	step := w.next(t, w.asks(t, c, "scope", "openid profile offline_access"), w.ann, Consent)
	if !slices.Equal(step.Scopes, oauth.Scopes{"profile", "offline_access"}) {
		t.Errorf("asked is %q", step.Scopes)
	}
	answer, err := w.Approve(t.Context(), step.Request.ID, *w.ann)
	must(t, err)
	if g := w.redeem(t, answer); !g.Offline || !slices.Equal(g.Scopes, oauth.Scopes{"openid", "profile", "offline_access"}) {
		t.Errorf("the grant is %+v", g)
	}
	w.next(t, w.asks(t, c, "scope", "email profile"), w.ann, Done)
	if all := w.next(t, w.asks(t, c, "scope", "openid", "prompt", "consent"), w.ann, Consent); !slices.Equal(all.Scopes, oauth.Scopes{"openid"}) {
		t.Errorf("prompt=consent asks for %q", all.Scopes)
	}
}

func asksForNothing(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c, "scope", "-")
	w.next(t, w.asks(t, c, "scope", "-"), w.ann, Done)
	w.next(t, w.asks(t, c), w.ann, Consent)
}

func denies(t *testing.T, w *world) {
	request := w.asks(t, w.app(t, nil))
	answer, err := w.Deny(t.Context(), request)
	must(t, err)
	fails(t, answer, oauth.AccessDenied)
	w.Clock.Advance(again)
	_, err = w.Approve(t.Context(), request, *w.ann)
	wants(t, err, ErrOver)
}

func asksNothing(t *testing.T, w *world) {
	c := w.app(t, nil)
	none := func(v *Visitor, code string, changes ...string) {
		t.Helper()
		fails(t, w.next(t, w.asks(t, c, append(changes, "prompt", "none")...), v, Done).Answer, code)
	}
	none(nil, oauth.LoginRequired)
	none(w.ann, oauth.ConsentRequired)
	w.allow(t, c)
	w.redeem(t, w.next(t, w.asks(t, c, "prompt", "none"), w.ann, Done).Answer)
	none(w.ann, oauth.ConsentRequired, "scope", "openid profile")
	none(w.ann, oauth.LoginRequired, "max_age", "30")
	none(w.ann, oauth.LoginRequired, "max_age", "0")
	strong := *w.ann
	strong.CanStepUp = true
	none(&strong, oauth.InteractionRequired, "acr_values", "aal2")
	strong.MustChange = true
	none(&strong, oauth.InteractionRequired)
	none(w.ann, oauth.LoginRequired, "claims", `{"id_token":{"sub":{"value":"usr_other"}}}`)
}

func showsAgain(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	request := w.asks(t, c, "prompt", "login")
	w.next(t, request, w.ann, Confirm)
	w.Clock.Advance(time.Minute)
	w.next(t, request, w.ann, Confirm)
	now := *w.ann
	now.AuthenticatedAt = w.Clock.Now()
	w.redeem(t, w.next(t, request, &now, Done).Answer)
	w.Clock.Advance(time.Second)
	w.next(t, w.asks(t, c, "prompt", "login"), &now, Confirm)
	w.next(t, w.asks(t, c, "max_age", "0"), &now, Confirm)
}

func grows(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	w.next(t, w.asks(t, c, "max_age", "60"), w.ann, Done) // signed in a minute ago
	request := w.asks(t, c, "max_age", "60")
	w.Clock.Advance(time.Microsecond)
	w.next(t, request, w.ann, Confirm)
	now := *w.ann
	now.AuthenticatedAt = w.Clock.Now()
	w.Clock.Advance(5 * time.Minute)
	w.next(t, request, &now, Done) // it was shown for this request
	w.next(t, w.asks(t, c, "max_age", "60"), &now, Confirm)
}

func chooses(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	request := w.asks(t, c, "prompt", "select_account")
	w.next(t, request, w.ann, Choose)
	_, err := w.Approve(t.Context(), request, *w.ann)
	wants(t, err, ErrNotYet)
	bob := w.fresh(t).ann
	must(t, w.Choose(t.Context(), request, *bob))
	w.next(t, request, w.ann, Choose)
	must(t, w.Choose(t.Context(), request, *w.ann))
	w.redeem(t, w.next(t, request, w.ann, Done).Answer)
	wants(t, w.Choose(t.Context(), request, *bob), ErrOver)
}

func stepsUp(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	able := *w.ann
	able.CanStepUp = true
	w.next(t, w.asks(t, c, "acr_values", "aal2 aal1"), &able, Done)
	w.next(t, w.asks(t, c, "acr_values", "gold"), &able, Done)
	request := w.asks(t, c, "acr_values", "aal2")
	w.next(t, request, &able, StepUp)
	strong := *w.visitor(t, w.ann.Account, session.Strong, session.MethodPassword, session.MethodTOTP)
	g := w.redeem(t, w.next(t, request, &strong, Done).Answer)
	if g.ACR != "aal2" || !slices.Equal(g.AMR, []string{"pwd", "otp", "mfa"}) {
		t.Errorf("the grant says %s by %q", g.ACR, g.AMR)
	}
	// What is asked for and cannot be had is told, not refused.
	if g := w.redeem(t, w.next(t, w.asks(t, c, "acr_values", "aal2"), w.ann, Done).Answer); g.ACR != "aal1" {
		t.Errorf("a password is %s", g.ACR)
	}
}

func demands(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	demand := func(values string) []string {
		return []string{"claims", `{"id_token":{"acr":{"essential":true,"values":[` + values + `]}}}`}
	}
	fails(t, w.next(t, w.asks(t, c, demand(`"aal2"`)...), w.ann, Done).Answer, oauth.UnmetAuthentication)
	fails(t, w.next(t, w.asks(t, c, demand(`"gold"`)...), w.ann, Done).Answer, oauth.UnmetAuthentication)
	able := *w.ann
	able.CanStepUp = true
	w.next(t, w.asks(t, c, demand(`"aal2"`)...), &able, StepUp)
	strong := w.visitor(t, w.ann.Account, session.Strong, session.MethodPasskey)
	for values, want := range map[string]string{`"aal2"`: "aal2", `"aal1"`: "aal1", `"aal1","aal2"`: "aal2", `"gold","aal1"`: "aal1"} {
		if g := w.redeem(t, w.next(t, w.asks(t, c, demand(values)...), strong, Done).Answer); g.ACR != want || !slices.Equal(g.AMR, []string{"pop", "user", "mfa"}) {
			t.Errorf("%s is answered %s by %q", values, g.ACR, g.AMR)
		}
	}
}

func mustChange(t *testing.T, w *world) {
	v := *w.ann
	v.MustChange = true
	request := w.asks(t, w.app(t, nil))
	w.next(t, request, &v, ChangePassword)
	_, err := w.Approve(t.Context(), request, v)
	wants(t, err, ErrNotYet)
}

func (w *world) idToken(t *testing.T, c client.Client) string {
	t.Helper()
	token, err := w.o.Minter.IDToken(t.Context(), grant.Grant{Account: w.ann.Account, Client: c.ID, AuthTime: w.ann.AuthenticatedAt}, c, "", "")
	must(t, err)
	return token
}

func hinted(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	bob := w.fresh(t)
	hint := w.idToken(t, c)
	w.Clock.Advance(24 * time.Hour) // it is over, and says who is meant all the same
	w.ann = w.visitor(t, w.ann.Account, session.Password, session.MethodPassword)
	w.redeem(t, w.next(t, w.asks(t, c, "id_token_hint", hint), w.ann, Done).Answer)
	request := w.asks(t, c, "id_token_hint", hint)
	if step := w.next(t, request, bob.ann, SignIn); !step.Switch {
		t.Error("who is signed in is not told apart from who is meant")
	}
	_, err := w.Approve(t.Context(), request, *bob.ann)
	wants(t, err, ErrNotYet)
	fails(t, w.next(t, w.asks(t, c, "id_token_hint", hint, "prompt", "none"), bob.ann, Done).Answer, oauth.LoginRequired)
	for _, bad := range []string{"x", hint[:len(hint)-4], "eyJhbGciOiJub25lIn0." + strings.Split(hint, ".")[1] + ".", strings.Repeat("a", 4000)} {
		w.refused(t, params("client_id", c.ID, "id_token_hint", bad), oauth.InvalidRequest)
	}
	w.refused(t, params("client_id", c.ID, "id_token_hint", hint, "claims", `{"userinfo":{"sub":{"value":"usr_other"}}}`), oauth.InvalidRequest)
}

func noHint(t *testing.T, w *world) {
	c := w.app(t, nil)
	token, _, _, err := w.o.Minter.AccessToken(t.Context(), mint.Access{Grant: &grant.Grant{Account: w.ann.Account, Client: c.ID}, Client: c})
	must(t, err)
	w.refused(t, params("client_id", c.ID, "id_token_hint", token), oauth.InvalidRequest)
}

func trusted(t *testing.T, w *world) {
	c := w.app(t, func(m *client.Metadata) { m.Trusted = true })
	w.redeem(t, w.next(t, w.asks(t, c), w.ann, Done).Answer)
	w.next(t, w.asks(t, c, "prompt", "consent"), w.ann, Consent)
	offline := w.asks(t, c, "scope", "openid offline_access")
	if step := w.next(t, offline, w.ann, Consent); !slices.Equal(step.Scopes, oauth.Scopes{"offline_access"}) {
		t.Errorf("asked is %q", step.Scopes)
	}
	answer, err := w.Approve(t.Context(), offline, *w.ann)
	must(t, err)
	if g := w.redeem(t, answer); !g.Offline {
		t.Errorf("the grant is %+v", g)
	}
	w.next(t, w.asks(t, c, "scope", "openid offline_access"), w.ann, Done)
}

func lost(t *testing.T, w *world) {
	c := w.app(t, func(m *client.Metadata) {
		m.Trusted, m.GrantTypes, m.ResponseTypes = true, append(m.GrantTypes, oauth.GrantImplicit), append(m.ResponseTypes, oauth.ResponseToken)
	})
	code, token := w.asks(t, c), w.asks(t, c, "response_type", "token")
	less, err := client.Preset(client.Web)
	must(t, err)
	less.Name, less.RedirectURIs, less.Trusted, less.Scopes = c.Name, c.RedirectURIs, true, oauth.Scopes{"openid"}
	_, err = w.clients.Update(t.Context(), c.ID, less, time.Time{}, audit.Caller{})
	must(t, err)
	if a := w.next(t, token, w.ann, Done).Answer; a.Values.Get("error") != oauth.UnauthorizedClient || a.Values.Has("access_token") {
		t.Errorf("implicit after it was turned off: %+v", a)
	}
	if g := w.redeem(t, w.next(t, code, w.ann, Done).Answer); !slices.Equal(g.Scopes, oauth.Scopes{"openid"}) {
		t.Errorf("the grant is %+v", g)
	}
}

func impersonated(t *testing.T, w *world) {
	const loopback = "http://127.0.0.1/cb"
	c := w.app(t, func(m *client.Metadata) {
		m.Kind, m.Method, m.RedirectURIs = client.Native, oauth.MethodNone, []string{loopback, back}
	})
	w.allow(t, c, "redirect_uri", "http://127.0.0.1:4000/cb")
	step := w.next(t, w.asks(t, c, "redirect_uri", "http://127.0.0.1:5000/cb"), w.ann, Consent)
	if !step.Local || !slices.Equal(step.Scopes, oauth.Scopes{"openid", "email"}) {
		t.Errorf("asked is %+v", step)
	}
	a := w.next(t, w.asks(t, c, "redirect_uri", "http://127.0.0.1:5000/cb", "prompt", "none"), w.ann, Done).Answer
	if a.Values.Get("error") != oauth.ConsentRequired || a.RedirectURI != "http://127.0.0.1:5000/cb" {
		t.Errorf("answered %+v", a)
	}
	w.next(t, w.asks(t, c), w.ann, Done) // an address of its own, which nobody else has
	// That the company vouches for the application does not show that it is this one.
	c = w.app(t, func(m *client.Metadata) {
		m.Kind, m.Method, m.RedirectURIs, m.Trusted = client.Native, oauth.MethodNone, []string{loopback, back}, true
	})
	w.allow(t, c, "redirect_uri", "http://127.0.0.1:4000/cb")
	step = w.next(t, w.asks(t, c, "redirect_uri", "http://127.0.0.1:5000/cb"), w.ann, Consent)
	if !step.Local || !slices.Equal(step.Scopes, oauth.Scopes{"openid", "email"}) {
		t.Errorf("asked for a trusted one is %+v", step)
	}
	w.next(t, w.asks(t, c), w.ann, Done)
}

func (w *world) push(t *testing.T, c client.Client, changes ...string) string {
	t.Helper()
	uri, life, err := w.Push(t.Context(), c, params(append(changes, "client_id", c.ID)...))
	must(t, err)
	if life != time.Minute || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || len(uri) < 60 {
		t.Fatalf("pushed as %q for %s", uri, life)
	}
	return uri
}

func pushed(t *testing.T, w *world) {
	c, other := w.app(t, nil), w.app(t, nil)
	uri := w.push(t, c, "nonce", "n1")
	_, err := w.Begin(t.Context(), map[string][]string{"client_id": {other.ID}, "request_uri": {uri}})
	wants(t, err, ErrPushed)
	_, err = w.Begin(t.Context(), map[string][]string{"client_id": {c.ID}, "request_uri": {uri, uri}})
	wants(t, err, ErrMalformed)
	w.Clock.Advance(time.Second)
	// What else the browser brings is not looked at.
	request, err := w.Begin(t.Context(), params("client_id", c.ID, "request_uri", uri, "redirect_uri", "https://evil.test", "scope", "openid profile", "nonce", "n2", "prompt", "none"))
	must(t, err)
	answer, err := w.Approve(t.Context(), request, *w.ann)
	must(t, err)
	if g := w.redeem(t, answer); g.Nonce != "n1" || g.Scopes.Has("profile") || answer.RedirectURI != back {
		t.Errorf("the grant is %+v, answered at %s", g, answer.RedirectURI)
	}
	_, err = w.Begin(t.Context(), map[string][]string{"client_id": {c.ID}, "request_uri": {uri}})
	wants(t, err, ErrPushed)
	late := w.push(t, c)
	w.Clock.Advance(time.Minute)
	_, err = w.Begin(t.Context(), map[string][]string{"client_id": {c.ID}, "request_uri": {late}})
	wants(t, err, ErrPushed)
	// The address of a request that was pushed is none that waits, and the other way.
	_, err = w.Decide(t.Context(), strings.TrimPrefix(w.push(t, c), pushedPrefix), w.ann)
	wants(t, err, ErrOver)
	_, err = w.Begin(t.Context(), map[string][]string{"client_id": {c.ID}, "request_uri": {pushedPrefix + w.asks(t, c)}})
	wants(t, err, ErrPushed)
}

func pushedWrong(t *testing.T, w *world) {
	c := w.app(t, nil)
	for code, p := range map[string][]string{
		oauth.InvalidRequest:      {"redirect_uri", "https://evil.test"},
		oauth.InvalidScope:        {"scope", "admin"},
		oauth.RequestNotSupported: {"request", "x"},
		oauth.InvalidTarget:       {"resource", "https://bank.example.test"},
	} {
		_, _, err := w.Push(t.Context(), c, params(append(p, "client_id", c.ID)...))
		asOAuthCode(t, err, code)
	}
	for _, p := range [][]string{{"request_uri", "urn:x"}, {"redirect_uri", "-"}, {"code_challenge", "-"}} {
		_, _, err := w.Push(t.Context(), c, params(append(p, "client_id", c.ID)...))
		asOAuthCode(t, err, oauth.InvalidRequest)
	}
	must(t, w.clients.Disable(t.Context(), c.ID, audit.Caller{}))
	_, _, err := w.Push(t.Context(), c, params("client_id", c.ID))
	asOAuthCode(t, err, oauth.InvalidClient)
}

func mustPush(t *testing.T, w *world) {
	c := w.app(t, func(m *client.Metadata) { m.RequirePAR = true })
	w.refused(t, params("client_id", c.ID), oauth.InvalidRequest)
	_, err := w.Begin(t.Context(), map[string][]string{"client_id": {c.ID}, "request_uri": {w.push(t, c)}})
	must(t, err)
}

func over(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	request := w.asks(t, c)
	w.Clock.Advance(Life - time.Microsecond)
	w.next(t, request, nil, SignIn)
	w.Clock.Advance(time.Microsecond)
	for _, id := range []string{request, "", "x", strings.Repeat("A", 26)} {
		_, err := w.Decide(t.Context(), id, w.ann)
		wants(t, err, ErrOver)
		_, err = w.Approve(t.Context(), id, *w.ann)
		wants(t, err, ErrOver)
		_, err = w.Deny(t.Context(), id)
		wants(t, err, ErrOver)
		wants(t, w.Choose(t.Context(), id, *w.ann), ErrOver)
	}
}

func clicksTwice(t *testing.T, w *world) {
	request := w.asks(t, w.app(t, nil))
	first, err := w.Approve(t.Context(), request, *w.ann)
	must(t, err)
	second, err := w.Approve(t.Context(), request, *w.ann)
	must(t, err)
	if first.Values.Get("code") == second.Values.Get("code") {
		t.Error("one code is given twice")
	}
	w.redeem(t, second)
	w.Clock.Advance(again)
	_, err = w.Approve(t.Context(), request, *w.ann)
	wants(t, err, ErrOver)
	_, err = w.Decide(t.Context(), request, w.ann)
	wants(t, err, ErrOver)
}

func changedMeanwhile(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	request := w.asks(t, c)
	m := c.Metadata
	m.RedirectURIs = []string{back + "2"}
	_, err := w.clients.Update(t.Context(), c.ID, m, time.Time{}, audit.Caller{})
	must(t, err)
	_, err = w.Decide(t.Context(), request, w.ann)
	wants(t, err, ErrRedirect)
	must(t, w.clients.Disable(t.Context(), c.ID, audit.Caller{}))
	_, err = w.Decide(t.Context(), request, w.ann)
	wants(t, err, ErrClient)
	_, err = w.Approve(t.Context(), request, *w.ann)
	wants(t, err, ErrClient)
	_, err = w.Begin(t.Context(), params("client_id", c.ID))
	wants(t, err, ErrClient)
}

func implicitly(t *testing.T, w *world) {
	c := w.app(t, func(m *client.Metadata) { *m = implicit().Metadata })
	w.allow(t, c, "response_type", "token")
	a := w.next(t, w.asks(t, c, "response_type", "token id_token", "nonce", "n1"), w.ann, Done).Answer
	carries(t, a, "access_token", "token_type", "expires_in", "scope", "id_token")
	if a.Mode != oauth.ModeFragment || !strings.HasPrefix(a.Location(), back+"#") || a.Values.Get("token_type") != "Bearer" || a.Values.Get("expires_in") != "600" {
		t.Errorf("answered %s", a.Location())
	}
	for name, typ := range map[string]string{"access_token": mint.TypeAccess, "id_token": mint.TypeID} {
		token, err := w.keys.Verify(t.Context(), a.Values.Get(name))
		must(t, err)
		var said struct {
			Subject string `json:"sub"`
			Nonce   string `json:"nonce"`
			Half    string `json:"at_hash"`
			Grant   string `json:"gid"`
		}
		must(t, json.Unmarshal(token.Payload, &said))
		if token.Type != typ || said.Subject != w.ann.Account || typ == mint.TypeID && (said.Nonce != "n1" || said.Half == "") || typ == mint.TypeAccess && said.Grant == "" {
			t.Errorf("%s says %s", name, token.Payload)
		}
	}
	carries(t, w.next(t, w.asks(t, c, "response_type", "id_token", "nonce", "n"), w.ann, Done).Answer, "id_token")
	carries(t, w.next(t, w.asks(t, c, "response_type", "token"), w.ann, Done).Answer, "access_token", "token_type", "expires_in", "scope")
}

func signedOut(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	must(t, w.sessions.End(t.Context(), w.ann.Account, w.ann.Session, audit.Caller{}))
	fails(t, w.next(t, w.asks(t, c), w.ann, Done).Answer, oauth.LoginRequired)
}

func notYet(t *testing.T, w *world) {
	c := w.app(t, nil)
	able := *w.ann
	able.CanStepUp = true
	for _, changes := range [][]string{{"prompt", "login"}, {"max_age", "1"}, {"acr_values", "aal2"}, {"prompt", "select_account"}} {
		_, err := w.Approve(t.Context(), w.asks(t, c, changes...), able)
		wants(t, err, ErrNotYet)
	}
	if allowed, err := w.grants.Consent(t.Context(), w.ann.Account, c.ID); err != nil || allowed != nil {
		t.Errorf("allowed is %q, %v", allowed, err)
	}
}

func unknown(t *testing.T, w *world) {
	c := w.app(t, nil)
	for _, try := range []struct {
		changes []string
		want    error
	}{
		{[]string{"client_id", "app_other"}, ErrClient},
		{[]string{"client_id", "-"}, ErrMalformed},
		{[]string{"client_id", c.ID, "client_id", c.ID}, ErrMalformed},
		{[]string{"client_id", c.ID, "redirect_uri", "https://evil.test/back"}, ErrRedirect},
		{[]string{"client_id", c.ID, "redirect_uri", back, "redirect_uri", "https://evil.test/back"}, ErrMalformed},
		{[]string{"client_id", c.ID, "redirect_uri", "https://evil.test/back", "response_type", "x", "prompt", "none"}, ErrRedirect},
	} {
		_, err := w.Begin(t.Context(), params(try.changes...))
		var r *Refused
		if wants(t, err, try.want); errors.As(err, &r) {
			t.Errorf("%q is answered at %s", try.changes, r.RedirectURI)
		}
	}
	w.refused(t, params("client_id", c.ID, "response_type", "x"), oauth.UnsupportedResponseType)
}

func withoutValue(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.next(t, w.asks(t, c, "request", "", "request_uri", "", "prompt", "", "max_age", "", "claims", "", "response_mode", "", "id_token_hint", ""), w.ann, Consent)
}

func race(t *testing.T, w *world) {
	c := w.app(t, nil)
	uri := w.push(t, c)
	var won atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			_, err := w.Begin(t.Context(), map[string][]string{"client_id": {c.ID}, "request_uri": {uri}})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, ErrPushed) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("%d browsers go on", won.Load())
	}
}

func bindings(t *testing.T, w *world) {
	c := w.app(t, nil)
	request := w.asks(t, c, "dpop_jkt", another, "resource", "https://api.example.test")
	answer, err := w.Approve(t.Context(), request, *w.ann)
	must(t, err)
	if g := w.redeem(t, answer); g.JKT != another || !slices.Equal(g.Audiences, []string{"https://api.example.test"}) {
		t.Errorf("the grant is %+v", g)
	}
}

func ownConsent(t *testing.T, w *world) {
	c, other := w.app(t, nil), w.app(t, nil)
	w.allow(t, c)
	w.next(t, w.asks(t, c), w.fresh(t).ann, Consent)
	w.next(t, w.asks(t, other), w.ann, Consent)
}

func withdrawn(t *testing.T, w *world) {
	c := w.app(t, nil)
	w.allow(t, c)
	must(t, w.grants.Withdraw(t.Context(), w.ann.Account, c.ID, audit.Caller{Actor: w.ann.Account}))
	w.next(t, w.asks(t, c), w.ann, Consent)
}
