package peer

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Apply takes in an update and returns the revocations that count from now on.
// Updates may come twice and in any order; what does not fit changes nothing.
func (r *Revocations) Apply(u Update) (revoked []Revocation, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.Base != nil {
		r.base = u.Base
	}
	if err := r.keep(u.Revocations); err != nil {
		return nil, err
	}
	if len(u.Head) > 0 {
		if err := r.hear(u.Head); err != nil {
			return nil, err
		}
	}
	if r.wanted == nil {
		return nil, nil
	}
	revoked, err = r.advance(*r.wanted)
	if errors.Is(err, ErrGap) && len(u.Head) == 0 {
		return nil, nil // the rest is on its way
	}
	return revoked, err
}

// keep stores revocations that no head covers yet.
func (r *Revocations) keep(list []Revocation) error {
	for _, e := range list {
		if _, err := parseSerial(e.Serial); err != nil {
			return fmt.Errorf("revocation %d: %w", e.Seq, err)
		}
		if e.Seq > r.floor() {
			r.pending[e.Seq] = e
		}
	}
	if len(r.pending) > maxList {
		r.forget()
		return fmt.Errorf("%w: more than %d came without a head", ErrMismatch, maxList)
	}
	return nil
}

// floor is the number up to which revocations are of no interest any more.
func (r *Revocations) floor() uint64 {
	if r.base != nil {
		return r.base.Sequence
	}
	return r.view.Load().head.Sequence
}

// hear judges a signed head: it refreshes the present state, or is wanted, or
// is an old one that came late.
func (r *Revocations) hear(signed []byte) error {
	h, err := OpenHead(signed, r.key)
	if err != nil {
		return err
	}
	if ahead := h.Issued.Sub(r.now()); ahead > Skew {
		return fmt.Errorf("%w: a head was signed %s in the future of this host", ErrClock, ahead.Round(time.Millisecond))
	}
	v := r.view.Load()
	switch {
	case h.Sequence < v.head.Sequence:
		if h.Issued.After(v.head.Issued) {
			return fmt.Errorf("%w (from revocation %d to %d)", ErrRolledBack, v.head.Sequence, h.Sequence)
		}
	case h.Sequence == v.head.Sequence && h.Hash != v.head.Hash:
		return fmt.Errorf("%w (revocation %d was another one)", ErrRolledBack, h.Sequence)
	case h.Sequence == v.head.Sequence && h.Issued.After(v.head.Issued):
		r.publish(h, v.set)
	case h.Sequence > v.head.Sequence && (r.wanted == nil || h.Issued.After(r.wanted.Issued)):
		r.wanted = &h
	}
	return nil
}

// advance moves the state to h, from where it stands or from the snapshot's base.
func (r *Revocations) advance(h Head) ([]Revocation, error) {
	v := r.view.Load()
	list, err := r.chain(Base{Sequence: v.head.Sequence, Hash: v.head.Hash}, h, nil)
	before := v.set
	// A base above the signed one would leave out what has not expired.
	if err != nil && r.base != nil && r.base.Sequence <= h.Base {
		list, err = r.chain(*r.base, h, v)
		before = emptySet()
	}
	if err != nil {
		if !errors.Is(err, ErrGap) {
			r.forget()
		}
		return nil, err
	}
	after, err := before.with(list)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(r.pending, func(seq uint64, _ Revocation) bool { return seq <= h.Sequence })
	r.base, r.wanted = nil, nil
	r.publish(h, after)
	if len(list) > 0 {
		close(r.news)
		r.news = make(chan struct{})
	}
	return list, nil
}

// chain collects what lies between from and h, and checks it against h's hash.
// When known is given, the chain must also run through its head: a list that
// takes back what we know is refused.
func (r *Revocations) chain(from Base, h Head, known *view) ([]Revocation, error) {
	if from.Sequence > h.Sequence || uint64(len(r.pending)) < h.Sequence-from.Sequence {
		return nil, ErrGap
	}
	list := make([]Revocation, 0, h.Sequence-from.Sequence)
	hash := from.Hash
	for seq := from.Sequence; ; seq++ {
		if known != nil && seq == known.head.Sequence && hash != known.head.Hash {
			return nil, fmt.Errorf("%w (what was revoked up to %d is another list)", ErrRolledBack, seq)
		}
		if seq == h.Sequence {
			break
		}
		e, ok := r.pending[seq+1]
		if !ok {
			return nil, ErrGap
		}
		next, err := hash.Next(e)
		if err != nil {
			return nil, err
		}
		hash, list = next, append(list, e)
	}
	if hash != h.Hash {
		return nil, ErrMismatch
	}
	return list, nil
}

// forget drops what has not been covered by a head.
func (r *Revocations) forget() {
	clear(r.pending)
	r.base, r.wanted = nil, nil
}

func (r *Revocations) publish(h Head, s set) {
	if r.closed {
		return
	}
	now := r.now()
	left := min(h.StaleAfter.Sub(now), h.Issued.Add(r.lease).Sub(now))
	r.view.Store(&view{head: h, set: s, end: now.Add(left), wall: now.Add(left).UnixMicro()})
}
