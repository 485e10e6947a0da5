package account_test

import (
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/db"
)

// enrol gives the account an authenticator, a passkey and two recovery codes.
func enrol(t *testing.T, w *identitytest.World, id string) {
	t.Helper()
	at := db.Micros(w.Clock.Now())
	check(t, w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
		var errs []error
		for statement, args := range map[string][]any{
			`INSERT INTO totp (account, secret, confirmed_at, last_step) VALUES ($1, $2, $3, 0)`:                           {id, []byte("x"), at},
			`INSERT INTO passkeys (id, account, credential_id, credential, name, made_at) VALUES ($2, $1, $3, '', '', $4)`: {id, "pky_" + id, []byte(id), at},
			`INSERT INTO recovery_codes (account, hash) VALUES ($1, $2), ($1, $3)`:                                         {id, []byte("a"), []byte("b")},
		} {
			_, err := tx.ExecContext(t.Context(), statement, args...)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}))
}

func TestRemoveSecond(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a, b := w.Account(t, anna), w.Account(t, "bert@example.com")
		enrol(t, w, a.ID)
		enrol(t, w, b.ID)
		expect(t, "an account that is not there", w.Accounts.RemoveSecond(t.Context(), "usr_none", admin), account.ErrNotFound)
		for range 5 { // the lost device is tried
			check(t, w.Gate.Allow(t.Context(), throttle.Account("factor:"+a.ID)))
			check(t, w.Gate.Failed(t.Context(), by, throttle.Account("factor:"+a.ID)))
		}
		rows, ended := w.Rows(t), len(w.Ended())
		check(t, w.Accounts.RemoveSecond(t.Context(), a.ID, admin))
		letter(t, w, "identity.second_removed", anna)
		letters := len(w.Letters())
		if got := w.Ended()[ended:]; !slices.Equal(got, []string{a.ID + " but "}) {
			t.Errorf("the sessions that ended: %q", got)
		}
		if had, err := w.Store.Factors(t.Context(), a.ID); err != nil || had.Passkeys+had.Recovery > 0 || !had.TOTPSince.IsZero() {
			t.Errorf("it still has %+v, %v", had, err)
		}
		if had, err := w.Store.Factors(t.Context(), b.ID); err != nil || had.Passkeys != 1 || had.Recovery != 2 || had.TOTPSince.IsZero() {
			t.Errorf("another account has %+v, %v", had, err)
		}
		if until, err := w.Accounts.LockedUntil(t.Context(), a.ID); err != nil || !until.IsZero() {
			t.Errorf("tries at what is gone lock it until %v, %v", until, err)
		}
		check(t, w.Accounts.RemoveSecond(t.Context(), a.ID, admin)) // there is nothing left
		if got := w.Actions(t, rows); !slices.Equal(got, []string{"attempts.unlocked", "account.second_factors_removed"}) {
			t.Errorf("recorded is %q", got)
		}
		if len(w.Letters()) != letters || len(w.Ended()) != ended+1 {
			t.Error("removing nothing ends sessions or writes a letter")
		}
	})
}

// An authenticator whose first code is still to come is no factor, and goes too: its
// picture may be on the screen of somebody else.
func TestRemoveSecondForgetsWhatWaits(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		check(t, w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), `INSERT INTO totp (account, secret, last_step) VALUES ($1, $2, 0)`, a.ID, []byte("x"))
			return err
		}))
		check(t, w.Accounts.RemoveSecond(t.Context(), a.ID, admin))
		check(t, w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
			if _, found, err := w.Store.TOTP(t.Context(), tx, a.ID); found || err != nil {
				t.Errorf("it still waits: %v, %v", found, err)
			}
			return nil
		}))
	})
}

// When the owner cannot be told, nothing is removed.
func TestRemoveSecondIsAllOrNothing(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		enrol(t, w, a.ID)
		rows, trouble := w.Rows(t), errors.New("no letter")
		expect(t, "remove", identitytest.Break(w, trouble).RemoveSecond(t.Context(), a.ID, admin), trouble)
		if had, err := w.Store.Factors(t.Context(), a.ID); err != nil || had.Passkeys != 1 || w.Rows(t) != rows {
			t.Errorf("it has %+v, %v; %d rows of the log, not %d", had, err, w.Rows(t), rows)
		}
	})
}

// Of several who remove at once, one does it: one letter, one entry.
func TestSeveralRemoveSecondAtOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		enrol(t, w, a.ID)
		rows, letters := w.Rows(t), len(w.Letters())
		errs := make([]error, 4)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = w.Accounts.RemoveSecond(t.Context(), a.ID, admin) })
		}
		all.Wait()
		check(t, errors.Join(errs...))
		if got := w.Actions(t, rows); len(got) != 1 || len(w.Letters()) != letters+1 {
			t.Errorf("recorded is %q, with %d letters", got, len(w.Letters())-letters)
		}
	})
}

// The letter says whether there is a password yet.
func TestInviteSaysWhetherThereIsAPassword(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		ctx := t.Context()
		invited, _, err := w.Accounts.Create(ctx, account.CreateRequest{Email: anna, Name: "Anna", Invite: true, By: admin})
		check(t, err)
		rows := w.Rows(t)
		check(t, w.Accounts.Invite(ctx, invited.ID, admin))
		letter(t, w, "identity.invited", anna)
		if got := w.Actions(t, rows); !slices.Equal(got, []string{"account.invited"}) {
			t.Errorf("recorded of an invitation is %q", got)
		}
		given, _, err := w.Accounts.Create(ctx, account.CreateRequest{Email: "b@example.com", Name: "B", By: admin})
		check(t, err)
		check(t, w.Accounts.Invite(ctx, given.ID, admin))
		letter(t, w, "identity.choose_password", "b@example.com")
		w.Clock.Advance(minute)
		_, err = w.Accounts.GivePassword(ctx, invited.ID, admin)
		check(t, err)
		check(t, w.Accounts.Invite(ctx, invited.ID, admin))
		letter(t, w, "identity.choose_password", anna)
		registered := w.Account(t, "c@example.com")
		rows = w.Rows(t)
		check(t, w.Accounts.Invite(ctx, registered.ID, admin))
		letter(t, w, "identity.choose_password", "c@example.com")
		if got := w.Actions(t, rows); !slices.Equal(got, []string{"account.password_asked"}) {
			t.Errorf("recorded of a letter to choose another password is %q", got)
		}
	})
}
