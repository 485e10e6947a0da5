package crl

import (
	"context"
	"fmt"
	"time"
)

// List is a published revocation list.
type List struct {
	Name       string
	Number     int64
	Entries    int64
	ThisUpdate time.Time
	NextUpdate time.Time
	DER        []byte

	upto int64
}

// Build signs a new list of that name and publishes it. It returns the list
// that stands published afterwards: another node's, if that one was quicker and
// knows as much. Errors: ErrOffline; that of Options.Now.
func (p *Publisher) Build(ctx context.Context, name string) (List, error) {
	timing, known := p.timing[name]
	if !known {
		return List{}, ErrNotFound
	}
	// The key comes first: without it no number is used up.
	signer, err := p.signer(ctx, name)
	if err != nil {
		return List{}, fmt.Errorf("open the key of revocation list %s: %w", name, err)
	}
	began := time.Now()
	l, err := p.make(ctx, name, timing, signer)
	if err != nil {
		return List{}, err
	}
	saved, err := p.save(ctx, l)
	if err != nil {
		return List{}, err
	}
	took := time.Since(began)
	p.built(took)
	if !saved {
		return p.reload(ctx, name)
	}
	p.remember(&l)
	p.log.InfoContext(ctx, "revocation list published", "list", name, "number", l.Number, "entries", l.Entries,
		"next_update", l.NextUpdate, "took", took.Round(time.Millisecond))
	return l, nil
}

// make signs a list. The number is taken before the revocations are read: so of
// two nodes the one with the higher number has read later, or is told by save
// that it knows less.
func (p *Publisher) make(ctx context.Context, name string, timing Timing, signer Signer) (List, error) {
	now, err := p.now()
	if err != nil {
		return List{}, fmt.Errorf("sign revocation list %s: %w", name, err)
	}
	last, err := p.reserve(ctx, name, now)
	if err != nil {
		return List{}, err
	}
	l := List{Name: name, Number: last.number, ThisUpdate: now.UTC().Truncate(time.Second)}
	l.NextUpdate = l.ThisUpdate.Add(timing.Validity)
	var named []byte
	if named, l.Entries, l.upto, err = p.entries(ctx, name, last); err != nil {
		return List{}, err
	}
	if l.DER, err = sign(l, named, signer); err != nil {
		return List{}, fmt.Errorf("sign revocation list %s: %w", name, err)
	}
	return l, nil
}
