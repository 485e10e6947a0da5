package app

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"guildhall/platform/limit"
)

// warnEvery is how often a gate that refuses says so in the log.
const warnEvery = time.Minute

// gate is a public listener that holds so many connections at once, and no
// more. What is too much is closed at once: a client that waits for nothing
// tries again, and one that only holds connections has gained none.
type gate struct {
	net.Listener
	limits      *limits
	proxies     proxies
	most, each  int // in all, and from one address; 0: no limit
	log         *slog.Logger
	now         func() time.Time
	open        prometheus.Gauge
	tooMany     prometheus.Counter
	tooManyEach prometheus.Counter

	mu     sync.Mutex
	all    int
	by     map[string]int
	warned time.Time
}

func (a *App) newGate(name string, l net.Listener) *gate {
	own := prometheus.WrapRegistererWith(prometheus.Labels{"listener": name}, a.metrics.Registry)
	refused := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "guildhall_connections_refused_total",
		Help: "Connections closed at once because there were too many, in all or from one address."}, []string{"limit"})
	g := &gate{Listener: l, limits: a.limits, proxies: a.proxies, most: a.cfg.Limits.Connections, each: a.cfg.Limits.ConnectionsPerAddress,
		log: a.log.With("listener", name), now: a.opts.Now, by: map[string]int{},
		open:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "guildhall_connections", Help: "Open connections."}),
		tooMany: refused.WithLabelValues("all"), tooManyEach: refused.WithLabelValues("address")}
	own.MustRegister(g.open, refused)
	return g
}

// Accept returns the next connection there is room for.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if admitted := g.admit(c); admitted != nil {
			return admitted, nil
		}
		_ = c.Close() // it is refused
	}
}

// admit counts the connection, or returns nil when there is no room for it.
func (g *gate) admit(c net.Conn) net.Conn {
	from := c.RemoteAddr().String()
	key := limit.AddrKey(from)
	if g.limits.exempts(from) || g.proxies.trustsPeer(from) { // all visitors come from a proxy
		key = ""
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.most > 0 && g.all >= g.most:
		g.refuse(g.tooMany, "too many connections; new ones are refused until some end", "limits.connections", g.most)
		return nil
	case key != "" && g.each > 0 && g.by[key] >= g.each:
		g.refuse(g.tooManyEach, "too many connections from one address; its new ones are refused until some end",
			"limits.connections_per_address", g.each, "from", key)
		return nil
	}
	g.count(key, 1)
	return &guest{Conn: c, leave: sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.count(key, -1)
	})}
}

// count takes a connection in or out. The caller holds mu.
func (g *gate) count(key string, n int) {
	g.all += n
	g.open.Set(float64(g.all))
	if g.by[key] += n; g.by[key] == 0 {
		delete(g.by, key)
	}
}

// refuse counts a refusal, and warns now and then. The caller holds mu.
func (g *gate) refuse(counter prometheus.Counter, text string, args ...any) {
	counter.Inc()
	if now := g.now(); now.Sub(g.warned) >= warnEvery {
		g.warned = now
		g.log.Warn(text, args...) //nolint:sloglint // the callers' texts are constants
	}
}

// guest is an admitted connection.
type guest struct {
	net.Conn
	leave func()
}

// Close makes room for another one.
func (c *guest) Close() error {
	c.leave()
	return c.Conn.Close()
}
