package account_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/identitytest"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

const (
	anna    = "anna@example.com"
	other   = "another good secret"
	session = "ses_1"
)

var by = identitytest.By

func worlds(t *testing.T, test func(t *testing.T, w *identitytest.World)) {
	t.Helper()
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) { test(t, identitytest.New(t, d)) })
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, not %v", what, err, want)
	}
}

// wrong expects that err stands beside the fields, and why.
func wrong(t testing.TB, what string, err error, want ...string) {
	t.Helper()
	var got []string
	for _, f := range fault.As(err).Fields {
		got = append(got, f.Name+" "+f.Code)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q (%v), not %q", what, got, err, want)
	}
}

func register(t testing.TB, w *identitytest.World, email, password string) (challenge string) {
	t.Helper()
	challenge, err := w.Accounts.Register(t.Context(), account.RegisterRequest{Email: email, Name: "Anna Nowak", Password: password, Language: "pl", By: by})
	check(t, err)
	return challenge
}

func signIn(t testing.TB, w *identitytest.World, email, password string) (*account.Account, error) {
	t.Helper()
	return w.Accounts.SignIn(t.Context(), account.SignInRequest{Email: email, Password: password, By: by})
}

// from is a caller at another address, so that the one of the test is not blocked.
func from(address string) audit.Caller { return audit.Caller{From: address} }

// last is the template and the address of the newest letter.
func last(w *identitytest.World) (template, to string) {
	letters := w.Letters()
	if len(letters) == 0 {
		return "", ""
	}
	m := letters[len(letters)-1]
	return m.Template, m.To
}

func letter(t testing.TB, w *identitytest.World, template, to string) {
	t.Helper()
	if gotTemplate, gotTo := last(w); gotTemplate != template || gotTo != to {
		t.Errorf("the newest letter is %s to %s, not %s to %s", gotTemplate, gotTo, template, to)
	}
}

func disable(t testing.TB, w *identitytest.World, id string) {
	t.Helper()
	conn, err := w.DB.Conn(t.Context())
	check(t, err)
	_, err = conn.ExecContext(t.Context(), `UPDATE accounts SET state = 'disabled', disabled_at = $1 WHERE id = $2`, db.Micros(w.Clock.Now()), id)
	check(t, errors.Join(err, conn.Close()))
}

const minute = time.Minute
