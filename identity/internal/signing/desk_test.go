package signing_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/signing"
	"guildhall/platform/audit"
	"guildhall/platform/guildtest"
	"guildhall/platform/seal"
)

// set is the key set as somebody else reads it.
func set(t testing.TB, d *signing.Desk) jose.JSONWebKeySet {
	t.Helper()
	text, err := d.Public(t.Context())
	must(t, err)
	var s jose.JSONWebKeySet
	must(t, json.Unmarshal(text, &s))
	return s
}

func TestTokensAreVerifiedByOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.Start(t.Context()))
		keys := set(t, w.Desk)
		if len(keys.Keys) != 3 {
			t.Fatalf("%d keys are published", len(keys.Keys))
		}
		for _, algorithm := range signing.Algorithms() {
			token := sign(t, w.Desk, algorithm)
			good(t, w.Desk, token, algorithm)
			jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
			must(t, err)
			found := keys.Key(jws.Signatures[0].Protected.KeyID)
			if len(found) != 1 || !found[0].IsPublic() || found[0].Use != "sig" || found[0].Algorithm != algorithm {
				t.Fatalf("%s: published as %+v", algorithm, found)
			}
			if payload, err := jws.Verify(found[0]); err != nil || string(payload) != `{"sub":"usr_1"}` {
				t.Errorf("%s: %s, %v", algorithm, payload, err)
			}
			if jws.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != "at+jwt" {
				t.Errorf("%s: headers %+v", algorithm, jws.Signatures[0].Protected)
			}
		}
		text, err := w.Public(t.Context())
		must(t, err)
		for _, private := range []string{`"d"`, `"p"`, `"q"`, `"dp"`, `"k"`} {
			if strings.Contains(string(text), private) {
				t.Errorf("the set has the member %s: %s", private, text)
			}
		}
		if _, err := w.Sign(t.Context(), "HS256", "at+jwt", nil); err == nil {
			t.Error("signed with HS256")
		}
		if _, err := w.Sign(t.Context(), "ES256", "at+jwt", func() {}); err == nil {
			t.Error("signed what is no JSON")
		}
	})
}

func TestNodesThatStartAtOnceMakeOneSet(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nodes := make([]*signing.Desk, 4)
		errs := make([]error, len(nodes))
		var all sync.WaitGroup
		for i := range nodes {
			nodes[i] = w.node(w.clock, w.key)
			all.Go(func() { errs[i] = nodes[i].Start(t.Context()) })
		}
		all.Wait()
		must(t, errors.Join(errs...))
		if keys := list(t, w.Desk); len(keys) != 3 {
			t.Fatalf("%d keys were made", len(keys))
		}
		for _, d := range nodes {
			good(t, d, sign(t, nodes[0], "ES256"), "on another node")
		}
		if n := w.actions(t, "key.made"); n != 3 {
			t.Errorf("%d keys stand in the audit log", n)
		}
	})
}

func TestKeysAreSealed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.Start(t.Context()))
		rows, err := w.db.Read.QueryContext(t.Context(), `SELECT private FROM signing_keys`)
		must(t, err)
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var private []byte
			must(t, rows.Scan(&private))
			if len(private) < 40 || private[0] == 0x30 {
				t.Errorf("a private key lies open: %x", private)
			}
		}
		must(t, rows.Err())
		if err := w.node(w.clock, seal.NewKey("identity")).Start(t.Context()); !errors.Is(err, signing.ErrSealed) {
			t.Errorf("started with another key: %v", err)
		}
	})
}

// A key of another's row must not open there.
func TestRowsCannotBeExchanged(t *testing.T) {
	t.Parallel()
	w := started(t)
	must(t, w.db.WithTx(t.Context(), exec(t, `UPDATE signing_keys SET private = (SELECT private FROM signing_keys WHERE algorithm = 'EdDSA') WHERE algorithm = 'ES256'`)))
	if err := w.node(w.clock, w.key).Start(t.Context()); !errors.Is(err, signing.ErrSealed) {
		t.Errorf("started: %v", err)
	}
}

func TestAnotherNodeLearnsOfNewKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.Start(t.Context()))
		other := w.node(w.clock, w.key)
		must(t, other.Start(t.Context()))
		old := sign(t, other, "ES256")
		must(t, w.Replace(t.Context(), by))
		token := sign(t, w.Desk, "ES256")

		bad(t, other, token, "less than a second after the last look")
		w.clock.Advance(time.Second)
		good(t, other, token, "an unknown key is looked for")
		bad(t, other, old, "the look forgets the old one")
		if next := sign(t, other, "ES256"); next == old {
			t.Error("signs with the old key")
		}

		must(t, w.Replace(t.Context(), by))
		good(t, other, token, "the other node knows nothing yet")
		w.clock.Advance(10 * time.Second)
		bad(t, other, token, "ten seconds later")
	})
}

// A node whose clock is behind the one that made the keys can sign all the same.
func TestClocksThatDiffer(t *testing.T) {
	t.Parallel()
	w := started(t)
	behind := w.node(guildtest.NewClock(w.clock.Now().Add(-time.Minute)), w.key)
	must(t, behind.Start(t.Context()))
	for _, algorithm := range signing.Algorithms() {
		good(t, w.Desk, sign(t, behind, algorithm), algorithm)
	}
}

func TestTheDatabaseMayBeAwayForAWhile(t *testing.T) {
	t.Parallel()
	w := started(t)
	token := sign(t, w.Desk, "EdDSA")
	away, cancel := context.WithCancel(t.Context())
	cancel() // no read gets through
	w.clock.Advance(time.Minute)
	if _, err := w.Verify(away, token); err != nil {
		t.Errorf("after a minute: %v", err)
	}
	w.clock.Advance(5 * time.Minute)
	if _, err := w.Verify(away, token); err == nil || errors.Is(err, signing.ErrToken) {
		t.Errorf("after six minutes: %v", err)
	}
	good(t, w.Desk, token, "the database is back")
}

func TestSigningWhileKeysAreReplaced(t *testing.T) {
	t.Parallel()
	w := started(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				token, err := w.Sign(t.Context(), "EdDSA", "at+jwt", 1)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := w.Verify(t.Context(), token); err != nil && !errors.Is(err, signing.ErrToken) {
					t.Error(err)
				}
				w.clock.Advance(time.Second)
			}
		})
	}
	all.Go(func() {
		for range 5 {
			if err := w.Replace(t.Context(), audit.Caller{}); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	if keys := list(t, w.Desk); len(keys) != 3 {
		t.Errorf("%d keys are left", len(keys))
	}
}
