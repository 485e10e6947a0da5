package limit_test

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/platform/guildtest"
	"guildhall/platform/limit"
)

// cli asks the server as an operator would.
func cli(t *testing.T, r *guildtest.Redis, args ...string) string {
	t.Helper()
	program := "redis-cli"
	if _, err := exec.LookPath(program); err != nil {
		program = "valkey-cli"
	}
	out, err := exec.CommandContext(t.Context(), program, append([]string{"-s", r.Socket()}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// allowed is how many of n events of the key are.
func allowed(t *testing.T, l limit.Limiter, key string, n int) (count int) {
	t.Helper()
	for range n {
		if _, ok := l.Allow(t.Context(), key); ok {
			count++
		}
	}
	return count
}

// The server is killed under load and started again. What a node has let through it
// remembers, so that a key gets neither more nor less than its burst from each node;
// new keys are limited all the while, and in the end all count together again.
func TestServerGoesAwayUnderLoad(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t)
	server, other := connect(t, r.URL(""), patient), connect(t, r.URL(""), patient)
	o := limit.Options{Rate: anHour, Burst: 20}
	l, elsewhere := limit.NewShared(server, "x", o), limit.NewShared(other, "x", o)
	if got := allowed(t, l, "before", 25); got != 20 {
		t.Fatalf("%d allowed, want 20", got)
	}
	var through sync.Map
	var done atomic.Bool
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := 0; !done.Load() || n < 30; n++ {
				key := fmt.Sprint("load", i, n/30)
				count, _ := through.LoadOrStore(key, new(atomic.Int64))
				if _, ok := l.Allow(t.Context(), key); ok {
					count.(*atomic.Int64).Add(1)
				}
			}
		})
	}
	r.Kill(t)
	if server.Look(t.Context()) == nil || server.Problem() == nil {
		t.Error("nobody noticed that the server is gone")
	}
	if got := allowed(t, l, "before", 5); got != 0 {
		t.Errorf("%d more allowed of a key that was used up", got)
	}
	if got := allowed(t, l, "away", 25); got != 20 {
		t.Errorf("%d allowed while the server is away, want 20", got)
	}
	r.Start(t)
	if err := server.Look(t.Context()); err != nil {
		t.Errorf("the server is back: %v", err)
	}
	if err := other.Look(t.Context()); err != nil {
		t.Errorf("the server is back: %v", err)
	}
	done.Store(true)
	all.Wait()
	through.Range(func(key, count any) bool {
		if n := count.(*atomic.Int64).Load(); n > 20 {
			t.Errorf("%v: %d allowed, want 20 at most", key, n)
		}
		return true
	})
	// The server knows no script any more; both count together all the same.
	if got := allowed(t, l, "after", 12) + allowed(t, elsewhere, "after", 12); got != 20 {
		t.Errorf("%d allowed by both after the return, want 20", got)
	}
	if server.Problem() != nil || other.Problem() != nil {
		t.Errorf("%v, %v", server.Problem(), other.Problem())
	}
}

// A server that forgets its scripts while it runs is told again.
func TestScriptIsSentAgain(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t)
	server := connect(t, r.URL(""), patient)
	l := limit.NewShared(server, "x", limit.Options{Rate: anHour, Burst: 2})
	for i := range 2 {
		cli(t, r, "SCRIPT", "FLUSH")
		if got := allowed(t, l, fmt.Sprint(i), 3); got != 2 || server.Problem() != nil {
			t.Errorf("%d allowed, %v", got, server.Problem())
		}
	}
}

// A server that answers nothing holds nobody for longer than the time-out, and that
// once: whoever comes then does not ask it.
func TestServerThatHangsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t)
	server := connect(t, r.URL(""), 50*time.Millisecond)
	l := limit.NewShared(server, "x", limit.Options{Rate: anHour, Burst: 3})
	r.Pause(t)
	if got := allowed(t, l, "k", 5); got != 3 || server.Problem() == nil {
		t.Errorf("%d allowed, %v", got, server.Problem())
	}
	begin := time.Now()
	if got := allowed(t, l, "many", 10_000); got != 3 {
		t.Errorf("%d allowed, want 3", got)
	}
	if took := time.Since(begin); took > 10_000*50*time.Millisecond/10 {
		t.Errorf("10,000 events took %v: each waits for the server", took)
	}
	r.Resume(t)
}

func TestKeysTellNothingAndEnd(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t)
	server := connect(t, r.URL(""), patient)
	l := limit.NewShared(server, "anonymous", limit.Options{Rate: 0.01, Burst: 10})
	allowed(t, l, "192.0.2.1", 10)
	allowed(t, l, "192.0.2.2", 1)
	keys := strings.Fields(cli(t, r, "KEYS", "*:limit:*"))
	if len(keys) != 2 {
		t.Fatalf("keys: %v", keys)
	}
	for _, key := range keys {
		life, err := strconv.Atoi(cli(t, r, "PTTL", key))
		if !strings.HasPrefix(key, "guildhall:limit:anonymous:") || strings.Contains(key, "192.0.2") || err != nil || life <= 0 || life > 1_000_000 {
			t.Errorf("%s ends in %d ms, %v", key, life, err)
		}
		if value := cli(t, r, "GET", key); len(value) != 16 || strings.Trim(value, "0123456789") != "" {
			t.Errorf("%s holds %s", key, value)
		}
	}
}

// What stands in a key that we did not write, and a clock that was set back, keep
// nobody away for longer than the limit says.
func TestSpoiltKeyRefusesNobodyForLong(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t)
	server := connect(t, r.URL(""), patient)
	o := limit.Options{Rate: 1, Burst: 2}
	ahead := strconv.FormatInt(time.Now().Add(time.Hour).UnixMicro(), 10)
	for _, spoil := range [][]string{{"SET", ahead}, {"SET", "x"}, {"SET", ""}, {"LPUSH", "x"}, {"SET", "99999999999999999999"}, {"SET", "-5"}, {"SET", "1e400"}} {
		l := limit.NewShared(server, "x", o)
		cli(t, r, "FLUSHALL")
		cli(t, r, spoil[0], server.Key("limit:x", "k"), spoil[1])
		wait, ok := l.Allow(t.Context(), "k")
		if !ok && (wait <= 0 || wait > time.Second) {
			t.Errorf("%v: refused for %v", spoil, wait)
		}
		if life, err := strconv.Atoi(cli(t, r, "PTTL", server.Key("limit:x", "k"))); err != nil || life > 2000 {
			t.Errorf("%v: stays for %d ms, %v", spoil, life, err)
		}
	}
	if err := server.Problem(); err != nil {
		t.Error(err)
	}
}
