package account_test

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/code"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/guildtest"
	"guildhall/platform/limit"
	"guildhall/platform/seal"
	"guildhall/platform/shared"
)

// Guesses that are spread over several nodes are counted as on one.
func TestParallelGuessingOnSeveralNodes(t *testing.T) {
	t.Parallel()
	url := guildtest.Postgres(t)
	first := identitytest.New(t, guildtest.Open(t, url, os.DirFS("../../migrations")))
	nodes := []*identitytest.World{first}
	for range 2 {
		nodes = append(nodes, identitytest.Node(t, guildtest.Open(t, url, nil), first.Key, first.Clock))
	}
	first.Account(t, anna)
	challenge, err := first.Accounts.RequestReset(t.Context(), anna, "en", by)
	check(t, err)
	text := first.Code(t, challenge)
	var passwords, codes atomic.Int64
	var wg sync.WaitGroup
	for i := range 90 {
		node, from := nodes[i%len(nodes)], from(fmt.Sprintf("203.0.%d.%d", i/250, i%250))
		wg.Go(func() {
			_, err := node.Accounts.SignIn(t.Context(), account.SignInRequest{Email: anna, Password: fmt.Sprint("guess ", i), By: from})
			if errors.Is(err, account.ErrSignIn) {
				passwords.Add(1)
			} else if !errors.Is(err, throttle.ErrThrottled) {
				t.Error(err)
			}
		})
		wg.Go(func() {
			guess := fmt.Sprintf("%06d", i)
			if guess == text {
				return
			}
			_, err := node.Accounts.Activate(t.Context(), challenge, guess, from)
			expect(t, "another purpose", err, code.ErrOver)
			err = node.Accounts.ConfirmEmail(t.Context(), "usr_none", challenge, guess, from)
			expect(t, "another purpose", err, code.ErrOver)
		})
	}
	wg.Wait()
	if passwords.Load() != 5 {
		t.Errorf("%d passwords were compared", passwords.Load())
	}
	// The resets are guessed on all nodes too; each costs a hash, so fewer.
	for i := range 12 {
		node, from := nodes[i%len(nodes)], from(fmt.Sprintf("198.51.100.%d", i))
		wg.Go(func() {
			guess := fmt.Sprintf("%06d", 500_000+i)
			if guess == text {
				return
			}
			_, err := node.Accounts.Reset(t.Context(), challenge, guess, other, from)
			if errors.Is(err, code.ErrWrong) {
				codes.Add(1)
			} else if !errors.Is(err, code.ErrOver) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if codes.Load() != 5 {
		t.Errorf("%d codes were compared", codes.Load())
	}
	report, err := first.Journal.Audit.Verify(t.Context())
	if err != nil || !report.OK() {
		t.Errorf("the audit log: %+v, %v", report, err)
	}
}

func TestAskingIsBounded(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		for i := range 30 {
			_, err := w.Accounts.RequestReset(t.Context(), fmt.Sprintf("user%d@example.com", i), "en", by)
			check(t, err)
		}
		_, err := w.Accounts.RequestReset(t.Context(), anna, "en", by)
		expect(t, "a reset too many", err, limit.ErrTooMany)
		_, err = w.Accounts.Register(t.Context(), account.RegisterRequest{Email: anna, Name: "Anna", Password: other, Language: "en", By: by})
		expect(t, "a registration too many", err, limit.ErrTooMany)
		_, err = w.Accounts.RequestReset(t.Context(), anna, "en", from("198.51.100.1"))
		check(t, err)
		w.Clock.Advance(minute)
		_, err = w.Accounts.RequestReset(t.Context(), anna, "en", by)
		check(t, err)
	})
}

// What an address asks for on several nodes is counted together when they share a
// server for that.
func TestAskingOnSeveralNodesIsBoundedTogether(t *testing.T) {
	worlds(t, func(t *testing.T, w *identitytest.World) {
		address, err := shared.ParseAddress(guildtest.NewRedis(t).URL(""), nil)
		check(t, err)
		var nodes []*account.Service
		for range 2 {
			server := shared.Open(t.Context(), shared.Options{Address: address, Timeout: time.Minute, Log: slog.New(slog.DiscardHandler)})
			t.Cleanup(server.Close)
			// A rate that gives nothing back while the test runs: the server's clock is
			// not the world's.
			nodes = append(nodes, identitytest.Limited(w, func(name string, o limit.Options) limit.Limiter {
				return limit.NewShared(server, name, limit.Options{Rate: o.Rate / 1000, Burst: o.Burst})
			}))
		}
		for i := range 30 {
			_, err := nodes[i%2].RequestReset(t.Context(), fmt.Sprintf("user%d@example.com", i), "en", by)
			check(t, err)
		}
		for _, node := range nodes {
			_, err := node.RequestReset(t.Context(), anna, "en", by)
			expect(t, "a reset too many", err, limit.ErrTooMany)
		}
		_, err = nodes[0].RequestReset(t.Context(), anna, "en", from("198.51.100.1"))
		check(t, err)
	})
}

const killDir = "GUILDHALL_TEST_KILL_DIR"

// A process is killed while people register, change their passwords and leave:
// whoever got an account can sign in, and the audit log knows of all of them.
func TestKilledWhileWorking(t *testing.T) {
	if dir := os.Getenv(killDir); dir != "" {
		registerForever(t, dir)
		return
	}
	t.Parallel()
	dir := t.TempDir()
	var held []string
	for kill := range 4 {
		held = append(held, registerAndKill(t, dir, 1+kill)...)
	}
	w := life(t, dir)
	for _, line := range held {
		id, password, _ := strings.Cut(line, " ")
		a, err := w.Accounts.Get(t.Context(), id)
		check(t, err)
		_, err = w.Accounts.SignIn(t.Context(), account.SignInRequest{Email: a.Email, Password: password, By: from(id)})
		check(t, err)
	}
	var accounts, open int
	check(t, w.DB.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM accounts`).Scan(&accounts))
	check(t, w.DB.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM codes WHERE used_at IS NULL AND email_key IN (SELECT email_key FROM accounts)`).Scan(&open))
	created := len(slices.DeleteFunc(w.Actions(t, 0), func(a string) bool { return a != journal.AccountCreated }))
	if created != accounts || open != 0 || len(held) < 10 {
		t.Errorf("%d accounts, %d in the audit log, %d handed out, %d of their codes are good", accounts, created, len(held), open)
	}
	report, err := w.Journal.Audit.Verify(t.Context())
	if err != nil || !report.OK() {
		t.Errorf("the audit log: %+v, %v", report, err)
	}
}

