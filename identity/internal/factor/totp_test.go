package factor_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/fault"
)

func TestTOTP(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(*testing.T, *world){
		"an authenticator is set up":              totpSetUp,
		"its picture is the QR code":              qrPicture,
		"it counts only after its first code":     totpUnconfirmed,
		"the same secret while it is set up":      totpSameSecret,
		"a secret waits a quarter of an hour":     totpWaits,
		"a second one is refused":                 totpTwice,
		"a code is accepted once":                 totpReplay,
		"the code that confirmed is used":         totpConfirmReplay,
		"one of many who use a code wins":         totpParallel,
		"clocks may be wrong by a step":           totpWindow,
		"a newer code makes the older ones void":  totpOlder,
		"guessing becomes slow":                   totpGuess,
		"a thousand guesses at once are few":      totpGuessAtOnce,
		"what is no code is no try":               totpMalformed,
		"another's code is none":                  totpOthers,
		"a secret in another's row does not open": totpMoved,
		"it is removed with its recovery codes":   totpRemoved,
	})
}

func totpSetUp(t *testing.T, w *world) {
	e, err := w.BeginTOTP(t.Context(), factor.Owner{Account: w.ann, Session: w.ann, Email: "ann+1@example.com", Name: "Ann"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(e.URI)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.ReplaceAll(e.Secret, " ", "")
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/guildhall:ann+1@example.com" || u.Query().Get("secret") != secret ||
		u.Query().Get("issuer") != "guildhall" || len(secret) != 32 {
		t.Errorf("set up with %+v", e)
	}
	if strings.Contains(e.QR, secret) || !wellFormed(e.QR) {
		t.Errorf("the picture is %.300s", e.QR)
	}
	var kept []byte
	if err := w.db.Read.QueryRowContext(t.Context(), `SELECT secret FROM totp WHERE account = $1`, w.ann).Scan(&kept); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(kept), secret) || len(kept) < 20+28 {
		t.Errorf("the secret lies open in the database: %q", kept)
	}
	if err := w.ConfirmTOTP(t.Context(), in(w.ann), phone{secret}.shows(t, w.clock.Now()), w.by); err != nil {
		t.Fatal(err)
	}
	if f := w.has(t, w.ann); !f.TOTP || !f.Any() || !f.TOTPSince.Equal(w.clock.Now()) {
		t.Errorf("the account has %+v", f)
	}
	if diff := cmp.Diff([]string{"factor.totp_added"}, w.actions(t, w.ann)); diff != "" {
		t.Error(diff)
	}
}

func wellFormed(text string) bool {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

func totpUnconfirmed(t *testing.T, w *world) {
	e, err := w.BeginTOTP(t.Context(), factor.Owner{Account: w.ann, Session: w.ann, Email: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if w.has(t, w.ann).Any() {
		t.Error("an authenticator that never showed a code counts")
	}
	code := phoneOf(e).shows(t, w.clock.Now())
	if err := w.CheckTOTP(t.Context(), w.ann, code, w.by); !errors.Is(err, factor.ErrNoTOTP) {
		t.Errorf("its code is accepted: %v", err)
	}
	if err := w.RemoveTOTP(t.Context(), w.ann, w.by); !errors.Is(err, factor.ErrNoTOTP) {
		t.Errorf("it was removed: %v", err)
	}
	if err := w.ConfirmTOTP(t.Context(), in(w.bob), code, w.by); !errors.Is(err, factor.ErrTOTPOver) {
		t.Errorf("confirmed what was not begun: %v", err)
	}
}

func totpSameSecret(t *testing.T, w *world) {
	o := factor.Owner{Account: w.ann, Session: w.ann, Email: "a"}
	first, err := w.BeginTOTP(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(14 * time.Minute)
	if err := w.ConfirmTOTP(t.Context(), in(w.ann), "000000", w.by); !errors.Is(err, factor.ErrCode) {
		t.Fatalf("a wrong first code: %v", err)
	} else if f := fault.As(err).Fields; len(f) != 1 || f[0].Name != "code" {
		t.Errorf("it stands beside %+v", f)
	}
	again, err := w.BeginTOTP(t.Context(), o)
	if err != nil || again != first {
		t.Errorf("loading the page again changed the secret: %v", err)
	}
	w.clock.Advance(time.Minute)
	if later, err := w.BeginTOTP(t.Context(), o); err != nil || later.Secret == first.Secret {
		t.Errorf("an old secret that somebody may have seen is used again: %v", err)
	}
}

func totpWaits(t *testing.T, w *world) {
	e, err := w.BeginTOTP(t.Context(), factor.Owner{Account: w.ann, Session: w.ann, Email: "a"})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(factor.EnrolLife)
	if err := w.ConfirmTOTP(t.Context(), in(w.ann), phoneOf(e).shows(t, w.clock.Now()), w.by); !errors.Is(err, factor.ErrTOTPOver) {
		t.Errorf("an old secret was confirmed: %v", err)
	}
}

func totpTwice(t *testing.T, w *world) {
	p := w.enrol(t, w.ann)
	if _, err := w.BeginTOTP(t.Context(), factor.Owner{Account: w.ann, Session: w.ann, Email: "a"}); !errors.Is(err, factor.ErrTOTPExists) {
		t.Errorf("begun twice: %v", err)
	}
	if err := w.ConfirmTOTP(t.Context(), in(w.ann), p.shows(t, w.clock.Now()), w.by); !errors.Is(err, factor.ErrTOTPExists) {
		t.Errorf("confirmed twice: %v", err)
	}
	if err := w.CheckTOTP(t.Context(), w.ann, p.shows(t, w.clock.Now()), w.by); err != nil {
		t.Errorf("the first one no longer works: %v", err)
	}
}

func totpReplay(t *testing.T, w *world) {
	p := w.enrol(t, w.ann)
	code := p.shows(t, w.clock.Now())
	if err := w.CheckTOTP(t.Context(), w.ann, code[:3]+" "+code[3:], w.by); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.CheckTOTP(t.Context(), w.ann, code, w.by); !errors.Is(err, factor.ErrCodeUsed) {
			t.Errorf("accepted twice: %v", err)
		}
	}
	w.clock.Advance(30 * time.Second)
	if err := w.CheckTOTP(t.Context(), w.ann, p.shows(t, w.clock.Now()), w.by); err != nil {
		t.Errorf("the next code: %v", err)
	}
}

func totpConfirmReplay(t *testing.T, w *world) {
	e, err := w.BeginTOTP(t.Context(), factor.Owner{Account: w.ann, Session: w.ann, Email: "a"})
	if err != nil {
		t.Fatal(err)
	}
	code := phoneOf(e).shows(t, w.clock.Now())
	if err := w.ConfirmTOTP(t.Context(), in(w.ann), code, w.by); err != nil {
		t.Fatal(err)
	}
	if err := w.CheckTOTP(t.Context(), w.ann, code, w.by); !errors.Is(err, factor.ErrCodeUsed) {
		t.Errorf("the code that confirmed signs in too: %v", err)
	}
}

// race runs n at once and counts who got no error. The others must have been
// refused as one of the expected.
func race(t *testing.T, n int, run func() error, expected ...error) (won int) {
	t.Helper()
	var count atomic.Int64
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			err := run()
			if err == nil {
				count.Add(1)
				return
			}
			for _, e := range expected {
				if errors.Is(err, e) {
					return
				}
			}
			t.Error(err)
		})
	}
	all.Wait()
	return int(count.Load())
}

func totpParallel(t *testing.T, w *world) {
	p := w.enrol(t, w.ann)
	code := p.shows(t, w.clock.Now())
	won := race(t, 20, func() error { return w.CheckTOTP(t.Context(), w.ann, code, w.by) }, factor.ErrCodeUsed, throttle.ErrThrottled)
	if won != 1 {
		t.Errorf("%d of 20 signed in with one code", won)
	}
}

func totpWindow(t *testing.T, w *world) {
	for _, c := range []struct {
		wrong time.Duration
		ok    bool
	}{{-60 * time.Second, false}, {-30 * time.Second, true}, {0, true}, {30 * time.Second, true}, {60 * time.Second, false}} {
		w := w.fresh(t)
		p := w.enrol(t, w.ann)
		w.clock.Advance(time.Hour)
		err := w.CheckTOTP(t.Context(), w.ann, p.shows(t, w.clock.Now().Add(c.wrong)), w.by)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, factor.ErrCode) {
			t.Errorf("a clock that is wrong by %s: %v", c.wrong, err)
		}
	}
}

