package feed

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"guildhall/platform/peer"
)

const (
	// leasePoll is how often Announce looks into the database for subscribers
	// that are not connected here.
	leasePoll = 50 * time.Millisecond
	// glance is how often it looks at the clock while it waits for a lease to end.
	glance = time.Second
)

// Reach says whom a revocation has reached.
type Reach struct {
	// Peers is the number of processes that had to hear of it; Acknowledged of
	// them did.
	Peers, Acknowledged int
	// Lapsed are the services of the others, whose lease ended instead: they
	// refuse everything until they hear from us.
	Lapsed []string
}

// Announce tells all subscribers of the committed revocation seq and returns
// when each has acknowledged it or its lease has ended. The error of an ended
// ctx names those it was still waiting for.
func (h *Hub) Announce(ctx context.Context, seq uint64) (Reach, error) {
	if err := h.refresh(ctx); err != nil {
		return Reach{}, fmt.Errorf("announce revocation %d: %w", seq, err)
	}
	if last := h.sequence(); last < seq {
		return Reach{}, fmt.Errorf("announce revocation %d: the list ends at %d", seq, last)
	}
	return h.WaitAcked(ctx, seq)
}

// WaitAcked is Announce's waiting alone.
func (h *Hub) WaitAcked(ctx context.Context, seq uint64) (Reach, error) {
	start, err := h.o.Now()
	if err != nil {
		return Reach{}, err
	}
	saved, err := h.leases.all(ctx)
	if err != nil {
		return Reach{}, err
	}
	for {
		again := h.nextAck()
		now, err := h.o.Now()
		if err != nil {
			return Reach{}, err
		}
		reach, waiting := tally(h.subscribers(saved), seq, start, now)
		if len(waiting) == 0 {
			h.tell(ctx, seq, reach)
			return reach, nil
		}
		t := time.NewTimer(h.nextLook(waiting, now))
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-again:
		case <-t.C:
			// Another node may have heard something.
			saved, err = h.leases.all(ctx)
		}
		t.Stop()
		if err != nil {
			return reach, fmt.Errorf("wait for %s to acknowledge revocation %d: %w", strings.Join(names(waiting), ", "), seq, err)
		}
	}
}

// nextAck is closed when something is acknowledged from now on.
func (h *Hub) nextAck() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.acked
}

// known is a subscriber as Announce sees it.
type known struct {
	lease
	here bool // connected to this node
}

// subscribers are those of this node, and those that only the database knows:
// connected to another node, or not seen since a restart.
func (h *Hub) subscribers(saved []lease) []known {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []known
	for _, l := range saved {
		if sub := h.subs[l.subscriber.Instance]; sub == nil || h.o.Shared && !sub.attached() {
			all = append(all, known{l, false})
		}
	}
	for instance, sub := range h.subs {
		if sub.attached() || !h.o.Shared {
			s := peer.Subscriber{Service: sub.service, Instance: instance}
			all = append(all, known{lease{s, sub.acked, sub.until}, sub.attached()})
		}
	}
	return all
}

// tally sorts the subscribers that held a lease at start into those that
// acknowledged, those whose lease has ended, and those still to be waited for.
func tally(all []known, seq uint64, start, now time.Time) (reach Reach, waiting []known) {
	for _, k := range all {
		end := k.until.Add(peer.Skew)
		switch {
		case end.Before(start):
			continue
		case k.acked >= seq:
			reach.Acknowledged++
		case end.Before(now):
			reach.Lapsed = append(reach.Lapsed, k.subscriber.Service)
		default:
			waiting = append(waiting, k)
		}
		reach.Peers++
	}
	slices.Sort(reach.Lapsed)
	return reach, waiting
}

// nextLook is when something may have changed that no acknowledgement tells.
func (h *Hub) nextLook(waiting []known, now time.Time) time.Duration {
	next := glance
	for _, k := range waiting {
		next = min(next, k.until.Add(peer.Skew).Sub(now)+time.Millisecond)
		if h.o.Shared && !k.here {
			next = min(next, leasePoll)
		}
	}
	return max(next, time.Millisecond)
}

func (h *Hub) tell(ctx context.Context, seq uint64, r Reach) {
	if len(r.Lapsed) > 0 {
		h.o.Log.WarnContext(ctx, "a revocation was not acknowledged by all; the others' leases have ended, so they refuse everything until they hear of it",
			"seq", seq, "acknowledged", r.Acknowledged, "lapsed", strings.Join(r.Lapsed, ", "))
	}
}

func names(list []known) []string {
	var all []string
	for _, k := range list {
		all = append(all, k.subscriber.Service)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
