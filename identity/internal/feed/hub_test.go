package feed_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/feed"
	"guildhall/identity/internal/signing"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/seal"
	"guildhall/sdk/go/identity"
	"guildhall/sdk/go/identity/revocation"
)

const issuer = "https://identity.guild.example.test"

// world is a database with what a node of identity stands on.
type world struct {
	db      *db.DB
	store   *store.Store
	journal *audit.Journal
	keys    *signing.Desk
	clock   *guildtest.Clock
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{db: d, store: store.New(d), clock: guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC))}
	key, log := seal.NewKey("identity"), slog.New(slog.DiscardHandler)
	var err error
	w.journal, err = audit.Open(t.Context(), audit.OpenOptions{DB: d, Service: "identity", Key: key, Now: w.clock.Now, Log: log})
	must(t, err)
	w.keys = signing.New(signing.Options{Store: w.store, Journal: w.journal, Key: key, Now: w.clock.Now, Log: log})
	must(t, w.keys.Start(t.Context()))
	return w
}

// hub is a running node.
func (w *world) hub(t testing.TB) *feed.Hub {
	t.Helper()
	h := feed.New(feed.Options{Store: w.store, Signing: w.keys, Issuer: issuer, Now: w.clock.Now, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return h
}

// revoke writes tokens into the table as a grant's desk does.
func (w *world) revoke(t testing.TB, life time.Duration, ids ...string) {
	t.Helper()
	now := w.clock.Now()
	must(t, w.db.Group(context.Background(), func(tx *sql.Tx) error {
		if err := w.journal.Begin(context.Background(), tx); err != nil {
			return err
		}
		return w.store.AddRevocations(context.Background(), tx, store.RevokedToken, ids, now, now.Add(life))
	}))
}

// listener is a subscriber.
type listener struct {
	lines chan revocation.Line
	ended chan error
	stop  context.CancelFunc
}

func (w *world) listen(t testing.TB, h *feed.Hub, after uint64) *listener {
	t.Helper()
	l := &listener{lines: make(chan revocation.Line, 4096), ended: make(chan error, 1)}
	set, err := h.Keys(t.Context())
	must(t, err)
	keys, err := identity.ParseKeySet(set)
	must(t, err)
	var ctx context.Context
	ctx, l.stop = context.WithCancel(context.Background())
	t.Cleanup(l.stop)
	go func() {
		l.ended <- h.Subscribe(ctx, "shop", after, func(text string) error {
			line, err := revocation.OpenLine(text, keys)
			if err == nil {
				l.lines <- line
			}
			return err
		})
	}()
	return l
}

// until collects what is revoked up to a number, and checks that the lines follow
// one another.
func (l *listener) until(t testing.TB, at, seq uint64) (ids []string) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		select {
		case line := <-l.lines:
			if line.Base != at || line.Issuer != issuer {
				t.Fatalf("the line leads from %d, wanted %d: %+v", line.Base, at, line)
			}
			at = line.Sequence
			for _, e := range line.Entries {
				ids = append(ids, e.Subject)
			}
			if at == seq && !line.More {
				return ids
			}
		case err := <-l.ended:
			t.Fatalf("the stream ended: %v", err)
		case <-deadline.C:
			t.Fatalf("%d was reached, wanted %d", at, seq)
		}
	}
}

func names(n, from int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("jti%04d", from+i))
	}
	return ids
}

func TestHub(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		one, two := w.hub(t), w.hub(t)
		early := w.listen(t, one, 0)
		if got := early.until(t, 0, 0); got != nil {
			t.Fatalf("at first %q", got)
		}
		// Beyond one line, and heard at another node.
		first := names(250, 0)
		w.revoke(t, time.Hour, first...)
		other := w.listen(t, two, 0)
		if got := other.until(t, 0, 250); !slices.Equal(got, first) {
			t.Errorf("the other node tells %d", len(got))
		}
		if got := early.until(t, 0, 250); !slices.Equal(got, first) {
			t.Errorf("the stream that was open tells %d", len(got))
		}
		// Later ones get all that matters, and then what the others get.
		w.revoke(t, time.Minute, "short")
		early.until(t, 250, 251)
		late := w.listen(t, one, 251)
		if got := late.until(t, 0, 251); !slices.Equal(got, append(slices.Clone(first), "short")) {
			t.Errorf("who comes late hears %d", len(got))
		}
		w.revoke(t, time.Hour, "more")
		for _, l := range []*listener{early, late} {
			if got := l.until(t, 251, 252); !slices.Equal(got, []string{"more"}) {
				t.Errorf("news %q", got)
			}
		}
		// What has expired is left out, also by a node that starts anew.
		w.clock.Advance(2 * time.Minute)
		w.revoke(t, time.Hour, "last")
		early.until(t, 252, 253)
		for _, h := range []*feed.Hub{one, w.hub(t)} {
			if got := w.listen(t, h, 0).until(t, 0, 253); len(got) != 252 || slices.Contains(got, "short") {
				t.Errorf("without what has expired %d", len(got))
			}
		}
	})
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
	l := w.listen(t, w.hub(t), 0)
	last := <-l.lines
	if lease := time.Duration(last.StaleAfter-last.Issued) * time.Microsecond; lease != revocation.DefaultLease || last.Issued != w.clock.Now().UnixMicro() {
		t.Errorf("issued %d, lease %v", last.Issued, lease)
	}
	w.clock.Advance(time.Second)
	select {
	case next := <-l.lines:
		if next.Issued <= last.Issued || len(next.Entries) != 0 {
			t.Errorf("then %+v", next)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no line after a second")
	}
}

