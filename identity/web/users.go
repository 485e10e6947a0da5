package web

import (
	"context"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Users are the accounts as administrators see them.
type Users struct {
	Query ui.ListQuery
	Rows  []*account.Account
	Total int
	// FailedLetters is how many letters were given up.
	FailedLetters int
	Now           time.Time
}

func (v Users) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "users", Caption: i18n.T(ctx, "identity.nav.users"), Query: v.Query, Total: v.Total, Search: i18n.T(ctx, "identity.users.search"),
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.field.name"), Sort: "name"}, {Label: i18n.T(ctx, "identity.field.email"), Sort: "email"},
			{Label: i18n.T(ctx, "identity.users.state")}, {Label: i18n.T(ctx, "identity.users.created"), Sort: "created"}},
		Filters: []ui.Filter{{Name: "state", Label: i18n.T(ctx, "identity.users.state"), Options: []ui.Option{
			{Value: "active", Label: i18n.T(ctx, "identity.users.active")}, {Value: store.Invited, Label: i18n.T(ctx, "identity.users.waiting")}, {Value: "disabled", Label: i18n.T(ctx, "identity.users.off")}}}},
		Empty: ui.Empty{Icon: "user", Title: i18n.T(ctx, "identity.users.empty")}}
	for _, a := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Group{ui.Avatar{Name: a.Name, URL: Picture(a)}, ui.Link{Label: a.Name, URL: "/admin/users/" + a.ID}}, ui.Text(a.Email), stateBadge(ctx, a), ui.Time{At: a.CreatedAt, Now: v.Now}})
	}
	return t
}

func stateBadge(ctx context.Context, a *account.Account) ui.Badge {
	switch {
	case a.Disabled:
		return ui.Badge{Tone: ui.Bad, Label: i18n.T(ctx, "identity.users.off")}
	case a.Invited:
		return ui.Badge{Tone: ui.Info, Label: i18n.T(ctx, "identity.users.waiting")}
	case a.MustChange:
		return ui.Badge{Tone: ui.Warn, Label: i18n.T(ctx, "identity.users.once")}
	}
	return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "identity.users.active")}
}

// Role is a role that somebody has.
type Role struct {
	Name, Label string
	// ByGroup says that a group has it, and not he himself.
	ByGroup bool
}

// User is an account as administrators see it.
type User struct {
	Account      *account.Account
	Factors      factor.Factors
	LockedUntil  time.Time
	Sessions     []session.Session
	Applications []Application
	Roles        []Role
	Groups       []group.Group
	// OtherRoles and OtherGroups are those to choose from.
	OtherRoles, OtherGroups []ui.Option
	// Path is where the page is.
	Path string
	// May says that the reader may change something, Own that it is his own account.
	May, Own bool
	Query    ui.ListQuery
	Now      time.Time
}

func (v User) terms(ctx context.Context) ui.Definitions {
	a := v.Account
	proved := ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "identity.users.proved")}
	if !a.EmailProved {
		proved = ui.Badge{Tone: ui.Warn, Label: i18n.T(ctx, "identity.users.unproved")}
	}
	list := ui.Definitions{{Name: i18n.T(ctx, "identity.field.email"), Value: ui.Group{ui.Text(a.Email), proved}},
		{Name: i18n.T(ctx, "identity.users.id"), Value: ui.Mono(a.ID), Copy: a.ID},
		{Name: i18n.T(ctx, "identity.users.created"), Value: ui.Time{At: a.CreatedAt}},
		{Name: i18n.T(ctx, "identity.users.password.since"), Value: ui.Time{At: a.PasswordSetAt}},
		{Name: i18n.T(ctx, "identity.users.factors"), Value: ui.Text(v.factors(ctx))}}
	if !v.LockedUntil.IsZero() {
		list = append(list, ui.Term{Name: i18n.T(ctx, "identity.users.locked"), Value: ui.Time{At: v.LockedUntil, Now: v.Now}})
	}
	return list
}

func (v User) factors(ctx context.Context) string {
	text := i18n.T(ctx, "identity.users.factors.none")
	switch {
	case v.Factors.TOTP && v.Factors.Passkeys > 0:
		text = i18n.T(ctx, "identity.users.factors.both", "Count", v.Factors.Passkeys)
	case v.Factors.TOTP:
		text = i18n.T(ctx, "identity.totp")
	case v.Factors.Passkeys > 0:
		text = i18n.T(ctx, "identity.users.factors.passkeys", "Count", v.Factors.Passkeys)
	}
	return text
}

