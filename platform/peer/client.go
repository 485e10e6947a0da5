package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"guildhall/platform/obs"
)

// Time limits of a call, beside those of its context.
const (
	dialTimeout      = 5 * time.Second
	handshakeTimeout = 10 * time.Second
	responseTimeout  = 30 * time.Second
	idlePerService   = 64
)

// URL is the base of a service's internal addresses, without final slash.
func URL(service string) string { return "https://" + Name(service) }

// Client calls another service under this identity; requests go to URL(to) and
// nowhere else. Redirects are not followed. It is made once and kept; before
// Join its calls fail.
func (i *Identity) Client(to string) *http.Client {
	i.calling.Lock()
	defer i.calling.Unlock()
	c, ok := i.clients[to]
	if !ok {
		c = newLink(i, to, false).client()
		i.clients[to] = c
	}
	return c
}

func (i *Identity) closeIdle() {
	i.calling.Lock()
	defer i.calling.Unlock()
	for _, c := range i.clients {
		c.CloseIdleConnections()
	}
}

// link is the way from one identity to one service.
type link struct {
	id        *Identity
	to        string
	source    bool // the service is the authority, see admission
	transport *http.Transport
}

func newLink(i *Identity, to string, source bool) *link {
	l := &link{id: i, to: to, source: source}
	l.transport = &http.Transport{
		DialTLSContext: l.dial, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: idlePerService, IdleConnTimeout: idleTimeout / 2,
		ResponseHeaderTimeout: responseTimeout, MaxResponseHeaderBytes: maxHeaderBytes,
	}
	return l
}

func (l *link) client() *http.Client {
	return &http.Client{Transport: l, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// CloseIdleConnections lets http.Client reach the pool.
func (l *link) CloseIdleConnections() { l.transport.CloseIdleConnections() }

// RoundTrip implements http.RoundTripper. The call carries the trace of its
// context.
func (l *link) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, traced := obs.Trace(r.Context()); traced {
		r = r.Clone(r.Context()) // the caller's request is not ours to change
		obs.Inject(r.Context(), r.Header)
	}
	err := l.permit(r)
	if err == nil {
		var resp *http.Response
		if resp, err = l.transport.RoundTrip(r); err == nil {
			return resp, nil
		}
	} else if r.Body != nil {
		_ = r.Body.Close() // a RoundTripper closes it whatever happens
	}
	return nil, l.explain(r.Context(), err)
}

func (l *link) permit(r *http.Request) error {
	if r.URL.Scheme != "https" || r.URL.Host != Name(l.to) {
		return fmt.Errorf("the client of %s does not call %s://%s", l.to, r.URL.Scheme, r.URL.Host)
	}
	if l.source {
		return nil
	}
	return l.id.node.revoked.Fresh()
}

// explain adds what the other side could not say in a TLS alert, and logs
// refusals.
func (l *link) explain(ctx context.Context, err error) error {
	n := l.id.node
	if stale := n.revoked.Fresh(); stale != nil && !l.source && !errors.Is(err, ErrStale) {
		err = errors.Join(stale, err) // the connection was cut because of it
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		err = fmt.Errorf("%s refused the certificate %s of %s, because it is revoked or unknown there, or because %s has had no news of revocations within its lease; its log says which: %w",
			l.to, l.id.Serial(), l.id.service, l.to, err)
		n.refusals.warn(ctx, "internal call refused by the peer", "service", l.id.service, "peer", l.to, "reason", err.Error())
	} else if errors.Is(err, ErrRevoked) || errors.Is(err, ErrStale) || errors.Is(err, ErrUnknown) || errors.Is(err, ErrUnconfirmed) {
		n.refusals.warn(ctx, "internal call refused", "service", l.id.service, "peer", l.to, "reason", err.Error())
	}
	return fmt.Errorf("call %s: %w", l.to, err)
}

func (l *link) address() (string, error) {
	n := l.id.node
	if addr, ok := n.addresses[l.to]; ok {
		return addr, nil
	}
	if n.internal == "" || n.routes[l.to] == nil {
		return "", fmt.Errorf("%s is not in this process; set peers.urls.%s to the address of its internal listener", l.to, l.to)
	}
	return n.internal, nil
}

// dial makes a connection whose other side has been admitted.
func (l *link) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	addr, err := l.address()
	if err != nil {
		return nil, err
	}
	c := l.id.current.Load()
	if c == nil {
		return nil, fmt.Errorf("%s has no certificate yet", l.id.service)
	}
	raw, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	n := l.id.node
	below := &dialled{Conn: raw, conns: n.conns}
	conn := tls.Client(below, &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protocols(), Time: n.now,
		ServerName: Name(l.to), RootCAs: n.trust.Load().pool, ClientSessionCache: noResumption{},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.tls, nil },
		VerifyConnection:     admission{ctx: ctx, node: n, conn: raw, shown: c.chain[0], want: l.to, source: l.source}.verify,
	})
	if err = conn.HandshakeContext(ctx); err == nil {
		err = below.await(ctx, conn)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}
