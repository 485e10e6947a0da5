package factor_test

import (
	"errors"
	"testing"

	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/session"
)

func TestEndedSessions(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(*testing.T, *world){
		"a session that has ended adds nothing": endedAddsNothing,
		"another's session adds nothing":        othersAddNothing,
	})
}

// The sessions of an account end while requests of theirs are under way.
func endedAddsNothing(t *testing.T, w *world) {
	w.enrol(t, w.bob)
	e, err := w.BeginTOTP(t.Context(), in(w.ann))
	if err != nil {
		t.Fatal(err)
	}
	code := phoneOf(e).shows(t, w.clock.Now())
	options, cookie, err := w.BeginPasskey(t.Context(), in(w.ann))
	if err != nil {
		t.Fatal(err)
	}
	answer := newDevice(w.ann).creates(t, options)
	w.exec(t, `UPDATE sessions SET ended_at = 1 WHERE account = $1 OR account = $2`, w.ann, w.bob)

	_, begun := w.BeginTOTP(t.Context(), in(w.ann))
	_, added := w.FinishPasskey(t.Context(), in(w.ann), cookie, "Telephone", answer, w.by)
	_, made := w.MakeRecovery(t.Context(), in(w.bob), w.by)
	for what, got := range map[string]error{"an authenticator is begun": begun, "a passkey": added, "recovery codes": made,
		"an authenticator": w.ConfirmTOTP(t.Context(), in(w.ann), code, w.by)} {
		if !errors.Is(got, session.ErrNone) {
			t.Errorf("%s: %v", what, got)
		}
	}
	if w.has(t, w.ann).Any() || w.has(t, w.bob).Recovery != 0 {
		t.Errorf("they have %+v and %+v", w.has(t, w.ann), w.has(t, w.bob))
	}
}

func othersAddNothing(t *testing.T, w *world) {
	for _, o := range []factor.Owner{{Account: w.ann, Session: w.bob}, {Account: w.ann}} {
		if _, err := w.BeginTOTP(t.Context(), o); !errors.Is(err, session.ErrNone) {
			t.Errorf("in %+v: %v", o, err)
		}
	}
}
