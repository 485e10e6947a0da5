package limit

import (
	"context"
	_ "embed" // gcra.lua
	"math"
	"strconv"
	"time"

	"guildhall/platform/shared"
)

//go:embed gcra.lua
var gcra string

// Shared is a Limiter whose counts are on a server that several nodes ask. What
// came to this node it also counts by itself: whom that alone refuses the server
// need not be asked about, and it is all that there is while the server is away.
// Then a key may have its burst and rate at each node, no more and no less.
type Shared struct {
	server *shared.Server
	name   string
	script shared.Script
	args   []string
	own    *Embedded
}

// NewShared makes a limiter that counts together with all others of its name, which
// should have the same options. The server counts in whole microseconds: a key has
// a million events a second at most.
func NewShared(server *shared.Server, name string, o Options) *Shared {
	interval := math.Ceil(float64(o.interval()) / float64(time.Microsecond))
	debt := float64(min(max(o.Burst, 1), 1<<53)-1) * interval
	micros := func(v float64) string { return strconv.FormatFloat(math.Min(v, 1<<53), 'f', 0, 64) }
	return &Shared{server: server, name: "limit:" + name, script: shared.NewScript(gcra), args: []string{micros(interval), micros(debt)}, own: New(o)}
}

// Allow implements Limiter.
func (l *Shared) Allow(ctx context.Context, key string) (retryAfter time.Duration, ok bool) {
	if wait := l.own.wait(key); wait > 0 {
		return wait, false
	}
	micros, err := l.server.Do(ctx, l.script, l.server.Key(l.name, key), l.args...)
	if err != nil {
		return l.own.Allow(ctx, key)
	}
	if micros > 0 {
		return time.Duration(min(micros, math.MaxInt64/1000)) * time.Microsecond, false
	}
	l.own.count(key)
	return 0, true
}
