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
	p.jobs.Handle(buildKind, jobs.HandlerOptions{}, func(ctx context.Context, j jobs.Job) error {
		_, err := p.Build(ctx, j.Key)
		return err
	})
	p.jobs.Every(checkKind, jobs.Interval(checkEvery), p.Ensure)
}

// Changed asks, in the transaction of a revocation, for a new issuing list. It
// comes after the delay, and once for all that asked meanwhile.
func (p *Publisher) Changed(ctx context.Context, tx *sql.Tx) error {
	err := p.jobs.Enqueue(ctx, tx, buildKind, payload{Issuing}, jobs.EnqueueOptions{Key: Issuing, At: p.jobs.Now().Add(p.delay)})
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
