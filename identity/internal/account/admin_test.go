package account_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
)

var admin = audit.Caller{Actor: "usr_admin", From: "192.0.2.9"}

func TestCreateByOneTimePassword(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a, password, err := w.Accounts.Create(t.Context(), account.CreateRequest{Email: " Anna@Example.com ", Name: "Anna", Language: "pl", By: admin})
		check(t, err)
		if len(password) != 23 || !a.MustChange || a.EmailProved {
			t.Errorf("made %+v with the password %q", a, password)
		}
		signed, err := signIn(t, w, anna, password)
		check(t, err)
		if !signed.MustChange {
			t.Error("the one-time password need not be changed")
		}
		check(t, w.Accounts.ChangePassword(t.Context(), a.ID, password, other, "", by))
		if got, err := w.Accounts.Get(t.Context(), a.ID); err != nil || got.MustChange {
			t.Errorf("after the change: %+v, %v", got, err)
		}
		_, err = signIn(t, w, anna, password)
		expect(t, "sign in again with the one-time password", err, account.ErrSignIn)
	})
}

func TestInvite(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a, password, err := w.Accounts.Create(t.Context(), account.CreateRequest{Email: anna, Name: "Anna", Invite: true, SecondRequired: true, By: admin})
		check(t, err)
		if password != "" || a.MustChange || a.EmailProved || !a.SecondRequired {
			t.Errorf("invited %+v with the password %q", a, password)
		}
		letter(t, w, "identity.invited", anna)
		link := linkOf(t, w)
		first, err := w.Accounts.Invited(t.Context(), link)
		if err != nil || first.ID != a.ID {
			t.Errorf("the link is for %+v, %v", first, err)
		}
		_, err = w.Accounts.Welcome(t.Context(), link, "short", by)
		wrong(t, "a short password", err, "password too_short")
		rows := w.Rows(t)
		w.Clock.Advance(minute)
		a, err = w.Accounts.Welcome(t.Context(), link, other, by)
		check(t, err)
		if !a.EmailProved || a.Invited || !a.PasswordSetAt.Equal(w.Clock.Now()) {
			t.Errorf("arrived as %+v", a)
		}
		if got := w.Actions(t, rows); !slices.Equal(got, []string{"account.password_reset"}) {
			t.Errorf("recorded is %q", got)
		}
		_, err = signIn(t, w, anna, other)
		check(t, err)
		_, err = w.Accounts.Welcome(t.Context(), link, "yet another secret", by)
		expect(t, "the link again", err, account.ErrLink)
		auditIsClean(t, w)
	})
}

// linkOf is what the newest letter's link ends in.
func linkOf(t testing.TB, w *identitytest.World) string {
	t.Helper()
	letters := w.Letters()
	m := letters[len(letters)-1]
	url, _ := m.Data["Link"].(string)
	link, ok := strings.CutPrefix(url, "https://identity.guild.example.test/welcome?link=")
	if !ok || m.Data["Days"] != 7 || !m.Until.Equal(w.Clock.Now().Add(account.LinkLife)) {
		t.Fatalf("the newest letter is %+v", m)
	}
	return link
}

// A link is worth nothing once there is another, or another way to a password, or
// when the account is shut or has another address.
func TestAnInvitationEnds(t *testing.T) {
	for name, ends := range map[string]func(t *testing.T, w *identitytest.World, id string){
		"time": func(_ *testing.T, w *identitytest.World, _ string) { w.Clock.Advance(account.LinkLife) },
		"another letter": func(t *testing.T, w *identitytest.World, id string) {
			check(t, w.Accounts.Invite(t.Context(), id, admin))
		},
		"a one-time password": func(t *testing.T, w *identitytest.World, id string) {
			_, err := w.Accounts.GivePassword(t.Context(), id, admin)
			check(t, err)
		},
		"a code": func(t *testing.T, w *identitytest.World, _ string) {
			challenge, err := w.Accounts.RequestReset(t.Context(), anna, "en", by)
			check(t, err)
			_, err = w.Accounts.Reset(t.Context(), challenge, w.Code(t, challenge), other, by)
			check(t, err)
		},
		"disabled": func(t *testing.T, w *identitytest.World, id string) {
			check(t, w.Accounts.Disable(t.Context(), id, "left", admin))
			check(t, w.Accounts.Enable(t.Context(), id, admin))
		},
		"another address": func(t *testing.T, w *identitytest.World, id string) {
			check(t, w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
				_, err := w.Store.SetEmail(t.Context(), tx, id, "b@example.com", "b@example.com")
				return err
			}))
		},
		"removed": func(t *testing.T, w *identitytest.World, id string) {
			check(t, w.Accounts.Remove(t.Context(), id, admin))
		},
	} {
		t.Run(name, func(t *testing.T) {
			worlds(t, func(t *testing.T, w *identitytest.World) {
				a, _, err := w.Accounts.Create(t.Context(), account.CreateRequest{Email: anna, Name: "Anna", Invite: true, By: admin})
				check(t, err)
				link := linkOf(t, w)
				ends(t, w, a.ID)
				_, err = w.Accounts.Welcome(t.Context(), link, "yet another secret", by)
				expect(t, "the link", err, account.ErrLink)
				check(t, w.Accounts.Clean(t.Context()))
			})
		})
	}
}

