package crl_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"guildhall/ca/internal/crl"
	"guildhall/platform/jobs"
)

// TestListsFollowTheSequence compares what two nodes build in turn, each with its
// own memory, with what the rule says must be named.
func TestListsFollowTheSequence(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		_, other := w.node()
		random := rand.New(rand.NewPCG(1, 2)) // the same steps every time
		type revocation struct {
			serial int64
			end    time.Time
		}
		var all []revocation
		var last time.Time // thisUpdate of the last list
		named := 0         // how many of all it took account of
		for step := range 150 {
			switch random.IntN(4) {
			case 0:
				w.clock.Advance(time.Duration(random.IntN(120)) * time.Minute)
			case 1, 2:
				r := revocation{int64(step + 1), w.clock.Now().Add(time.Duration(random.IntN(300)-60) * time.Minute)}
				w.revoke(crl.Issuing, r.serial, 1, r.end)
				all = append(all, r)
			case 3:
				var want []int64
				for i, r := range all {
					if !r.end.Before(last) || i >= named {
						want = append(want, r.serial)
					}
				}
				l := w.build([]*crl.Publisher{w.pub, other}[random.IntN(2)], crl.Issuing)
				if got := serials(w.parse(l)); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("step %d: got %v, want %v", step, got, want)
				}
				last, named = l.ThisUpdate, len(all)
			}
		}
	})
}

// slowly is a publisher whose building takes a while, and hears of each.
func (w *world) slowly(takes, most time.Duration, built func(at time.Time)) (*jobs.Queue, *crl.Publisher) {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	q := jobs.New(jobs.Options{DB: w.db, Log: log, Poll: 20 * time.Millisecond})
	p, err := crl.New(crl.Options{DB: w.db, Jobs: q, Log: log, Delay: time.Millisecond, MaxDelay: most,
		Now: func() (time.Time, error) { <-time.After(takes); return w.clock.Now(), nil },
		Signer: func(_ context.Context, name string) (crl.Signer, error) {
			built(time.Now())
			return w.signers[name], nil
		}})
	if err != nil {
		w.t.Fatal(err)
	}
	return q, p
}

func TestBuildingTakesATwentiethOfTheTime(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		const takes = 30 * time.Millisecond
		for most, least := range map[time.Duration]time.Duration{time.Hour: 20 * takes, 100 * time.Millisecond: 100 * time.Millisecond} {
			begun := make(chan time.Time, 100)
			q, p := w.slowly(takes, most, func(at time.Time) { begun <- at })
			w.pub = p
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- q.Run(ctx) }()
			var builds []time.Time
			for serial := int64(most); len(builds) < 4; serial++ { // revocations without end, also while a list is built
				w.revoke(crl.Issuing, serial, 1, w.clock.Now().Add(time.Hour))
				select {
				case at := <-begun:
					builds = append(builds, at)
				default:
				}
			}
			stop()
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			for i, at := range builds[1:] {
				if between := at.Sub(builds[i]); between < least+takes {
					t.Errorf("at most %v: %v from one building to the next, want %v at least", most, between, least+takes)
				}
			}
		}
	})
}
