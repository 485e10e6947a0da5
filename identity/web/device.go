package web

import (
	"context"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// DeviceConsent is a device's request as its person sees it.
type DeviceConsent struct {
	// Code is what the device shows.
	Code string
	// Name is the application's that runs on it.
	Name string
	// From is the network address that it asked from, MadeAt when.
	From      string
	MadeAt    time.Time
	Now       time.Time
	Scopes    oauth.Scopes
	Resources []string
	// Account is who is signed in.
	Account *account.Account
}

func (v DeviceConsent) about(ctx context.Context) ui.Definitions {
	d := ui.Definitions{{Name: i18n.T(ctx, "identity.device.code"), Value: ui.Mono(v.Code)},
		{Name: i18n.T(ctx, "identity.consent.application"), Value: ui.Text(v.Name)},
		{Name: i18n.T(ctx, "identity.device.from"), Value: ui.Group{ui.Mono(v.From), ui.Time{At: v.MadeAt, Now: v.Now}}},
		{Name: i18n.T(ctx, "identity.consent.account"), Value: ui.Group{ui.Text(v.Account.Name), ui.Muted(v.Account.Email)}}}
	return append(d, resources(ctx, v.Resources)...)
}

func deviceLabels(ctx context.Context) map[string]string {
	return map[string]string{"user_code": i18n.T(ctx, "identity.device.code")}
}
