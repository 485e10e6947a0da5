package account_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/code"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

// Somebody registers an address that is not his, and waits. Its owner registers
// too, and types the code that he got for his own request.
func TestNobodyRegistersForAnother(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		thief := register(t, w, anna, "the thief's password")
		thiefsText := w.Code(t, thief)
		owner := register(t, w, anna, identitytest.Password)
		ownersText := w.Code(t, owner)

		if thiefsText != ownersText {
			_, err := w.Accounts.Activate(t.Context(), thief, ownersText, by)
			expect(t, "the thief with the owner's code", err, code.ErrWrong)
			_, err = w.Accounts.Activate(t.Context(), owner, thiefsText, by)
			expect(t, "the owner with the thief's code", err, code.ErrWrong)
		}
		_, err := w.Accounts.Activate(t.Context(), owner, ownersText, by)
		check(t, err)
		_, err = signIn(t, w, anna, "the thief's password")
		expect(t, "the thief", err, account.ErrSignIn)
		_, err = signIn(t, w, anna, identitytest.Password)
		check(t, err)
		// Whoever has the mailbox may know that there is an account.
		_, err = w.Accounts.Activate(t.Context(), thief, thiefsText, by)
		expect(t, "a second account", err, account.ErrTaken)
	})
}

func TestChallengeOfAnotherPurposeOrAccount(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a, b := w.Account(t, anna), w.Account(t, "boris@example.com")
		reset, err := w.Accounts.RequestReset(t.Context(), anna, "en", by)
		check(t, err)
		resetText := w.Code(t, reset)
		_, err = w.Accounts.Activate(t.Context(), reset, resetText, by)
		expect(t, "a reset's code activates", err, code.ErrOver)
		expect(t, "a reset's code confirms", w.Accounts.ConfirmEmail(t.Context(), a.ID, reset, resetText, by), code.ErrOver)

		change, err := w.Accounts.RequestEmail(t.Context(), a.ID, identitytest.Password, "new@example.com", by)
		check(t, err)
		changeText := w.Code(t, change)
		_, err = w.Accounts.Reset(t.Context(), change, changeText, other, by)
		expect(t, "a change's code resets", err, code.ErrOver)
		expect(t, "another's change", w.Accounts.ConfirmEmail(t.Context(), b.ID, change, changeText, by), code.ErrOver)
		check(t, w.Accounts.ConfirmEmail(t.Context(), a.ID, change, changeText, by))
	})
}

