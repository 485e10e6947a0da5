package license

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// idle is how often Run looks whether heartbeats are asked for by now.
const idle = time.Hour

// Run sends heartbeats as often as the server asks for them, until the context ends.
// Options.Trouble is told what goes wrong, a refusal too: errors.Is(err, ErrRefused).
func (c *Client) Run(ctx context.Context) {
	extra := time.Duration(0)
	for {
		every := c.interval()
		if !c.pause(ctx, max(spread(every), extra)) {
			return
		}
		extra = 0
		if c.interval() == idle {
			continue
		}
		_, err := c.Heartbeat(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		c.o.Trouble(err)
		if later, ok := errors.AsType[*TryLaterError](err); ok {
			extra = later.RetryAfter
		}
	}
}

// interval is how long lies between heartbeats, by the last answer. A refused card may be
// resumed, and is asked for as if none were wanted but now and then.
func (c *Client) interval() time.Duration {
	known := c.known()
	if known.Last == nil {
		return refusedEvery
	}
	a, err := parseAnswer(*known.Last)
	if err != nil || a.Heartbeat <= 0 {
		return idle
	}
	return seconds(a.Heartbeat)
}

// refusedEvery is how often Run asks for a card that was refused: it may be resumed.
const refusedEvery = 15 * time.Minute

// spread is the time give or take a tenth, so that not all programs come at once.
func spread(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)/5*float64(d)) //nolint:gosec // no secret
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
