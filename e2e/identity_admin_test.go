package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"guildhall/platform/guildtest"
)

// TestAdministrationPagesPlease looks at what administrators of accounts and
// applications see, and walks through it by the tabulator.
func TestAdministrationPagesPlease(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	identity := s.service("identity")
	add := func(args ...string) string {
		id, _, _ := strings.Cut(must(t, append([]string{"identity", "client", "add", "--data", s.data}, args...)...), "\n")
		return id
	}
	wiki := add("web", "--name", "Wiki of the house", "--redirect-uri", "https://wiki.example.com/signed-in")
	old := add("service", "--name", "Old import")
	must(t, "identity", "client", "disable", "--data", s.data, old)
	office := strings.TrimSpace(must(t, "identity", "group", "add", "--data", s.data, "Office", "--description", "All who work on the second floor"))
	must(t, "identity", "user", "add", "--data", s.data, "anna@example.com", "--name", "Anna Nowak")
	must(t, "identity", "group", "join", "--data", s.data, office, "anna@example.com")
	must(t, "identity", "group", "give", "--data", s.data, office, "ca.viewer")
	for group, pages := range map[string]map[string]string{
		"users":        {"list": "/admin/users", "nobody": "/admin/users?q=nobody-like-it", "new": "/admin/users/new", "one": ""},
		"applications": {"list": "/admin/applications", "new": "/admin/applications/new", "one": "/admin/applications/" + wiki, "disabled": "/admin/applications/" + old},
		"groups":       {"none": "/admin/groups?q=nobody-like-it", "new": "/admin/groups/new", "one": "/admin/groups/" + office},
		"rest":         {"letters": "/admin/letters", "audit": "/admin/audit", "keys": "/admin/keys", "directory": "/admin/directory", "settings": "/admin/directory/settings"},
	} {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			ctx := enter(t, s)
			for name, path := range pages {
				t.Run(name, func(t *testing.T) {
					if path == "" {
						visit(t, ctx, identity+"/admin/users")
						one, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector('main a[href^="/admin/users/usr_"]').getAttribute('href')`))
						if err != nil {
							t.Fatal(err)
						}
						path = one
					}
					guildtest.Inspect(t, ctx, identity+path, pictures, "administration-"+group+"-"+name)
					visit(t, ctx, identity+path)
					walk(t, ctx)
				})
			}
		})
	}
}
