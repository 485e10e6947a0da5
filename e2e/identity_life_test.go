package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	annaAt   = "anna@example.com"
	firstOne = "correct horse battery"
	nextOne  = "seven quiet rivers"
	lastOne  = "lantern under water"
)

// TestAnAccountLivesWithoutScripts is an account from its registration to its
// end, by forms and links alone.
func TestAnAccountLivesWithoutScripts(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	p := meet(t, s)
	p.withoutScripts()
	for _, step := range []struct {
		name string
		do   func(p person)
	}{
		{"registers", annaRegisters},
		{"profile", annaWritesAboutHerself},
		{"signs in", annaSignsIn},
		{"registers twice", annaRegistersTwice},
		{"changes the password", annaChangesHerPassword},
		{"ends a session", annaEndsASession},
		{"changes the address", annaMoves},
		{"second factor", annaProtectsHerself},
		{"resets", annaForgets},
		{"leaves", annaLeaves},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(p.in(t)) }) {
			return
		}
	}
}

func annaRegisters(p person) {
	p.goes("/sessions")
	p.reads("Sign in first")
	p.clicks(`main a[href^="/register"]`)
	p.types("name", "Anna Nowak")
	p.types("email", "anna at example.com")
	p.types("password", "password123")
	p.sends()
	p.reads("This is not an e-mail address")
	p.reads("among those that are tried first")
	kept := p.values(`["name", "email", "password"].map(n => document.querySelector("main [name=" + n + "]").value)`)
	if strings.Join(kept, "|") != "Anna Nowak|anna at example.com|" {
		p.t.Errorf("the form keeps %q", kept)
	}
	p.types("email", annaAt)
	p.types("password", firstOne)
	p.sends()
	p.opens("/register/code")
	code := p.code(annaAt, "your code")
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	p.types("code", wrong)
	p.sends()
	p.reads("not the code of the newest letter")
	p.clicks(`form[action="/register/resend"] button`)
	p.reads("A letter is on its way already")
	p.types("code", code[:3]+" "+code[3:])
	p.sends()
	p.opens("/sessions")
	p.reads("Your account is ready")
}

func annaWritesAboutHerself(p person) {
	p.goes("/")
	p.types("name", "Anna Zielińska")
	do(p.t, p.ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("main [name=language]").value = "pl"`))
	p.clicks(`main [name="theme"][value="dark"]`)
	p.clicks(`main .form button[type="submit"]`)
	p.reads("Profil zapisano")
	p.sees(`document.documentElement.lang === "pl" && document.documentElement.dataset.theme === "dark"`)
	do(p.t, p.ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("main [name=language]").value = "en"`))
	p.clicks(`main .form button[type="submit"]`)
	p.reads("The profile is saved")
}

func annaSignsIn(p person) {
	p.leaves()
	for _, who := range [][2]string{{annaAt, nextOne}, {"nobody@example.com", firstOne}} {
		p.signsIn(who[0], who[1])
		p.reads("do not fit together")
	}
	p.signsIn("ANNA@example.com", firstOne)
	p.reads("Profile")
	p.sees(`document.documentElement.dataset.theme === "dark"`)
}

func annaRegistersTwice(p person) {
	q := meet(p.t, p.s)
	q.goes("/register")
	q.types("name", "Somebody")
	q.types("email", annaAt)
	q.types("password", lastOne)
	q.sends()
	q.opens("/register/code")
	told := q.letter(annaAt, "account")
	if strings.Contains(told.Text, lastOne) || !strings.Contains(told.Text, p.s.service("identity")+"/sign-in") {
		p.t.Errorf("the letter reads %s", told.Text)
	}
}

func annaChangesHerPassword(p person) {
	other := meet(p.t, p.s)
	other.signsIn(annaAt, firstOne)
	other.reads("Profile")
	p.goes("/security/password")
	p.types("old", nextOne)
	p.types("new", firstOne)
	p.sends()
	p.reads("This is not your password")
	p.types("old", firstOne)
	p.types("new", nextOne)
	p.sends()
	p.reads("The password is changed")
	p.letter(annaAt, "password")
	other.goes("/")
	other.opens("/sign-in")
	other.signsIn(annaAt, firstOne)
	other.reads("do not fit together")
}

func annaEndsASession(p person) {
	other := meet(p.t, p.s)
	other.signsIn(annaAt, nextOne)
	other.reads("Profile")
	p.goes("/sessions")
	p.reads("this one")
	p.clicks(`main td a[href^="#end-"]`)
	p.clicks(`dialog:target button.danger`)
	p.reads("The session is ended")
	other.goes("/security")
	other.opens("/sign-in?return_to=%2Fsecurity")
	other.signsIn(annaAt, nextOne)
	other.reads("Profile")
	p.goes("/sessions")
	p.clicks(`a[href="#end-others"]`)
	p.clicks(`#end-others button.danger`)
	p.reads("The other sessions are ended")
	other.goes("/")
	other.opens("/sign-in")
}

func annaMoves(p person) {
	const newAddress = "anna.z@example.org"
	p.goes("/email")
	p.types("email", newAddress)
	p.types("password", nextOne)
	p.sends()
	p.opens("/email/code")
	p.types("code", p.code(newAddress, "confirms"))
	p.sends()
	p.reads("Your e-mail address is changed")
	p.reads(newAddress)
	p.letter(annaAt, "address")
	p.goes("/email")
	p.types("email", annaAt)
	p.types("password", nextOne)
	p.sends()
	p.opens("/email/code")
	p.types("code", p.code(annaAt, "confirms"))
	p.sends()
	p.reads("Your e-mail address is changed")
}

func annaProtectsHerself(p person) {
	secret := p.authenticator()
	codes := p.recovery()
	if len(codes) != 10 {
		p.t.Fatalf("recovery codes: %q", codes)
	}
	do(p.t, p.ctx, chromedp.Reload())
	p.reads("These codes were made already")
	p.leaves()
	p.signsIn(annaAt, nextOne)
	p.opens("/sign-in/second-factor")
	p.goes("/security") // the password alone opens nothing
	p.opens("/sign-in?")
	p.goes("/sign-in/second-factor")
	p.types("code", p.shown(secret, 1))
	p.sends()
	p.reads("Profile")
	p.leaves()
	p.signsIn(annaAt, nextOne)
	p.opens("/sign-in/second-factor")
	p.types("code", p.shown(secret, 1))
	p.sends()
	p.reads("used already")
	p.clicks(`main .tabs a[href*="recovery"]`)
	p.types("code", codes[0])
	p.sends()
	p.reads("Recovery codes left: 9")
	p.goes("/security")
	p.clicks(`a[href="#remove-authenticator"]`)
	p.clicks(`#remove-authenticator button.danger`)
	p.reads("The authenticator is removed")
}

func annaForgets(p person) {
	p.leaves()
	p.goes("/reset")
	p.types("email", annaAt)
	p.sends()
	p.opens("/reset/code")
	p.types("code", p.code(annaAt, "password"))
	p.types("password", lastOne)
	p.sends()
	p.reads("The password is set")
	p.signsIn(annaAt, nextOne)
	p.reads("do not fit together")
	p.signsIn(annaAt, lastOne)
	p.reads("Profile")
}

func annaLeaves(p person) {
	p.goes("/delete")
	p.types("password", lastOne)
	p.sends()
	p.reads("Tick this box")
	p.clicks(`main [name="sure"]`)
	p.types("password", lastOne)
	p.sends()
	p.reads("Your account is deleted")
	p.letter(annaAt, "deleted")
	p.signsIn(annaAt, lastOne)
	p.reads("do not fit together")
}
