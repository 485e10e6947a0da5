package peer_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/platform/guildtest"
	"guildhall/platform/peer"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const lease = 30 * time.Second

// list is an authority's list in a test: entries, the hash after each, a key.
type list struct {
	key     ed25519.PrivateKey
	entries []peer.Revocation
	hashes  []peer.Hash // hashes[i] is the hash after i entries
}

func newList(n int) *list {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	l := &list{key: key, hashes: make([]peer.Hash, 1)}
	for range n {
		l.add(serialText(len(l.entries) + 1))
	}
	return l
}

func (l *list) add(serial string) {
	r := peer.Revocation{Seq: uint64(len(l.entries)) + 1, Serial: serial, Reason: 1, RevokedAt: epoch.UnixMicro(), NotAfter: epoch.Add(time.Hour).UnixMicro()}
	h, err := l.hashes[len(l.entries)].Next(r)
	if err != nil {
		panic(err)
	}
	l.entries, l.hashes = append(l.entries, r), append(l.hashes, h)
}

// head is signed over the first seq entries, issued a little later for each.
func (l *list) head(base, seq int, issued time.Time) []byte {
	return l.headOf(peer.Head{Base: uint64(base), Sequence: uint64(seq), Hash: l.hashes[seq], Issued: issued, StaleAfter: issued.Add(lease)})
}

func (l *list) headOf(h peer.Head) []byte {
	signed, err := h.Sign(l.key)
	if err != nil {
		panic(err)
	}
	return signed
}

// serialText gives 16 bytes whose last ones vary, as those of real serials do.
func serialText(i int) string {
	var b [16]byte
	b[0] = 0x5a
	binary.BigEndian.PutUint64(b[8:], uint64(i)*0x9e3779b97f4a7c15)
	return hex.EncodeToString(b[:])
}

func certOf(serial string) []*x509.Certificate {
	raw, err := hex.DecodeString(serial)
	if err != nil {
		panic(err)
	}
	return []*x509.Certificate{{SerialNumber: new(big.Int).SetBytes(raw)}}
}

func (l *list) subscriber(clock *guildtest.Clock) *peer.Revocations {
	r := peer.NewRevocations(lease, clock.Now)
	r.Trust(l.key.Public().(ed25519.PublicKey))
	return r
}

func mustApply(t testing.TB, r *peer.Revocations, u peer.Update) {
	t.Helper()
	if _, err := r.Apply(u); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func TestAnyOrderAndDuplicatesEndInTheSameState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "revocations")
		l, clock := newList(n), guildtest.NewClock(epoch.Add(time.Second))
		r := l.subscriber(clock)
		var updates []peer.Update
		for i, e := range l.entries {
			updates = append(updates, peer.Update{Revocations: []peer.Revocation{e}},
				peer.Update{Head: l.head(0, i+1, epoch.Add(time.Duration(i)*time.Millisecond))})
		}
		updates = append(updates, updates[:rapid.IntRange(0, len(updates)).Draw(t, "duplicates")]...)
		var announced []string
		for _, u := range rapid.Permutation(updates).Draw(t, "order") {
			revoked, err := r.Apply(u)
			if err != nil && !errors.Is(err, peer.ErrGap) {
				t.Fatalf("apply %+v: %v", u, err)
			}
			for _, e := range revoked {
				announced = append(announced, e.Serial)
			}
			// What counts is always a signed prefix of the list.
			for i, e := range l.entries {
				if revoked := r.CheckListed(certOf(e.Serial)) != nil; revoked != (uint64(i) < r.Sequence()) {
					t.Fatalf("at %d: entry %d revoked: %v", r.Sequence(), i+1, revoked)
				}
			}
		}
		if r.Sequence() != uint64(n) || r.Size() != n || r.Fresh() != nil {
			t.Fatalf("ends at %d with %d entries, fresh: %v", r.Sequence(), r.Size(), r.Fresh())
		}
		slices.Sort(announced)
		if len(announced) != n || len(slices.Compact(announced)) != n {
			t.Fatalf("%d announced of %d", len(announced), n)
		}
	})
}

