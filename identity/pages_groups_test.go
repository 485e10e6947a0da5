package identity

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
)

func TestLifeOfAGroupOnItsPages(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, admin := h.holder(t, "admin@example.com", role.Admin)
	anna := h.Account(t, "anna@example.com")
	b.get(t, "/admin/groups").wants(t, http.StatusOK, "There are no groups yet", `href="/admin/groups/new"`)
	b.get(t, "/admin/groups/new").wants(t, http.StatusOK)
	b.send(t, "/admin/groups/new", "name", " ", "description", "kept").wants(t, http.StatusUnprocessableEntity, "Fill in this field.", `value="kept"`)
	b.send(t, "/admin/groups/new", "name", strings.Repeat("x", 65)).wants(t, http.StatusUnprocessableEntity, `id="f-name-error"`)
	path := b.send(t, "/admin/groups/new", "name", "Office <b>", "description", "those who work there").Header.Get("Location")
	b.get(t, path).wants(t, http.StatusOK, "Office &lt;b&gt;", "those who work there", "Nobody is in this group", "No roles.")
	b.send(t, "/admin/groups/new", "name", "OFFICE <b>").wants(t, http.StatusUnprocessableEntity, "There is a group with this name already.")

	for _, who := range []string{"nobody@example.com", "usr_none", "", "x y"} {
		b.send(t, path+"/members", "who", who).wants(t, http.StatusUnprocessableEntity, `id="add-who-error"`)
	}
	b.send(t, path+"/members", "who", "ANNA@example.com").leadsTo(t, path)
	b.send(t, path+"/members", "who", admin.ID).leadsTo(t, path)
	b.send(t, path+"/roles", "role", "ca.admin").leadsTo(t, path)
	b.send(t, path+"/roles", "role", "*").leadsTo(t, path)
	if roles, err := h.pages.Roles.Of(t.Context(), anna.ID); err != nil || !slices.Equal(roles, []string{"ca.admin"}) {
		t.Errorf("a member's roles are %q, %v", roles, err)
	}
	b.get(t, path).wants(t, http.StatusOK, anna.Email, admin.Email, "The memberships of 2 accounts", "Every member has these roles.")
	if a := b.get(t, path+"?q=ANNA@"); !strings.Contains(a.main(), anna.Email) || strings.Contains(a.main(), admin.Email) {
		t.Errorf("a search among the members:\n%s", a.main())
	}
	b.get(t, "/admin/groups?q=work&sort=members&dir=desc&source=local").wants(t, http.StatusOK, "Office &lt;b&gt;")
	b.get(t, "/admin/groups?source=directory").wants(t, http.StatusOK, "Nothing matches")

	b.send(t, path, "name", "", "description", "").wants(t, http.StatusUnprocessableEntity, `id="change-name-error"`)
	b.send(t, path, "name", "The office", "description", "").leadsTo(t, path)
	b.send(t, path+"/members/"+anna.ID+"/drop").leadsTo(t, path)
	b.send(t, path+"/roles/ca.admin/take").leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "The office", "No roles.", "The membership of 1 account")

	b.send(t, path+"/remove").leadsTo(t, "/admin/groups")
	b.get(t, path).wants(t, http.StatusNotFound)
	for _, gone := range []string{path + "/remove", path + "/roles/ca.admin/take", path + "/members/" + anna.ID + "/drop"} {
		b.send(t, gone).wants(t, http.StatusSeeOther)
	}
	b.send(t, path+"/members", "who", anna.ID).wants(t, http.StatusNotFound)
	b.send(t, path, "name", "x").wants(t, http.StatusNotFound)
}

// The group by which somebody is the last administrator keeps the role and that member.
func TestAGroupKeepsTheLastAdministrator(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, admin := h.holder(t, "admin@example.com", role.Admin)
	path := b.send(t, "/admin/groups/new", "name", "Admins").Header.Get("Location")
	b.send(t, path+"/members", "who", admin.ID).leadsTo(t, path)
	b.send(t, path+"/roles", "role", role.Admin).leadsTo(t, path)
	b.send(t, "/admin/users/"+admin.ID+"/roles/"+role.Admin+"/take").leadsTo(t, "/admin/users/"+admin.ID)
	for _, refused := range []string{path + "/remove", path + "/members/" + admin.ID + "/drop", path + "/roles/" + role.Admin + "/take"} {
		b.send(t, refused).leadsTo(t, path)
		b.get(t, path).wants(t, http.StatusOK, "this is the last active account", admin.Email)
	}
	b.get(t, "/admin/groups").wants(t, http.StatusOK)
}

// What the directory names is shown with the reason why nothing can be changed, but
// its roles are given here.
func TestGroupsOfTheDirectoryAreReadOnly(t *testing.T) {
	t.Parallel()
	h := openHost(t)
	b, _ := h.holder(t, "admin@example.com", role.Admin)
	anna := h.Account(t, "anna@example.com")
	g, err := h.pages.Groups.Create(t.Context(), "Imported", "", identitytest.By)
	if err != nil {
		t.Fatal(err)
	}
	path := "/admin/groups/" + g.ID
	if err := h.pages.Groups.Add(t.Context(), g.ID, anna.ID, identitytest.By); err != nil {
		t.Fatal(err)
	}
	h.must(t, `UPDATE groups SET source = 'directory'`)
	page := b.get(t, path)
	page.wants(t, http.StatusOK, "This group comes from the directory", anna.Email)
	for _, form := range []string{path + `"`, path + "/members", path + "/remove"} {
		if strings.Contains(page.main(), `method="post" action="`+form) {
			t.Errorf("the page offers %s", form)
		}
	}
	rows := h.Rows(t)
	for _, refused := range []string{path, path + "/remove", path + "/members", path + "/members/" + anna.ID + "/drop"} {
		b.send(t, refused, "name", "Mine", "who", anna.ID).leadsTo(t, path)
		b.get(t, path).wants(t, http.StatusOK, "This comes from the directory.")
	}
	if h.Rows(t) != rows {
		t.Errorf("something was done: %q", h.Actions(t, rows+1))
	}
	b.send(t, path+"/roles", "role", "ca.admin").leadsTo(t, path)
	b.get(t, path).wants(t, http.StatusOK, "ca.admin")
}
