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

const groupsPage = "/admin/groups"

// groupPages names the pages of groups.
func (p *pages) groupPages(looks, changes map[string]staff) {
	looks["GET /admin/groups"] = p.groupList
	looks["GET /admin/groups/{id}"] = p.group
	maps.Copy(changes, map[string]staff{
		"GET /admin/groups/new":                      p.newGroup,
		"POST /admin/groups/new":                     p.createGroup,
		"POST /admin/groups/{id}":                    p.changeGroup,
		"POST /admin/groups/{id}/remove":             p.removeGroup,
		"POST /admin/groups/{id}/members":            p.addMember,
		"POST /admin/groups/{id}/members/{uid}/drop": p.dropMember,
		"POST /admin/groups/{id}/roles":              p.giveGroupRole,
		"POST /admin/groups/{id}/roles/{role}/take":  p.takeGroupRole,
	})
}

func groupPath(id string) string { return groupsPage + "/" + id }

func (p *pages) groupList(w http.ResponseWriter, r *http.Request, a *administrator) error {
	ctx := r.Context()
	q := ui.ParseList(r.URL, ui.ListOptions{Sorts: []string{store.GroupsByName, store.GroupsByMembers, store.GroupsByTime}, Filters: []string{"source"}})
	rows, total, err := p.Groups.List(ctx, group.Query{Text: q.Q, Source: q.Filter("source"), Sort: q.Sort, Desc: q.Desc, Limit: q.Size, Offset: q.Offset()})
	if err != nil {
		return err
	}
	page := web.Page{Title: i18n.T(ctx, "identity.groups"), Lead: i18n.T(ctx, "identity.groups.lead"), Active: groupsPage,
		Body: views.GroupsPage(views.Groups{Query: q, Rows: rows, Total: total, May: a.May, Now: p.Now()})}
	if a.May {
		page.Actions = []templ.Component{ui.Button{Label: i18n.T(ctx, "identity.groups.new"), URL: groupsPage + "/new", Icon: "plus", Primary: true}}
	}
	return p.showAdmin(w, r, a, nil, page)
}

func (p *pages) newGroup(w http.ResponseWriter, r *http.Request, a *administrator) error {
	return p.showNewGroup(w, r, a, nil, form.New())
}

func (p *pages) showNewGroup(w http.ResponseWriter, r *http.Request, a *administrator, err error, f *form.Form) error {
	ctx := r.Context()
	return p.showAdmin(w, r, a, err, web.Page{Title: i18n.T(ctx, "identity.groups.new"), Lead: i18n.T(ctx, "identity.groups.lead"), Active: groupsPage, Narrow: true,
		Crumbs: []web.Crumb{crumb(ctx, "identity.groups", groupsPage)}, Body: views.NewGroupPage(f)})
}

func (p *pages) createGroup(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	name, description := f.Text("name", form.Required), f.Text("description")
	if err := f.Err(); err != nil {
		return p.showNewGroup(w, r, a, err, f)
	}
	made, err := p.Groups.Create(r.Context(), name, description, a.By)
	if refused(f, "name", err) {
		return p.showNewGroup(w, r, a, err, f)
	}
	return p.did(w, r, err, i18n.T(r.Context(), "identity.groups.created"), groupPath(made.ID))
}

func (p *pages) group(w http.ResponseWriter, r *http.Request, a *administrator) error {
	g, err := p.Groups.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.showGroup(w, r, a, nil, views.Group{Group: g})
}