func TestGapsEndInASnapshot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 12).Draw(t, "revocations")
		l, clock := newList(n), guildtest.NewClock(epoch.Add(time.Second))
		r := l.subscriber(clock)
		lost := rapid.IntRange(1, n).Draw(t, "lost")
		for i, e := range l.entries {
			if i+1 == lost {
				continue
			}
			_, err := r.Apply(peer.Update{Revocations: []peer.Revocation{e}, Head: l.head(0, i+1, epoch.Add(time.Duration(i)*time.Millisecond))})
			if want := i+1 > lost; errors.Is(err, peer.ErrGap) != want {
				t.Fatalf("entry %d of %d without %d: %v", i+1, n, lost, err)
			}
		}
		if r.Sequence() != uint64(lost-1) {
			t.Fatalf("the state went on to %d over the gap at %d", r.Sequence(), lost)
		}
		base := rapid.IntRange(0, lost-1).Draw(t, "base")
		snapshot := peer.Update{Base: &peer.Base{Sequence: uint64(base), Hash: l.hashes[base]}, Revocations: l.entries[base:], Head: l.head(base, n, epoch.Add(time.Second))}
		if _, err := r.Apply(snapshot); err != nil || r.Sequence() != uint64(n) {
			t.Fatalf("snapshot: %v, at %d", err, r.Sequence())
		}
	})
}

func TestForgedUpdatesChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l, clock := newList(6), guildtest.NewClock(epoch.Add(time.Second))
		r := l.subscriber(clock)
		known := rapid.IntRange(0, 5).Draw(t, "known")
		if _, err := r.Apply(peer.Update{Revocations: l.entries[:known], Head: l.head(0, known, epoch)}); err != nil {
			t.Fatal(err)
		}
		forged := slices.Clone(l.entries[known:])
		victim := rapid.IntRange(0, len(forged)-1).Draw(t, "victim")
		switch rapid.SampledFrom([]string{"serial", "order", "time", "reason"}).Draw(t, "forgery") {
		case "serial":
			forged[victim].Serial = serialText(999)
		case "order":
			forged[victim].Serial, forged[0].Serial = forged[0].Serial, serialText(998)
		case "time":
			forged[victim].NotAfter--
		case "reason":
			forged[victim].Reason = 5
		}
		_, err := r.Apply(peer.Update{Revocations: forged, Head: l.head(0, 6, epoch.Add(time.Millisecond))})
		if !errors.Is(err, peer.ErrMismatch) || r.Sequence() != uint64(known) || r.Size() != known {
			t.Fatalf("%v, at %d with %d", err, r.Sequence(), r.Size())
		}
		// The truth is still welcome.
		if _, err := r.Apply(peer.Update{Revocations: l.entries[known:], Head: l.head(0, 6, epoch.Add(time.Millisecond))}); err != nil || r.Size() != 6 {
			t.Fatalf("afterwards: %v, %d entries", err, r.Size())
		}
	})
}

func TestForgedHeadsAreRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l, other, clock := newList(3), newList(3), guildtest.NewClock(epoch)
		r := l.subscriber(clock)
		signed := l.head(0, 3, epoch)
		bit := rapid.IntRange(0, len(signed)*8-1).Draw(t, "bit")
		signed[bit/8] ^= 1 << (bit % 8)
		for _, head := range [][]byte{signed, other.head(0, 3, epoch), signed[:len(signed)-1], append(signed, 0)} {
			if _, err := r.Apply(peer.Update{Revocations: l.entries, Head: head}); err == nil || r.Sequence() != 0 || r.Fresh() == nil {
				t.Fatalf("a forged head counts: %v", err)
			}
		}
	})
}

