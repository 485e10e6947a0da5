package web

import (
	"context"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// What a person decides: the values of the field "decision".
const (
	Allow  = "allow"
	Deny   = "deny"
	Choose = "choose"
)

// Consent is an application's request as its person sees it.
type Consent struct {
	// Action is where the decision goes.
	Action string
	// Name is the application's, Host where it gets the answer.
	Name, Host string
	// Account is who is signed in.
	Account *account.Account
	// Scopes are what is asked for, Before what was allowed another time.
	Scopes oauth.Scopes
	Before string
	// Resources are what it wants to call, as far as it says so.
	Resources []string
	// Local says that another program on the same device could be asking.
	Local bool
}

func (v Consent) about(ctx context.Context) ui.Definitions {
	d := ui.Definitions{{Name: i18n.T(ctx, "identity.consent.application"), Value: ui.Group{ui.Text(v.Name), ui.Muted(v.Host)}},
		{Name: i18n.T(ctx, "identity.consent.account"), Value: ui.Group{ui.Text(v.Account.Name), ui.Muted(v.Account.Email)}}}
	return append(d, resources(ctx, v.Resources)...)
}

func resources(ctx context.Context, list []string) (d ui.Definitions) {
	for _, r := range list {
		d = append(d, ui.Term{Name: i18n.T(ctx, "identity.consent.resource"), Value: ui.Mono(r)})
	}
	return d
}

// scopes says in plain words what each scope lets an application do.
func scopes(ctx context.Context, list oauth.Scopes) ui.Definitions {
	d := ui.Definitions{}
	for _, s := range list {
		d = append(d, ui.Term{Name: ScopeName(ctx, s), Value: ui.Text(scopeText(ctx, s))})
	}
	if len(list) == 0 {
		d = append(d, ui.Term{Name: i18n.T(ctx, "identity.scope.openid"), Value: ui.Text(i18n.T(ctx, "identity.scope.openid.text"))})
	}
	return d
}

// ScopeName is what a reader calls a scope: its own name when we have no words
// for it.
func ScopeName(ctx context.Context, scope string) string {
	if name, ok := i18n.Lookup(ctx, "identity.scope."+scope); ok {
		return name
	}
	return scope
}

func scopeText(ctx context.Context, scope string) string {
	if text, ok := i18n.Lookup(ctx, "identity.scope."+scope+".text"); ok {
		return text
	}
	return i18n.T(ctx, "identity.scope.other")
}

// switchTo is where somebody else signs in, for the same page.
func switchTo(path string) string { return WithReturn("/sign-in?switch=1", path) }

// Leave is the way back to an application.
type Leave struct {
	// URL is where it leads, Host what the reader knows of it.
	URL, Host string
	// Fields are what a form takes along.
	Fields []ui.Hidden
}
