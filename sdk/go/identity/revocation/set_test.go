package revocation

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/platform/guildtest"
)

func newTestSet(now time.Time) (*Set, *guildtest.Clock) {
	clock := guildtest.NewClock(now)
	return NewSet(0, clock.Now), clock
}

// heard applies a line that is signed at present.
func heard(t interface{ Fatal(...any) }, s *Set, seq uint64, list ...Entry) {
	now := s.now()
	err := s.apply(&Line{Issuer: "iss", Sequence: seq, Issued: now.UnixMicro(), StaleAfter: now.Add(DefaultLease).UnixMicro()}, list)
	if err != nil {
		t.Fatal(err)
	}
}

// What is issued around the moment of a revocation.
func TestBounds(t *testing.T) {
	t.Parallel()
	at := time.Date(2031, 3, 4, 5, 6, 7, 500_000_000, time.UTC)
	s, _ := newTestSet(at)
	until := at.Add(time.Hour).UnixMicro()
	var list []Entry
	for n, kind := range []Kind{KindToken, KindGrant, KindSession, KindAccount, KindClient} {
		list = append(list, Entry{Seq: uint64(n) + 1, Kind: kind, Subject: "x", MadeAt: at.UnixMicro(), ExpiresAt: until})
	}
	heard(t, s, 5, list...)
	second := at.Truncate(time.Second)
	for name, c := range map[string]struct {
		token Token
		want  error
	}{
		"nothing of it":                     {Token{ID: "y", Grant: "y", Account: "y", Client: "y", IssuedAt: second}, nil},
		"no grant and no account":           {Token{ID: "y", Client: "y"}, nil},
		"the subject under other kinds":     {Token{ID: "y", Grant: "y", Account: "y", Client: "X"}, nil},
		"the token":                         {Token{ID: "x", IssuedAt: at.Add(time.Hour)}, ErrRevoked},
		"the grant":                         {Token{ID: "y", Grant: "x", IssuedAt: at.Add(time.Hour)}, ErrRevoked},
		"the application, before":           {Token{ID: "y", Client: "x", IssuedAt: second.Add(-time.Second)}, ErrRevoked},
		"the application, in that second":   {Token{ID: "y", Client: "x", IssuedAt: second}, ErrRevoked},
		"the application, after":            {Token{ID: "y", Client: "x", IssuedAt: second.Add(time.Second)}, nil},
		"the account, before":               {Token{ID: "y", Account: "x", IssuedAt: second.Add(-time.Second)}, ErrRevoked},
		"the account, again in that second": {Token{ID: "y", Account: "x", IssuedAt: second}, nil},
	} {
		if err := s.Check(c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		session Session
		want    error
	}{
		"another":                   {Session{ID: "y", Account: "y", Since: second.Add(-time.Hour)}, nil},
		"ended":                     {Session{ID: "x", Account: "y", Since: at.Add(time.Hour)}, ErrRevoked},
		"of the account":            {Session{ID: "y", Account: "x", Since: second.Add(-time.Second)}, ErrRevoked},
		"of the account, and again": {Session{ID: "y", Account: "x", Since: second}, nil},
	} {
		if err := s.CheckSession(c.session); !errors.Is(err, c.want) {
			t.Errorf("session %s: %v", name, err)
		}
	}
}

func TestWhatHasExpiredIsDropped(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)
	s, clock := newTestSet(now)
	heard(t, s, 2, Entry{Seq: 1, Kind: KindToken, Subject: "a", MadeAt: now.UnixMicro(), ExpiresAt: now.Add(10 * time.Minute).UnixMicro()},
		Entry{Seq: 2, Kind: KindToken, Subject: "b", MadeAt: now.UnixMicro(), ExpiresAt: now.Add(time.Hour).UnixMicro()})
	before := s.view.Load().entries
	clock.Advance(10*time.Minute + keep)
	heard(t, s, 2)
	if s.Size() != 2 {
		t.Errorf("dropped at its end: %d are left", s.Size())
	}
	clock.Advance(pruneEvery)
	heard(t, s, 2)
	if s.Size() != 1 || !errors.Is(s.Check(Token{ID: "b"}), ErrRevoked) || before.size() != 2 {
		t.Errorf("%d are left, %d in the view of before", s.Size(), before.size())
	}
	heard(t, s, 3, Entry{Seq: 3, Kind: KindToken, Subject: "c", MadeAt: now.UnixMicro(), ExpiresAt: now.UnixMicro()})
	if s.Size() != 1 {
		t.Error("what had expired was added")
	}
}

