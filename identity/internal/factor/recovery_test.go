package factor_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/throttle"
)

func TestRecovery(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(*testing.T, *world){
		"ten codes that are stored nowhere":      recoveryMade,
		"each is used once":                      recoveryOnce,
		"however it is typed":                    recoveryTyped,
		"one of many who use a code wins":        recoveryParallel,
		"new codes make the old ones void":       recoveryReplaced,
		"another's code is none":                 recoveryOthers,
		"guesses count with the authenticator's": recoveryGuess,
		"without a factor there is none":         recoveryAlone,
	})
}

func (w *world) recovery(t *testing.T, account string) []string {
	t.Helper()
	codes, err := w.MakeRecovery(t.Context(), in(account), w.by)
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

func recoveryMade(t *testing.T, w *world) {
	w.enrol(t, w.ann)
	seen := map[string]bool{}
	codes := w.recovery(t, w.ann)
	for _, c := range codes {
		if seen[c] = true; len(strings.ReplaceAll(c, "-", "")) != 16 || strings.Count(c, "-") != 3 {
			t.Errorf("a code is %q", c)
		}
	}
	if len(seen) != factor.RecoveryCodes {
		t.Errorf("%d different codes", len(seen))
	}
	rows, err := w.db.Read.QueryContext(t.Context(), `SELECT hash FROM recovery_codes WHERE account = $1`, w.ann)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var hash []byte
		if err := rows.Scan(&hash); err != nil || len(hash) != 32 {
			t.Errorf("kept is %q: %v", hash, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if left, err := w.Left(t.Context(), w.ann); err != nil || left != factor.RecoveryCodes {
		t.Errorf("%d left: %v", left, err)
	}
}

func recoveryOnce(t *testing.T, w *world) {
	w.enrol(t, w.ann)
	codes := w.recovery(t, w.ann)
	for i, c := range codes {
		w.clock.Advance(time.Hour) // the refusals below make the gate slow
		if err := w.UseRecovery(t.Context(), w.ann, c, w.by); err != nil {
			t.Fatal(err)
		}
		if err := w.UseRecovery(t.Context(), w.ann, c, w.by); !errors.Is(err, factor.ErrRecovery) {
			t.Errorf("used twice: %v", err)
		}
		if left, err := w.Left(t.Context(), w.ann); err != nil || left != len(codes)-i-1 {
			t.Errorf("%d left: %v", left, err)
		}
	}
	if got := w.actions(t, w.ann); got[0] != "factor.refused" || got[1] != "factor.recovery_used" {
		t.Errorf("the audit log has %q", got)
	}
}

func recoveryTyped(t *testing.T, w *world) {
	w.enrol(t, w.ann)
	codes := w.recovery(t, w.ann)
	for i, typed := range []string{
		strings.ToUpper(codes[0]),
		"  " + strings.ReplaceAll(codes[1], "-", " ") + " ",
		strings.NewReplacer("0", "o", "1", "l", "-", "").Replace(codes[2]),
		strings.NewReplacer("0", "O", "1", "I").Replace(codes[3]),
	} {
		if err := w.UseRecovery(t.Context(), w.ann, typed, w.by); err != nil {
			t.Errorf("%q typed as %q: %v", codes[i], typed, err)
		}
	}
	for _, none := range []string{"", "abcd", codes[5] + "0", codes[5][1:], "ü", strings.Repeat("a", 1<<20)} {
		for range 3 {
			if err := w.UseRecovery(t.Context(), w.ann, none, w.by); !errors.Is(err, factor.ErrRecovery) {
				t.Errorf("%.20q: %v", none, err)
			}
		}
	}
	if err := w.UseRecovery(t.Context(), w.ann, codes[5], w.by); err != nil {
		t.Errorf("slips of the finger locked the owner out: %v", err)
	}
}

func recoveryParallel(t *testing.T, w *world) {
	w.enrol(t, w.ann)
	code := w.recovery(t, w.ann)[0]
	won := race(t, 20, func() error { return w.UseRecovery(t.Context(), w.ann, code, w.by) }, factor.ErrRecovery, throttle.ErrThrottled)
	if left, err := w.Left(t.Context(), w.ann); won != 1 || err != nil || left != factor.RecoveryCodes-1 {
		t.Errorf("%d of 20 signed in with one code, %d are left: %v", won, left, err)
	}
}

func recoveryReplaced(t *testing.T, w *world) {
	w.enrol(t, w.ann)
	old := w.recovery(t, w.ann)
	w.recovery(t, w.ann)
	if err := w.UseRecovery(t.Context(), w.ann, old[0], w.by); !errors.Is(err, factor.ErrRecovery) {
		t.Errorf("a replaced code signs in: %v", err)
	}
	if left, err := w.Left(t.Context(), w.ann); err != nil || left != factor.RecoveryCodes {
		t.Errorf("%d left: %v", left, err)
	}
}

func recoveryOthers(t *testing.T, w *world) {
	w.enrol(t, w.ann)
	w.enrol(t, w.bob)
	w.recovery(t, w.ann)
	if err := w.UseRecovery(t.Context(), w.ann, w.recovery(t, w.bob)[0], w.by); !errors.Is(err, factor.ErrRecovery) {
		t.Errorf("another's code signs in: %v", err)
	}
}

// Who guesses does not get five tries at each kind of code.
func recoveryGuess(t *testing.T, w *world) {
	p := w.enrol(t, w.ann)
	w.recovery(t, w.ann)
	looked := 0
	for i := range 10 {
		var err error
		if i%2 == 0 {
			err = w.UseRecovery(t.Context(), w.ann, fmt.Sprintf("%016d", i), w.by)
		} else {
			err = w.CheckTOTP(t.Context(), w.ann, w.wrong(t, p), w.by)
		}
		if !errors.Is(err, throttle.ErrThrottled) {
			looked++
		}
	}
	if looked != 5 {
		t.Errorf("%d guesses were looked at", looked)
	}
}

func recoveryAlone(t *testing.T, w *world) {
	if _, err := w.BeginTOTP(t.Context(), factor.Owner{Account: w.ann, Session: w.ann, Email: "a"}); err != nil {
		t.Fatal(err) // begun is not confirmed
	}
	if _, err := w.MakeRecovery(t.Context(), in(w.ann), w.by); !errors.Is(err, factor.ErrNoFactor) {
		t.Errorf("codes that stand in for nothing: %v", err)
	}
	if err := w.UseRecovery(t.Context(), w.ann, "0000-0000-0000-0000", w.by); !errors.Is(err, factor.ErrRecovery) {
		t.Errorf("%v", err)
	}
}
