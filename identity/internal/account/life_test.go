package account_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/code"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
)

func TestLifeOfAnAccount(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		challenge := register(t, w, " Anna@Example.com ", identitytest.Password)
		_, err := signIn(t, w, anna, identitytest.Password)
		expect(t, "sign in before the code", err, account.ErrSignIn)
		text := w.Code(t, challenge)
		letter(t, w, "identity.register", "Anna@Example.com")
		if m := w.Letters()[0]; m.Name != "" || m.Language != "pl" || m.Data["Minutes"] != 5 {
			t.Errorf("the letter is %+v", m)
		}
		a, err := w.Accounts.Activate(t.Context(), challenge, text, by)
		check(t, err)
		if a.Email != "Anna@Example.com" || a.Name != "Anna Nowak" || a.Language != "pl" || a.Theme != "auto" || a.MustChange || a.Disabled || !a.CreatedAt.Equal(w.Clock.Now()) {
			t.Errorf("made %+v", a)
		}
		got, err := signIn(t, w, "ANNA@example.COM", identitytest.Password)
		check(t, err)
		if *got != *a {
			t.Errorf("signed in %+v", got)
		}

		me := by.As(a.ID)
		check(t, w.Accounts.Update(t.Context(), a.ID, account.Profile{Name: "  Ania \t Nowak ", Language: "zh-CN", Theme: "dark"}, me))
		got, err = w.Accounts.Get(t.Context(), a.ID)
		check(t, err)
		if got.Name != "Ania Nowak" || got.Language != "zh-CN" || got.Theme != "dark" {
			t.Errorf("the profile is %+v", got)
		}

		w.Clock.Advance(minute)
		wrong(t, "both fields", w.Accounts.ChangePassword(t.Context(), a.ID, "not mine", "short", session, me), "old wrong_password", "new too_short")
		check(t, w.Accounts.ChangePassword(t.Context(), a.ID, identitytest.Password, other, session, me))
		letter(t, w, "identity.password_changed", "Anna@Example.com")
		if ended := w.Ended(); !slices.Equal(ended, []string{a.ID + " but " + session}) {
			t.Errorf("ended %q", ended)
		}
		_, err = signIn(t, w, anna, identitytest.Password)
		expect(t, "the old password", err, account.ErrSignIn)
		got, err = signIn(t, w, anna, other)
		check(t, err)
		if !got.PasswordSetAt.Equal(w.Clock.Now()) {
			t.Errorf("the password was set at %v", got.PasswordSetAt)
		}

		challenge, err = w.Accounts.RequestEmail(t.Context(), a.ID, other, "ania@example.org", me)
		check(t, err)
		text = w.Code(t, challenge)
		letter(t, w, "identity.email", "ania@example.org")
		check(t, w.Accounts.ConfirmEmail(t.Context(), a.ID, challenge, text, me))
		letter(t, w, "identity.email_changed", "Anna@Example.com")
		if m := w.Letters()[len(w.Letters())-1]; m.Data["Email"] != "a***@example.org" || m.Data["From"] != by.From {
			t.Errorf("the old address is told %+v", m.Data)
		}
		_, err = signIn(t, w, anna, other)
		expect(t, "the old address", err, account.ErrSignIn)
		_, err = signIn(t, w, "ania@example.org", other)
		check(t, err)

		check(t, w.Accounts.CheckPassword(t.Context(), a.ID, other, me))
		check(t, w.Accounts.Delete(t.Context(), a.ID, other, me))
		letter(t, w, "identity.deleted", "ania@example.org")
		_, err = w.Accounts.Get(t.Context(), a.ID)
		expect(t, "a deleted account", err, account.ErrNotFound)
		_, err = signIn(t, w, "ania@example.org", other)
		expect(t, "sign in to a deleted account", err, account.ErrSignIn)
		// Both addresses are free again.
		for _, email := range []string{anna, "ania@example.org"} {
			w.Clock.Advance(minute)
			w.Account(t, email)
		}
		auditIsClean(t, w)
	})
}

// auditIsClean looks for what the log must not hold, because it cannot forget.
func auditIsClean(t *testing.T, w *identitytest.World) {
	t.Helper()
	page, err := w.Journal.Audit.List(t.Context(), audit.Filter{Limit: audit.MaxLimit})
	check(t, err)
	for _, r := range page.Records {
		text := strings.ToLower(r.Actor + r.Subject + string(r.Detail))
		for _, secret := range []string{"@", "nowak", "ania", "horse", "argon", "good secret"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q: %s", r.Action, secret, text)
			}
		}
	}
	report, err := w.Journal.Audit.Verify(t.Context())
	if err != nil || !report.OK() {
		t.Errorf("the audit log: %+v, %v", report, err)
	}
}

