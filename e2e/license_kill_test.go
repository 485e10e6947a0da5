package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/sdk/go/license"
)

// sides are the machines that compete for each card.
var sides = [2]string{"left", "right"}

// The process is killed while pairs of machines activate cards: what a machine was told
// holds after the next start, and no card is good for both.
func TestKilledWhileActivating(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) { killedWhileActivating(t) })
	t.Run("PostgreSQL", func(t *testing.T) {
		killedWhileActivating(t, "--config", onPostgres(t, guildtest.Postgres(t)))
	})
}

func killedWhileActivating(t *testing.T, args ...string) {
	t.Helper()
	const cards = 40
	data, dir := t.TempDir(), t.TempDir()
	s := start(t, data, args...)
	run := func(more ...string) {
		t.Helper()
		must(t, append(append([]string{"license"}, more...), append(args, "--data", data)...)...)
	}
	rules := filepath.Join(dir, "rules.json")
	// All machines here have one address, and a lone digest instead of a key of their own.
	if err := os.WriteFile(rules, []byte(`{"ip_rule": "hw", "proof": false, "activate_on_any": false}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run("product", "add", "press", "The Press")
	run("policy", "add", "press", "Killed", "--rules", rules)
	for life := range 2 {
		var keys []string
		list := filepath.Join(dir, strconv.Itoa(life)+".csv")
		run("batch", "add", "--policy", "Killed", "--count", strconv.Itoa(cards), "--export", list)
		for _, row := range rows(t, list)[1:] {
			keys = append(keys, row[1])
		}
		// Each life is longer than the last, so that the kills hit several phases.
		told := activateUntilKilled(t, s, keys, 3+life*20)
		s = start(t, data, args...)
		s.keepsCards(t, keys, told)
	}
}

// activateUntilKilled has both machines of each card activate it at the same time, kills
// the process after so many were told yes, and returns who was, by card.
func activateUntilKilled(t *testing.T, s *server, keys []string, after int) map[string]string {
	t.Helper()
	type turn struct{ key, machine string }
	turns := make(chan turn, len(sides)*len(keys))
	for _, key := range keys {
		for _, side := range sides {
			turns <- turn{key, side + key}
		}
	}
	close(turns)
	var mu sync.Mutex
	told, enough := map[string]string{}, make(chan struct{})
	client, url := s.browser(t), s.service("license")
	var work sync.WaitGroup
	for range 6 {
		work.Go(func() {
			for one := range turns {
				a, err := asks(t.Context(), client, url, one.machine, license.Request{Call: license.CallActivate, Card: one.key})
				if err != nil {
					return // killed
				}
				if a.Verdict != license.VerdictActivated && a.Verdict != license.VerdictOK {
					continue
				}
				mu.Lock()
				if other, twice := told[one.key]; twice {
					t.Errorf("a card was activated for %.5s and for %.5s", other, one.machine)
				} else if told[one.key] = one.machine; len(told) == after {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(patience):
		t.Errorf("there were not %d activations after %v", after, patience)
	}
	s.kill(t)
	work.Wait()
	t.Logf("%d of %d cards were activated before the kill", len(told), len(keys))
	return told
}

// keepsCards checks that a card works for the machine that was told so, and for one machine
// if nobody was.
func (s *server) keepsCards(t *testing.T, keys []string, told map[string]string) {
	t.Helper()
	client, url := s.browser(t), s.service("license")
	for _, key := range keys {
		var works []string
		machine, bound := told[key]
		call := license.CallActivate
		if bound {
			call = license.CallValidate // which binds no card that lost its machine
		}
		for _, side := range sides {
			a, err := asks(t.Context(), client, url, side+key, license.Request{Call: call, Card: key})
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case a.Verdict == license.VerdictActivated || a.Verdict == license.VerdictOK:
				works = append(works, side+key)
			case a.Code != "environment_mismatch":
				t.Errorf("a machine was refused with %q", a.Code)
			}
		}
		if len(works) != 1 || bound && works[0] != machine {
			t.Errorf("a card works for %d machines, and was activated for %.5s before the kill", len(works), machine)
		}
	}
}
