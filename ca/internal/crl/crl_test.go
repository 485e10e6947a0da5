package crl_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"sync"
	"testing"
	"time"

	"guildhall/ca/internal/crl"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

// world is a publisher on a fresh database, with two authorities of its own.
type world struct {
	t       testing.TB
	db      *db.DB
	queue   *jobs.Queue
	clock   *guildtest.Clock
	signers map[string]crl.Signer
	offline bool
	pub     *crl.Publisher
}

func engines(t *testing.T, suite func(t *testing.T, w *world)) {
	t.Parallel()
	guildtest.Engines(t, os.DirFS("../../migrations"), func(t *testing.T, d *db.DB) { suite(t, newWorld(t, d)) })
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, clock: guildtest.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.UTC)),
		signers: map[string]crl.Signer{crl.Issuing: signer(t, elliptic.P256()), crl.Root: signer(t, elliptic.P384())}}
	w.queue, w.pub = w.node()
	if err := w.queue.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// node is the publisher as another process has it.
func (w *world) node() (*jobs.Queue, *crl.Publisher) {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	q := jobs.New(jobs.Options{DB: w.db, Log: log, Poll: 20 * time.Millisecond})
	p, err := crl.New(crl.Options{DB: w.db, Jobs: q, Log: log, Delay: time.Millisecond,
		Now: func() (time.Time, error) { return w.clock.Now(), nil },
		Signer: func(_ context.Context, name string) (crl.Signer, error) {
			if w.offline && name == crl.Root {
				return crl.Signer{}, crl.ErrOffline
			}
			return w.signers[name], nil
		}})
	if err != nil {
		w.t.Fatal(err)
	}
	return q, p
}

func signer(t testing.TB, curve elliptic.Curve) crl.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: curve.Params().Name}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), crypto.Signer(key))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return crl.Signer{Certificate: cert, Key: key}
}

// revoke adds a revocation and asks for a new list, as the authority does.
func (w *world) revoke(issuer string, serial int64, reason int, notAfter time.Time) {
	w.t.Helper()
	err := w.db.WithTx(w.t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(w.t.Context(), `INSERT INTO revocations (seq, serial, issuer, profile, reason, revoked_at, not_after)
			VALUES ((SELECT COALESCE(MAX(p.seq), 0) + 1 FROM revocations p), $1, $2, 'server', $3, $4, $5)`,
			fmt.Sprintf("%032x", serial), issuer, reason, db.Micros(w.clock.Now()), db.Micros(notAfter))
		if err != nil {
			return err
		}
		return w.pub.Changed(w.t.Context(), tx)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) build(p *crl.Publisher, name string) crl.List {
	w.t.Helper()
	l, err := p.Build(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// parse checks the signature and returns the list as a client reads it.
func (w *world) parse(l crl.List) *x509.RevocationList {
	w.t.Helper()
	list, err := x509.ParseRevocationList(l.DER)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(w.signers[l.Name].Certificate); err != nil {
		w.t.Fatal(err)
	}
	if string(list.AuthorityKeyId) != string(w.signers[l.Name].Certificate.SubjectKeyId) || list.Number.Int64() != l.Number ||
		!list.ThisUpdate.Equal(l.ThisUpdate) || !list.NextUpdate.Equal(l.NextUpdate) || int64(len(list.RevokedCertificateEntries)) != l.Entries {
		w.t.Fatalf("the list says %+v, the record %+v", list, l)
	}
	return list
}

func serials(list *x509.RevocationList) (out []int64) {
	for _, e := range list.RevokedCertificateEntries {
		out = append(out, e.SerialNumber.Int64())
	}
	return out
}

func TestListNamesWhatWasRevoked(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		end := w.clock.Now().Add(time.Hour)
		w.revoke(crl.Issuing, 10, 1, end)
		w.revoke(crl.Root, 20, 5, end)
		w.revoke(crl.Issuing, 11, 0, end)
		issuing, root := w.parse(w.build(w.pub, crl.Issuing)), w.parse(w.build(w.pub, crl.Root))
		if fmt.Sprint(serials(issuing), serials(root)) != "[10 11] [20]" {
			t.Fatalf("issuing %v, root %v", serials(issuing), serials(root))
		}
		first, second := issuing.RevokedCertificateEntries[0], issuing.RevokedCertificateEntries[1]
		if first.ReasonCode != 1 || !first.RevocationTime.Equal(w.clock.Now().Truncate(time.Second)) || len(second.Extensions) != 0 {
			t.Fatalf("entries %+v, %+v", first, second)
		}
		if issuing.NextUpdate.Sub(issuing.ThisUpdate) != 7*24*time.Hour {
			t.Fatalf("valid from %v to %v", issuing.ThisUpdate, issuing.NextUpdate)
		}
	})
}

func TestEndedEntriesAppearOnceMore(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.revoke(crl.Issuing, 10, 1, w.clock.Now().Add(time.Hour))
		w.revoke(crl.Issuing, 11, 1, w.clock.Now().Add(100*time.Hour))
		want := func(list string) {
			t.Helper()
			if got := fmt.Sprint(serials(w.parse(w.build(w.pub, crl.Issuing)))); got != list {
				t.Fatalf("got %v, wanted %v", got, list)
			}
		}
		want("[10 11]")
		w.clock.Advance(2 * time.Hour) // 10 has ended
		want("[10 11]")
		want("[11]")
		w.revoke(crl.Issuing, 12, 1, w.clock.Now().Add(-time.Hour)) // ended before any list could name it
		w.clock.Advance(time.Hour)
		want("[11 12]")
		w.clock.Advance(time.Second)
		want("[11]")
	})
}

