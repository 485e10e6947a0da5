package crl

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"guildhall/platform/jobs"
)

// The kinds of job, as an administrator sees them.
const (
	buildKind = "crl.build"
	checkKind = "crl.check"
)

// checkEvery is how often the lists are looked at. It bounds how late a list is
// when a job was lost.
const checkEvery = time.Minute

// payload names the list to build.
type payload struct {
	List string `json:"list"`
}

func (p *Publisher) register() {
	rest := func() time.Duration { return p.next().Sub(p.jobs.Now()) }
	p.jobs.Handle(buildKind, jobs.HandlerOptions{Rest: rest}, func(ctx context.Context, j jobs.Job) error {
		if p.rests() { // asked for by a transaction that began before the last list was done
			return p.db.WithTx(ctx, func(tx *sql.Tx) error { return p.Changed(ctx, tx) })
		}
		_, err := p.Build(ctx, j.Key)
		return err
	})
	p.jobs.Every(checkKind, jobs.Interval(checkEvery), func(ctx context.Context) error {
		if p.rests() {
			return nil // a list was just made, and the next one waits
		}
		return p.Ensure(ctx)
	})
}

// share is the most of one processor that building lists takes in the long run,
// as its inverse.
const share = 20

// built spaces the next list after one that took so long: a long list is not
// built for each of the revocations that come one by one.
func (p *Publisher) built(took time.Duration) {
	p.rested.Store(p.jobs.Now().Add(min(max(p.delay, share*took), p.maxDelay)).UnixNano())
}

// rests says whether the next list still waits after the last one.
func (p *Publisher) rests() bool { return p.jobs.Now().UnixNano() < p.rested.Load() }

// next is when a list that is asked for now is built.
func (p *Publisher) next() time.Time {
	soon, rested := p.jobs.Now().Add(p.delay), time.Unix(0, p.rested.Load())
	if rested.After(soon) {
		return rested
	}
	return soon
}

// Changed asks, in the transaction of a revocation, for a new issuing list. It
// comes after the delay or, when the last one took long, later, and once for all
// that asked meanwhile.
func (p *Publisher) Changed(ctx context.Context, tx *sql.Tx) error {
	err := p.jobs.Enqueue(ctx, tx, buildKind, payload{Issuing}, jobs.EnqueueOptions{Key: Issuing, At: p.next()})
	if err != nil {
		return fmt.Errorf("ask for a revocation list: %w", err)
	}
	return nil
}

// Ensure builds the lists that are missing, stale or behind the revocations.
// Call it at start; afterwards a job does. A key that is offline is no failure
// as long as a valid list stands: Health tells when it does not.
func (p *Publisher) Ensure(ctx context.Context) error {
	var errs []error
	for _, name := range []string{Issuing, Root} {
		due, err := p.due(ctx, name)
		if err == nil && due {
			_, err = p.Build(ctx, name)
		}
		if errors.Is(err, ErrOffline) {
			p.warnOffline(ctx, name)
			err = nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// warnOffline tells once a day that a list waits for its key.
func (p *Publisher) warnOffline(ctx context.Context, name string) {
	last := p.warned.Load()
	now := time.Now().Unix()
	if now-last < int64(24*time.Hour/time.Second) || !p.warned.CompareAndSwap(last, now) {
		return
	}
	var end any // none: there is no list yet
	if l, err := p.Current(ctx, name); err == nil {
		end = l.NextUpdate
	}
	p.log.WarnContext(ctx, "a new revocation list is due and its key is offline", "list", name, "present_one_ends", end)
}

// due says whether a list should be built now.
func (p *Publisher) due(ctx context.Context, name string) (bool, error) {
	now, err := p.now()
	if err != nil {
		return false, fmt.Errorf("check revocation list %s: %w", name, err)
	}
	s, err := p.readState(ctx, name)
	if err != nil {
		return false, err
	}
	last, err := p.lastRevocation(ctx, name)
	if err != nil {
		return false, err
	}
	return s.published == 0 || last > s.upto || !now.Before(s.thisUpdate.Add(p.timing[name].Refresh)), nil
}