func (v User) sessionTable(ctx context.Context) ui.Table {
	t := ui.Table{ID: "sessions", Caption: i18n.T(ctx, "identity.nav.sessions"), Query: v.Query, Total: len(v.Sessions),
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.sessions.device")}, {Label: i18n.T(ctx, "identity.sessions.from")},
			{Label: i18n.T(ctx, "identity.sessions.seen")}, {Label: i18n.T(ctx, "identity.sessions.how")}},
		Empty: ui.Empty{Icon: "device", Title: i18n.T(ctx, "identity.users.sessions.none")}}
	if v.May {
		t.Columns = append(t.Columns, ui.Column{Label: i18n.T(ctx, "web.table.actions"), Actions: true})
	}
	for _, s := range v.Sessions {
		device := Device(ctx, s.UserAgent)
		row := ui.Row{ui.Text(device), ui.Mono(s.From), ui.Time{At: s.SeenAt, Now: v.Now}, ui.Text(methods(ctx, s.Methods))}
		if v.May {
			row = append(row, ui.Confirm{ID: "end-" + s.ID, Open: ui.Button{Label: i18n.T(ctx, "identity.sessions.end") + "…", Small: true, Icon: "sign-out"},
				Title: i18n.T(ctx, "identity.sessions.end.title"), Text: i18n.T(ctx, "identity.sessions.end.text"),
				Lost:   []string{i18n.T(ctx, "identity.sessions.end.lost", "Device", device, "From", s.From)},
				Action: v.Path + "/sessions/" + s.ID + "/end", Submit: i18n.T(ctx, "identity.sessions.end"), Danger: true})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (v User) applicationTable(ctx context.Context) ui.Table {
	t := ui.Table{ID: "applications", Caption: i18n.T(ctx, "identity.nav.applications"), Query: v.Query, Total: len(v.Applications),
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.applications.name")}, {Label: i18n.T(ctx, "identity.applications.scopes")},
			{Label: i18n.T(ctx, "identity.applications.last")}},
		Empty: ui.Empty{Icon: "link", Title: i18n.T(ctx, "identity.users.applications.none")}}
	for _, a := range v.Applications {
		t.Rows = append(t.Rows, ui.Row{ui.Text(a.Name), ui.Text(ScopeNames(ctx, a.Scopes)), ui.Time{At: a.Last, Now: v.Now}})
	}
	return t
}

// ask is a button that asks before it does something to the account.
func (v User) ask(ctx context.Context, action, key, icon string, danger bool) ui.Confirm {
	label := i18n.T(ctx, key)
	return ui.Confirm{ID: action, Open: ui.Button{Label: label + "…", Icon: icon}, Title: i18n.T(ctx, key+".title", "Name", v.Account.Name),
		Text: i18n.T(ctx, key+".text"), Action: v.Path + "/" + action, Submit: label, Danger: danger}
}

// letter is the way to a password: for who has come before, or for who has not.
func (v User) letter(ctx context.Context) ui.Confirm {
	key := "identity.users.choose"
	if v.Account.Invited {
		key = "identity.users.invite"
	}
	return v.ask(ctx, "invite", key, "mail", false)
}

func (v User) givePassword(ctx context.Context) ui.Confirm {
	c := v.ask(ctx, "password", "identity.users.password", "key", true)
	c.Hidden = []ui.Hidden{once()}
	return c
}

func (v User) disable(ctx context.Context) ui.Confirm {
	c := v.ask(ctx, "disable", "identity.users.disable", "ban", true)
	c.Fields = reasonField()
	return c
}

// removeSecond says what is lost: there is no way back to any of it.
func (v User) removeSecond(ctx context.Context) ui.Confirm {
	c := v.ask(ctx, "second-factor/remove", "identity.users.factors.remove", "trash", true)
	c.ID, c.Lost = "remove-second", []string{v.factors(ctx)}
	if v.Factors.Recovery > 0 {
		c.Lost = append(c.Lost, i18n.T(ctx, "identity.users.factors.remove.lost.codes"))
	}
	c.Lost = append(c.Lost, i18n.T(ctx, "identity.users.factors.remove.lost.sessions"))
	return c
}

// remove says what is lost, which is everything.
func (v User) remove(ctx context.Context) ui.Confirm {
	c := v.ask(ctx, "remove", "identity.users.remove", "trash", true)
	c.Lost = []string{i18n.T(ctx, "identity.delete.lost.account", "Email", v.Account.Email), i18n.T(ctx, "identity.delete.lost.factors"),
		i18n.T(ctx, "identity.users.factors.remove.lost.sessions"), i18n.T(ctx, "identity.users.remove.lost.holds")}
	return c
}

func (v User) endSessions(ctx context.Context) ui.Confirm {
	c := v.ask(ctx, "sessions/end", "identity.users.sessions.end", "sign-out", true)
	c.ID = "end-sessions"
	return c
}

func (v User) take(ctx context.Context, r Role) ui.Confirm {
	return ui.Confirm{ID: "take-" + r.Name, Open: ui.Button{Label: i18n.T(ctx, "identity.roles.take") + "…", Small: true, Icon: "x"},
		Title: i18n.T(ctx, "identity.roles.take.title", "Role", r.Label), Text: i18n.T(ctx, "identity.roles.take.text", "Name", v.Account.Name),
		Action: v.Path + "/roles/" + r.Name + "/take", Submit: i18n.T(ctx, "identity.roles.take"), Danger: true}
}

func (v User) leave(ctx context.Context, g group.Group) ui.Confirm {
	return ui.Confirm{ID: "leave-" + g.ID, Open: ui.Button{Label: i18n.T(ctx, "identity.groups.leave") + "…", Small: true, Icon: "x"},
		Title: i18n.T(ctx, "identity.groups.leave.title", "Group", g.Name), Text: i18n.T(ctx, "identity.groups.leave.text", "Name", v.Account.Name),
		Action: v.Path + "/groups/" + g.ID + "/leave", Submit: i18n.T(ctx, "identity.groups.leave"), Danger: true}
}

func howToBegin(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: "invite", Label: i18n.T(ctx, "identity.users.how.invite"), Hint: i18n.T(ctx, "identity.users.how.invite.hint")},
		{Value: "password", Label: i18n.T(ctx, "identity.users.how.password"), Hint: i18n.T(ctx, "identity.users.how.password.hint")}}
}

func userLabels(ctx context.Context) map[string]string {
	all := labels(ctx)
	all["how"] = i18n.T(ctx, "identity.users.how")
	return all
}