func TestAddressHasOneAccount(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		w.Account(t, "boris@example.com")
		// Another's address looks free; its owner gets a letter, and the code of
		// nobody is no code.
		challenge, err := w.Accounts.RequestEmail(t.Context(), a.ID, identitytest.Password, "Boris@example.com", by)
		check(t, err)
		if text := w.Code(t, challenge); text != "" {
			t.Error("a code for another's address")
		}
		letter(t, w, "identity.exists", "boris@example.com")

		// Two that change to one free address at once: one gets it.
		c := w.Account(t, "cecilia@example.com")
		var challenges, texts [2]string
		for i, owner := range []*account.Account{a, c} {
			challenges[i], err = w.Accounts.RequestEmail(t.Context(), owner.ID, identitytest.Password, "free@example.com", by)
			check(t, err)
			texts[i] = w.Code(t, challenges[i])
		}
		var taken atomic.Int64
		var wg sync.WaitGroup
		for i, owner := range []*account.Account{a, c} {
			wg.Go(func() {
				err := w.Accounts.ConfirmEmail(t.Context(), owner.ID, challenges[i], texts[i], by)
				if errors.Is(err, account.ErrTaken) {
					taken.Add(1)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if taken.Load() != 1 {
			t.Errorf("%d were refused", taken.Load())
		}
	})
}

func TestParallelActivationMakesOneAccount(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		var made atomic.Int64
		var wg sync.WaitGroup
		texts := map[string]string{}
		for range 3 {
			challenge := register(t, w, anna, identitytest.Password)
			texts[challenge] = w.Code(t, challenge)
		}
		for challenge, text := range texts {
			for range 5 {
				wg.Go(func() {
					_, err := w.Accounts.Activate(t.Context(), challenge, text, by)
					switch {
					case err == nil:
						made.Add(1)
					case !errors.Is(err, code.ErrOver) && !errors.Is(err, account.ErrTaken):
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if made.Load() != 1 {
			t.Errorf("%d accounts were made", made.Load())
		}
	})
}

// Many addresses guess one password at once.
func TestParallelPasswordGuessing(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		w.Account(t, anna)
		var compared atomic.Int64
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				_, err := w.Accounts.SignIn(t.Context(), account.SignInRequest{Email: anna, Password: fmt.Sprint("guess ", i), By: from(fmt.Sprintf("203.0.%d.%d", i/250, i%250))})
				switch {
				case errors.Is(err, account.ErrSignIn):
					compared.Add(1)
				case !errors.Is(err, throttle.ErrThrottled):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if compared.Load() != 5 {
			t.Errorf("%d of 1000 passwords were compared", compared.Load())
		}
	})
}

// One address guesses the passwords of many accounts, and codes.
func TestSprayingIsSlowedDown(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		for i := range 20 {
			_, err := signIn(t, w, fmt.Sprintf("user%d@example.com", i), "Summer of 2031")
			expect(t, "spray", err, account.ErrSignIn)
		}
		_, err := signIn(t, w, "one-more@example.com", "Summer of 2031")
		expect(t, "the 21st", err, throttle.ErrThrottled)
		_, err = w.Accounts.Activate(t.Context(), "cod_x", "123456", by)
		expect(t, "a code from there", err, throttle.ErrThrottled)
		_, err = w.Accounts.Activate(t.Context(), "cod_x", "123456", from("198.51.100.1"))
		expect(t, "a code from elsewhere", err, code.ErrOver)
	})
}

// effects is what an outsider's request leaves behind: everything but the random
// parts. Two requests with the same effects ran the same statements.
type effects struct {
	Answer  string
	Audit   []string
	Jobs    int
	Rows    map[string]int
	Changed int // rows that SQLite wrote, whatever the table
}

func observe(t *testing.T, w *identitytest.World, request func() error) effects {
	t.Helper()
	before, changed, rows := counts(t, w), totalChanges(t, w), w.Rows(t)
	jobsBefore := codeJobs(t, w)
	e := effects{Answer: fmt.Sprint(request()), Rows: map[string]int{}}
	e.Changed = totalChanges(t, w) - changed
	for table, n := range counts(t, w) {
		e.Rows[table] = n - before[table]
	}
	e.Jobs = codeJobs(t, w) - jobsBefore
	page, err := w.Journal.Audit.List(t.Context(), audit.Filter{Limit: audit.MaxLimit})
	check(t, err)
	for _, r := range slices.Backward(page.Records) {
		if r.Seq >= int64(rows) {
			e.Audit = append(e.Audit, r.Action+" "+r.Actor+" "+string(r.Detail))
		}
	}
	return e
}

func counts(t *testing.T, w *identitytest.World) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, table := range []string{"accounts", "codes", "attempts", "sessions"} {
		var n int
		check(t, w.DB.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n))
		all[table] = n
	}
	return all
}

func codeJobs(t *testing.T, w *identitytest.World) int {
	t.Helper()
	list, err := w.Jobs.List(t.Context(), jobs.Filter{Kind: "identity.code"})
	check(t, err)
	return len(list)
}

func totalChanges(t *testing.T, w *identitytest.World) (n int) {
	t.Helper()
	conn, err := w.DB.Conn(t.Context())
	check(t, err)
	err = conn.QueryRowContext(t.Context(), `SELECT total_changes()`).Scan(&n)
	check(t, errors.Join(err, conn.Close()))
	return n
}

func TestKnownAndUnknownAddressesLookAlike(t *testing.T) {
	t.Parallel()
	w := identitytest.New(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
	w.Account(t, "known@example.com")
	off := w.Account(t, "disabled@example.com")
	disable(t, w, off.ID)
	requests := map[string]func(email string) error{
		"register": func(email string) error {
			_, err := w.Accounts.Register(t.Context(), account.RegisterRequest{Email: email, Name: "Anna", Password: other, Language: "en", By: by})
			return err
		},
		"reset": func(email string) error {
			_, err := w.Accounts.RequestReset(t.Context(), email, "en", by)
			return err
		},
		"sign in": func(email string) error {
			_, err := signIn(t, w, email, "not the password")
			return err
		},
	}
	for name, request := range requests {
		want := observe(t, w, func() error { return request("unknown@example.com") })
		if name != "sign in" && (want.Jobs != 1 || want.Rows["codes"] != 1 || want.Answer != "<nil>") {
			t.Errorf("%s of an unknown address: %+v", name, want)
		}
		for _, email := range []string{"known@example.com", "disabled@example.com"} {
			if got := observe(t, w, func() error { return request(email) }); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s of %s:\n%+v\nand of an unknown address:\n%+v", name, email, got, want)
			}
		}
	}
	// Right, but disabled: the same as wrong.
	w.Clock.Advance(minute)
	wrongOne := observe(t, w, func() error { _, err := signIn(t, w, "known@example.com", "not the password"); return err })
	rightOne := observe(t, w, func() error { _, err := signIn(t, w, "disabled@example.com", identitytest.Password); return err })
	if fmt.Sprint(wrongOne) != fmt.Sprint(rightOne) {
		t.Errorf("a disabled account:\n%+v\nand a wrong password:\n%+v", rightOne, wrongOne)
	}
}

