package directory_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/directory"
	"guildhall/identity/internal/directory/directorytest"
)

func TestMembersHaveAccounts(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		o.staff("anna", "ben", "cleo", "dora", "emil", "fred", "gina") // more than two pages
		o.Unit.NewUser("stranger", secret)
		o.save(t, nil)
		_, err := o.Run(ctx, directory.Order{})
		expect(t, "a run before it is on", err, directory.ErrOff)
		expect(t, "on before a dry run", o.Switch(ctx, true, admin), directory.ErrUntried)

		r := o.dry(t)
		if r.Read != 7 || r.Added != 7 || !r.Dry || len(o.Letters()) != 0 {
			t.Errorf("dry: %+v, %d letters", r, len(o.Letters()))
		}
		_, err = o.Accounts.Find(ctx, o.Unit.Email("anna"))
		expect(t, "a dry run makes nobody", err, account.ErrNotFound)

		check(t, o.Switch(ctx, true, admin))
		before := o.Rows(t)
		r = o.run(t, directory.Done)
		o.tells(t, r, "added anna", "added ben", "added cleo", "added dora", "added emil", "added fred", "added gina")
		if anna := o.account(t, "anna"); anna.Name != "Anna Example" || !anna.MustChange || anna.Language != "en" {
			t.Errorf("made: %+v", anna)
		}
		if got := o.Actions(t, before); len(got) != 8 || got[0] != "account.created" || got[7] != "directory.run" {
			t.Errorf("the audit log has %q", got)
		}

		letters := o.Letters()
		if len(letters) != 7 || letters[0].Template != "identity.directory_password" || letters[0].To != o.Unit.Email("anna") {
			t.Fatalf("%d letters: %+v", len(letters), letters[0])
		}
		password, _ := letters[0].Data["Password"].(string)
		a, err := o.Accounts.SignIn(ctx, account.SignInRequest{Email: letters[0].To, Password: password, By: by})
		check(t, err)
		if !a.MustChange {
			t.Error("the generated password need not be changed")
		}
		check(t, o.Accounts.ChangePassword(ctx, a.ID, password, "another good secret", "", by))
		o.tells(t, o.run(t, directory.Done))
		if a := o.account(t, "anna"); a.MustChange || len(o.Letters()) != 8 {
			t.Errorf("the next run changed something: %+v, %d letters", a, len(o.Letters()))
		}
	})
}

func TestGroupsInGroupsAndPrimaryGroups(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		u := o.Unit
		inner, innermost := u.NewGroup("Inner"), u.NewGroup("Innermost")
		u.Join(u.Group, inner)
		u.Join(inner, innermost, u.NewUser("middle", secret))
		u.Join(innermost, u.NewUser("deep", secret), u.Group) // and round again
		for i, group := range []string{u.Group, innermost} {
			dn := u.NewUser(fmt.Sprintf("primary%d", i), secret)
			u.Join(group, dn)
			u.Set(dn, "primaryGroupID", fmt.Sprint(u.RID(group)))
		}
		o.on(t, nil)
		o.tells(t, o.run(t, directory.Done), "added middle", "added deep", "added primary0", "added primary1")
	})
}

func TestWhoeverIsRenamedOrMovedKeepsHisAccount(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		u := o.Unit
		dns := o.staff("anna", "ben")
		o.on(t, nil)
		o.run(t, directory.Done)
		was := o.account(t, "anna")

		elsewhere := u.NewUnit("Elsewhere")
		dn := u.Move(dns[0], "CN=Anna Nowak", elsewhere)
		u.Set(dn, "displayName", "Anna Nowak")
		u.Set(dn, "mail", u.Email("nowak"))
		o.tells(t, o.run(t, directory.Done), "changed nowak email name moved")
		if now := o.account(t, "nowak"); now.ID != was.ID || now.Name != "Anna Nowak" {
			t.Errorf("%+v was %+v", now, was)
		}
		letters := o.Letters()
		if m := letters[len(letters)-1]; m.Template != "identity.email_changed" || m.To != was.Email || m.Data["Email"] != "n***@"+u.Mark+".example.com" {
			t.Errorf("the old address is told %+v", m)
		}
		o.tells(t, o.run(t, directory.Done))
	})
}