// A clock that is set back, and a host that slept, prolong no lease.
func TestNoLeaseByTheClock(t *testing.T) {
	t.Parallel()
	s, clock := newTestSet(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC))
	heard(t, s, 1)
	clock.Advance(-time.Hour)
	now := s.now().Add(time.Hour)
	if err := s.apply(&Line{Issuer: "iss", Sequence: 1, Issued: now.UnixMicro(), StaleAfter: now.Add(DefaultLease).UnixMicro()}, nil); !errors.Is(err, ErrClock) {
		t.Errorf("a line from the future: %v", err)
	}
	clock.Advance(time.Hour + DefaultLease - time.Second)
	if err := s.Fresh(); err != nil {
		t.Error(err)
	}
	// A line says that it is believed for less.
	now = s.now()
	if err := s.apply(&Line{Issuer: "iss", Sequence: 1, Issued: now.UnixMicro(), StaleAfter: now.Add(2 * time.Second).UnixMicro()}, nil); err != nil {
		t.Fatal(err)
	}
	clock.Advance(2 * time.Second)
	if err := s.Fresh(); !errors.Is(err, ErrStale) {
		t.Errorf("beyond what the line says: %v", err)
	}
}

// In whatever parts, order and number revocations come, the same is revoked, and
// nothing that was revoked comes back.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)
		kinds := []Kind{KindToken, KindGrant, KindSession, KindAccount, KindClient}
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Entry {
			made := now.Add(time.Duration(rapid.IntRange(-3600, 0).Draw(t, "age")) * time.Second)
			return Entry{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Subject: fmt.Sprint("s", rapid.IntRange(0, 9).Draw(t, "subject")),
				MadeAt: made.UnixMicro(), ExpiresAt: made.Add(2 * time.Hour).UnixMicro()}
		}), 0, 40).Draw(t, "revocations")
		token := Token{ID: "s0", Grant: "s1", Account: "s2", Client: "s3", IssuedAt: now.Add(-time.Duration(rapid.IntRange(0, 3600).Draw(t, "issued")) * time.Second)}
		session := Session{ID: "s4", Account: "s5", Since: token.IssuedAt}
		var dead, ended bool
		for _, e := range all {
			since := token.IssuedAt.UnixMicro()
			switch e.Kind {
			case KindToken:
				dead = dead || e.Subject == "s0"
			case KindGrant:
				dead = dead || e.Subject == "s1"
			case KindSession:
				ended = ended || e.Subject == "s4"
			case KindAccount:
				dead = dead || e.Subject == "s2" && since+second <= e.MadeAt
				ended = ended || e.Subject == "s5" && since+second <= e.MadeAt
			case KindClient:
				dead = dead || e.Subject == "s3" && since <= e.MadeAt
			}
		}
		order := rapid.Permutation(slices.Concat(all, all[:len(all)/2])).Draw(t, "order")
		s, _ := newTestSet(now)
		heard(t, s, 0)
		wasDead, wasEnded := false, false
		for n := 0; len(order) > 0; n++ {
			part := rapid.IntRange(1, len(order)).Draw(t, "part")
			heard(t, s, uint64(n), order[:part]...)
			order = order[part:]
			isDead, isEnded := errors.Is(s.Check(token), ErrRevoked), errors.Is(s.CheckSession(session), ErrRevoked)
			if wasDead && !isDead || wasEnded && !isEnded {
				t.Fatal("what was revoked came back")
			}
			wasDead, wasEnded = isDead, isEnded
		}
		if wasDead != dead || wasEnded != ended {
			t.Fatalf("token %t, wanted %t; session %t, wanted %t", wasDead, dead, wasEnded, ended)
		}
	})
}

func TestCheckAllocatesNothing(t *testing.T) {
	s := loaded(t, 10_000)
	token := Token{ID: "KJHGFDSAQWERTYUIOPZXCVBNM2", Grant: "gnt_0199aaaa", Account: "acc_0199aaaa", Client: "app_0199aaaa", IssuedAt: s.now()}
	if n := testing.AllocsPerRun(100, func() {
		if err := s.Check(token); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// loaded is a set of n revocations that checks by the real clock.
func loaded(t interface{ Fatal(...any) }, n int) *Set {
	s := NewSet(0, time.Now)
	now := time.Now()
	list := make([]Entry, n)
	for i := range list {
		list[i] = Entry{Seq: uint64(i) + 1, Kind: KindGrant, Subject: fmt.Sprintf("gnt_0199-%08x", i*2654435761), MadeAt: now.UnixMicro(), ExpiresAt: now.Add(time.Hour).UnixMicro()}
	}
	heard(t, s, uint64(n), list...)
	return s
}

func BenchmarkCheck(b *testing.B) {
	s := loaded(b, 100_000)
	token := Token{ID: "KJHGFDSAQWERTYUIOPZXCVBNM2", Grant: "gnt_0199aaaa", Account: "acc_0199aaaa", Client: "app_0199aaaa", IssuedAt: s.now()}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Check(token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	s := loaded(b, 100_000)
	now := time.Now()
	for n := 0; b.Loop(); n++ {
		heard(b, s, uint64(100_000+n), Entry{Kind: KindToken, Subject: fmt.Sprintf("jti-%08x", n*2654435761), MadeAt: now.UnixMicro(), ExpiresAt: now.Add(time.Hour).UnixMicro()})
	}
}
