package code_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/identity/internal/code"
	"guildhall/identity/internal/identitytest"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

var by = identitytest.By

// world is a desk whose letters the test reads.
type world struct {
	*identitytest.World

	Desk *code.Desk
	// good says whether letters have codes; fails is the error of writing one.
	good  bool
	fails error

	mu      sync.Mutex
	letters []string
}

func worlds(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := &world{World: identitytest.New(t, d), good: true}
		// A queue of its own: the world's has a desk already.
		queue := jobs.New(jobs.Options{DB: d, Now: w.Clock.Now})
		w.Desk = code.New(code.Options{DB: d, Store: w.Store, Journal: w.Journal, Jobs: queue, Key: w.Key, Now: w.Clock.Now,
			Log: slog.New(slog.DiscardHandler), Letter: w.letter})
		test(t, w)
	})
}

func (w *world) letter(_ context.Context, tx *sql.Tx, c code.Code, text string) (bool, string, error) {
	w.DB.AfterCommit(tx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.letters = append(w.letters, text)
	})
	if !w.good {
		return false, "no_account", w.fails
	}
	return true, "", w.fails
}

// ask asks for a code and reads it.
func (w *world) ask(t testing.TB, email string) (challenge, text string) {
	t.Helper()
	challenge, err := w.Desk.Ask(t.Context(), code.Ask{Purpose: code.Reset, Email: email, EmailKey: email, Language: "en", Data: []byte("data of " + email), By: by})
	check(t, err)
	return challenge, w.read(t, challenge)
}

func (w *world) read(t testing.TB, challenge string) string {
	t.Helper()
	w.letters = nil
	check(t, w.Desk.Deliver(t.Context(), challenge))
	if len(w.letters) == 0 {
		return ""
	}
	return w.letters[0]
}