func TestNumbersOnlyGrow(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		_, other := w.node()
		var last int64
		for i := range 6 {
			l := w.build([]*crl.Publisher{w.pub, other}[i%2], crl.Issuing)
			if l.Number <= last {
				t.Fatalf("number %d after %d", l.Number, last)
			}
			last = l.Number
		}
		w.clock.Advance(-time.Hour) // an authority may allow a little; the number must still grow
		if l := w.build(other, crl.Issuing); l.Number <= last {
			t.Fatalf("number %d after %d", l.Number, last)
		}
	})
}

// TestNodesBuildAtOnce holds that with many nodes building and revoking, the
// list that stands in the end knows everything.
func TestNodesBuildAtOnce(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		var wg sync.WaitGroup
		for range 4 {
			_, p := w.node()
			wg.Go(func() {
				for range 5 {
					if _, err := p.Build(t.Context(), crl.Issuing); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range 20 {
			w.revoke(crl.Issuing, int64(i+1), 1, w.clock.Now().Add(time.Hour))
		}
		wg.Wait()
		if err := w.pub.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, fresh := w.node()
		l, err := fresh.Current(t.Context(), crl.Issuing)
		if err != nil || l.Entries != 20 {
			t.Fatalf("%d entries, %v", l.Entries, err)
		}
		w.parse(l)
	})
}

func TestRevocationsAreGatheredIntoOneList(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		before := w.build(w.pub, crl.Issuing)
		for i := range 10 {
			w.revoke(crl.Issuing, int64(i+1), 1, w.clock.Now().Add(time.Hour))
		}
		waiting, err := w.queue.List(t.Context(), jobs.Filter{Kind: "crl.build"})
		if err != nil || len(waiting) != 1 {
			t.Fatalf("%d jobs for ten revocations, %v", len(waiting), err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.queue.Run(ctx) }()
		_, other := w.node()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		deadline := time.After(90 * time.Second)
		for {
			l, err := other.Current(t.Context(), crl.Issuing)
			if err != nil {
				t.Fatal(err)
			}
			if l.Entries == 10 {
				if l.Number <= before.Number {
					t.Fatalf("number %d after %d", l.Number, before.Number)
				}
				break
			}
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatal("the list was not built")
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

func TestEnsure(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.offline = true
		number := func(name string) int64 {
			t.Helper()
			if err := w.pub.Ensure(t.Context()); err != nil {
				t.Fatal(err)
			}
			l, err := w.pub.Current(t.Context(), name)
			if err != nil && !errors.Is(err, crl.ErrNotFound) {
				t.Fatal(err)
			}
			return l.Number
		}
		first := number(crl.Issuing)
		if first == 0 || number(crl.Root) != 0 {
			t.Fatal("wanted an issuing list, and none of the root, which is offline")
		}
		if err := w.pub.Health(t.Context()); err == nil {
			t.Fatal("healthy without a root list")
		}
		w.offline = false
		root := number(crl.Root)
		if root == 0 || w.pub.Health(t.Context()) != nil {
			t.Fatalf("root list %d, health %v", root, w.pub.Health(t.Context()))
		}
		w.clock.Advance(12*time.Hour - time.Second)
		if got := number(crl.Issuing); got != first {
			t.Fatal("built again before it was due")
		}
		w.clock.Advance(time.Second)
		second := number(crl.Issuing)
		if second <= first || number(crl.Root) != root {
			t.Fatal("the issuing list was not built again, or the root's was")
		}
		w.revoke(crl.Issuing, 1, 1, w.clock.Now().Add(time.Hour))
		if number(crl.Issuing) <= second {
			t.Fatal("a list that is behind was not built again")
		}
		w.clock.Advance(180 * 24 * time.Hour)
		if err := w.pub.Health(t.Context()); err == nil {
			t.Fatal("healthy with ended lists")
		}
	})
}

func TestNewChecksItsOptions(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		if _, err := crl.New(crl.Options{}); err == nil {
			t.Error("made of nothing")
		}
		o := crl.Options{DB: w.db, Jobs: jobs.New(jobs.Options{DB: w.db}), Now: func() (time.Time, error) { return time.Time{}, nil },
			Signer: func(context.Context, string) (crl.Signer, error) { return crl.Signer{}, nil }, Log: slog.New(slog.DiscardHandler),
			Issuing: crl.Timing{Validity: time.Hour, Refresh: 50 * time.Minute}}
		if _, err := crl.New(o); err == nil {
			t.Error("a list may be refreshed just before its end")
		}
		if _, err := w.pub.Build(t.Context(), "other"); !errors.Is(err, crl.ErrNotFound) {
			t.Error(err)
		}
	})
}

// BenchmarkBuild signs and publishes lists of different length.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld(b, guildtest.Open(b, guildtest.SQLite(b), os.DirFS("../../migrations")))
			err := w.db.WithTx(b.Context(), func(tx *sql.Tx) error {
				for i := range n {
					if _, err := tx.ExecContext(b.Context(), `INSERT INTO revocations (seq, serial, issuer, profile, reason, revoked_at, not_after)
						VALUES ($1, $2, 'issuing', 'server', 1, $3, $4)`, i+1, fmt.Sprintf("4%031x", i), db.Micros(w.clock.Now()),
						db.Micros(w.clock.Now().Add(time.Hour))); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				l := w.build(w.pub, crl.Issuing)
				b.ReportMetric(float64(len(l.DER)), "DER-bytes")
			}
		})
	}
}