func TestWhoeverLeavesIsDisabledAndComesBack(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		ctx, u := t.Context(), o.Unit
		dns := o.staff("anna", "ben", "cleo", "dora", "emil")
		o.on(t, func(s *directory.Settings) { s.Limit = 60 })
		o.run(t, directory.Done)
		anna, ben, cleo := o.account(t, "anna"), o.account(t, "ben"), o.account(t, "cleo")

		u.Set(dns[0], "userAccountControl", directorytest.Disabled)
		u.Leave(u.Group, dns[1])
		u.Remove(dns[2])
		before := o.Rows(t)
		o.tells(t, o.run(t, directory.Done), "disabled anna disabled", "disabled ben removed", "disabled cleo removed")
		for _, a := range []*account.Account{anna, ben, cleo} {
			if now, err := o.Accounts.Get(ctx, a.ID); err != nil || !now.Disabled || !slices.Contains(o.Ended(), a.ID+" but ") {
				t.Errorf("%s: %+v, %v, sessions ended: %q", a.Email, now, err, o.Ended())
			}
		}
		if got := o.Actions(t, before); !slices.Equal(got, []string{"account.disabled", "account.disabled", "account.disabled", "directory.run"}) {
			t.Errorf("the audit log has %q", got)
		}
		o.tells(t, o.run(t, directory.Done))

		u.Set(dns[0], "userAccountControl", directorytest.Normal)
		u.Join(u.Group, dns[1])
		again := u.NewUser("cleo", secret) // another person for the directory
		u.Join(u.Group, again)
		o.tells(t, o.run(t, directory.Done), "enabled anna", "enabled ben", "skipped cleo email_taken")
		if now := o.account(t, "anna"); now.ID != anna.ID || now.Disabled {
			t.Errorf("back: %+v", now)
		}
		u.Set(dns[3], "accountExpires", "130000000000000000") // in the year 2012
		o.tells(t, o.run(t, directory.Done), "disabled dora disabled", "skipped cleo email_taken")
	})
}

func TestWhatWasDecidedHereStays(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		ctx, u := t.Context(), o.Unit
		local := o.Account(t, u.Email("local"))
		dns := o.staff("anna", "ben", "local", "cleo", "nobody", "twin", "other", "odd")
		u.Set(dns[4], "mail", "")
		u.Set(dns[6], "mail", strings.ToUpper(u.Email("twin")))
		u.Set(dns[7], "mail", "no address")
		o.on(t, nil)
		o.tells(t, o.run(t, directory.Done), "added anna", "added ben", "added cleo", "skipped local email_taken", "skipped Nobody Example no_email",
			"skipped twin email_twice", "skipped TWIN email_twice", "skipped no address bad_email")
		problems := []string{"skipped local email_taken", "skipped Nobody Example no_email", "skipped twin email_twice", "skipped TWIN email_twice", "skipped no address bad_email"}

		check(t, o.Accounts.Disable(ctx, o.account(t, "anna").ID, "left the room", admin))
		ben := o.account(t, "ben").ID
		expect(t, "remove whom the directory has", o.Accounts.Remove(ctx, ben, admin), account.ErrOfDirectory)
		check(t, o.Accounts.Disable(ctx, ben, "left the company", admin))
		check(t, o.Accounts.Remove(ctx, ben, admin))
		o.Account(t, u.Email("taken"))
		u.Set(dns[3], "mail", u.Email("taken"))
		r := o.run(t, directory.Done)
		o.tells(t, r, append(problems, "skipped anna disabled_here", "skipped ben deleted_here", "skipped taken email_taken")...)
		if !o.account(t, "anna").Disabled || o.account(t, "cleo").Disabled {
			t.Error("an account changed its state")
		}
		if now := o.account(t, "local"); now.ID != local.ID || now.Name != local.Name {
			t.Errorf("the local account was taken over: %+v", now)
		}
		_, err := o.Accounts.Find(ctx, u.Email("ben"))
		expect(t, "who was deleted here", err, account.ErrNotFound)

		u.Leave(u.Group, dns[1])
		o.run(t, directory.Done)
		u.Join(u.Group, dns[1]) // somebody wants him back
		if told := o.told(o.run(t, directory.Done)); !slices.Contains(told, "added ben") {
			t.Errorf("he is not back: %q", told)
		}
	})
}