// life opens the database in dir as the next life of the process does.
func life(t *testing.T, dir string) *identitytest.World {
	t.Helper()
	key, err := seal.Load(dir+"/identity.key", "identity")
	check(t, err)
	return identitytest.Node(t, guildtest.Open(t, "sqlite:"+dir+"/identity.db", os.DirFS("../../migrations")), key, guildtest.NewClock(time.Now()))
}

// registerForever tells whom it gave an account, and with which password.
func registerForever(t *testing.T, dir string) {
	w := life(t, dir)
	for n := 0; ; n++ {
		email := fmt.Sprintf("user%d-%d@example.com", os.Getpid(), n)
		a, err := w.Accounts.Register(t.Context(), account.RegisterRequest{Email: email, Name: "Anna", Password: other, Language: "en", By: from(fmt.Sprintf("203.0.113.%d", n))})
		check(t, err)
		made, err := w.Accounts.Activate(t.Context(), a, w.Code(t, a), by)
		check(t, err)
		_, _ = fmt.Fprintf(os.Stdout, "\nmade %s %s\n", made.ID, other)
	}
}

func registerAndKill(t *testing.T, dir string, after int) (made []string) {
	t.Helper()
	child := guildtest.Again(t, killDir+"="+dir)
	out, err := child.StdoutPipe()
	check(t, err)
	var complaints strings.Builder
	child.Stderr = &complaints
	check(t, child.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if line, ok := strings.CutPrefix(lines.Text(), "made "); ok {
			made = append(made, line)
		}
		if len(made) == after {
			check(t, child.Process.Kill())
			break
		}
	}
	for lines.Scan() { // what was in the pipe when it died; its last line may be cut
		if line, ok := strings.CutPrefix(lines.Text(), "made "); ok && strings.HasSuffix(line, other) {
			made = append(made, line)
		}
	}
	_ = child.Wait() // killed
	if len(made) < after {
		t.Fatalf("the child made only %d accounts: %s", len(made), complaints.String())
	}
	return made
}