// No line is made while the database is away: leases end.
func TestNoLinesWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
	h := w.hub(t)
	w.listen(t, h, 0).until(t, 0, 0)
	rename := func(from, to string) {
		must(t, w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), `ALTER TABLE `+from+` RENAME TO `+to)
			return err
		}))
	}
	rename("revocations", "gone")
	w.clock.Advance(time.Minute)
	// Who knows more has the hub look at once.
	if err := <-w.listen(t, h, 9).ended; err == nil || fault.As(err).Code == revocation.CodeWentBack {
		t.Errorf("it looked: %v", err)
	}
	if line := <-w.listen(t, h, 0).lines; line.Issued != w.clock.Now().Add(-time.Minute).UnixMicro() {
		t.Errorf("a line was signed at %v, while nothing could be read", time.UnixMicro(line.Issued).UTC())
	}
	rename("gone", "revocations")
	l := w.listen(t, h, 0)
	for line := range l.lines {
		if line.Issued == w.clock.Now().UnixMicro() {
			break
		}
	}
}

func TestWhoKnowsMoreIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
	h := w.hub(t)
	w.revoke(t, time.Hour, "a", "b")
	w.listen(t, h, 2).until(t, 0, 2) // also before the hub has seen it
	err := <-w.listen(t, h, 3).ended
	if fault.As(err).Code != revocation.CodeWentBack {
		t.Errorf("refused by %v", err)
	}
}

func TestOneServiceCannotTakeAllStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
	h := w.hub(t)
	var open []*listener
	for range 256 {
		l := w.listen(t, h, 0)
		<-l.lines
		open = append(open, l)
	}
	if err := <-w.listen(t, h, 0).ended; fault.As(err).Kind != fault.TooMany {
		t.Errorf("one more: %v", err)
	}
	done := errors.New("done")
	if err := h.Subscribe(t.Context(), "bank", 0, func(string) error { return done }); !errors.Is(err, done) {
		t.Errorf("another service: %v", err)
	}
	open[0].stop()
	<-open[0].ended
	if line := <-w.listen(t, h, 0).lines; line.Issuer != issuer {
		t.Errorf("after one left: %+v", line)
	}
}

// Who asks again and again hears the same as who listens, whatever fits into an answer.
func TestAskedAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
	var want []string
	for i := range 5*revocation.MaxEntries + 1 {
		want = append(want, fmt.Sprintf("%04d", i))
	}
	w.revoke(t, time.Hour, want...)
	h := w.hub(t)
	text, err := h.Keys(t.Context())
	must(t, err)
	keys, err := identity.ParseKeySet(text)
	must(t, err)
	for _, most := range []int{1, 2, 64} {
		var got []string
		at, more := uint64(0), true
		for more {
			lines, err := h.After(t.Context(), "app_1", at, most)
			must(t, err)
			if len(lines) == 0 || len(lines) > most {
				t.Fatalf("%d lines, want at most %d", len(lines), most)
			}
			for _, text := range lines {
				l, err := revocation.OpenLine(text, keys)
				must(t, err)
				if l.Base != at {
					t.Fatalf("a line follows %d, want %d", l.Base, at)
				}
				at, more = l.Sequence, l.More
				for _, e := range l.Entries {
					got = append(got, e.Subject)
				}
			}
		}
		if !slices.Equal(got, want) || at != uint64(len(want)) {
			t.Errorf("%d lines at most: %d revocations up to %d", most, len(got), at)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.After(ctx, "app_1", uint64(len(want)), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits for news any more: %v", err)
	}
	if _, err := h.After(t.Context(), "app_1", uint64(len(want))+1, 1); fault.As(err).Code != revocation.CodeWentBack {
		t.Errorf("who knows more: %v", err)
	}
}

func TestLinesFitTheirBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
	var ids []string
	for i := range revocation.MaxEntries {
		ids = append(ids, fmt.Sprintf("%0128d", i))
	}
	w.revoke(t, time.Hour, ids...)
	h, longest := w.hub(t), 0
	done := errors.New("done")
	err := h.Subscribe(t.Context(), "shop", 0, func(line string) error {
		longest = max(longest, len(line))
		if strings.Contains(line, "\n") {
			t.Error("a line has two")
		}
		return done
	})
	if !errors.Is(err, done) || longest > revocation.MaxLine*2/3 || longest < 10_000 {
		t.Errorf("%d bytes, %v", longest, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