func TestReset(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		me := by.As(a.ID)
		// Somebody guesses until the account is blocked.
		for range 5 {
			_, err := w.Accounts.SignIn(t.Context(), account.SignInRequest{Email: anna, Password: "wrong", By: from("203.0.113.9")})
			expect(t, "guess", err, account.ErrSignIn)
		}
		_, err := signIn(t, w, anna, identitytest.Password)
		expect(t, "blocked", err, throttle.ErrThrottled)

		// What was begun by somebody with the old password must not outlive it.
		w.Clock.Advance(minute)
		hijack, err := w.Accounts.RequestEmail(t.Context(), a.ID, identitytest.Password, "thief@example.com", me)
		check(t, err)
		hijackText := w.Code(t, hijack)
		older, err := w.Accounts.RequestReset(t.Context(), anna, "pl", by)
		check(t, err)
		olderText := w.Code(t, older)

		challenge, err := w.Accounts.RequestReset(t.Context(), " ANNA@example.com", "pl", by)
		check(t, err)
		text := w.Code(t, challenge)
		letter(t, w, "identity.reset", anna)
		if m := w.Letters()[len(w.Letters())-1]; m.Language != "en" {
			t.Error("the letter is not in the language of the account")
		}
		// A password that is refused leaves the code good.
		_, err = w.Accounts.Reset(t.Context(), challenge, text, "anna@example.com", by)
		wrong(t, "the own address", err, "password password_personal")
		_, err = w.Accounts.Reset(t.Context(), challenge, text, "short", by)
		wrong(t, "short", err, "password too_short")
		got, err := w.Accounts.Reset(t.Context(), challenge, text, other, by)
		check(t, err)
		if got.ID != a.ID || !got.PasswordSetAt.Equal(w.Clock.Now()) {
			t.Errorf("reset %+v", got)
		}
		letter(t, w, "identity.password_changed", anna)
		if ended := w.Ended(); !slices.Equal(ended, []string{a.ID + " but "}) {
			t.Errorf("ended %q", ended)
		}
		_, err = w.Accounts.Reset(t.Context(), challenge, text, "yet another secret", by)
		expect(t, "replay", err, code.ErrOver)
		_, err = w.Accounts.Reset(t.Context(), older, olderText, "yet another secret", by)
		expect(t, "an older code", err, code.ErrOver)
		expect(t, "a change of address begun before", w.Accounts.ConfirmEmail(t.Context(), a.ID, hijack, hijackText, me), code.ErrOver)
		// It also ends the block.
		_, err = signIn(t, w, anna, other)
		check(t, err)
		_, err = signIn(t, w, anna, identitytest.Password)
		expect(t, "the old password", err, account.ErrSignIn)
		auditIsClean(t, w)
	})
}

func TestResetIsForTheAddressOfTheAccount(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, "fiona@example.com")
		me := by.As(a.ID)
		// The ligature folds to the same key; a mail server may know another mailbox.
		challenge, err := w.Accounts.RequestReset(t.Context(), "ﬁona@example.com", "en", by)
		check(t, err)
		text := w.Code(t, challenge)
		letter(t, w, "identity.reset", "fiona@example.com")

		// A code that went to the old address is worth nothing after the change.
		w.Clock.Advance(minute)
		change, err := w.Accounts.RequestEmail(t.Context(), a.ID, identitytest.Password, "new@example.com", me)
		check(t, err)
		check(t, w.Accounts.ConfirmEmail(t.Context(), a.ID, change, w.Code(t, change), me))
		_, err = w.Accounts.Reset(t.Context(), challenge, text, other, by)
		expect(t, "a code of the old address", err, code.ErrOver)

		// Also when the address was changed by other ways than its owner's.
		challenge, err = w.Accounts.RequestReset(t.Context(), "new@example.com", "en", by)
		check(t, err)
		text = w.Code(t, challenge)
		check(t, w.DB.Group(t.Context(), func(tx *sql.Tx) error {
			if err := w.Journal.Begin(t.Context(), tx); err != nil {
				return err
			}
			_, err := w.Store.SetEmail(t.Context(), tx, a.ID, "set@example.com", "set@example.com")
			return err
		}))
		_, err = w.Accounts.Reset(t.Context(), challenge, text, other, by)
		expect(t, "a code of the address before", err, code.ErrOver)
	})
}

