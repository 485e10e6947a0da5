package feed

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/peer"
)

const (
	// DefaultInterval is how often a head is signed.
	DefaultInterval = time.Second
	// sharedPoll is how often a node looks for what another has revoked.
	sharedPoll = 200 * time.Millisecond
	// readBatch is the number of revocations that one query reads.
	readBatch = 5000
)

// Options are what a Hub is made of.
type Options struct {
	// DB holds the table feed_subscribers.
	DB *db.DB
	// Revocations reads the sequence after a number: in order, without gaps, at
	// most limit of them.
	Revocations func(ctx context.Context, after uint64, limit int) ([]peer.Revocation, error)
	// Key is the Ed25519 status key.
	Key crypto.Signer
	// Lease is how long a subscriber believes a head; 0 is peer.DefaultLease.
	// Interval is how often one is signed; 0 is DefaultInterval.
	Lease, Interval time.Duration
	// Now is the time to sign with; its error keeps the hub from signing.
	Now func() (time.Time, error)
	// Shared says that other nodes of the authority use the same database.
	Shared bool
	Log    *slog.Logger
}

// Hub is the authority's side of the revocation feed. It is safe for concurrent
// use.
type Hub struct {
	o      Options
	leases leases

	refreshing sync.Mutex // one read of the sequence at a time

	mu      sync.Mutex
	base    peer.Base         // everything up to it has expired
	list    []peer.Revocation // what follows base
	hash    peer.Hash         // over base and list
	head    peer.Head
	signed  []byte                   // head, signed; nil before the first
	subs    map[string]*subscription // by instance
	changed chan struct{}            // closed at the next head
	acked   chan struct{}            // closed at the next acknowledgement
}

// New makes a hub; Run brings it to life.
func New(o Options) *Hub {
	if o.Lease == 0 {
		o.Lease = peer.DefaultLease
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Hub{o: o, leases: leases{db: o.DB}, subs: map[string]*subscription{},
		changed: make(chan struct{}), acked: make(chan struct{})}
}

// tellEvery is how often it is said again that no head can be signed.
const tellEvery = time.Minute

// Run reads the sequence and signs heads until ctx ends. While it cannot, it
// says so and tries again; the subscribers stop when their leases end.
func (h *Hub) Run(ctx context.Context) error {
	pace := h.o.Interval
	if h.o.Shared {
		pace = min(pace, sharedPoll)
	}
	tick := time.NewTicker(pace)
	defer tick.Stop()
	var told time.Time // zero while all is well
	for {
		err := h.refresh(ctx)
		switch {
		case err == nil && !told.IsZero():
			told = time.Time{}
			h.o.Log.InfoContext(ctx, "heads of the revocation list are signed again")
		case err != nil && ctx.Err() == nil && time.Since(told) >= tellEvery:
			told = time.Now()
			h.o.Log.ErrorContext(ctx, "no head of the revocation list could be signed; services stop talking to each other when their leases end", "lease", h.o.Lease, "err", err)
		}
		h.forget(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// refresh reads what was revoked, and signs a head when there is news or the
// last one is old.
func (h *Hub) refresh(ctx context.Context) error {
	h.refreshing.Lock()
	defer h.refreshing.Unlock()
	if err := h.read(ctx); err != nil {
		return err
	}
	now, err := h.o.Now()
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	age := now.Sub(h.head.Issued)
	if h.signed != nil && h.head.Sequence == h.last() && age >= 0 && age < h.o.Interval-h.o.Interval/10 {
		return nil
	}
	return h.sign(now)
}

// read takes in what follows the last revocation known.
func (h *Hub) read(ctx context.Context) error {
	for {
		list, err := h.o.Revocations(ctx, h.sequence(), readBatch)
		if err != nil {
			return err
		}
		if err := h.append(list); err != nil || len(list) < readBatch {
			return err
		}
	}
}

func (h *Hub) sequence() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last()
}

func (h *Hub) last() uint64 { return h.base.Sequence + uint64(len(h.list)) }

func (h *Hub) append(list []peer.Revocation) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range list {
		if r.Seq != h.last()+1 {
			return fmt.Errorf("the revocations in the database jump from %d to %d; restore the database from a backup", h.last(), r.Seq)
		}
		hash, err := h.hash.Next(r)
		if err != nil {
			return err
		}
		h.hash, h.list = hash, append(h.list, r)
	}
	return nil
}

// sign makes the next head and wakes the subscribers. It drops what has expired
// at the front of the list first.
func (h *Hub) sign(now time.Time) error {
	for len(h.list) > 0 && h.list[0].NotAfter < now.Add(-time.Hour).UnixMicro() {
		hash, err := h.base.Hash.Next(h.list[0])
		if err != nil {
			return err
		}
		h.base, h.list = peer.Base{Sequence: h.base.Sequence + 1, Hash: hash}, h.list[1:]
	}
	head := peer.Head{Base: h.base.Sequence, Sequence: h.last(), Hash: h.hash, Issued: now, StaleAfter: now.Add(h.o.Lease)}
	signed, err := head.Sign(h.o.Key)
	if err != nil {
		return err
	}
	h.head, h.signed = head, signed
	close(h.changed)
	h.changed = make(chan struct{})
	return nil
}

// forget drops subscribers whose lease ended long ago.
func (h *Hub) forget(ctx context.Context) {
	now, err := h.o.Now()
	if err != nil {
		return
	}
	gone := false
	h.mu.Lock()
	for instance, sub := range h.subs {
		if !sub.attached() && now.After(sub.until.Add(h.o.Lease)) {
			delete(h.subs, instance)
			gone = true
		}
	}
	h.mu.Unlock()
	if !gone {
		return
	}
	if err := h.leases.prune(ctx, now.Add(-h.o.Lease)); err != nil && ctx.Err() == nil {
		h.o.Log.WarnContext(ctx, "tidy the leases of subscribers", "err", err)
	}
}
