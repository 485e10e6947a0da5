package peer

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	followRetry    = 100 * time.Millisecond
	followRetryMax = 3 * time.Second
	renewRetry     = time.Second
	renewRetryMax  = 5 * time.Minute
	// glance is how often a waiting renewal looks at the clock: a host that
	// slept must not sleep through it.
	glance = time.Minute
	// newsGrace is how long a revoked peer may still acknowledge that it knows.
	newsGrace = 500 * time.Millisecond
	// ageGlance is the same for the age of the revocation state.
	ageGlance = time.Second
)

// Run follows the authority and renews certificates until ctx ends. Afterwards
// the node refuses all connections, and the authority knows that it left; so let
// the servers drain first.
func (n *Node) Run(ctx context.Context) error {
	following, leave := context.WithCancelCause(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	loops.Go(func() { n.follow(following) })
	loops.Go(func() { n.watchAge(ctx) })
	for _, id := range n.joined {
		loops.Go(func() { id.keep(ctx) })
	}
	<-ctx.Done()
	n.revoked.Close()
	leave(ErrLeaving)
	loops.Wait()
	return nil
}

// follow hears the authority again and again.
func (n *Node) follow(ctx context.Context) {
	after, wait := n.revoked.Sequence(), followRetry
	for {
		err := n.Authority().Follow(ctx, after, func(u Update) error {
			if len(u.Head) > 0 {
				wait = followRetry
			}
			return n.take(ctx, u)
		})
		if ctx.Err() != nil {
			return
		}
		if after = n.revoked.Sequence(); errors.Is(err, ErrGap) || errors.Is(err, ErrMismatch) {
			after = 0
		}
		n.log.WarnContext(ctx, "no news of revocations for the moment; asking again", "after", after, "stale_in", n.revoked.StaleIn().Round(time.Millisecond), "err", err)
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, followRetryMax)
	}
}

// pause waits about d, for no two callers equally long.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d/2 + rand.N(d)) //nolint:gosec // jitter needs no secrecy
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// take applies an update; when it returns, the connections of what was revoked
// are closed, which is what the acknowledgement states.
func (n *Node) take(ctx context.Context, u Update) error {
	revoked, err := n.revoked.Apply(u)
	if len(revoked) > 0 {
		n.Look()
	}
	for _, r := range revoked {
		k, _ := parseSerial(r.Serial) // Apply has checked it
		if cut := n.conns.cut(k, newsGrace); cut > 0 {
			n.log.WarnContext(ctx, "a certificate was revoked; its connections are cut", "serial", r.Serial, "reason", r.Reason, "connections", cut)
		}
	}
	return err
}

// Look has every identity look at once whether its certificate must be renewed,
// as it does by itself every minute and at every revocation.
func (n *Node) Look() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range n.joined {
		select {
		case id.wake <- struct{}{}:
		default:
		}
	}
}

// watchAge says once when the state goes stale, cuts the requests that began
// before, and says once when it is fresh again.
func (n *Node) watchAge(ctx context.Context) {
	stale := false
	for {
		left := n.revoked.StaleIn()
		if gone := left <= 0; gone != stale && ctx.Err() == nil {
			stale = gone
			n.tellAge(ctx, gone)
		}
		if cut := n.conns.cutExpired(n.now()); cut > 0 {
			n.log.InfoContext(ctx, "connections that outlived a certificate are cut; the next call makes new ones", "connections", cut)
		}
		// While stale, a look every now and then finds the state fresh again.
		if left <= 0 {
			left = followRetry
		}
		t := time.NewTimer(min(left, ageGlance) + time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

func (n *Node) tellAge(ctx context.Context, stale bool) {
	if !stale {
		n.log.InfoContext(ctx, "news of revocations have come again; internal connections are served again")
		return
	}
	cut := n.conns.cutBusy()
	n.log.WarnContext(ctx, "all internal connections are refused until the authority is heard again", "cut", cut, "reason", n.revoked.Fresh())
}

// keep tends one identity for as long as the process runs.
func (i *Identity) keep(ctx context.Context) {
	wait := renewRetry
	for {
		var err error
		if err = i.tend(ctx); err == nil {
			wait = renewRetry
		} else if ctx.Err() == nil {
			i.node.log.WarnContext(ctx, "renew the service certificate", "service", i.service, "err", err)
		}
		if errors.Is(err, ErrNoCertificate) {
			<-ctx.Done() // an operator must act, and start the process again
			return
		}
		t := time.NewTimer(i.nextLook(err, wait))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-i.wake:
			t.Stop()
		case <-t.C:
		}
		if err != nil {
			wait = min(2*wait, renewRetryMax)
		}
	}
}

// nextLook is how long an identity is left alone.
func (i *Identity) nextLook(err error, wait time.Duration) time.Duration {
	if err != nil {
		return wait/2 + rand.N(wait) //nolint:gosec // jitter needs no secrecy
	}
	return min(max(i.current.Load().renewAt.Sub(i.node.now()), 0), glance)
}
