package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// holdsAKey puts a virtual authenticator into the browser, which checks its owner.
func (p person) holdsAKey() webauthn.AuthenticatorID {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		p.t.Fatal(err)
	}
	added, err := chromedp.Call(p.ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
		HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
	if err != nil {
		p.t.Fatal(err)
	}
	return added.AuthenticatorID
}

// TestPasskeys adds a passkey and uses it in each way, in the browser that pages
// meet most.
func TestPasskeys(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	p := meet(t, s)
	key := p.holdsAKey()
	p.registers(annaAt, "Anna Nowak", firstOne)

	p.goes("/security/passkeys/new")
	p.types("name", "Laptop")
	p.sends()
	p.reads("The passkey is added")
	p.reads("Laptop")
	p.goes("/security/passkeys/new")
	p.answers("name", "Again")
	p.reads("has a passkey for this account already")

	p.leaves()
	p.goes("/sign-in?return_to=%2Fsecurity")
	p.clicks(`form[data-passkey="sign-in"] button`)
	p.opens("/security")
	p.goes("/sessions")
	p.reads("passkey")

	p.leaves()
	p.signsIn(annaAt, firstOne)
	p.opens("/sign-in/second-factor")
	p.clicks(`form[data-passkey="second-factor"] button`)
	p.reads("Profile")

	p.goes("/confirm?return_to=%2Fsessions")
	p.clicks(`form[data-passkey="confirm"] button`)
	p.opens("/sessions")

	p.goes("/security")
	p.clicks(`main td a[href^="/security/passkeys/"]`)
	p.answers("name", "Office laptop")
	p.reads("The passkey is renamed")
	p.reads("Office laptop")

	unverified := webauthn.SetUserVerifiedParams{AuthenticatorID: key, IsUserVerified: false}
	if _, err := chromedp.Call(p.ctx, webauthn.SetUserVerified, unverified); err != nil {
		t.Fatal(err)
	}
	p.leaves()
	p.clicks(`form[data-passkey="sign-in"] button`)
	p.reads("No passkey was used")

	unverified.IsUserVerified = true
	if _, err := chromedp.Call(p.ctx, webauthn.SetUserVerified, unverified); err != nil {
		t.Fatal(err)
	}
	p.clicks(`form[data-passkey="sign-in"] button`)
	p.reads("Profile")
	p.goes("/security")
	p.clicks(`main td a[href^="#remove-pky"]`)
	p.clicks(`dialog[open] button.danger`)
	p.reads("No passkeys yet")
	p.leaves()
	p.clicks(`form[data-passkey="sign-in"] button`)
	p.reads("The passkey was not accepted")
}

// answers types into a field and sends its form.
func (p person) answers(field, text string) {
	p.t.Helper()
	p.types(field, text)
	p.sends()
}