func TestDisabled(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		challenge, err := w.Accounts.RequestReset(t.Context(), anna, "en", by)
		check(t, err)
		text := w.Code(t, challenge)
		disable(t, w, a.ID)
		_, err = signIn(t, w, anna, identitytest.Password)
		expect(t, "sign in", err, account.ErrSignIn)
		_, err = w.Accounts.Reset(t.Context(), challenge, text, other, by)
		expect(t, "reset", err, account.ErrDisabled)
		expect(t, "password", w.Accounts.CheckPassword(t.Context(), a.ID, identitytest.Password, by), account.ErrDisabled)
		expect(t, "delete", w.Accounts.Delete(t.Context(), a.ID, identitytest.Password, by), account.ErrDisabled)
		before := len(w.Letters())
		challenge, err = w.Accounts.RequestReset(t.Context(), anna, "en", by)
		check(t, err)
		if w.Code(t, challenge) != "" || len(w.Letters()) != before {
			t.Error("a disabled account gets a code")
		}
		if got, err := w.Accounts.Get(t.Context(), a.ID); err != nil || !got.Disabled {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestWrongFields(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		me := by.As(a.ID)
		ctx := t.Context()
		_, err := w.Accounts.Register(ctx, account.RegisterRequest{Email: "no address", Password: "x", Language: "tlh"})
		wrong(t, "register", err, "email mail_address", "name required", "language not_offered", "password too_short")
		_, err = w.Accounts.Register(ctx, account.RegisterRequest{Email: "x@example.com\r\nBcc: y@example.com", Name: strings.Repeat("x", 65), Password: identitytest.Password})
		wrong(t, "injection", err, "email mail_address", "name too_long")
		_, err = w.Accounts.Register(ctx, account.RegisterRequest{Email: "x@example.com", Name: "Anna\u202eNowak\x00", Password: identitytest.Password})
		wrong(t, "invisible", err, "name not_text")
		_, err = w.Accounts.RequestReset(ctx, "", "en", by)
		wrong(t, "reset", err, "email mail_address")
		wrong(t, "profile", w.Accounts.Update(ctx, a.ID, account.Profile{Theme: "pink"}, me), "name required", "theme not_offered")
		expect(t, "nobody's profile", w.Accounts.Update(ctx, "usr_none", account.Profile{Name: "x", Theme: "auto"}, me), account.ErrNotFound)

		wrong(t, "wrong old", w.Accounts.ChangePassword(ctx, a.ID, "wrong", other, "", me), "old wrong_password")
		wrong(t, "common", w.Accounts.ChangePassword(ctx, a.ID, identitytest.Password, "password123", "", me), "new password_common")
		wrong(t, "same", w.Accounts.ChangePassword(ctx, a.ID, identitytest.Password, identitytest.Password, "", me), "new same_password")
		_, err = w.Accounts.RequestEmail(ctx, a.ID, "wrong", "new@example.com", me)
		wrong(t, "email without password", err, "password wrong_password")
		_, err = w.Accounts.RequestEmail(ctx, a.ID, identitytest.Password, anna, me)
		wrong(t, "same email", err, "email same_email")
		wrong(t, "delete", w.Accounts.Delete(ctx, a.ID, "wrong", me), "password wrong_password")
		wrong(t, "check", w.Accounts.CheckPassword(ctx, a.ID, "wrong", me), "password wrong_password")
		expect(t, "nobody", w.Accounts.CheckPassword(ctx, "usr_none", "wrong", me), account.ErrNotFound)
		if got, err := w.Accounts.Get(ctx, a.ID); err != nil || *got != *a {
			t.Errorf("now %+v, %v", got, err)
		}
		if refused := len(slices.DeleteFunc(w.Actions(t, 0), func(a string) bool { return a != journal.PasswordRefused })); refused != 4 {
			t.Errorf("%d wrong passwords are recorded", refused)
		}
	})
}

// Somebody who leaves before his password was looked at has not tried, and our
// own overload blocks nobody.
func TestTryThatIsNotLookedAtIsNotCounted(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		w.Account(t, anna)
		for range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := w.Accounts.SignIn(ctx, account.SignInRequest{Email: anna, Password: "wrong", By: by})
			expect(t, "gone", err, context.Canceled)
		}
		_, err := signIn(t, w, anna, identitytest.Password)
		check(t, err)
	})
}