func TestRolledBackHeadsAreRefused(t *testing.T) {
	t.Parallel()
	l, clock := newList(5), guildtest.NewClock(epoch.Add(time.Minute))
	r := l.subscriber(clock)
	mustApply(t, r, peer.Update{Revocations: l.entries, Head: l.head(0, 5, epoch.Add(time.Minute))})

	// An old head that comes late is no news.
	mustApply(t, r, peer.Update{Head: l.head(0, 3, epoch)})
	// A newer one that knows less is a rollback.
	if _, err := r.Apply(peer.Update{Head: l.head(0, 3, epoch.Add(time.Minute+time.Millisecond))}); !errors.Is(err, peer.ErrRolledBack) {
		t.Fatalf("rollback: %v", err)
	}
	// So is another history, the same length or longer.
	fork := newList(3)
	fork.key = l.key
	fork.add(serialText(77))
	fork.add(serialText(78))
	fork.add(serialText(79))
	for _, seq := range []int{5, 6} {
		u := peer.Update{Base: &peer.Base{}, Revocations: fork.entries[:seq], Head: fork.head(0, seq, epoch.Add(time.Minute+time.Second))}
		if _, err := r.Apply(u); !errors.Is(err, peer.ErrRolledBack) {
			t.Fatalf("fork of %d: %v", seq, err)
		}
	}
	if r.Sequence() != 5 || r.Size() != 5 {
		t.Fatalf("at %d with %d", r.Sequence(), r.Size())
	}
}

func TestSnapshotMayNotLeaveOutLiveEntries(t *testing.T) {
	t.Parallel()
	l, clock := newList(5), guildtest.NewClock(epoch)
	r := l.subscriber(clock)
	u := peer.Update{Base: &peer.Base{Sequence: 4, Hash: l.hashes[4]}, Revocations: l.entries[4:], Head: l.head(2, 5, epoch)}
	if _, err := r.Apply(u); err == nil || r.Sequence() != 0 {
		t.Fatalf("a snapshot from 4 counts although the head says 2: %v", err)
	}
	u.Base, u.Revocations = &peer.Base{Sequence: 2, Hash: l.hashes[2]}, l.entries[2:]
	mustApply(t, r, u)
	if r.Size() != 3 {
		t.Fatalf("%d entries", r.Size())
	}
}

func TestStaleness(t *testing.T) {
	t.Parallel()
	l, clock := newList(1), guildtest.NewClock(epoch)
	r := l.subscriber(clock)
	good := certOf(serialText(50))
	if err := r.Check(good); !errors.Is(err, peer.ErrStale) {
		t.Fatalf("before the first head: %v", err)
	}
	mustApply(t, r, peer.Update{Revocations: l.entries, Head: l.head(0, 1, epoch)})
	if err := r.Check(good); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(certOf(l.entries[0].Serial)); !errors.Is(err, peer.ErrRevoked) {
		t.Fatalf("revoked: %v", err)
	}
	clock.Advance(lease - time.Microsecond)
	if err := r.Check(good); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Microsecond)
	if err := r.Check(good); !errors.Is(err, peer.ErrStale) {
		t.Fatalf("at the end of the lease: %v", err)
	}
	mustApply(t, r, peer.Update{Head: l.head(0, 1, clock.Now())})
	if err := r.Check(good); err != nil {
		t.Fatalf("after another head: %v", err)
	}
	if _, err := r.Apply(peer.Update{Head: l.head(0, 1, clock.Now().Add(peer.Skew+time.Microsecond))}); !errors.Is(err, peer.ErrClock) {
		t.Fatalf("head from the future: %v", err)
	}
	r.Close()
	mustApply(t, r, peer.Update{Head: l.head(0, 1, clock.Now().Add(time.Millisecond))})
	if err := r.Check(good); !errors.Is(err, peer.ErrStale) {
		t.Fatalf("closed: %v", err)
	}
}

