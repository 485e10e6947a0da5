package e2e

import (
	"testing"

	"guildhall/platform/guildtest"
)

// TestIdentityPagesPlease looks at every page, before and after signing in, and
// walks through it by the tabulator.
func TestIdentityPagesPlease(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	identity := s.service("identity")
	for name, group := range map[string]struct {
		// before is done by somebody in the browser.
		before func(p person)
		pages  map[string]string
	}{
		"strangers": {func(p person) {
			p.goes("/register")
			p.types("name", "Zoë")
			p.types("email", "zoe@example.com")
			p.types("password", firstOne)
			p.sends()
			p.opens("/register/code")
			p.goes("/reset")
			p.answers("email", "zoe@example.com")
			p.opens("/reset/code")
		}, map[string]string{"sign in": "/sign-in", "first": "/sign-in?return_to=%2Fsecurity", "register": "/register", "register code": "/register/code",
			"reset": "/reset", "reset code": "/reset/code"}},
		"account": {func(p person) {
			p.registers("ben@example.com", "Ben", firstOne)
			p.goes("/email")
			p.types("email", "ben@example.org")
			p.answers("password", firstOne)
			p.opens("/email/code")
		}, map[string]string{"account": "/", "address": "/email", "address code": "/email/code", "delete": "/delete", "sessions": "/sessions",
			"password": "/security/password", "no factors": "/security"}},
		"security": {func(p person) {
			p.holdsAKey()
			p.registers("eva@example.com", "Eva", firstOne)
			p.goes("/security/passkeys/new")
			p.answers("name", "Laptop")
			p.reads("The passkey is added")
		}, map[string]string{"security": "/security", "authenticator": "/security/authenticator", "passkey": "/security/passkeys/new", "confirm": "/confirm"}},
		"second factor": {func(p person) {
			p.registers("max@example.com", "Max", firstOne)
			p.authenticator()
			p.recovery()
			p.leaves()
			p.signsIn("max@example.com", firstOne)
			p.opens("/sign-in/second-factor")
		}, map[string]string{"authenticator": "/sign-in/second-factor", "recovery": "/sign-in/second-factor?with=recovery"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := meet(t, s)
			group.before(p)
			forgets(t, p.ctx)
			for page, path := range group.pages {
				t.Run(page, func(t *testing.T) {
					guildtest.Inspect(t, p.ctx, identity+path, pictures, name+"-"+page)
					p.in(t).sees(`document.documentElement.lang === "pl"`) // that of the last look
					visit(t, p.ctx, identity+path)
					walk(t, p.ctx)
				})
			}
		})
	}
}

// TestWrongIdentityFormsPlease looks at forms that came back.
func TestWrongIdentityFormsPlease(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	p := meet(t, s)
	p.registers("ola@example.com", "Ola", firstOne)
	for path, field := range map[string]string{"/": "name", "/email": "password", "/delete": "password", "/security/password": "new", "/confirm": "password", "/security/authenticator": "code"} {
		p.goes(path)
		p.answers(field, " ")
		p.sees(`document.querySelector("main [data-focus]")`)
		guildtest.Axe(t, p.ctx)
	}
	p.leaves()
	for path, field := range map[string]string{"/sign-in": "email", "/register": "email", "/reset": "email"} {
		p.goes(path)
		p.answers(field, "nobody")
		p.sees(`document.querySelector("main [data-focus]") || location.pathname === "/reset/code"`)
		guildtest.Axe(t, p.ctx)
	}
}

// pictures is where the looks are kept; nowhere.
const pictures = ""
