package e2e

import (
	"context"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/pquerna/otp/totp"

	"guildhall/platform/guildtest"
)

// person is somebody with a browser and a mailbox.
type person struct {
	typist
	s *server
	// read are the letters that were opened.
	read map[string]bool
}

// meet gives somebody a browser that trusts the installation.
func meet(t *testing.T, s *server) person {
	t.Helper()
	ctx := guildtest.Browser(t, guildtest.BrowserOptions{RootPEM: []byte(must(t, "ca", "root", "--data", s.data))})
	still(t, ctx, 1600)
	return person{typist{t, ctx}, s, map[string]bool{}}
}

// in is the person in a subtest.
func (p person) in(t *testing.T) person {
	p.t = t
	return p
}

// withoutScripts has the pages do without JavaScript from the next one on.
func (p person) withoutScripts() {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		p.t.Fatal(err)
	}
}

// goes opens a page of identity.
func (p person) goes(path string) {
	p.t.Helper()
	visit(p.t, p.ctx, p.s.service("identity")+path)
}

// types replaces what stands in a field.
func (p person) types(field, text string) {
	p.t.Helper()
	selector := `main [name="` + field + `"]:not([type="hidden"])`
	p.sees(`document.querySelector(` + quote(selector) + `)`)
	do(p.t, p.ctx, chromedp.Evaluate[chromedp.Void](`(e => { e.focus(); e.select(); })(document.querySelector(`+quote(selector)+`))`))
	do(p.t, p.ctx, chromedp.KeyEvent(text))
}

// sends presses Enter in the field that was typed last.
func (p person) sends() {
	p.t.Helper()
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Enter))
}

// clicks waits for an element and clicks it.
func (p person) clicks(selector string) {
	p.t.Helper()
	p.sees(`document.querySelector(` + quote(selector) + `)`)
	do(p.t, p.ctx, chromedp.Click(selector))
}

// values are the texts that the expression lists.
func (p person) values(expression string) []string {
	p.t.Helper()
	list, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](expression))
	if err != nil {
		p.t.Fatal(err)
	}
	return list
}

type letter struct {
	Name, To, Subject, Text, HTML string
}

// letter waits for one to the address whose subject has the word, and opens it.
func (p person) letter(to, word string) letter {
	p.t.Helper()
	var found letter
	await(p.t, "a letter to "+to+" about "+word, func() bool {
		var list []letter
		if err := json.Unmarshal([]byte(must(p.t, "mailbox", "list", "--data", p.s.data, "--to", to, "--json")), &list); err != nil {
			p.t.Fatal(err)
		}
		for _, l := range list {
			if !p.read[l.Name] && regexp.MustCompile(word).MatchString(l.Subject) {
				found = l
				return true
			}
		}
		return false
	})
	p.read[found.Name] = true
	if err := json.Unmarshal([]byte(must(p.t, "mailbox", "show", "--data", p.s.data, found.Name, "--json")), &found); err != nil {
		p.t.Fatal(err)
	}
	return found
}

// code is the six digits of the next letter to the address.
func (p person) code(to, word string) string {
	p.t.Helper()
	code := regexp.MustCompile(`(?m)^ +(\d{6})$`).FindStringSubmatch(p.letter(to, word).Text)
	if code == nil {
		p.t.Fatalf("the letter to %s has no code", to)
	}
	return code[1]
}

// registers makes an account, which is signed in then.
func (p person) registers(email, name, password string) {
	p.t.Helper()
	p.goes("/register")
	p.types("name", name)
	p.types("email", email)
	p.types("password", password)
	p.sends()
	p.opens("/register/code")
	p.types("code", p.code(email, "your code"))
	p.sends()
	p.reads("Your account is ready")
}

// signsIn types address and password.
func (p person) signsIn(email, password string) {
	p.t.Helper()
	p.goes("/sign-in")
	p.types("email", email)
	p.types("password", password)
	p.sends()
}

// leaves signs out, by the menu's form.
func (p person) leaves() {
	p.t.Helper()
	do(p.t, p.ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector('form[action="/sign-out"]').submit()`))
	p.reads("You are signed out here")
}

// authenticator sets one up and returns its secret.
func (p person) authenticator() string {
	p.t.Helper()
	p.goes("/security/authenticator")
	p.reads("Scan the picture")
	secret := p.values(`[document.querySelector(".code code").innerText.replaceAll(/\s/g, "")]`)[0]
	p.types("code", p.shown(secret, 0))
	p.sends()
	p.reads("The authenticator is set up")
	return secret
}

// shown is what the authenticator shows some steps of 30 seconds from now.
func (p person) shown(secret string, steps int) string {
	p.t.Helper()
	code, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// recovery makes recovery codes.
func (p person) recovery() []string {
	p.t.Helper()
	p.goes("/security")
	p.clicks(`form[action="/security/recovery"] button`)
	p.reads("Save these codes now")
	return p.values(`document.querySelector(".code code").innerText.trim().split("\n")`)
}

// forgets drops what the browser remembers of language and theme, so that the
// looks of a test decide.
func forgets(t *testing.T, ctx context.Context) {
	t.Helper()
	for _, name := range []string{"lang", "theme"} {
		if _, err := chromedp.Call(ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: name, Domain: ".guildhall.localhost"}); err != nil {
			t.Fatal(err)
		}
	}
}
