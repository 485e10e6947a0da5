package identity

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/store"
	views "guildhall/identity/web"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// userPages names the pages of accounts.
func (p *pages) userPages(looks, changes map[string]staff) {
	looks["GET /admin/users"] = p.users
	looks["GET /admin/users/{id}"] = p.user
	looks["GET /admin/users/{id}/password"] = p.shownOnce
	maps.Copy(changes, map[string]staff{
		"GET /admin/users/new":                        p.newUser,
		"POST /admin/users/new":                       p.createUser,
		"POST /admin/users/{id}/disable":              p.disableUser,
		"POST /admin/users/{id}/enable":               p.enableUser,
		"POST /admin/users/{id}/remove":               p.removeUser,
		"POST /admin/users/{id}/unlock":               p.unlockUser,
		"POST /admin/users/{id}/invite":               p.inviteUser,
		"POST /admin/users/{id}/password":             p.givePassword,
		"POST /admin/users/{id}/second-factor":        p.requireSecond,
		"POST /admin/users/{id}/second-factor/remove": p.removeSecond,
		"POST /admin/users/{id}/sessions/end":         p.endUserSessions,
		"POST /admin/users/{id}/sessions/{sid}/end":   p.endUserSession,
		"POST /admin/users/{id}/roles":                p.giveRole,
		"POST /admin/users/{id}/roles/{role}/take":    p.takeRole,
		"POST /admin/users/{id}/groups":               p.joinGroup,
		"POST /admin/users/{id}/groups/{gid}/leave":   p.leaveGroup,
	})
}

func userPath(id string) string { return administration + "/" + id }

func (p *pages) users(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Sorts: []string{store.AccountsByTime, store.AccountsByName, store.AccountsByEmail}, Desc: true, Filters: []string{"state"}})
	rows, total, err := p.Accounts.List(ctx, account.Query{Text: q.Q, State: q.Filter("state"), Sort: q.Sort, Desc: q.Desc, Limit: q.Size, Offset: q.Offset()})
	if err != nil {
		return err
	}
	failed, err := p.Letters.GivenUp(ctx)
	if err != nil {
		return err
	}
	page := web.Page{Title: i18n.T(ctx, "identity.nav.users"), Lead: i18n.T(ctx, "identity.users.lead"), Active: administration,
		Body: views.UsersPage(views.Users{Query: q, Rows: rows, Total: total, FailedLetters: failed, Now: p.Now()})}
	if a.May {
		page.Actions = []templ.Component{ui.Button{Label: i18n.T(ctx, "identity.users.new"), URL: administration + "/new", Icon: "plus", Primary: true}}
	}
	return p.showAdmin(w, r, a, nil, page)
}

func (p *pages) newUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	return p.showNewUser(w, r, a, nil, form.New("language", i18n.Lang(r.Context()), "how", "invite"))
}

func (p *pages) showNewUser(w http.ResponseWriter, r *http.Request, a *administrator, err error, f *form.Form) error {
	ctx := r.Context()
	return p.showAdmin(w, r, a, err, web.Page{Title: i18n.T(ctx, "identity.users.new"), Lead: i18n.T(ctx, "identity.users.new.lead"), Active: administration, Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "identity.nav.users", administration)}, Body: views.NewUserPage(f)})
}

func (p *pages) createUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	ask := account.CreateRequest{Name: f.Text("name", form.Required), Email: f.Text("email", form.Required), Language: f.Text("language", form.Required),
		Invite: f.Choice("how", "invite", "password") == "invite", SecondRequired: f.Bool("second"), By: a.By}
	if err := f.Err(); err != nil {
		return p.showNewUser(w, r, a, err, f)
	}
	made, password, err := p.Accounts.Create(r.Context(), ask)
	if refused(f, "email", err) {
		return p.showNewUser(w, r, a, err, f)
	}
	if err != nil {
		return err
	}
	if password != "" {
		return p.showPasswordOnce(w, r, a, made, password)
	}
	return p.did(w, r, nil, i18n.T(r.Context(), "identity.users.invited", "Email", made.Email), userPath(made.ID))
}

// showPasswordOnce hands a one-time password over.
func (p *pages) showPasswordOnce(w http.ResponseWriter, r *http.Request, a *administrator, of *account.Account, password string) error {
	ctx := r.Context()
	return p.showAdmin(w, r, a, nil, web.Page{Title: i18n.T(ctx, "identity.users.password.for", "Name", of.Name), Active: administration, Narrow: true,
		Crumbs: userCrumbs(ctx, of), Body: views.OneTimePasswordPage(of, password, userPath(of.ID))})
}

func userCrumbs(ctx context.Context, of *account.Account) []web.Crumb {
	return []web.Crumb{crumb(ctx, "identity.nav.users", administration), {Label: of.Name, URL: userPath(of.ID)}}
}

