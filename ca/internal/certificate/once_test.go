package certificate_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// atOnce counts the calls that succeed; every other one must say that the
// request was granted before.
func atOnce(t *testing.T, calls int, ask func(i int) error) int {
	t.Helper()
	var granted atomic.Int64
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			switch err := ask(i); {
			case err == nil:
				granted.Add(1)
			case !errors.Is(err, certificate.ErrIssuedBefore):
				t.Errorf("a repeated request: %v", err)
			}
		})
	}
	all.Wait()
	return int(granted.Load())
}

// TestARequestWithAnIDIsGrantedOnce sends the same request to two processes that
// share a database, many times at once, and again after a restart.
func TestARequestWithAnIDIsGrantedOnce(t *testing.T) {
	guildtest.Engines(t, migrations, func(t *testing.T, d *db.DB) {
		dir := t.TempDir()
		nodes := []*catest.World{catest.New(t, d, catest.Options{Dir: dir}), catest.New(t, d, catest.Options{Dir: dir})}
		now := nodes[1].Clock.Now()
		nodes[0].Clock.Set(now) // they were made one after the other
		ask := certificate.IssueRequest{CommonName: "shop.example.com", As: certificate.NewID(), By: catest.Admin}
		issue := func(i int) error {
			_, err := nodes[i%2].Service.Issue(t.Context(), ask)
			return err
		}
		if n := atOnce(t, 16, issue); n != 1 {
			t.Errorf("%d certificates were issued, want 1", n)
		}
		again := certificate.RenewRequest{ID: ask.As, NewKey: true, As: certificate.NewID(), By: catest.Admin}
		renew := func(i int) error {
			_, err := nodes[i%2].Service.Renew(t.Context(), again)
			return err
		}
		if n := atOnce(t, 16, renew); n != 1 {
			t.Errorf("%d successors were issued, want 1", n)
		}
		nodes[0] = catest.New(t, d, catest.Options{Dir: dir})
		nodes[0].Clock.Set(now)
		ask.Reuse = true // even then the form is an old one
		for what, err := range map[string]error{"issue": issue(0), "renew": renew(0)} {
			if !errors.Is(err, certificate.ErrIssuedBefore) {
				t.Errorf("%s after a restart: %v", what, err)
			}
		}
		page, err := nodes[0].Service.List(t.Context(), store.Filter{})
		must(t, err)
		if len(page.Records) != 2 {
			t.Errorf("there are %d certificates, want 2", len(page.Records))
		}
		if actions := nodes[0].Actions(t); slices.ContainsFunc(actions, func(a string) bool { return strings.HasSuffix(a, "refused") }) {
			t.Errorf("a repeated request is recorded as refused: %v", actions)
		}
		nodes[0].VerifyAudit(t)
	})
}

func TestIsID(t *testing.T) {
	t.Parallel()
	if id := certificate.NewID(); !certificate.IsID(id) {
		t.Errorf("%q is refused", id)
	}
	for _, text := range []string{"", "crt_", "crt_short", "jtk_06a4xv8m0000000000000000000", "crt_'; DROP TABLE certificates;--", "crt_06A4XV8M000000000000000000"} {
		if certificate.IsID(text) {
			t.Errorf("%q is taken for an id", text)
		}
	}
}
