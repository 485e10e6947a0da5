package certificate_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
)

// In a batch of renewals those of certificates that were revoked meanwhile are
// refused, and no other.
func TestRevokedPredecessorsInABatch(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		old := make([]*store.Record, 80) // more than one statement links
		for i := range old {
			old[i] = w.Issue(t, certificate.IssueRequest{CSR: catest.CSR(t, catest.NewKey(t), "a.example.com")}).Record
		}
		for i := 0; i < len(old); i += 20 {
			_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: old[i].ID, By: catest.Admin})
			must(t, err)
		}
		errs := make([]error, len(old))
		oneBatch(t, w, len(old), func(ctx context.Context, i int) {
			_, errs[i] = w.Service.Grant(ctx, certificate.Grant{Profile: profile.Service, Names: []string{"shop.guildhall.internal"},
				CSR: catest.CSR(t, catest.NewKey(t)), By: catest.Admin, Renews: old[i].ID})
		})
		for i, err := range errs {
			if revoked := i%20 == 0; revoked != errors.Is(err, store.ErrRevoked) || !revoked && err != nil {
				t.Errorf("renewal %d: %v", i, err)
			}
			if r, err := w.Service.Get(t.Context(), old[i].ID); err != nil || (r.RenewedBy == "") != (i%20 == 0) {
				t.Errorf("certificate %d: renewed by %q, %v", i, r.RenewedBy, err)
			}
		}
		w.VerifyAudit(t)
	})
}

// oneBatch runs n issuances that are written in one batch, unless one fails.
func oneBatch(t *testing.T, w *catest.World, n int, issue func(ctx context.Context, i int)) {
	t.Helper()
	var all sync.WaitGroup
	held, release := make(chan struct{}), make(chan struct{})
	all.Go(func() {
		if err := w.DB.Group(t.Context(), func(*sql.Tx) error { close(held); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-held
	for i := range n {
		queued := make(chan struct{})
		ctx := &watched{Context: t.Context(), look: sync.OnceFunc(func() { close(queued) })}
		all.Go(func() { defer ctx.look(); issue(ctx, i) })
		<-queued
	}
	close(release)
	all.Wait()
}

// watched is a context that tells when somebody begins to wait for its end: the
// first who does, for a certificate from a request, is the group that queued it.
type watched struct {
	context.Context //nolint:containedctx // it is one

	look func()
}

func (w *watched) Done() <-chan struct{} {
	w.look()
	return w.Context.Done()
}