func totpOlder(t *testing.T, w *world) {
	p := w.enrol(t, w.ann)
	now := w.clock.Now()
	if err := w.CheckTOTP(t.Context(), w.ann, p.shows(t, now.Add(30*time.Second)), w.by); err != nil {
		t.Fatal(err)
	}
	for _, older := range []time.Duration{-30 * time.Second, 0} {
		if err := w.CheckTOTP(t.Context(), w.ann, p.shows(t, now.Add(older)), w.by); !errors.Is(err, factor.ErrCodeUsed) {
			t.Errorf("an older code is accepted after a newer one: %v", err)
		}
	}
}

// wrong is a code that no step around now has.
func (w *world) wrong(t *testing.T, p phone) string {
	t.Helper()
	for i := range 10 {
		code := fmt.Sprintf("%06d", i)
		near := false
		for s := -2; s <= 2; s++ {
			near = near || p.shows(t, w.clock.Now().Add(time.Duration(s)*30*time.Second)) == code
		}
		if !near {
			return code
		}
	}
	t.Fatal("no wrong code")
	return ""
}

func totpGuess(t *testing.T, w *world) {
	p := w.enrol(t, w.ann)
	var err error
	looked := 0
	for looked < 100 {
		if err = w.CheckTOTP(t.Context(), w.ann, w.wrong(t, p), w.by); !errors.Is(err, factor.ErrCode) {
			break
		}
		looked++
	}
	if looked != 5 || !errors.Is(err, throttle.ErrThrottled) {
		t.Errorf("%d guesses were looked at, then %v", looked, err)
	}
	if err := w.CheckTOTP(t.Context(), w.ann, p.shows(t, w.clock.Now()), w.by); !errors.Is(err, throttle.ErrThrottled) {
		t.Errorf("a right code is told from a wrong one while nothing is looked at: %v", err)
	}
	w.clock.Advance(15 * time.Minute)
	if err := w.CheckTOTP(t.Context(), w.ann, p.shows(t, w.clock.Now()), w.by); err != nil {
		t.Errorf("the owner after the wait: %v", err)
	}
	if got := w.actions(t, w.ann); len(got) < 6 || got[0] != "factor.refused" {
		t.Errorf("the audit log has %q", got)
	}
}