func (w *world) redeem(ctx context.Context, challenge, text string) error {
	return w.Desk.Redeem(ctx, challenge, text, code.Reset, by, func(*sql.Tx, code.Code) error { return nil })
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

// other is a code that is not text.
func other(text string, n int) string {
	var value int
	fmt.Sscanf(text, "%d", &value)
	return fmt.Sprintf("%06d", (value+1+n)%1_000_000)
}

func TestCodeWorksOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		challenge, text := w.ask(t, "anna@example.com")
		var got code.Code
		err := w.Desk.Redeem(t.Context(), challenge, " "+text[:3]+" - "+text[3:], code.Reset, by, func(_ *sql.Tx, c code.Code) error {
			got = c
			return nil
		})
		if err != nil || got.Email != "anna@example.com" || string(got.Data) != "data of anna@example.com" {
			t.Fatalf("redeemed %+v, %v", got, err)
		}
		expect(t, "replay", w.redeem(t.Context(), challenge, text), code.ErrOver)
		var left int
		check(t, w.DB.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM codes WHERE data IS NOT NULL OR hash IS NOT NULL`).Scan(&left))
		if left != 0 {
			t.Error("a used challenge still holds what it sealed")
		}
		expect(t, "no letter for a used one", w.Desk.Again(t.Context(), challenge, by), code.ErrEnded)
	})
}

func TestParallelReplayHasOneWinner(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		challenge, text := w.ask(t, "anna@example.com")
		var won, ran atomic.Int64
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				err := w.Desk.Redeem(t.Context(), challenge, text, code.Reset, by, func(tx *sql.Tx, _ code.Code) error {
					w.DB.AfterCommit(tx, func() { ran.Add(1) })
					return nil
				})
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, code.ErrOver) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || ran.Load() != 1 {
			t.Errorf("%d won, %d ran", won.Load(), ran.Load())
		}
	})
}

// A thousand guesses at once: five are compared, and the right one is worth
// nothing when it is not among them.
func TestParallelGuessesAreComparedFiveTimes(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		challenge, text := w.ask(t, "anna@example.com")
		var compared atomic.Int64
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				switch err := w.redeem(t.Context(), challenge, other(text, i)); {
				case errors.Is(err, code.ErrWrong):
					compared.Add(1)
				case !errors.Is(err, code.ErrOver):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if compared.Load() != 5 {
			t.Errorf("%d of 1000 guesses were compared", compared.Load())
		}
		expect(t, "the right one, too late", w.redeem(t.Context(), challenge, text), code.ErrOver)
		// A new letter has a new code with tries of its own.
		w.Clock.Advance(time.Minute)
		check(t, w.Desk.Again(t.Context(), challenge, by))
		expect(t, "the old one before the letter", w.redeem(t.Context(), challenge, text), code.ErrOver)
		check(t, w.redeem(t.Context(), challenge, w.read(t, challenge)))
	})
}

func TestCodeIsGoodForItsChallengeAndPurposeAlone(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		mine, text := w.ask(t, "anna@example.com")
		his, hisText := w.ask(t, "anna@example.com")
		if text != hisText {
			expect(t, "another's challenge", w.redeem(t.Context(), his, text), code.ErrWrong)
		}
		expect(t, "another purpose", w.Desk.Redeem(t.Context(), mine, text, code.Email, by, func(*sql.Tx, code.Code) error { return nil }), code.ErrOver)
		expect(t, "no challenge", w.redeem(t.Context(), "cod_none", text), code.ErrOver)
		for _, nonsense := range []string{"", "12345", "1234567", "12345a", "-12345", "½½½½½½", "123 45"} {
			err := w.redeem(t.Context(), mine, nonsense)
			if f := fault.As(err); f.Code != "code_format" || f.Fields[0].Name != "code" {
				t.Errorf("%q: %v", nonsense, err)
			}
		}
		wide := ""
		for _, r := range text {
			wide += string(r - '0' + '０')
		}
		check(t, w.redeem(t.Context(), mine, wide))
		check(t, w.redeem(t.Context(), his, hisText))
	})
}

func TestCodeExpires(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		challenge, text := w.ask(t, "anna@example.com")
		w.Clock.Advance(5*time.Minute - time.Microsecond)
		expect(t, "a wrong one in the last moment", w.redeem(t.Context(), challenge, other(text, 0)), code.ErrWrong)
		w.Clock.Advance(time.Microsecond)
		expect(t, "the right one too late", w.redeem(t.Context(), challenge, text), code.ErrOver)
		w.Clock.Advance(time.Hour)
		expect(t, "a new one too late", w.Desk.Again(t.Context(), challenge, by), code.ErrEnded)
	})
}

func TestAnotherLetterWaitsAMinute(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		challenge, first := w.ask(t, "anna@example.com")
		w.Clock.Advance(time.Minute - time.Second)
		err := w.Desk.Again(t.Context(), challenge, by)
		expect(t, "too soon", err, code.ErrSoon)
		if f := fault.As(err); f.RetryAfter != time.Second || f.Args["Seconds"] != 1 {
			t.Errorf("come back after %v, %v", f.RetryAfter, f.Args)
		}
		w.Clock.Advance(time.Second)
		// Of many clicks at once, one asks.
		var asked atomic.Int64
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if err := w.Desk.Again(t.Context(), challenge, by); err == nil {
					asked.Add(1)
				} else if !errors.Is(err, code.ErrSoon) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if asked.Load() != 1 {
			t.Errorf("%d letters were asked for", asked.Load())
		}
		second := w.read(t, challenge)
		if second != first {
			expect(t, "the first code", w.redeem(t.Context(), challenge, first), code.ErrWrong)
		}
		check(t, w.redeem(t.Context(), challenge, second))
	})
}

// A mailbox cannot be filled, and code after code cannot be guessed.
func TestLettersToAnAddressAreBounded(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		sent := 0
		send := func(email string) {
			if _, text := w.ask(t, email); text != "" {
				sent++
			}
		}
		for range 12 {
			send("anna@example.com")
		}
		if sent != 5 {
			t.Errorf("%d letters in an hour", sent)
		}
		send("otto@example.com")
		if sent != 6 {
			t.Error("another address gets none")
		}
		sent = 5
		for range 23 {
			w.Clock.Advance(time.Hour)
			for range 7 {
				send("anna@example.com")
			}
			check(t, w.Desk.Clean(t.Context()))
		}
		if sent != 20 {
			t.Errorf("%d letters in a day", sent)
		}
		// A withheld letter leaves the code before it as it is.
		w.Clock.Advance(25 * time.Hour)
		challenge, text := w.ask(t, "anna@example.com")
		for range 4 {
			send("anna@example.com")
		}
		w.Clock.Advance(time.Minute)
		check(t, w.Desk.Again(t.Context(), challenge, by))
		if again := w.read(t, challenge); again != "" {
			t.Error("a letter too many")
		}
		check(t, w.redeem(t.Context(), challenge, text))
	})
}

// Jobs are run at least once: a process may die between the commit and the end
// of its job.
func TestLetterIsWrittenOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		challenge, text := w.ask(t, "anna@example.com")
		if again := w.read(t, challenge); again != "" {
			t.Error("the letter was written twice")
		}
		check(t, w.redeem(t.Context(), challenge, text))

		// And when writing it fails, nothing has happened.
		w.fails = errors.New("no template")
		challenge, err := w.Desk.Ask(t.Context(), code.Ask{Purpose: code.Reset, Email: "otto@example.com", EmailKey: "otto@example.com", Language: "en", By: by})
		check(t, err)
		if err := w.Desk.Deliver(t.Context(), challenge); !errors.Is(err, w.fails) {
			t.Fatalf("deliver: %v", err)
		}
		w.fails = nil
		check(t, w.redeem(t.Context(), challenge, w.read(t, challenge)))

		// A letter that nobody waits for any more is not written.
		challenge, err = w.Desk.Ask(t.Context(), code.Ask{Purpose: code.Reset, Email: "ewa@example.com", EmailKey: "ewa@example.com", Language: "en", By: by})
		check(t, err)
		w.Clock.Advance(time.Hour + time.Second)
		if late := w.read(t, challenge); late != "" {
			t.Error("a letter came after an hour")
		}
	})
}

func TestFailureWithinLeavesTheCodeGood(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		challenge, text := w.ask(t, "anna@example.com")
		refusal := errors.New("not this password")
		for range 10 {
			err := w.Desk.Redeem(t.Context(), challenge, text, code.Reset, by, func(*sql.Tx, code.Code) error { return refusal })
			expect(t, "within", err, refusal)
		}
		// Somebody who closes the window in the middle has not tried.
		ctx, cancel := context.WithCancel(t.Context())
		err := w.Desk.Redeem(ctx, challenge, text, code.Reset, by, func(*sql.Tx, code.Code) error { cancel(); return nil })
		expect(t, "cancelled", err, context.Canceled)
		check(t, w.redeem(t.Context(), challenge, text))
	})
}

// What a guesser sees of a challenge without a code is what he sees of one with.
func TestNoCodeLooksLikeACode(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		seen := map[bool][]string{}
		for _, good := range []bool{true, false} {
			w.good = good
			challenge, text := w.ask(t, fmt.Sprintf("anna-%v@example.com", good))
			see := func(err error) { seen[good] = append(seen[good], fmt.Sprint(err)) }
			see(w.Desk.Again(t.Context(), challenge, by))
			for i := range 7 {
				see(w.redeem(t.Context(), challenge, other(text, i)))
			}
			w.Clock.Advance(time.Minute)
			see(w.Desk.Again(t.Context(), challenge, by))
			text = w.read(t, challenge)
			see(w.redeem(t.Context(), challenge, other(text, 1)))
			w.Clock.Advance(6 * time.Minute)
			see(w.redeem(t.Context(), challenge, other(text, 1)))
			if !good {
				w.Clock.Advance(time.Minute)
				check(t, w.Desk.Again(t.Context(), challenge, by))
				expect(t, "the text of no code", w.redeem(t.Context(), challenge, w.read(t, challenge)), code.ErrWrong)
			}
		}
		if a, b := fmt.Sprint(seen[true]), fmt.Sprint(seen[false]); a != b {
			t.Errorf("with a code:\n%s\nwithout:\n%s", a, b)
		}
	})
}

func TestVoidEndsChallenges(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		challenge, err := w.Desk.Ask(t.Context(), code.Ask{Purpose: code.Reset, Account: "usr_1", Email: "a@example.com", EmailKey: "a@example.com", Language: "en", By: by})
		check(t, err)
		text := w.read(t, challenge)
		otherChallenge, otherText := w.ask(t, "b@example.com")
		check(t, w.DB.Group(t.Context(), func(tx *sql.Tx) error {
			return errors.Join(w.Journal.Begin(t.Context(), tx), w.Desk.Void(t.Context(), tx, "usr_1"))
		}))
		expect(t, "a void one", w.redeem(t.Context(), challenge, text), code.ErrOver)
		check(t, w.redeem(t.Context(), otherChallenge, otherText))
	})
}

// Neither the database, nor the jobs, nor the audit log know a code.
func TestCodeIsKeptNowhere(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		challenge, text := w.ask(t, "anna@example.com")
		list, err := w.Jobs.List(t.Context(), jobs.Filter{})
		check(t, err)
		if len(list) != 1 || string(list[0].Payload) != `"`+challenge+`"` {
			t.Errorf("the job is %+v", list)
		}
		log, err := w.Journal.Audit.List(t.Context(), audit.Filter{})
		check(t, err)
		for _, r := range log.Records {
			if detail := string(r.Detail); strings.Contains(detail, text) || strings.Contains(detail, "anna") {
				t.Errorf("the audit log has %s", detail)
			}
		}
		var data []byte
		check(t, w.DB.Read.QueryRowContext(t.Context(), `SELECT data FROM codes`).Scan(&data))
		if string(data) == "data of anna@example.com" {
			t.Error("the data is not sealed")
		}
		report, err := w.Journal.Audit.Verify(t.Context())
		if err != nil || !report.OK() {
			t.Errorf("the audit log: %+v, %v", report, err)
		}
	})
}
