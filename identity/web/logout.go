package web

import (
	"context"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/logout"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Logout is the question whether to sign out.
type Logout struct {
	// Request goes on with the answer.
	Request string
	// Name is the application's that asks, Host where the browser goes afterwards;
	// empty: none.
	Name, Host string
	// Account is who is signed in.
	Account *account.Account
	// Wrong is what was wrong with the request.
	Wrong logout.Wrong
}

func (v Logout) about(ctx context.Context) ui.Definitions {
	d := ui.Definitions{{Name: i18n.T(ctx, "identity.consent.account"), Value: ui.Group{ui.Text(v.Account.Name), ui.Muted(v.Account.Email)}}}
	if v.Name != "" {
		d = append(d, ui.Term{Name: i18n.T(ctx, "identity.consent.application"), Value: ui.Group{ui.Text(v.Name), ui.Muted(v.Host)}})
	}
	return d
}

// wrongLogout says what was wrong with a request.
func wrongLogout(ctx context.Context, w logout.Wrong) ui.Alert {
	text := map[logout.Wrong]string{
		logout.WrongRequest: "identity.logout.wrong.request",
		logout.WrongHint:    "identity.logout.wrong.hint",
		logout.WrongClient:  "identity.logout.wrong.client",
		logout.WrongAddress: "identity.logout.wrong.address",
		logout.WrongOver:    "identity.logout.wrong.over",
	}[w]
	return ui.Alert{Tone: ui.Warn, Title: i18n.T(ctx, "identity.logout.wrong"), Text: i18n.T(ctx, text)}
}
