package feed_test

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/ca/internal/feed"
	"guildhall/ca/internal/store"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/peer"
)

// migrations are the authority's own.
func migrations() fs.FS { return os.DirFS("../../migrations") }

// desk revokes in a database as the authority does.
type desk struct {
	db  *db.DB
	now func() time.Time
}

// revoke adds serial numbers to the sequence and returns the last number.
func (d desk) revoke(t testing.TB, serials ...string) uint64 {
	t.Helper()
	seq, err := d.add(context.Background(), serials...)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func (d desk) add(ctx context.Context, serials ...string) (seq uint64, err error) {
	err = d.db.Group(ctx, func(tx *sql.Tx) error {
		for _, serial := range serials {
			err := tx.QueryRowContext(ctx, `INSERT INTO revocations (seq, serial, issuer, profile, reason, revoked_at, not_after)
				VALUES ((SELECT COALESCE(MAX(p.seq), 0) + 1 FROM revocations p), $1, 'issuing', 'service', 1, $2, $3) RETURNING seq`,
				serial, db.Micros(d.now()), db.Micros(d.now().Add(24*time.Hour))).Scan(&seq)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return seq, err
}

func (d desk) revocations(ctx context.Context, after uint64, limit int) ([]peer.Revocation, error) {
	list, err := store.New(d.db).Revocations(ctx, after, limit)
	var out []peer.Revocation
	for _, r := range list {
		out = append(out, peer.Revocation{Seq: r.Seq, Serial: r.Serial, Reason: r.Reason, RevokedAt: db.Micros(r.RevokedAt), NotAfter: db.Micros(r.NotAfter)})
	}
	return out, err
}

// newHub runs a hub on the database until the test ends or stop is called.
func newHub(t testing.TB, d desk, key ed25519.PrivateKey, change func(*feed.Options)) (h *feed.Hub, stop func()) {
	t.Helper()
	o := feed.Options{DB: d.db, Revocations: d.revocations, Key: key, Lease: 30 * time.Second, Interval: 50 * time.Millisecond,
		Now: func() (time.Time, error) { return d.now(), nil }}
	if change != nil {
		change(&o)
	}
	h = feed.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = h.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return h, stop
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// follower subscribes a state of its own.
type follower struct {
	*peer.Revocations
	err  chan error
	stop context.CancelCauseFunc
}

func follow(t testing.TB, h *feed.Hub, d desk, key ed25519.PrivateKey, s peer.Subscriber) *follower {
	t.Helper()
	f := &follower{Revocations: peer.NewRevocations(time.Hour, d.now), err: make(chan error, 1)}
	f.Trust(key.Public().(ed25519.PublicKey))
	f.resume(t, h, s, 0)
	eventually(t, "fresh", func() bool { return f.Fresh() == nil })
	return f
}

func (f *follower) resume(t testing.TB, h *feed.Hub, s peer.Subscriber, after uint64) {
	ctx, stop := context.WithCancelCause(context.Background())
	f.stop = stop
	go func() {
		f.err <- h.Follow(ctx, s, after, func(u peer.Update) error { _, err := f.Apply(u); return err })
	}()
	t.Cleanup(func() { stop(nil) })
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func serial(i int) string { return fmt.Sprintf("5a%030x", i) }

func serials(n int) (all []string) {
	for i := range n {
		all = append(all, serial(i))
	}
	return all
}

func TestAnnounceReachesEverySubscriber(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, migrations(), func(t *testing.T, base *db.DB) {
		clock := guildtest.NewClock(time.Now())
		d, key := desk{base, clock.Now}, newKey(t)
		d.revoke(t, serials(3*peer.MaxBatch+7)...) // a snapshot of several updates
		h, _ := newHub(t, d, key, nil)
		one := follow(t, h, d, key, peer.Subscriber{Service: "bank", Instance: "1"})
		two := follow(t, h, d, key, peer.Subscriber{Service: "shop", Instance: "2"})
		if one.Size() != 3*peer.MaxBatch+7 {
			t.Fatalf("the snapshot has %d entries", one.Size())
		}
		seq := d.revoke(t, serial(5000))
		reach, err := h.Announce(within(t), seq)
		if err != nil || reach.Peers != 2 || reach.Acknowledged != 2 || len(reach.Lapsed) != 0 {
			t.Fatalf("%+v, %v", reach, err)
		}
		if one.Sequence() != seq || two.Sequence() != seq {
			t.Fatalf("acknowledged at %d and %d of %d", one.Sequence(), two.Sequence(), seq)
		}
	})
}

func TestAnnounceWaitsOutTheLeaseOfTheSilent(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(time.Now())
	d, key := desk{guildtest.Open(t, guildtest.SQLite(t), migrations()), clock.Now}, newKey(t)
	h, _ := newHub(t, d, key, nil)
	bank := follow(t, h, d, key, peer.Subscriber{Service: "bank", Instance: "1"})
	bank.stop(nil) // gone without a word
	<-bank.err
	seq := d.revoke(t, serial(1))
	short, cancel := context.WithTimeoutCause(context.Background(), 2*time.Second, errors.New("enough"))
	defer cancel()
	if _, err := h.Announce(short, seq); err == nil || !strings.Contains(err.Error(), "wait for bank to acknowledge") {
		t.Fatalf("before the lease ended: %v", err)
	}
	// The bank itself trusts its state until the lease ends, not longer.
	clock.Advance(29 * time.Second)
	if err := bank.Fresh(); err != nil {
		t.Fatal(err)
	}
	clock.Advance(2*time.Second + 2*peer.Skew)
	if err := bank.Fresh(); err == nil {
		t.Fatal("fresh after its lease")
	}
	reach, err := h.WaitAcked(within(t), seq)
	if err != nil || reach.Acknowledged != 0 {
		t.Fatalf("after the lease ended: %+v, %v", reach, err)
	}
}

func TestOneWhoLeavesIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(time.Now())
	d, key := desk{guildtest.Open(t, guildtest.SQLite(t), migrations()), clock.Now}, newKey(t)
	h, _ := newHub(t, d, key, nil)
	bank := follow(t, h, d, key, peer.Subscriber{Service: "bank", Instance: "1"})
	bank.Close()
	bank.stop(peer.ErrLeaving)
	if err := <-bank.err; err != nil {
		t.Fatal(err)
	}
	reach, err := h.Announce(within(t), d.revoke(t, serial(1)))
	if err != nil || reach.Peers != 0 {
		t.Fatalf("%+v, %v", reach, err)
	}
}

// A restarted authority does not forget whom it lent a lease.
func TestRestartedHubWaitsForThoseItHasNotSeen(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, migrations(), func(t *testing.T, base *db.DB) {
		clock := guildtest.NewClock(time.Now())
		d, key := desk{base, clock.Now}, newKey(t)
		h, stop := newHub(t, d, key, nil)
		bank := follow(t, h, d, key, peer.Subscriber{Service: "bank", Instance: "1"})
		follow(t, h, d, key, peer.Subscriber{Service: "shop", Instance: "2"})
		stop()
		again, _ := newHub(t, d, key, nil)
		seq := d.revoke(t, serial(1))
		announced := make(chan feed.Reach, 1)
		failed := make(chan error, 1)
		go func() {
			reach, err := again.Announce(context.Background(), seq)
			announced <- reach
			failed <- err
		}()
		eventually(t, "it waits", waitsForAcknowledgements)
		bank.stop(nil)
		bank.resume(t, again, peer.Subscriber{Service: "bank", Instance: "1"}, 0)
		eventually(t, "the bank has heard", func() bool { return bank.Sequence() == seq })
		select {
		case reach := <-announced:
			t.Fatalf("did not wait for the shop: %+v", reach)
		default:
		}
		clock.Advance(time.Minute) // also longer than what the database keeps in reserve
		// The bank gets a new head at once; what the hub waits for is time.
		eventually(t, "announced", func() bool { return len(announced) == 1 && len(failed) == 1 })
		if reach, err := <-announced, <-failed; err != nil || reach.Acknowledged != 1 || fmt.Sprint(reach.Lapsed) != "[shop]" {
			t.Fatalf("%+v, %v", reach, err)
		}
	})
}

// waitsForAcknowledgements says whether a goroutine of the test is in WaitAcked,
// behind what it reads first: the clock must not be moved before that.
func waitsForAcknowledgements() bool {
	stacks := make([]byte, 1<<20)
	for one := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
		state, calls, _ := strings.Cut(one, "\n")
		if strings.Contains(state, "[select") && strings.HasPrefix(calls, "guildhall/ca/internal/feed.(*Hub).WaitAcked") &&
			strings.Contains(calls, "TestRestartedHubWaitsForThoseItHasNotSeen") {
			return true
		}
	}
	return false
}

// A process that lost one of its names goes on under another.
func TestInstanceGoesOnUnderAnotherName(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(time.Now())
	d, key := desk{guildtest.Open(t, guildtest.SQLite(t), migrations()), clock.Now}, newKey(t)
	h, _ := newHub(t, d, key, nil)
	f := follow(t, h, d, key, peer.Subscriber{Service: "bank", Instance: "1"})
	f.stop(nil)
	<-f.err
	f.resume(t, h, peer.Subscriber{Service: "shop", Instance: "1"}, f.Sequence())
	if err := h.Ack(t.Context(), peer.Subscriber{Service: "chat", Instance: "1"}, 99); err != nil {
		t.Fatal(err)
	}
	reach, err := h.Announce(within(t), d.revoke(t, serial(1)))
	if err != nil || reach.Peers != 1 || reach.Acknowledged != 1 || f.Sequence() != 1 {
		t.Fatalf("%+v, %v, at %d", reach, err, f.Sequence())
	}
}

func TestExpiredRevocationsLeaveTheList(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(time.Now())
	d, key := desk{guildtest.Open(t, guildtest.SQLite(t), migrations()), clock.Now}, newKey(t)
	d.revoke(t, serials(10)...)
	h, _ := newHub(t, d, key, nil)
	old := follow(t, h, d, key, peer.Subscriber{Service: "bank", Instance: "1"})
	clock.Advance(26 * time.Hour)
	d.revoke(t, serial(11))
	eventually(t, "the old follower hears", func() bool { return old.Sequence() == 11 })
	fresh := follow(t, h, d, key, peer.Subscriber{Service: "shop", Instance: "2"})
	if fresh.Sequence() != 11 || fresh.Size() != 1 {
		t.Fatalf("a new follower is at %d with %d entries", fresh.Sequence(), fresh.Size())
	}
}

func TestFollowerKnowsOfARestoredDatabase(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(time.Now())
	d, key := desk{guildtest.Open(t, guildtest.SQLite(t), migrations()), clock.Now}, newKey(t)
	d.revoke(t, serials(5)...)
	h, stop := newHub(t, d, key, nil)
	f := follow(t, h, d, key, peer.Subscriber{Service: "bank", Instance: "1"})
	stop()
	f.stop(nil)
	<-f.err
	older := desk{guildtest.Open(t, guildtest.SQLite(t), migrations()), clock.Now}
	older.revoke(t, serials(3)...)
	again, _ := newHub(t, older, key, nil)
	clock.Advance(time.Second)
	f.resume(t, again, peer.Subscriber{Service: "bank", Instance: "1"}, f.Sequence())
	if err := <-f.err; !errors.Is(err, peer.ErrRolledBack) {
		t.Fatalf("followed into the past: %v", err)
	}
	if f.Size() != 5 {
		t.Fatalf("%d entries left", f.Size())
	}
}

func TestNoHeadsWithoutATime(t *testing.T) {
	t.Parallel()
	clock := guildtest.NewClock(time.Now())
	d, key := desk{guildtest.Open(t, guildtest.SQLite(t), migrations()), clock.Now}, newKey(t)
	behind := errors.New("the clock is behind")
	h, _ := newHub(t, d, key, func(o *feed.Options) { o.Now = func() (time.Time, error) { return time.Time{}, behind } })
	if _, err := h.Announce(t.Context(), d.revoke(t, serial(1))); !errors.Is(err, behind) {
		t.Fatalf("announced: %v", err)
	}
}

// Two nodes of the authority on one PostgreSQL: a revocation at one reaches and
// waits for the subscribers of the other.
func TestTwoNodesShareADatabase(t *testing.T) {
	t.Parallel()
	url := guildtest.Postgres(t)
	base := guildtest.Open(t, url, migrations())
	clock := guildtest.NewClock(time.Now())
	d, key := desk{base, clock.Now}, newKey(t)
	shared := func(o *feed.Options) { o.Shared = true }
	here, _ := newHub(t, d, key, shared)
	there, _ := newHub(t, desk{guildtest.Open(t, url, nil), clock.Now}, key, shared)
	near := follow(t, here, d, key, peer.Subscriber{Service: "bank", Instance: "1"})
	far := follow(t, there, d, key, peer.Subscriber{Service: "shop", Instance: "2"})
	seq := d.revoke(t, serial(1))
	reach, err := here.Announce(within(t), seq)
	if err != nil || reach.Peers != 2 || reach.Acknowledged != 2 {
		t.Fatalf("%+v, %v", reach, err)
	}
	if near.Sequence() != seq || far.Sequence() != seq {
		t.Fatalf("announced although they are at %d and %d", near.Sequence(), far.Sequence())
	}
}

// BenchmarkAnnounce revokes and waits for six subscribers.
func BenchmarkAnnounce(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("revoked=%d", n), func(b *testing.B) {
			d, key := desk{guildtest.Open(b, guildtest.SQLite(b), migrations()), time.Now}, newKey(b)
			d.revoke(b, serials(n)...)
			h, _ := newHub(b, d, key, func(o *feed.Options) { o.Interval = time.Second })
			for i := range 6 {
				follow(b, h, d, key, peer.Subscriber{Service: "bank", Instance: fmt.Sprint(i)})
			}
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				seq := d.revoke(b, serial(n+i))
				b.StartTimer()
				if reach, err := h.Announce(context.Background(), seq); err != nil || reach.Acknowledged != 6 {
					b.Fatal(reach, err)
				}
			}
		})
	}
}
