package peer

import (
	"crypto/x509"
	"net"
	"sync"
	"time"
)

// connections knows every live connection by the serial numbers of the other
// side's chain, so that a revocation can close it. It is filled before a chain
// is checked: a revocation in between then finds either the check or the entry.
type connections struct {
	mu       sync.Mutex
	bySerial map[serialKey]map[net.Conn]struct{}
	byConn   map[net.Conn]*connection
}

type connection struct {
	serials []serialKey
	// busy is false while an accepted connection has no request.
	busy bool
	// keep is true for a connection that carries the news of revocations, at
	// both ends: it survives a stale state, to end it, and a revocation for a
	// moment, to hear and acknowledge it.
	keep bool
	span span
}

// accepted is a connection of the internal listener, below TLS.
type accepted struct {
	conns *connections
	conn  net.Conn
}

// span is when both ends' certificates are valid.
type span struct{ from, until time.Time }

func spanOf(a, b *x509.Certificate) span {
	s := span{from: a.NotBefore, until: a.NotAfter}
	if b.NotBefore.After(s.from) {
		s.from = b.NotBefore
	}
	if b.NotAfter.Before(s.until) {
		s.until = b.NotAfter
	}
	return s
}

// ending is true in the last tenth.
func (s span) ending(now time.Time) bool { return s.until.Sub(now) < s.until.Sub(s.from)/10 }

func newConnections() *connections {
	return &connections{bySerial: map[serialKey]map[net.Conn]struct{}{}, byConn: map[net.Conn]*connection{}}
}

func (c *connections) add(conn net.Conn, chain []*x509.Certificate, s span, keep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry := &connection{busy: true, keep: keep, span: s}
	for _, cert := range chain {
		k, ok := serialOf(cert)
		if !ok {
			continue // Check refuses it
		}
		entry.serials = append(entry.serials, k)
		if c.bySerial[k] == nil {
			c.bySerial[k] = map[net.Conn]struct{}{}
		}
		c.bySerial[k][conn] = struct{}{}
	}
	c.byConn[conn] = entry
}

func (c *connections) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.byConn[conn]
	if !ok {
		return
	}
	delete(c.byConn, conn)
	for _, k := range entry.serials {
		delete(c.bySerial[k], conn)
		if len(c.bySerial[k]) == 0 {
			delete(c.bySerial, k)
		}
	}
}

func (c *connections) setBusy(conn net.Conn, busy bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry, ok := c.byConn[conn]; ok {
		entry.busy = busy
	}
}

// keepNews marks a connection as one that carries the news.
func (c *connections) keepNews(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry, ok := c.byConn[conn]; ok {
		entry.keep = true
	}
}

// ending is true for a connection in the last tenth of its span.
func (c *connections) ending(conn net.Conn, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.byConn[conn]
	return ok && entry.span.ending(now)
}

// cutExpired closes what outlived a certificate of either end, and says how many
// there are. News are signed, whoever brings them.
func (c *connections) cutExpired(now time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for conn, entry := range c.byConn {
		if now.After(entry.span.until) && !entry.keep {
			_ = conn.Close()
			n++
		}
	}
	return n
}

// cut closes the connections of a serial number, those that carry the news a
// grace later, and says how many there are.
func (c *connections) cut(k serialKey, grace time.Duration) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.bySerial[k] {
		// The owner of a closed connection sees the error and calls remove.
		if c.byConn[conn].keep {
			time.AfterFunc(grace, func() { _ = conn.Close() })
		} else {
			_ = conn.Close()
		}
	}
	return len(c.bySerial[k])
}

// cutBusy closes what works on a request that began under a fresh state. Idle
// connections stay: their next request is refused with the reason.
func (c *connections) cutBusy() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for conn, entry := range c.byConn {
		if entry.busy && !entry.keep {
			_ = conn.Close()
			n++
		}
	}
	return n
}