// Two who have the letter: one of them chooses the password.
func TestAnInvitationIsGoodOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		_, _, err := w.Accounts.Create(t.Context(), account.CreateRequest{Email: anna, Name: "Anna", Invite: true, By: admin})
		check(t, err)
		link, passwords := linkOf(t, w), []string{other, "yet another secret"}
		errs := make([]error, len(passwords))
		var both sync.WaitGroup
		for i, password := range passwords {
			both.Go(func() { _, errs[i] = w.Accounts.Welcome(t.Context(), link, password, by) })
		}
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), account.ErrLink) {
			t.Errorf("two came at once: %v", errs)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		w.Account(t, anna)
		_, _, err := w.Accounts.Create(t.Context(), account.CreateRequest{Email: "ANNA@example.com", Name: "Anna", By: admin})
		wrong(t, "an address that is taken", err, "email email_in_use")
		_, _, err = w.Accounts.Create(t.Context(), account.CreateRequest{Email: "anna", Name: "", Language: "xx", By: admin})
		wrong(t, "wrong fields", err, "email mail_address", "name required", "language not_offered")
		trouble := errors.New("no")
		before := w.Rows(t)
		_, _, err = w.Accounts.Create(t.Context(), account.CreateRequest{Email: "b@example.com", Name: "B", Invite: true, By: admin,
			Then: func(context.Context, *sql.Tx, string) error { return trouble }})
		expect(t, "what follows fails", err, trouble)
		_, err = w.Accounts.Find(t.Context(), "b@example.com")
		expect(t, "the account that was not made", err, account.ErrNotFound)
		if w.Rows(t) != before {
			t.Error("what was not done is recorded")
		}
	})
}

func TestDisable(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		challenge, err := w.Accounts.RequestReset(t.Context(), anna, "en", by)
		check(t, err)
		text := w.Code(t, challenge)
		wrong(t, "no reason", w.Accounts.Disable(t.Context(), a.ID, " ", admin), "reason required")
		wrong(t, "a long reason", w.Accounts.Disable(t.Context(), a.ID, strings.Repeat("x", 201), admin), "reason too_long")
		expect(t, "one's own account", w.Accounts.Disable(t.Context(), a.ID, "I leave", audit.Caller{Actor: a.ID}), account.ErrSelf)
		expect(t, "an account that is not there", w.Accounts.Disable(t.Context(), "usr_none", "why", admin), account.ErrNotFound)
		before := w.Rows(t)
		check(t, w.Accounts.Disable(t.Context(), a.ID, "left", admin))
		check(t, w.Accounts.Disable(t.Context(), a.ID, "left again", admin))
		if got := w.Actions(t, before); !slices.Equal(got, []string{"account.disabled"}) {
			t.Errorf("disabling twice is recorded as %q", got)
		}
		if !slices.Contains(w.Ended(), a.ID+" but ") {
			t.Errorf("the sessions that ended: %q", w.Ended())
		}
		_, err = signIn(t, w, anna, identitytest.Password)
		expect(t, "sign in to a disabled account", err, account.ErrSignIn)
		if _, err := w.Accounts.Reset(t.Context(), challenge, text, other, by); err == nil {
			t.Error("a code that was asked for before opens a disabled account")
		}
		_, err = w.Accounts.GivePassword(t.Context(), a.ID, admin)
		expect(t, "a password for a disabled account", err, account.ErrDisabled)
		expect(t, "an invitation to a disabled account", w.Accounts.Invite(t.Context(), a.ID, admin), account.ErrDisabled)
		check(t, w.Accounts.Enable(t.Context(), a.ID, admin))
		_, err = signIn(t, w, anna, identitytest.Password)
		check(t, err)
	})
}