func TestARunThatWouldDisableTooManyIsStopped(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		ctx, u := t.Context(), o.Unit
		names := []string{"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10"}
		dns := o.staff(names...)
		o.on(t, nil)
		o.run(t, directory.Done)
		u.Leave(u.Group, dns[0], dns[1])
		if r := o.run(t, directory.Done); r.Disabled != 2 {
			t.Errorf("20 %% of ten: %+v", r)
		}
		u.Leave(u.Group, dns[2], dns[3])
		r := o.run(t, directory.Stopped)
		if r.Code != directory.ErrLimit.Code || r.Disabled != 2 || o.account(t, "a3").Disabled || o.account(t, "a4").Disabled {
			t.Errorf("25 %% of eight: %+v", r)
		}
		if kept, err := o.Report(ctx, r.ID); err != nil || kept.Code != r.Code || len(kept.Entries) != 2 {
			t.Errorf("the report: %+v, %v", kept, err)
		}

		check(t, o.Ask(ctx, true, admin))
		check(t, o.Tick(ctx))
		last, err := o.Last(ctx)
		check(t, err)
		if last.Outcome != directory.Done || last.Disabled != 2 || last.By != admin || !last.Beyond || !o.account(t, "a3").Disabled {
			t.Errorf("beyond the limit: %+v", last)
		}

		u.Leave(u.Group, dns[4:]...)
		check(t, o.Ask(ctx, true, admin))
		check(t, o.Tick(ctx))
		if last, err = o.Last(ctx); err != nil || last.Outcome != directory.Stopped || last.Code != directory.ErrEmpty.Code || o.account(t, "a5").Disabled {
			t.Errorf("an empty group, even beyond the limit: %+v, %v", last, err)
		}
	})
}

func TestOneOfFewIsAlwaysDisabled(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		dns := o.staff("anna", "ben")
		o.on(t, nil)
		o.run(t, directory.Done)
		o.Unit.Leave(o.Unit.Group, dns[0])
		o.tells(t, o.run(t, directory.Done), "disabled anna removed")
	})
}

func TestTheLastAdministratorStays(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		dns := o.staff("anna", "ben", "cleo")
		o.on(t, nil)
		o.run(t, directory.Done)
		check(t, o.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), `INSERT INTO role_holders (role, account, made_at) VALUES ('identity.admin', $1, 0)`, o.account(t, "anna").ID)
			return err
		}))
		o.Unit.Leave(o.Unit.Group, dns[0])
		o.tells(t, o.run(t, directory.Done), "skipped anna last_admin")
		if o.account(t, "anna").Disabled {
			t.Error("nobody can administer any more")
		}
	})
}

// Both ways of reading find the same people, whatever ranges their groups come in.
func TestOtherServersAreWalked(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		u := o.Unit
		dns := o.staff("a1", "a2", "a3", "a4", "a5", "a6", "a7")
		inner := u.NewGroup("Inner")
		u.Join(u.Group, inner)
		u.Join(inner, u.NewUser("deep", secret), u.Group)
		u.Set(dns[6], "userAccountControl", directorytest.Disabled)
		o.save(t, nil)
		matched, err := o.Read(t.Context(), false)
		check(t, err)
		walked, err := o.Read(t.Context(), true)
		check(t, err)
		if len(matched) != 8 || !slices.Equal(matched, walked) {
			t.Errorf("Active Directory finds %d: %+v\nwalking finds %d: %+v", len(matched), matched, len(walked), walked)
		}
	})
}

func TestTheScheduleIsKept(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		check(t, o.Tick(ctx)) // nothing is set up
		o.staff("anna")
		o.on(t, func(s *directory.Settings) { s.Minutes = 30 })
		runs := func() int {
			all, _, err := o.Reports(ctx, "", 0, 100)
			check(t, err)
			return len(slices.DeleteFunc(all, func(r *directory.Report) bool { return r.Dry }))
		}
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 1}, {29 * time.Minute, 1}, {time.Minute, 2}, {time.Minute, 2}, {29 * time.Minute, 3}} {
			o.Clock.Advance(step.after)
			check(t, o.Tick(ctx))
			if runs() != step.want {
				t.Fatalf("%v later there were %d runs, not %d", step.after, runs(), step.want)
			}
		}
		check(t, o.Ask(ctx, false, admin))
		check(t, o.Tick(ctx))
		if last, err := o.Last(ctx); err != nil || runs() != 4 || last.By != admin {
			t.Errorf("asked for: %d runs, the last %+v, %v", runs(), last, err)
		}
		check(t, o.Switch(ctx, false, admin))
		expect(t, "ask while it is off", o.Ask(ctx, false, admin), directory.ErrOff)
		o.Clock.Advance(31 * 24 * time.Hour)
		check(t, o.Tick(ctx))
		if runs() != 4 {
			t.Error("it ran while it was off")
		}
		check(t, o.Switch(ctx, true, admin))
		check(t, o.Tick(ctx))
		if runs() != 1 {
			t.Errorf("%d reports are older than 30 days", runs()-1)
		}
	})
}