// The work is the same too: one hash, whoever is asked for. A hash takes 19 MiB,
// which is how it is counted.
func TestKnownAndUnknownAddressesCostTheSame(t *testing.T) { // not parallel: others allocate as well
	w := identitytest.New(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
	w.Account(t, "known@example.com")
	off := w.Account(t, "disabled@example.com")
	disable(t, w, off.ID)
	const hash = 19 << 20
	hashes := func(do func()) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return math.Round(float64(after.TotalAlloc-before.TotalAlloc) / hash)
	}
	for _, email := range []string{"known@example.com", "unknown@example.com", "disabled@example.com", "no address"} {
		n := hashes(func() {
			_, err := signIn(t, w, email, "not the password")
			expect(t, email, err, account.ErrSignIn)
		})
		if n != 1 {
			t.Errorf("sign in as %s makes %v hashes", email, n)
		}
		if email == "no address" {
			continue
		}
		if n := hashes(func() { register(t, w, email, other) }); n != 1 {
			t.Errorf("register %s makes %v hashes", email, n)
		}
	}
}

// An end of the process between the request and its letter, and between any two
// steps: what is committed is whole.
func TestKillBetween(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		challenge, err := w.Accounts.RequestReset(t.Context(), anna, "en", by)
		check(t, err)
		// The job is committed with the request, so the next process finds it.
		list, err := w.Jobs.List(t.Context(), jobs.Filter{Kind: "identity.code", State: jobs.Waiting})
		check(t, err)
		if len(list) == 0 || !strings.Contains(string(list[0].Payload), challenge) {
			t.Fatalf("the jobs are %+v", list)
		}
		text := w.Code(t, challenge)

		// The transaction of the reset fails at its last step: nothing has happened,
		// the code is good, the sessions live, nobody is told.
		broken := identitytest.Break(w, errors.New("the power went"))
		_, err = broken.Reset(t.Context(), challenge, text, other, by)
		if err == nil || len(w.Ended()) != 0 {
			t.Fatalf("reset: %v, ended %q", err, w.Ended())
		}
		letter(t, w, "identity.reset", anna)
		_, err = signIn(t, w, anna, identitytest.Password)
		check(t, err)
		err = broken.Delete(t.Context(), a.ID, identitytest.Password, by)
		if err == nil {
			t.Fatal("deleted without a letter")
		}
		_, err = w.Accounts.Reset(t.Context(), challenge, text, other, by)
		check(t, err)
	})
}

// A sign-in that began with the old password does not outlive its change.
func TestSignInRacesWithReset(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		a := w.Account(t, anna)
		// The change is committed while the password is hashed: as if between.
		row, err := w.Store.Account(t.Context(), a.ID)
		check(t, err)
		var wg sync.WaitGroup
		var signedInAfter atomic.Int64
		var changed atomic.Bool
		wg.Go(func() {
			phc, err := w.Hasher.Hash(t.Context(), other)
			if err != nil {
				t.Error(err)
				return
			}
			err = w.DB.Group(t.Context(), func(tx *sql.Tx) error {
				if err := w.Journal.Begin(t.Context(), tx); err != nil {
					return err
				}
				_, err := w.Store.SetPassword(t.Context(), tx, a.ID, row.Password, phc, false, w.Clock.Now())
				w.DB.AfterCommit(tx, func() { changed.Store(true) })
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		for range 4 {
			wg.Go(func() {
				for range 4 {
					before := changed.Load()
					_, err := signIn(t, w, anna, identitytest.Password)
					if err == nil && before {
						signedInAfter.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if signedInAfter.Load() != 0 {
			t.Error("the old password signed in after its change")
		}
	})
}
