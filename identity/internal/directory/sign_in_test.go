package directory_test

import (
	"slices"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/directory"
	"guildhall/identity/internal/directory/directorytest"
	"guildhall/identity/internal/identitytest"
)

func (o *office) signIn(t *testing.T, email, password string) error {
	t.Helper()
	_, err := o.Accounts.SignIn(t.Context(), account.SignInRequest{Email: email, Password: password, By: by})
	return err
}

func TestTheDirectoryKeepsPasswords(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		ctx, u := t.Context(), o.Unit
		dns := o.staff("anna", "ben")
		local := o.Account(t, "local@example.com")
		o.on(t, func(s *directory.Settings) { s.SignIn = true })
		o.run(t, directory.Done)
		letters := o.Letters()
		if m := letters[len(letters)-1]; m.Template != "identity.directory_welcome" || o.account(t, "anna").MustChange {
			t.Errorf("welcome: %+v", m)
		}
		anna := u.Email("anna")
		check(t, o.signIn(t, anna, secret))
		dn := u.Move(dns[0], "CN=Moved", u.NewUnit("Elsewhere")) // since the last run
		check(t, o.signIn(t, anna, secret))
		for what, try := range map[string][2]string{"a wrong password": {anna, "not the secret"}, "an empty one": {anna, ""},
			"nobody": {"nobody@example.com", secret}, "a wrong local one": {local.Email, secret}} {
			expect(t, what, o.signIn(t, try[0], try[1]), account.ErrSignIn)
			o.Clock.Advance(hour) // the gate opens
		}
		check(t, o.signIn(t, local.Email, identitytest.Password))

		for attribute, test := range map[string]struct {
			value, was string
			want       error
		}{"userAccountControl": {directorytest.Disabled, directorytest.Normal, directory.ErrSignInOff}, "pwdLastSet": {"0", "-1", directory.ErrSignInChange},
			"accountExpires": {"130000000000000000", "0", directory.ErrSignInExpired}} {
			u.Set(dn, attribute, test.value)
			expect(t, attribute+" and the right password", o.signIn(t, anna, secret), test.want)
			expect(t, attribute+" and a wrong one", o.signIn(t, anna, "not the secret"), account.ErrSignIn)
			u.Set(dn, attribute, test.was)
		}

		o.Clock.Advance(hour)
		a := o.account(t, "anna")
		expect(t, "a change of the password", o.Accounts.ChangePassword(ctx, a.ID, secret, "another good secret", "", by), account.ErrElsewhere)
		check(t, o.Accounts.CheckPassword(ctx, a.ID, secret, by))
		challenge, err := o.Accounts.RequestReset(ctx, anna, "en", by)
		check(t, err)
		check(t, o.Accounts.Deliver(ctx, challenge))
		letters = o.Letters()
		if m := letters[len(letters)-1]; m.Template != "identity.elsewhere" || m.To != anna {
			t.Errorf("a reset: %+v", m)
		}

		check(t, o.Switch(ctx, false, admin))
		expect(t, "once the import is off", o.signIn(t, anna, secret), account.ErrSignIn)
	})
}

// While the directory is out of reach, nobody learns who is in it.
func TestAnUnreachableDirectoryTellsNothing(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		o.staff("anna")
		local := o.Account(t, "local@example.com")
		o.on(t, func(s *directory.Settings) { s.SignIn = true })
		o.run(t, directory.Done)
		st, err := o.State(t.Context())
		check(t, err)
		s := st.Settings
		s.Servers = []string{"ldaps://" + closedPort(t)}
		check(t, o.Save(t.Context(), st.Version, s, directorytest.Password, admin))
		check(t, o.ForceOn(t.Context()))
		for _, email := range []string{o.Unit.Email("anna"), "nobody@example.com", local.Email} {
			expect(t, email, o.signIn(t, email, "whatever it is"), directory.ErrAway)
		}
		check(t, o.signIn(t, local.Email, identitytest.Password))
	})
}

// What is asked of the directory is the same for whoever is in it and whoever is not.
func TestTheDirectoryHasTheSameWork(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		o.staff("anna")
		local := o.Account(t, "local@example.com")
		o.on(t, func(s *directory.Settings) { s.SignIn = true })
		o.run(t, directory.Done)
		st, err := o.State(t.Context())
		check(t, err)
		s := st.Settings
		count, address := counting(t, o.Unit.Samba.Address+":389")
		s.Servers, s.Plain = []string{"ldap://" + address}, true
		check(t, o.Save(t.Context(), st.Version, s, directorytest.Password, admin))
		check(t, o.ForceOn(t.Context()))
		var asked []int64
		for _, email := range []string{o.Unit.Email("anna"), "nobody@example.com", local.Email} {
			before := count.Load()
			expect(t, email, o.signIn(t, email, "whatever it is"), account.ErrSignIn)
			asked = append(asked, count.Load()-before)
		}
		if asked[0] < 3 || len(slices.Compact(slices.Clone(asked))) != 1 {
			t.Errorf("requests: %d", asked)
		}
	})
}

// Whoever had a generated password to change has none any more.
func TestNobodyMustChangeWhatTheDirectoryKeeps(t *testing.T) {
	oneOffice(t, func(t *testing.T, o *office) {
		o.staff("anna")
		o.on(t, nil)
		o.run(t, directory.Done)
		if !o.account(t, "anna").MustChange {
			t.Fatal("the generated password need not be changed")
		}
		o.save(t, func(s *directory.Settings) { s.SignIn = true })
		if o.account(t, "anna").MustChange {
			t.Error("a password that the directory keeps must be changed here")
		}
		check(t, o.signIn(t, o.Unit.Email("anna"), secret))
	})
}
