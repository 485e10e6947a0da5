package web

import (
	"context"
	"time"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// AccountsPath is where the accounts are that see what a customer has.
func AccountsPath(customer string) string { return CustomerPath(customer) + "/accounts" }

// Accounts are those that see what a customer has, and who is invited.
type Accounts struct {
	Customer    store.Customer
	Accounts    []store.Account
	Invitations []store.Invitation
	// Form is what was typed to invite somebody.
	Form *form.Form
	Now  time.Time
}

func (v Accounts) accounts(ctx context.Context) ui.Table {
	t := ui.Table{ID: "accounts", Caption: i18n.T(ctx, "license.accounts.title"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.name")}, {Label: i18n.T(ctx, "license.accounts.since")}, {Label: i18n.T(ctx, "license.accounts.unlink"), Actions: true}},
		Empty:   ui.Empty{Icon: "user", Title: i18n.T(ctx, "license.accounts.empty"), Text: i18n.T(ctx, "license.accounts.empty.text")}}
	for _, a := range v.Accounts {
		t.Rows = append(t.Rows, ui.Row{ui.Text(a.Name), ui.Time{At: a.LinkedAt, Now: v.Now},
			ui.Confirm{ID: "unlink-" + a.ID, Open: ui.Button{Label: i18n.T(ctx, "license.accounts.unlink") + "…", Small: true, Quiet: true},
				Title: i18n.T(ctx, "license.accounts.unlink.title", "Name", a.Name), Text: i18n.T(ctx, "license.accounts.unlink.text"),
				Action: AccountsPath(v.Customer.ID) + "/" + a.ID + "/unlink", Submit: i18n.T(ctx, "license.accounts.unlink"), Danger: true}})
	}
	return t
}

func (v Accounts) invitations(ctx context.Context) ui.Table {
	t := ui.Table{ID: "invitations", Caption: i18n.T(ctx, "license.accounts.open"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.customers.email")}, {Label: i18n.T(ctx, "license.accounts.until")}, {Label: i18n.T(ctx, "license.accounts.withdraw"), Actions: true}}}
	for _, i := range v.Invitations {
		to := i.Email
		if to == "" {
			to = i18n.T(ctx, "license.accounts.by_link")
		}
		t.Rows = append(t.Rows, ui.Row{ui.Text(to), ui.Time{At: i.UntilAt, Now: v.Now},
			ui.Confirm{ID: "withdraw-" + i.ID, Open: ui.Button{Label: i18n.T(ctx, "license.accounts.withdraw") + "…", Small: true, Quiet: true},
				Title: i18n.T(ctx, "license.accounts.withdraw.title"), Text: i18n.T(ctx, "license.accounts.withdraw.text"),
				Action: CustomerPath(v.Customer.ID) + "/invitations/" + i.ID + "/withdraw", Submit: i18n.T(ctx, "license.accounts.withdraw"), Danger: true}})
	}
	return t
}

// languages are those in which letters are written.
func languages() []ui.Option {
	var all []ui.Option
	for _, l := range i18n.Languages() {
		all = append(all, ui.Option{Value: l.Code, Label: l.Name})
	}
	return all
}
