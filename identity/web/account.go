package web

import (
	"context"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/mint"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

func (v Account) about(ctx context.Context) ui.Definitions {
	return ui.Definitions{
		{Name: i18n.T(ctx, "identity.field.email"), Value: ui.Text(v.Account.Email)},
		{Name: i18n.T(ctx, "identity.account.since"), Value: ui.Time{At: v.Account.CreatedAt, DateOnly: true}},
		{Name: i18n.T(ctx, "identity.account.id"), Value: ui.Mono(v.Account.ID), Copy: v.Account.ID},
	}
}

// cancelTo is a way back, unless there is none.
func cancelTo(path string, must bool) string {
	if must {
		return ""
	}
	return path
}

// Picture is where the picture of an account is found; empty: it has none.
func Picture(a *account.Account) string {
	if a.Picture == "" {
		return ""
	}
	return mint.PicturePath + a.Picture
}
