package identity

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/role"
	"guildhall/platform/app"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

func TestFirstAdministratorIsMadeOnce(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, os.DirFS("migrations"), func(t *testing.T, d *db.DB) {
		w := identitytest.New(t, d)
		s := firstService(w, "")
		env := app.Env{Domain: "guild.example.test", PublicURL: func(name string) string { return "https://" + name + ".guild.example.test" }}
		notes := make([]string, 3) // of nodes that start at once
		var all sync.WaitGroup
		for i := range notes {
			all.Go(func() {
				note, err := s.first(t.Context(), env)
				if err != nil {
					t.Error(err)
				}
				notes[i] = note
			})
		}
		all.Wait()
		told := slices.DeleteFunc(notes, func(n string) bool { return n == "" })
		if len(told) != 1 {
			t.Fatalf("%d nodes told of a first administrator: %q", len(told), told)
		}
		for _, text := range []string{"https://identity.guild.example.test\n", "admin@guild.example.test\n"} {
			if !strings.Contains(told[0], text) {
				t.Errorf("%q is not in %q", text, told[0])
			}
		}
		password := regexp.MustCompile(`password  (\S+)`).FindStringSubmatch(told[0])
		a, err := w.Accounts.SignIn(t.Context(), account.SignInRequest{Email: "admin@guild.example.test", Password: password[1], By: identitytest.By})
		if err != nil || !a.MustChange {
			t.Fatalf("signed in as %+v, %v", a, err)
		}
		if roles, err := s.roles.Of(t.Context(), a.ID); err != nil || !slices.Equal(roles, []string{"ca.admin", role.Admin}) {
			t.Errorf("the roles are %q, %v", roles, err)
		}
		if note, err := s.first(t.Context(), env); err != nil || note != "" {
			t.Errorf("the next start tells %q, %v", note, err)
		}
	})
}

func TestFirstAdministratorIsNotMadeBesideAccounts(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, guildtest.Open(t, guildtest.SQLite(t), migrations()))
	w.Account(t, "anna@example.com")
	s := firstService(w, "root@example.com")
	if note, err := s.first(t.Context(), app.Env{}); err != nil || note != "" {
		t.Errorf("told is %q, %v", note, err)
	}
}

func firstService(w *identitytest.World, email string) *service {
	return &service{store: w.Store, accounts: w.Accounts, config: Config{FirstAdmin: email},
		roles: role.New(role.Options{Store: w.Store, Journal: w.Journal, Known: []string{"ca.admin", "ca.viewer", role.Admin, role.Viewer}, Now: w.Clock.Now})}
}
