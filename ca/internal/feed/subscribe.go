package feed

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"guildhall/platform/peer"
)

// subscription is one process that follows, or followed until lately. It is
// known by its instance, a mark that only it and we know: when one of its
// services is revoked, it goes on under the name of another.
type subscription struct {
	service string
	acked   uint64
	// until is the end of the lease that the last head sent has lent, saved the
	// end that the database knows, which is later.
	until, saved time.Time
	// stop ends the present stream; nil when there is none.
	stop context.CancelCauseFunc
}

func (s *subscription) attached() bool { return s.stop != nil }

// maxProcesses is how many processes of one service may follow: a service that
// was taken over could otherwise come under a new mark again and again, and each
// revocation would wait for the leases of them all.
const maxProcesses = 256

var errCrowd = errors.New("the service has too many subscribers")

var errReplaced = errors.New("the subscriber came again by another connection")

// Subscribe sends a subscriber what follows the number it knows, then all news,
// until ctx ends or sending fails.
func (h *Hub) Subscribe(ctx context.Context, s peer.Subscriber, after uint64, send func(peer.Update) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sub, err := h.attach(s, after, stop)
	if err != nil {
		return err
	}
	defer h.detach(sub)
	if after > h.sequence() {
		if err := h.refresh(ctx); err != nil {
			return err
		}
		if last := h.sequence(); after > last {
			h.o.Log.ErrorContext(ctx, "a subscriber knows of revocations that this authority has lost: revoke again what was revoked since the backup that was restored, then restart the services",
				"subscriber", s.Service, "knows", after, "here", last)
		}
	}
	fresh := after == 0
	for {
		updates, head, changed := h.since(after, fresh)
		if head != nil {
			if err := h.deliver(ctx, s, sub, head, updates, send); err != nil {
				return err
			}
			after, fresh = head.Sequence, false
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// Follow is Subscribe for a subscriber in this process: what it applies counts
// as acknowledged.
func (h *Hub) Follow(ctx context.Context, s peer.Subscriber, after uint64, apply func(peer.Update) error) error {
	public, ok := h.o.Key.Public().(ed25519.PublicKey)
	if !ok {
		return errors.New("the status key is not an Ed25519 key")
	}
	err := h.Subscribe(ctx, s, after, func(u peer.Update) error {
		if err := apply(u); err != nil || len(u.Head) == 0 {
			return err
		}
		head, err := peer.OpenHead(u.Head, public)
		if err != nil {
			return err
		}
		return h.Ack(ctx, s, head.Sequence)
	})
	if errors.Is(context.Cause(ctx), peer.ErrLeaving) {
		return h.Leave(context.WithoutCancel(ctx), s)
	}
	return err
}

// attach makes the subscriber known. What it knows counts as acknowledged; a
// stream that it had before ends.
func (h *Hub) attach(s peer.Subscriber, after uint64, stop context.CancelCauseFunc) (*subscription, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sub := &subscription{service: s.Service, acked: after, stop: stop}
	old := h.subs[s.Instance]
	if old == nil && h.processes(s.Service) >= maxProcesses {
		return nil, fmt.Errorf("%w: %d processes of %s follow already", errCrowd, maxProcesses, s.Service)
	}
	if old != nil {
		if old.stop != nil {
			old.stop(errReplaced)
		}
		sub.until, sub.saved = old.until, old.saved
	}
	h.subs[s.Instance] = sub
	return sub, nil
}

// processes are those of a service that follow here or hold a lease. The caller
// holds mu.
func (h *Hub) processes(service string) (n int) {
	for _, sub := range h.subs {
		if sub.service == service {
			n++
		}
	}
	return n
}

func (h *Hub) detach(sub *subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sub.stop = nil
	h.wake()
}

// since is what a subscriber lacks: updates of which the last carries the head.
// head is nil before the first head was signed.
func (h *Hub) since(after uint64, fresh bool) (updates []peer.Update, head *peer.Head, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.signed == nil {
		return nil, nil, h.changed
	}
	now := h.head
	var list []peer.Revocation
	switch {
	case fresh || after < h.base.Sequence:
		updates = append(updates, peer.Update{Base: &peer.Base{Sequence: h.base.Sequence, Hash: h.base.Hash}})
		list = h.list[:now.Sequence-h.base.Sequence]
	case after < now.Sequence:
		list = h.list[after-h.base.Sequence : now.Sequence-h.base.Sequence]
	}
	for batch := range slices.Chunk(list, peer.MaxBatch) {
		updates = append(updates, peer.Update{Revocations: batch})
	}
	if len(updates) == 0 {
		updates = []peer.Update{{}}
	}
	updates[len(updates)-1].Head = h.signed
	return updates, &now, h.changed
}

// deliver lends the lease of the head, then sends.
func (h *Hub) deliver(ctx context.Context, s peer.Subscriber, sub *subscription, head *peer.Head, updates []peer.Update, send func(peer.Update) error) error {
	if err := h.lend(ctx, s, sub, head.StaleAfter); err != nil {
		return err
	}
	for _, u := range updates {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := send(u); err != nil {
			return err
		}
	}
	return nil
}

// lend notes until when the subscriber may rely on what it is about to get. The
// database gets a later end, so that it need not be told every second.
func (h *Hub) lend(ctx context.Context, s peer.Subscriber, sub *subscription, until time.Time) error {
	h.mu.Lock()
	if until.After(sub.until) {
		sub.until = until
	}
	known, acked := !until.After(sub.saved), sub.acked
	h.mu.Unlock()
	if known {
		return nil
	}
	later := until.Add(h.o.Lease / 2)
	if err := h.leases.save(ctx, lease{subscriber: s, acked: acked, until: later}); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	sub.saved = later
	return nil
}

// Ack notes that a subscriber's state counts up to seq.
func (h *Hub) Ack(ctx context.Context, s peer.Subscriber, seq uint64) error {
	h.mu.Lock()
	sub := h.subs[s.Instance]
	if sub == nil || sub.service != s.Service || seq <= sub.acked {
		h.mu.Unlock()
		return nil
	}
	sub.acked = seq
	saved := sub.saved
	h.wake()
	h.mu.Unlock()
	if !h.o.Shared {
		return nil
	}
	return h.leases.save(ctx, lease{subscriber: s, acked: seq, until: saved})
}

// Leave ends a subscriber's lease: it relies on nothing any more.
func (h *Hub) Leave(ctx context.Context, s peer.Subscriber) error {
	h.mu.Lock()
	sub := h.subs[s.Instance]
	if sub == nil || sub.service != s.Service {
		h.mu.Unlock()
		return nil
	}
	if sub.stop != nil {
		sub.stop(peer.ErrLeaving)
	}
	delete(h.subs, s.Instance)
	h.wake()
	h.mu.Unlock()
	return h.leases.remove(ctx, s)
}

// wake has Announce look again. The caller holds mu.
func (h *Hub) wake() {
	close(h.acked)
	h.acked = make(chan struct{})
}