func TestOneRunAtATime(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		o.staff("anna")
		o.on(t, nil)
		check(t, o.DB.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO directory_runs (id, started_at, dry, outcome, report) VALUES ('dir_other', $1, FALSE, 'running', '{"id":"dir_other","outcome":"running"}')`,
				o.Clock.Now().UnixMicro())
			return err
		}))
		_, err := o.Run(ctx, directory.Order{})
		expect(t, "beside another", err, directory.ErrRunning)
		o.Clock.Advance(16 * time.Minute)
		o.run(t, directory.Done)
		if dead, err := o.Report(ctx, "dir_other"); err != nil || dead.Outcome != directory.Failed || dead.Code != directory.ErrCut.Code {
			t.Errorf("the dead one: %+v, %v", dead, err)
		}
	})
}

func TestALinkSetsTheFirstPassword(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		dns := o.staff("anna", "ben")
		o.Unit.Set(dns[0], "preferredLanguage", "pl-PL, en")
		o.on(t, func(s *directory.Settings) { s.Welcome, s.Language = directory.WelcomeLink, "zh-CN" })
		o.run(t, directory.Done)
		letters := o.Letters()
		if len(letters) != 2 || letters[0].Template != "identity.directory_link" || letters[0].Language != "pl" || letters[1].Language != "zh-CN" {
			t.Fatalf("letters: %+v", letters)
		}
		link := func(i int) string {
			url, _ := letters[i].Data["Link"].(string)
			return strings.TrimPrefix(url, "https://identity.guild.example.test/welcome?link=")
		}
		_, err := o.Accounts.SignIn(ctx, account.SignInRequest{Email: letters[0].To, Password: "", By: by})
		expect(t, "an empty password", err, account.ErrSignIn)
		_, err = o.Accounts.Welcome(ctx, link(0), "short", by)
		wrong(t, "a bad password", err, "password too_short")
		_, err = o.Accounts.Welcome(ctx, "no link", "another good secret", by)
		expect(t, "another link", err, account.ErrLink)
		a, err := o.Accounts.Welcome(ctx, link(0), "another good secret", by)
		check(t, err)
		_, err = o.Accounts.SignIn(ctx, account.SignInRequest{Email: a.Email, Password: "another good secret", By: by})
		check(t, err)
		_, err = o.Accounts.Welcome(ctx, link(0), "yet another secret", by)
		expect(t, "the link again", err, account.ErrLink)
		o.Clock.Advance(account.LinkLife)
		_, err = o.Accounts.Welcome(ctx, link(1), "another good secret", by)
		expect(t, "a link that is over", err, account.ErrLink)
	})
}

// A letter that cannot be written leaves no account behind.
func TestAnAccountAndItsLetterAreOne(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		o.staff("anna")
		o.on(t, nil)
		broken := o.broken(t)
		r, err := broken.Run(t.Context(), directory.Order{})
		check(t, err)
		if r.Outcome != directory.Failed || r.Added != 0 {
			t.Errorf("%+v", r)
		}
		_, err = o.Accounts.Find(t.Context(), o.Unit.Email("anna"))
		expect(t, "the account", err, account.ErrNotFound)
	})
}

func TestOurOwnAuthorityOrAGivenOne(t *testing.T) {
	offices(t, func(t *testing.T, o *office) {
		o.staff("anna")
		o.save(t, func(s *directory.Settings) { s.Trust, s.CA = directory.TrustGiven, o.Unit.Samba.CA })
		if r := o.dry(t); r.Outcome != directory.Done {
			t.Errorf("the authority was pasted: %+v", r)
		}
		o.save(t, func(s *directory.Settings) {
			s.Servers = []string{"ldap://" + o.Unit.Samba.Address} // STARTTLS
		})
		if r := o.dry(t); r.Outcome != directory.Done {
			t.Errorf("STARTTLS: %+v", r)
		}
	})
}