// showGroup shows a group with the form that was refused, if any; the others are as
// new.
func (p *pages) showGroup(w http.ResponseWriter, r *http.Request, a *administrator, refusal error, v views.Group) error {
	ctx := r.Context()
	v.Path, v.May, v.Now = groupPath(v.ID), a.May, p.Now()
	if v.Change == nil {
		v.Change = form.New("name", v.Name, "description", v.Description)
	}
	if v.Add == nil {
		v.Add = form.New()
	}
	at := *r.URL
	at.Path = v.Path // a form that was refused was sent to another
	q := ui.ParseList(&at, ui.ListOptions{Sorts: []string{store.AccountsByName, store.AccountsByEmail}})
	rows, total, err := p.Accounts.List(ctx, account.Query{Group: v.ID, Text: q.Q, Sort: q.Sort, Desc: q.Desc, Limit: q.Size, Offset: q.Offset()})
	if err != nil {
		return err
	}
	v.Query, v.Members, v.Total = q, rows, total
	held, err := p.Roles.Held(ctx, role.Holder{Group: v.ID})
	if err != nil {
		return err
	}
	for _, name := range held {
		v.Roles = append(v.Roles, views.Role{Name: name, Label: p.roleLabel(ctx, name)})
	}
	v.OtherRoles = p.otherRoles(ctx, held)
	return p.showAdmin(w, r, a, refusal, web.Page{Title: v.Name, Lead: v.Description, Active: groupsPage,
		Crumbs: []web.Crumb{crumb(ctx, "identity.groups", groupsPage)}, Body: views.GroupPage(v)})
}

// otherRoles are the roles that there are besides those that somebody holds.
func (p *pages) otherRoles(ctx context.Context, held []string) []ui.Option {
	var list []ui.Option
	for _, known := range p.RoleList {
		if !slices.Contains(held, known.Name) {
			list = append(list, ui.Option{Value: known.Name, Label: p.roleLabel(ctx, known.Name)})
		}
	}
	return list
}

func (p *pages) changeGroup(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	g, err := p.Groups.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	name, description := f.Text("name", form.Required), f.Text("description")
	if err := f.Err(); err != nil {
		return p.showGroup(w, r, a, err, views.Group{Group: g, Change: f})
	}
	err = p.Groups.Change(r.Context(), g.ID, name, description, a.By)
	if f.Take(err) {
		return p.showGroup(w, r, a, err, views.Group{Group: g, Change: f})
	}
	return p.did(w, r, err, i18n.T(r.Context(), "identity.users.saved"), groupPath(g.ID))
}

func (p *pages) removeGroup(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	if err := p.Groups.Remove(r.Context(), id, a.By); err != nil {
		return p.did(w, r, err, "", groupPath(id))
	}
	return p.did(w, r, nil, i18n.T(r.Context(), "identity.groups.removed"), groupsPage)
}

// addMember puts in whom an address or an id names.
func (p *pages) addMember(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	g, err := p.Groups.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	who := f.Text("who", form.Required)
	if err := f.Err(); err != nil {
		return p.showGroup(w, r, a, err, views.Group{Group: g, Add: f})
	}
	of, err := p.Accounts.Find(r.Context(), who)
	if refused(f, "who", err) {
		return p.showGroup(w, r, a, err, views.Group{Group: g, Add: f})
	}
	if err != nil {
		return err
	}
	return p.did(w, r, p.Groups.Add(r.Context(), g.ID, of.ID, a.By), i18n.T(r.Context(), "identity.groups.joined"), groupPath(g.ID))
}

func (p *pages) dropMember(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	return p.did(w, r, p.Groups.Drop(r.Context(), id, r.PathValue("uid"), a.By), i18n.T(r.Context(), "identity.groups.left"), groupPath(id))
}

func (p *pages) giveGroupRole(w http.ResponseWriter, r *http.Request, a *administrator) error {
	f, err := form.Read(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	return p.did(w, r, p.Roles.Give(r.Context(), f.Text("role"), role.Holder{Group: id}, a.By), i18n.T(r.Context(), "identity.roles.given"), groupPath(id))
}

func (p *pages) takeGroupRole(w http.ResponseWriter, r *http.Request, a *administrator) error {
	id := r.PathValue("id")
	err := p.Roles.Take(r.Context(), r.PathValue("role"), role.Holder{Group: id}, a.By)
	return p.did(w, r, err, i18n.T(r.Context(), "identity.roles.taken"), groupPath(id))
}
