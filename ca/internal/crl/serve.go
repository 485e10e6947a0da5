package crl

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"guildhall/platform/fault"
)

// recheck is how long a list is served from memory before the database is asked
// whether another node published a newer one.
const recheck = time.Second

// served is the list in memory.
type served struct {
	mu      sync.Mutex
	list    *List
	checked time.Time
}

// Current is the published list of that name. It comes from memory and is at
// most a second behind the database; while the database is away the last known
// list is served on. ErrNotFound: there is none.
func (p *Publisher) Current(ctx context.Context, name string) (List, error) {
	s := p.served[name]
	if s == nil {
		return List{}, ErrNotFound
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list != nil && time.Since(s.checked) < recheck {
		return *s.list, nil
	}
	if err := p.refresh(ctx, name, s); err != nil {
		if s.list == nil || ctx.Err() != nil {
			return List{}, err
		}
		p.log.WarnContext(ctx, "the newest revocation list cannot be read; the last known one is served", "list", name, "error", err)
	}
	s.checked = time.Now()
	return *s.list, nil
}

// refresh loads the list if the database has another number than memory.
func (p *Publisher) refresh(ctx context.Context, name string, s *served) error {
	st, err := p.readState(ctx, name)
	if err != nil {
		return err
	}
	if s.list != nil && s.list.Number == st.published {
		return nil
	}
	l, err := p.load(ctx, name)
	if err != nil {
		return err
	}
	s.list = l
	return nil
}

// remember serves a list from now on, unless a newer one came meanwhile.
func (p *Publisher) remember(l *List) {
	s := p.served[l.Name]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil || s.list.Number < l.Number {
		s.list, s.checked = l, time.Now()
	}
}

// reload serves what stands in the database.
func (p *Publisher) reload(ctx context.Context, name string) (List, error) {
	l, err := p.load(ctx, name)
	if err != nil {
		return List{}, err
	}
	p.remember(l)
	return *l, nil
}

// Health says which list is missing or no longer valid, and what to do.
func (p *Publisher) Health(ctx context.Context) error {
	now, err := p.now()
	if err != nil {
		return fmt.Errorf("check revocation lists: %w", err)
	}
	var errs []error
	for _, name := range []string{Issuing, Root} {
		l, err := p.Current(ctx, name)
		switch {
		case errors.Is(err, ErrNotFound):
			errs = append(errs, fault.New(fault.Unavailable, "crl_missing",
				"There is no %s revocation list yet: clients that check it refuse every certificate. If its key is offline, put the root's passphrase file in its place.", name))
		case err != nil:
			errs = append(errs, err)
		case !now.Before(l.NextUpdate):
			errs = append(errs, fault.New(fault.Unavailable, "crl_expired",
				"The %s revocation list ended at %s: clients that check it refuse every certificate. Look at the failed jobs; if its key is offline, put the root's passphrase file in its place.",
				name, l.NextUpdate.Format(time.RFC3339)))
		}
	}
	return errors.Join(errs...)
}