func TestSubscribersOwnLeaseMayBeShorter(t *testing.T) {
	t.Parallel()
	l, clock := newList(0), guildtest.NewClock(epoch)
	r := peer.NewRevocations(5*time.Second, clock.Now)
	r.Trust(l.key.Public().(ed25519.PublicKey))
	mustApply(t, r, peer.Update{Head: l.head(0, 0, epoch)})
	clock.Advance(5 * time.Second)
	if err := r.Fresh(); !errors.Is(err, peer.ErrStale) {
		t.Fatalf("after 5s: %v", err)
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	l := newList(1000)
	clock := guildtest.NewClock(epoch)
	r := l.subscriber(clock)
	mustApply(t, r, peer.Update{Revocations: l.entries, Head: l.head(0, 1000, epoch)})
	chain := slices.Concat(certOf(serialText(5000)), certOf(serialText(5001)), certOf(serialText(5002)))
	if n := testing.AllocsPerRun(1000, func() {
		if err := r.Check(chain); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestSerialTooLongIsRefused(t *testing.T) {
	t.Parallel()
	l, clock := newList(0), guildtest.NewClock(epoch)
	r := l.subscriber(clock)
	mustApply(t, r, peer.Update{Head: l.head(0, 0, epoch)})
	long := []*x509.Certificate{{SerialNumber: new(big.Int).Lsh(big.NewInt(1), 160)}}
	if err := r.Check(long); !errors.Is(err, peer.ErrRevoked) {
		t.Fatalf("21 bytes: %v", err)
	}
}

// filled holds n revocations, applied in the batches that travel.
func filled(b *testing.B, n int, now func() time.Time) (*peer.Revocations, *list) {
	b.Helper()
	l := newList(n)
	r := peer.NewRevocations(time.Hour, now)
	r.Trust(l.key.Public().(ed25519.PublicKey))
	for batch := range slices.Chunk(l.entries, peer.MaxBatch) {
		mustApply(b, r, peer.Update{Revocations: batch})
	}
	issued := now()
	mustApply(b, r, peer.Update{Head: l.headOf(peer.Head{Sequence: uint64(n), Hash: l.hashes[n], Issued: issued, StaleAfter: issued.Add(time.Hour)})})
	return r, l
}

// BenchmarkCheck checks a chain of leaf, issuing and root certificate.
func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{0, 1000, 100_000} {
		b.Run(fmt.Sprintf("revoked=%d", n), func(b *testing.B) {
			r, _ := filled(b, n, time.Now)
			chain := slices.Concat(certOf(serialText(n+1)), certOf(serialText(n+2)), certOf(serialText(n+3)))
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Check(chain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkApply adds one revocation and its head to a list.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("revoked=%d", n), func(b *testing.B) {
			r, l := filled(b, n, time.Now)
			for b.Loop() {
				b.StopTimer()
				l.add(serialText(len(l.entries) + 1))
				k := len(l.entries)
				issued := time.Now()
				u := peer.Update{Revocations: l.entries[k-1:], Head: l.headOf(peer.Head{Sequence: uint64(k), Hash: l.hashes[k], Issued: issued, StaleAfter: issued.Add(time.Hour)})}
				b.StartTimer()
				mustApply(b, r, u)
			}
		})
	}
}

func TestNewsComeWithARevocationThatCounts(t *testing.T) {
	t.Parallel()
	l, clock := newList(2), guildtest.NewClock(epoch.Add(time.Second))
	r := l.subscriber(clock)
	come := func(news <-chan struct{}) bool {
		select {
		case <-news:
			return true
		default:
			return false
		}
	}
	news := r.News()
	mustApply(t, r, peer.Update{Head: l.head(0, 0, epoch)})
	mustApply(t, r, peer.Update{Revocations: l.entries[:1]})
	if come(news) {
		t.Error("news without a head that covers them")
	}
	mustApply(t, r, peer.Update{Head: l.head(0, 1, epoch.Add(time.Millisecond))})
	if !come(news) || come(r.News()) {
		t.Error("one revocation is not one piece of news")
	}
}
