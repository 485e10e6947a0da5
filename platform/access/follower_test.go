package access_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"guildhall/platform/access"
	"guildhall/sdk/go/identity/revocation"
)

// grantToken is a token that was got a while ago.
func (i *identity) grantToken(id string) access.Token {
	return access.Token{ID: "jti-" + id, Grant: "gnt_" + id, Account: "acc_" + id, Client: "app_" + id, IssuedAt: i.clock.Now().Add(-time.Minute)}
}

func TestNothingIsKnownBeforeAllHasCome(t *testing.T) {
	t.Parallel()
	i := newIdentity(t)
	// The first part of what is revoked lends no lease.
	more := func(l *revocation.Line) { l.More = true }
	i.begin(i.line(t, 0, 4, more, i.entry(4, revocation.KindToken, "jti-b")))
	f := i.follow(t)
	if err := f.Check(i.grantToken("a")); !errors.Is(err, access.ErrStale) {
		t.Fatalf("at first: %v", err)
	}
	eventually(t, "a stream whose first line is read", func() bool { i.mu.Lock(); defer i.mu.Unlock(); return len(i.out) == 1 && i.asked > 0 })
	if err := f.Check(i.grantToken("a")); !errors.Is(err, access.ErrStale) || f.Sequence() != 0 {
		t.Fatalf("with a part: %v", err)
	}
	i.say(i.line(t, 4, 9, nil, i.entry(9, revocation.KindGrant, "gnt_a")))
	eventually(t, "all is known", func() bool { return f.Sequence() == 9 })
	for id, want := range map[string]error{"a": access.ErrRevoked, "b": access.ErrRevoked, "c": nil} {
		if err := f.Check(i.grantToken(id)); !errors.Is(err, want) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestRevokedWithinOneStream(t *testing.T) {
	t.Parallel()
	i := newIdentity(t)
	i.begin(i.line(t, 0, 0, nil))
	f := i.follow(t)
	eventually(t, "fresh", func() bool { return f.Fresh() == nil })
	token := i.grantToken("a")
	must(t, f.Check(token))
	i.say(i.line(t, 0, 1, nil, i.entry(1, revocation.KindGrant, "gnt_a")))
	eventually(t, "revoked", func() bool { return errors.Is(f.Check(token), access.ErrRevoked) })
	i.say(i.line(t, 1, 1, nil))
	eventually(t, "it is", func() bool { return f.Sequence() == 1 && errors.Is(f.Check(token), access.ErrRevoked) })
}

func TestBeyondTheLease(t *testing.T) {
	t.Parallel()
	i := newIdentity(t)
	i.begin(i.line(t, 0, 1, nil, i.entry(1, revocation.KindToken, "jti-b")))
	f := i.follow(t)
	eventually(t, "fresh", func() bool { return f.Fresh() == nil })
	i.leave()
	i.clock.Advance(lease - time.Millisecond)
	if err := f.Check(i.grantToken("a")); err != nil {
		t.Errorf("within the lease: %v", err)
	}
	i.clock.Advance(time.Millisecond)
	if err := f.Check(i.grantToken("a")); !errors.Is(err, access.ErrStale) {
		t.Errorf("beyond the lease: %v", err)
	}
	if err := f.CheckSession(access.Session{ID: "ses_a", Account: "acc_a"}); !errors.Is(err, access.ErrStale) {
		t.Errorf("a session beyond the lease: %v", err)
	}
	if err := f.Check(i.grantToken("b")); !errors.Is(err, access.ErrRevoked) {
		t.Errorf("what is revoked stays so: %v", err)
	}
	eventually(t, "a warning", func() bool { return strings.Contains(f.log.String(), "level=WARN") })
	// A line that was kept back is too old to lend anything.
	old := i.line(t, 0, 1, func(l *revocation.Line) {
		l.Issued, l.StaleAfter = l.Issued-(2*lease).Microseconds(), l.StaleAfter-(2*lease).Microseconds()
	})
	i.begin(old)
	i.come()
	eventually(t, "a stream", func() bool { i.mu.Lock(); defer i.mu.Unlock(); return len(i.out) == 1 })
	if err := f.Fresh(); !errors.Is(err, access.ErrStale) {
		t.Errorf("with an old line: %v", err)
	}
	i.leave()
	i.begin(i.line(t, 0, 2, nil, i.entry(2, revocation.KindToken, "jti-c")))
	i.come()
	eventually(t, "fresh again", func() bool { return f.Fresh() == nil })
	for _, id := range []string{"b", "c"} {
		if err := f.Check(i.grantToken(id)); !errors.Is(err, access.ErrRevoked) {
			t.Errorf("%s: %v", id, err)
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if last := i.after[len(i.after)-1]; last != "1" {
		t.Errorf("it asked for what comes after %s", last)
	}
}

// What a stream may not say leaves the state as it was, and the lease runs out.
func TestLinesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line func(*testing.T, *identity) string
		log  string
	}{
		"signed by a stranger under our key's name": {func(t *testing.T, i *identity) string {
			stranger := newSigner(t, i.key.id, "EdDSA")
			return (&identity{clock: i.clock, key: stranger, keys: i.keys}).line(t, 5, 6, nil)
		}, "no line of identity"},
		"an access token": {func(t *testing.T, i *identity) string {
			return i.key.token(t, "at+jwt", revocation.Line{Version: 1, Issuer: issuer, Keys: "x", Base: 5, Sequence: 6, Issued: 1, StaleAfter: 2})
		}, "no line of identity"},
		"changed on the way": {func(t *testing.T, i *identity) string {
			line := i.line(t, 5, 6, nil)
			head, rest, _ := strings.Cut(line, ".")
			body, signature, _ := strings.Cut(rest, ".")
			other, _, _ := strings.Cut(strings.TrimPrefix(i.line(t, 5, 7, nil), head+"."), ".")
			if other == body {
				t.Fatal("the lines are the same")
			}
			return head + "." + other + "." + signature
		}, "no line of identity"},
		"no line at all":    {func(*testing.T, *identity) string { return "{}" }, "no line of identity"},
		"a gap":             {func(t *testing.T, i *identity) string { return i.line(t, 6, 7, nil) }, ""},
		"again":             {func(t *testing.T, i *identity) string { return i.line(t, 0, 5, nil) }, ""},
		"back":              {func(t *testing.T, i *identity) string { return i.line(t, 5, 4, nil) }, "no line of identity"},
		"from the future":   {func(t *testing.T, i *identity) string { return i.line(t, 5, 6, ahead(2*time.Second)) }, "clocks"},
		"of another issuer": {func(t *testing.T, i *identity) string { return i.line(t, 5, 6, of("https://evil.example")) }, "issuer changed"},
		"of another version": {func(t *testing.T, i *identity) string {
			return i.line(t, 5, 6, func(l *revocation.Line) { l.Version = 2 })
		}, "version 2"},
		"with a lease of a week": {func(t *testing.T, i *identity) string { return i.line(t, 5, 6, leased(7*24*time.Hour)) }, "lease cannot be"},
		"with no lease":          {func(t *testing.T, i *identity) string { return i.line(t, 5, 6, leased(0)) }, "lease cannot be"},
		"an entry of before": {func(t *testing.T, i *identity) string {
			return i.line(t, 5, 6, nil, i.entry(5, revocation.KindToken, "x"))
		}, "out of its place"},
		"an entry of later": {func(t *testing.T, i *identity) string {
			return i.line(t, 5, 6, nil, i.entry(7, revocation.KindToken, "x"))
		}, "out of its place"},
		"an unknown kind": {func(t *testing.T, i *identity) string { return i.line(t, 5, 6, nil, i.entry(6, "roles", "x")) }, "cannot be"},
		"too long":        {func(*testing.T, *identity) string { return strings.Repeat("a", revocation.MaxLine+1) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIdentity(t)
			i.begin(i.line(t, 0, 5, nil))
			f := i.follow(t)
			eventually(t, "fresh", func() bool { return f.Fresh() == nil })
			i.begin(i.line(t, 0, 5, nil), c.line(t, i)) // so that each new stream meets it too
			i.say(c.line(t, i))
			eventually(t, "the stream ends", func() bool { i.mu.Lock(); defer i.mu.Unlock(); return len(i.after) > 2 })
			eventually(t, "it is told", func() bool { return strings.Contains(f.log.String(), c.log) })
			if f.Sequence() != 5 || f.Size() != 0 || f.Issuer() != issuer {
				t.Errorf("it counts: %d, %d, %s", f.Sequence(), f.Size(), f.Issuer())
			}
		})
	}
}

func ahead(d time.Duration) func(*revocation.Line) {
	return func(l *revocation.Line) { l.Issued += d.Microseconds(); l.StaleAfter += d.Microseconds() }
}

func of(name string) func(*revocation.Line) { return func(l *revocation.Line) { l.Issuer = name } }

func leased(d time.Duration) func(*revocation.Line) {
	return func(l *revocation.Line) { l.StaleAfter = l.Issued + d.Microseconds() }
}

// A database that was restored from a backup has fewer revocations, and later
// others under the same numbers.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	i := newIdentity(t)
	i.begin(i.line(t, 0, 5, nil, i.entry(5, revocation.KindToken, "jti-a")))
	f := i.follow(t)
	eventually(t, "fresh", func() bool { return f.Fresh() == nil })
	i.leave()
	i.clock.Advance(lease)
	i.begin(i.line(t, 0, 4, nil))
	i.come()
	eventually(t, "an error", func() bool {
		return strings.Contains(f.log.String(), "level=ERROR") && strings.Contains(f.log.String(), "went back")
	})
	if f.Sequence() != 5 || !errors.Is(f.Fresh(), access.ErrStale) {
		t.Errorf("it went back: %d, %v", f.Sequence(), f.Fresh())
	}
	i.mu.Lock()
	i.went = true
	i.mu.Unlock()
	i.leave()
	i.come()
	asked := strings.Count(f.log.String(), "went back")
	eventually(t, "identity's own refusal", func() bool { return strings.Count(f.log.String(), "went back") > asked })
	i.mu.Lock()
	i.went = false
	i.mu.Unlock()
	i.begin(i.line(t, 0, 6, nil, i.entry(3, revocation.KindToken, "jti-c")))
	eventually(t, "fresh", func() bool { return f.Fresh() == nil })
	for _, id := range []string{"a", "c"} {
		if err := f.Check(i.grantToken(id)); !errors.Is(err, access.ErrRevoked) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestNewKeysAreFetched(t *testing.T) {
	t.Parallel()
	i := newIdentity(t)
	i.begin(i.line(t, 0, 0, nil))
	f := i.follow(t)
	eventually(t, "fresh", func() bool { return f.Fresh() == nil })
	old, next := i.key, newSigner(t, "key_2", "ES256")
	token := func(s signer) error {
		_, err := f.verifier.Verify(s.token(t, "at+jwt", i.claims()), audience)
		return err
	}
	must(t, token(old))
	if err := token(next); !errors.Is(err, access.ErrToken) {
		t.Errorf("a key that is not published: %v", err)
	}
	i.mu.Lock()
	i.keys = keySet(t, old, next)
	i.mu.Unlock()
	i.say(i.line(t, 0, 0, nil))
	eventually(t, "the next key is known", func() bool { return token(next) == nil })
	// Replaced: the old one is worth nothing from the next line on, which the new signs.
	i.mu.Lock()
	i.keys, i.key = keySet(t, next), next
	i.mu.Unlock()
	i.say(i.line(t, 0, 0, nil))
	eventually(t, "the old key is gone", func() bool { return errors.Is(token(old), access.ErrToken) })
	must(t, token(next))
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.asked != 3 {
		t.Errorf("the keys were fetched %d times", i.asked)
	}
}
