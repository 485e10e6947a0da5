package web

import (
	"context"
	"net/url"

	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// What a passkey is asked for: the values of the field "for".
const (
	// ForSignIn is signing in with nothing else.
	ForSignIn = "sign-in"
	// ForSecond is the second factor.
	ForSecond = "second-factor"
	// ForConfirm is showing again who is signed in.
	ForConfirm = "confirm"
	// ForAdding is a new passkey.
	ForAdding = "adding"
)

// The second factors: the values of the field "with".
const (
	WayTOTP     = "authenticator"
	WayPasskey  = "passkey"
	WayRecovery = "recovery"
)

// why says what the sign-in is for.
func (v SignIn) why(ctx context.Context) string {
	switch {
	case v.Switch:
		return i18n.T(ctx, "identity.signin.switch", "Name", v.For)
	case v.For != "":
		return i18n.T(ctx, "identity.signin.for", "Name", v.For)
	}
	return i18n.T(ctx, "identity.signin.first")
}

func wayName(ctx context.Context, way string) string {
	switch way {
	case WayPasskey:
		return i18n.T(ctx, "identity.second.passkey")
	case WayRecovery:
		return i18n.T(ctx, "identity.second.recovery")
	}
	return i18n.T(ctx, "identity.second.totp")
}

func (v SecondFactor) tabs(ctx context.Context) ui.Tabs {
	t := ui.Tabs{Label: i18n.T(ctx, "identity.second.ways")}
	for _, way := range v.Ways {
		address := WithReturn("/sign-in/second-factor?with="+way, v.ReturnTo)
		t.Items = append(t.Items, ui.Tab{Label: wayName(ctx, way), URL: address, Active: way == v.Way})
	}
	return t
}

// WithReturn is an address that leads on to another page of this host.
func WithReturn(address, to string) string {
	if to == "" || to == "/" {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	q.Set("return_to", to)
	u.RawQuery = q.Encode()
	return u.String()
}