func totpGuessAtOnce(t *testing.T, w *world) {
	p := w.enrol(t, w.ann)
	code := w.wrong(t, p)
	var looked atomic.Int64
	race(t, 1000, func() error {
		err := w.CheckTOTP(t.Context(), w.ann, code, w.by)
		if errors.Is(err, factor.ErrCode) {
			looked.Add(1)
		}
		return err
	}, factor.ErrCode, throttle.ErrThrottled)
	if n := looked.Load(); n > 5 {
		t.Errorf("%d guesses were looked at", n)
	}
}

func totpMalformed(t *testing.T, w *world) {
	p := w.enrol(t, w.ann)
	for _, code := range []string{"", "12345", "1234567", "12345a", "１２３４５６", "-12345", strings.Repeat("1", 1<<20)} {
		for range 3 {
			if err := w.CheckTOTP(t.Context(), w.ann, code, w.by); !errors.Is(err, factor.ErrCode) {
				t.Errorf("%.20q: %v", code, err)
			}
			if err := w.ConfirmTOTP(t.Context(), in(w.bob), code, w.by); !errors.Is(err, factor.ErrCode) {
				t.Errorf("%.20q: %v", code, err)
			}
		}
	}
	if err := w.CheckTOTP(t.Context(), w.ann, p.shows(t, w.clock.Now()), w.by); err != nil {
		t.Errorf("slips of the finger locked the owner out: %v", err)
	}
}

func totpOthers(t *testing.T, w *world) {
	w.enrol(t, w.ann)
	bobs := w.enrol(t, w.bob)
	if err := w.CheckTOTP(t.Context(), w.ann, bobs.shows(t, w.clock.Now()), w.by); !errors.Is(err, factor.ErrCode) {
		t.Errorf("another's authenticator signs in: %v", err)
	}
}

// Somebody who can write to the database gives Ann his own sealed secret.
func totpMoved(t *testing.T, w *world) {
	w.enrol(t, w.ann)
	bobs := w.enrol(t, w.bob)
	w.exec(t, `UPDATE totp SET secret = (SELECT b.secret FROM totp b WHERE b.account = $1) WHERE account = $2`, w.bob, w.ann)
	if err := w.CheckTOTP(t.Context(), w.ann, bobs.shows(t, w.clock.Now()), w.by); err == nil || errors.Is(err, factor.ErrCode) {
		t.Errorf("a secret that was moved: %v", err)
	}
}

func totpRemoved(t *testing.T, w *world) {
	p := w.enrol(t, w.ann)
	if _, err := w.MakeRecovery(t.Context(), in(w.ann), w.by); err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveTOTP(t.Context(), w.ann, w.by); err != nil {
		t.Fatal(err)
	}
	if f := w.has(t, w.ann); f != (factor.Factors{}) {
		t.Errorf("left are %+v", f)
	}
	if err := w.CheckTOTP(t.Context(), w.ann, p.shows(t, w.clock.Now()), w.by); !errors.Is(err, factor.ErrNoTOTP) {
		t.Errorf("a removed authenticator signs in: %v", err)
	}
	if err := w.RemoveTOTP(t.Context(), w.ann, w.by); !errors.Is(err, factor.ErrNoTOTP) {
		t.Errorf("removed twice: %v", err)
	}
}