func TestRemove(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		challenge, err := w.Accounts.RequestReset(t.Context(), anna, "en", by)
		check(t, err)
		text := w.Code(t, challenge)
		expect(t, "one's own account", w.Accounts.Remove(t.Context(), a.ID, audit.Caller{Actor: a.ID}), account.ErrSelf)
		before := w.Rows(t)
		check(t, w.Accounts.Remove(t.Context(), a.ID, admin))
		expect(t, "an account that is gone", w.Accounts.Remove(t.Context(), a.ID, admin), account.ErrNotFound)
		if got := w.Actions(t, before); !slices.Equal(got, []string{"account.deleted"}) {
			t.Errorf("removing is recorded as %q", got)
		}
		if !slices.Contains(w.Ended(), a.ID+" but ") {
			t.Errorf("the sessions that ended: %q", w.Ended())
		}
		letter(t, w, "identity.deleted", anna)
		if m := w.Letters()[len(w.Letters())-1]; m.Data["From"] != "" {
			t.Errorf("the owner is told where the administrator sits: %v", m.Data)
		}
		again := w.Account(t, anna) // the address is free
		if _, err := w.Accounts.Reset(t.Context(), challenge, text, other, by); err == nil {
			t.Error("a code for the account that is gone opens the next one of its address")
		}
		disable(t, w, again.ID)
		check(t, w.Accounts.Remove(t.Context(), again.ID, admin))
	})
}

func TestUnlock(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		until, err := w.Accounts.LockedUntil(t.Context(), a.ID)
		if err != nil || !until.IsZero() {
			t.Errorf("locked until %v, %v before anything", until, err)
		}
		for range 5 {
			_, err := signIn(t, w, anna, "wrong password 1")
			expect(t, "a wrong password", err, account.ErrSignIn)
		}
		until, err = w.Accounts.LockedUntil(t.Context(), a.ID)
		if err != nil || !until.After(w.Clock.Now()) {
			t.Errorf("locked until %v, %v after five wrong passwords", until, err)
		}
		before := w.Rows(t)
		check(t, w.Accounts.Unlock(t.Context(), a.ID, admin))
		if got := w.Actions(t, before); !slices.Equal(got, []string{"attempts.unlocked", "account.unlocked"}) {
			t.Errorf("unlocking is recorded as %q", got)
		}
		_, err = signIn(t, w, anna, identitytest.Password)
		check(t, err)
	})
}

func TestGivePassword(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		password, err := w.Accounts.GivePassword(t.Context(), a.ID, admin)
		check(t, err)
		letter(t, w, "identity.password_changed", anna)
		if !slices.Contains(w.Ended(), a.ID+" but ") {
			t.Errorf("the sessions that ended: %q", w.Ended())
		}
		_, err = signIn(t, w, anna, identitytest.Password)
		expect(t, "the old password", err, account.ErrSignIn)
		signed, err := signIn(t, w, anna, password)
		check(t, err)
		if !signed.MustChange {
			t.Error("the one-time password need not be changed")
		}
	})
}

func TestRequireSecond(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		before := w.Rows(t)
		for _, required := range []bool{true, true, false} {
			check(t, w.Accounts.RequireSecond(t.Context(), a.ID, required, admin))
			if got, err := w.Accounts.Get(t.Context(), a.ID); err != nil || got.SecondRequired != required {
				t.Errorf("required %v: %+v, %v", required, got, err)
			}
		}
		if got := len(w.Actions(t, before)); got != 2 {
			t.Errorf("two changes are recorded as %d", got)
		}
	})
}

func TestList(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		var ids []string
		for _, p := range [][2]string{{"c_1@example.com", "Zoë Łuk"}, {"b%@example.com", "anna"}, {"a@example.com", "Bert"}} {
			w.Clock.Advance(minute)
			a, _, err := w.Accounts.Create(t.Context(), account.CreateRequest{Email: p[0], Name: p[1], Invite: true, By: admin})
			check(t, err)
			ids = append(ids, a.ID)
		}
		check(t, w.Accounts.Disable(t.Context(), ids[2], "left", admin))
		for _, c := range []struct {
			q    account.Query
			want []int
		}{
			{account.Query{}, []int{0, 1, 2}},
			{account.Query{Sort: "created", Desc: true}, []int{2, 1, 0}},
			{account.Query{Sort: "name"}, []int{1, 2, 0}},
			{account.Query{Sort: "email"}, []int{2, 1, 0}},
			{account.Query{Text: "ŁUK"}, []int{0}},
			{account.Query{Text: "%"}, []int{1}},
			{account.Query{Text: "_"}, []int{0}},
			{account.Query{Text: ids[1]}, []int{1}},
			{account.Query{Email: " A@Example.com"}, []int{2}},
			{account.Query{Email: "example.com"}, nil},
			{account.Query{Email: "a@example.com", Text: "anna"}, nil},
			{account.Query{State: store.Disabled}, []int{2}},
			{account.Query{Limit: 1, Offset: 1}, []int{1}},
			{account.Query{Group: "grp_none"}, nil},
		} {
			all, total, err := w.Accounts.List(t.Context(), c.q)
			check(t, err)
			var got []int
			for _, a := range all {
				got = append(got, slices.Index(ids, a.ID))
			}
			if !slices.Equal(got, c.want) || c.q.Limit == 0 && total != len(c.want) || c.q.Limit > 0 && total != 3 {
				t.Errorf("%+v: %v of %d, not %v", c.q, got, total, c.want)
			}
		}
	})
}