func (p *pages) user(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ctx, id := r.Context(), r.PathValue("id")
	v := views.User{Path: userPath(id), May: a.May, Own: a.By.Actor == id, Now: p.Now(), Query: ui.ParseList(r.URL, ui.ListOptions{Size: 200, Sizes: []int{200}})}
	var err error
	if v.Account, err = p.Accounts.Get(ctx, id); err != nil {
		return err
	}
	if v.LockedUntil, err = p.Accounts.LockedUntil(ctx, id); err != nil {
		return err
	}
	if v.Factors, err = p.Factors.Has(ctx, id); err != nil {
		return err
	}
	if v.Sessions, err = p.Sessions.List(ctx, id); err != nil {
		return err
	}
	if v.Applications, err = p.linked(ctx, id); err != nil {
		return err
	}
	if err := p.userHolds(ctx, id, &v); err != nil {
		return err
	}
	return p.showAdmin(w, r, a, nil, web.Page{Title: v.Account.Name, Lead: v.Account.Email, Active: administration,
		Crumbs: []web.Crumb{crumb(ctx, "identity.nav.users", administration)}, Body: views.UserPage(v)})
}

// userHolds reads the account's roles and groups, and those that it could have.
func (p *pages) userHolds(ctx context.Context, id string, v *views.User) error {
	held, err := p.Roles.Held(ctx, role.Holder{Account: id})
	if err != nil {
		return err
	}
	all, err := p.Roles.Of(ctx, id)
	if err != nil {
		return err
	}
	for _, name := range all {
		v.Roles = append(v.Roles, views.Role{Name: name, Label: p.roleLabel(ctx, name), ByGroup: !slices.Contains(held, name)})
	}
	v.OtherRoles = p.otherRoles(ctx, held)
	if v.Groups, err = p.Groups.Of(ctx, id); err != nil {
		return err
	}
	const most = 200 // in a list to choose from
	groups, _, err := p.Groups.List(ctx, group.Query{Source: store.SourceLocal, Limit: most})
	for _, g := range groups {
		if !slices.ContainsFunc(v.Groups, func(in group.Group) bool { return in.ID == g.ID }) {
			v.OtherGroups = append(v.OtherGroups, ui.Option{Value: g.ID, Label: g.Name})
		}
	}
	return err
}

// roleLabel is what a role is called; its name where no service says it.
func (p *pages) roleLabel(ctx context.Context, name string) string {
	for _, known := range p.RoleList {
		if known.Name == name {
			if label, ok := i18n.Lookup(ctx, known.Key); ok {
				return label
			}
		}
	}
	return name
}

func (p *pages) disableUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	return p.did(w, r, p.Accounts.Disable(r.Context(), id, f.Text("reason"), a.By), i18n.T(r.Context(), "identity.users.disabled"), userPath(id))
}

func (p *pages) enableUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	return p.did(w, r, p.Accounts.Enable(r.Context(), id, a.By), i18n.T(r.Context(), "identity.users.enabled"), userPath(id))
}

func (p *pages) removeUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	if err := p.Accounts.Remove(r.Context(), id, a.By); err != nil {
		return p.did(w, r, err, "", userPath(id))
	}
	return p.did(w, r, nil, i18n.T(r.Context(), "identity.users.removed"), administration)
}

func (p *pages) unlockUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	return p.did(w, r, p.Accounts.Unlock(r.Context(), id, a.By), i18n.T(r.Context(), "identity.users.unlocked"), userPath(id))
}

func (p *pages) inviteUser(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	return p.did(w, r, p.Accounts.Invite(r.Context(), id, a.By), i18n.T(r.Context(), "identity.users.invited.again"), userPath(id))
}

func (p *pages) givePassword(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	of, err := p.Accounts.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := p.Forms.take(r.Context(), f); err != nil {
		return p.did(w, r, err, "", userPath(of.ID))
	}
	password, err := p.Accounts.GivePassword(r.Context(), of.ID, a.By)
	if err != nil {
		return p.did(w, r, err, "", userPath(of.ID))
	}
	return p.showPasswordOnce(w, r, a, of, password)
}

func (p *pages) requireSecond(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	return p.did(w, r, p.Accounts.RequireSecond(r.Context(), id, f.Bool("required"), a.By), i18n.T(r.Context(), "identity.users.saved"), userPath(id))
}

func (p *pages) removeSecond(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	return p.did(w, r, p.Accounts.RemoveSecond(r.Context(), id, a.By), i18n.T(r.Context(), "identity.users.factors.removed"), userPath(id))
}

func (p *pages) endUserSession(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	return p.did(w, r, p.Sessions.End(r.Context(), id, r.PathValue("sid"), a.By), i18n.T(r.Context(), "identity.sessions.ended"), userPath(id))
}

func (p *pages) endUserSessions(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	_, err := p.Sessions.EndOthers(r.Context(), id, "", a.By)
	return p.did(w, r, err, i18n.T(r.Context(), "identity.users.sessions.done"), userPath(id))
}

func (p *pages) giveRole(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	return p.did(w, r, p.Roles.Give(r.Context(), f.Text("role"), role.Holder{Account: id}, a.By), i18n.T(r.Context(), "identity.roles.given"), userPath(id))
}

func (p *pages) takeRole(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	err := p.Roles.Take(r.Context(), r.PathValue("role"), role.Holder{Account: id}, a.By)
	return p.did(w, r, err, i18n.T(r.Context(), "identity.roles.taken"), userPath(id))
}

func (p *pages) joinGroup(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	return p.did(w, r, p.Groups.Add(r.Context(), f.Text("group"), id, a.By), i18n.T(r.Context(), "identity.groups.joined"), userPath(id))
}

func (p *pages) leaveGroup(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	return p.did(w, r, p.Groups.Drop(r.Context(), r.PathValue("gid"), id, a.By), i18n.T(r.Context(), "identity.groups.left"), userPath(id))
}
