// Package feed tells the services what access was revoked.
//
// The hub reads the table of revocations, whose numbers follow the order of the
// commits, and signs a line at least every second: package revocation of
// sdk/go/identity says what is in it. A line is made only of what was read a moment ago, so when the
// database is away no lines come, and the services' leases end. Several nodes on one
// database each read it for themselves.
package feed

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/signing"
	"guildhall/identity/internal/store"
	"guildhall/platform/fault"
	"guildhall/sdk/go/identity/revocation"
)

const (
	// DefaultInterval is how often a line is signed when there is no news.
	DefaultInterval = time.Second
	// poll is how often the hub looks for news: any node may have written them.
	poll = 100 * time.Millisecond
	// readBatch is the number of revocations that one query reads.
	readBatch = 5000
	// dropEvery is how often what has expired is dropped.
	dropEvery = time.Minute
	// tellEvery is how often it is said again that no line can be signed.
	tellEvery = time.Minute
	// maxStreams is how many streams one service or application may have open: one that was
	// taken over must not use up what the others need.
	maxStreams = 256
)

var (
	errWentBack = fault.New(fault.Conflict, revocation.CodeWentBack, "The caller knows of revocations that this identity service has lost: its database was restored from a backup.")
	errCrowd    = fault.New(fault.TooMany, "too_many_streams", "The revocations are followed %d times already under this name.", maxStreams).After(time.Second)
)

// Options are what a Hub is made of.
type Options struct {
	Store   *store.Store
	Signing *signing.Desk
	// Issuer is the "iss" of the tokens.
	Issuer string
	// Lease is how long a line may be believed; 0 is revocation.DefaultLease. Interval is
	// how often one is signed at least; 0 is DefaultInterval.
	Lease, Interval time.Duration
	Now             func() time.Time
	Log             *slog.Logger
}

// Hub is identity's side of the feed. It is safe for concurrent use.
type Hub struct {
	o Options

	refreshing sync.Mutex // one read of the table at a time

	mu   sync.Mutex
	list []revocation.Entry // what still matters; never changed in place
	// lines are the last that were signed: they lead from base to sequence.
	lines          []string
	base, sequence uint64
	issued         time.Time // of lines; zero before the first
	dropped        time.Time
	changed        chan struct{} // closed by the next lines
	streams        map[string]int
}

// New makes a hub; Run brings it to life.
func New(o Options) *Hub {
	if o.Lease == 0 {
		o.Lease = revocation.DefaultLease
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	return &Hub{o: o, changed: make(chan struct{}), streams: map[string]int{}}
}

// Run reads the table and signs lines until ctx ends. While it cannot, it says so and
// tries again.
func (h *Hub) Run(ctx context.Context) error {
	tick := time.NewTicker(min(poll, h.o.Interval))
	defer tick.Stop()
	var told time.Time // zero while all is well
	for {
		err := h.refresh(ctx)
		switch {
		case err == nil && !told.IsZero():
			told = time.Time{}
			h.o.Log.InfoContext(ctx, "the services are told of revocations again")
		case err != nil && ctx.Err() == nil && time.Since(told) >= tellEvery:
			told = time.Now()
			h.o.Log.ErrorContext(ctx, "the services cannot be told of revocations; they refuse what is privileged when their leases end", "lease", h.o.Lease, "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// refresh reads what was revoked, and signs lines when there is news or the last ones
// are old.
func (h *Hub) refresh(ctx context.Context) error {
	h.refreshing.Lock()
	defer h.refreshing.Unlock()
	now := h.o.Now() // before the read: a line never claims to know more
	news, err := h.read(ctx, h.last())
	if err != nil {
		return err
	}
	h.mu.Lock()
	base, age, first := h.sequence, now.Sub(h.issued), h.issued.IsZero()
	h.mu.Unlock()
	if !first && len(news) == 0 && age >= 0 && age < h.o.Interval-h.o.Interval/10 {
		return nil
	}
	sequence := base
	if len(news) > 0 {
		sequence = news[len(news)-1].Seq
	}
	lines, err := h.sign(ctx, base, sequence, news, now, math.MaxInt)
	if err != nil {
		return err
	}
	h.publish(lines, base, sequence, news, now)
	return nil
}

func (h *Hub) last() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sequence
}

// read is all revocations after a number.
func (h *Hub) read(ctx context.Context, after uint64) (all []revocation.Entry, err error) {
	for {
		rows, err := h.o.Store.RevocationsAfter(ctx, after, readBatch)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			all = append(all, revocation.Entry{Seq: r.Seq, Kind: revocation.Kind(r.Kind), Subject: r.Subject, MadeAt: r.MadeAt.UnixMicro(), ExpiresAt: r.ExpiresAt.UnixMicro()})
		}
		if len(rows) < readBatch {
			return all, nil
		}
		after = rows[len(rows)-1].Seq
	}
}

// sign makes the lines that lead from base to sequence, at most most of them.
func (h *Hub) sign(ctx context.Context, base, sequence uint64, list []revocation.Entry, now time.Time, most int) (lines []string, err error) {
	keys, err := h.o.Signing.Public(ctx)
	if err != nil {
		return nil, err
	}
	l := revocation.Line{Version: revocation.Version, Issuer: h.o.Issuer, Keys: revocation.KeysHash(keys), Base: base,
		Issued: now.UnixMicro(), StaleAfter: now.Add(h.o.Lease).UnixMicro()}
	for more := true; more && len(lines) < most; l.Base = l.Sequence {
		n := min(len(list), revocation.MaxEntries)
		l.Entries, list, more = list[:n], list[n:], n < len(list)
		l.Sequence, l.More = sequence, more
		if more {
			l.Sequence = l.Entries[n-1].Seq
		}
		line, err := h.o.Signing.Sign(ctx, oauth.EdDSA, revocation.TypeRevocations, l)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// publish wakes the streams.
func (h *Hub) publish(lines []string, base, sequence uint64, news []revocation.Entry, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, news...) // streams hold shorter slices of it
	if now.Sub(h.dropped) >= dropEvery {
		at := now.UnixMicro()
		h.list = slices.DeleteFunc(slices.Clone(h.list), func(e revocation.Entry) bool { return e.ExpiresAt <= at })
		h.dropped = now
	}
	h.lines, h.base, h.sequence, h.issued = lines, base, sequence, now
	close(h.changed)
	h.changed = make(chan struct{})
}

// Subscribe sends a service the lines of all that still matters, then all news, until
// ctx ends or sending fails. after is the number that the service has reached before.
func (h *Hub) Subscribe(ctx context.Context, service string, after uint64, send func(line string) error) error {
	if err := h.enter(service); err != nil {
		return err
	}
	defer h.leave(service)
	if err := h.reach(ctx, service, after); err != nil {
		return err
	}
	at, whole := uint64(0), true
	for {
		lines, next, changed, err := h.since(ctx, at, whole, math.MaxInt)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if err := send(line); err != nil {
				return err
			}
			whole = false
		}
		at = next
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// After is the next lines for an application that has reached a number: at once when
// there is news, else when the next line is signed. There are at most most.
func (h *Hub) After(ctx context.Context, application string, after uint64, most int) ([]string, error) {
	if err := h.enter(application); err != nil {
		return nil, err
	}
	defer h.leave(application)
	if err := h.reach(ctx, application, after); err != nil {
		return nil, err
	}
	h.mu.Lock()
	last, changed := h.sequence, h.changed
	h.mu.Unlock()
	if last == after { // that of the last line: it says nothing new, and it is not of now
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-changed:
		}
	}
	lines, _, _, err := h.since(ctx, after, false, most)
	return lines, err
}

// reach makes sure that what somebody knows of is known here.
func (h *Hub) reach(ctx context.Context, follower string, after uint64) error {
	if after <= h.last() {
		return nil
	}
	if err := h.refresh(ctx); err != nil { // another node may have told of it
		return err
	}
	if last := h.last(); after > last {
		h.o.Log.ErrorContext(ctx, "a follower knows of revocations that are lost here: end again what was ended since the backup that was restored, then restart the services",
			"follower", follower, "knows", after, "here", last)
		return errWentBack
	}
	return nil
}

// since is the lines that lead from a number to the last one, none before the first
// refresh, and at most most. whole asks for all revocations that matter.
func (h *Hub) since(ctx context.Context, at uint64, whole bool, most int) (lines []string, last uint64, changed <-chan struct{}, err error) {
	h.mu.Lock()
	list, last, issued := h.list, h.sequence, h.issued
	lines, changed = h.lines, h.changed
	shared := at == h.base && !whole
	h.mu.Unlock()
	if shared || issued.IsZero() {
		return lines[:min(most, len(lines))], last, changed, nil
	}
	from, _ := slices.BinarySearchFunc(list, at+1, func(e revocation.Entry, seq uint64) int { return cmp.Compare(e.Seq, seq) })
	lines, err = h.sign(ctx, at, last, list[from:], issued, most)
	return lines, last, changed, err
}

func (h *Hub) enter(service string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[service] >= maxStreams {
		return errCrowd
	}
	h.streams[service]++
	return nil
}

func (h *Hub) leave(service string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[service]--; h.streams[service] == 0 {
		delete(h.streams, service)
	}
}

// Keys is the key set that the lines and all tokens are verified with.
func (h *Hub) Keys(ctx context.Context) ([]byte, error) {
	keys, err := h.o.Signing.Public(ctx)
	if err != nil {
		return nil, fmt.Errorf("tell the keys: %w", err)
	}
	return keys, nil
}
