package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/obs"
)

// Bounds of the internal listener.
const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// openRoutes are those that need no client certificate, and the service whose
// certificate stands before them.
type openRoutes struct {
	identity *Identity
	mux      *http.ServeMux
}

// Serve adds routes to a service. It must be called before Server. A handler
// must not take over (hijack) its connection.
func (n *Node) Serve(service string, routes []Route) {
	id := n.As(service)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.routes[service] == nil {
		n.routes[service] = http.NewServeMux()
	}
	for _, r := range routes {
		if r.Open {
			if n.open == nil {
				n.open = &openRoutes{identity: id, mux: http.NewServeMux()}
			}
			n.open.mux.Handle(r.Pattern, r.Handler)
			continue
		}
		n.routes[service].Handle(r.Pattern, n.guard(service, r))
	}
}

// guard lets the services on the allow-list through.
func (n *Node) guard(service string, route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := From(r.Context())
		if err := n.revoked.CheckListed(r.TLS.VerifiedChains[0]); err != nil && !route.Farewell {
			n.refusals.warn(r.Context(), "internal request refused", "service", service, "caller", c.Service, "reason", err.Error())
			fault.Write(w, r, fault.New(fault.Forbidden, "peer_revoked", "%s refuses %s: %w.", service, c.Service, err))
			return
		}
		if !route.allows(c.Service) {
			n.refusals.warn(r.Context(), "internal request refused: the caller is not on the route's list",
				"service", service, "route", route.Pattern, "caller", c.Service, "serial", c.Serial, "from", r.RemoteAddr)
			fault.Write(w, r, fault.New(fault.Forbidden, "peer_not_allowed", "%s may not call %q of %s.", c.Service, route.Pattern, service))
			return
		}
		if route.Stream {
			ctx, end := context.WithCancel(r.Context())
			defer end()
			go func() {
				select {
				case <-ctx.Done():
				case <-n.stopping:
					end()
				}
			}()
			r = r.WithContext(ctx)
		}
		route.Handler.ServeHTTP(w, r)
	})
}

// Server is the internal listener's server; call its ServeTLS with empty file
// names. What no service has a route for goes to others, which any enrolled
// service may call; nil refuses it.
func (n *Node) Server(others http.Handler) *http.Server {
	if others == nil {
		others = http.NotFoundHandler()
	}
	s := &http.Server{
		Handler:           obs.Traced(n.handler(others)),
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: protocols(), GetConfigForClient: n.configFor},
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:  slog.NewLogLogger(failures{n.refusals}, slog.LevelWarn),
		ConnState: n.connState,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if tc, ok := c.(*tls.Conn); ok {
				ctx = context.WithValue(ctx, connKey{}, accepted{conns: n.conns, conn: tc.NetConn()})
			}
			return ctx
		},
	}
	s.RegisterOnShutdown(n.stop)
	return s
}

func protocols() []string { return []string{"h2", "http/1.1"} }

func (n *Node) handler(others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.ServerName == EnrolName {
			n.open.mux.ServeHTTP(w, r)
			return
		}
		if err := n.revoked.Fresh(); err != nil {
			n.refuseStale(w, r, err)
			return
		}
		service, _ := ServiceOf(r.TLS.ServerName)
		leaf := r.TLS.PeerCertificates[0]
		if n.ending(r.Context()) {
			// A caller that has renewed, as it had to long ago, comes again with
			// the successor, and meets ours.
			w.Header().Set("Connection", "close")
		}
		if err := n.inTime(leaf); err != nil {
			n.refusals.warn(r.Context(), "internal request refused", "service", service, "from", r.RemoteAddr, "reason", err.Error())
			fault.Write(w, r, err)
			return
		}
		caller, _ := ServiceOf(leaf.DNSNames[0])
		r = r.WithContext(withCaller(r.Context(), Caller{Service: caller, Serial: SerialText(leaf)}))
		if h, pattern := n.routes[service].Handler(r); pattern == "" {
			others.ServeHTTP(w, r)
		} else {
			_ = h // ServeMux.ServeHTTP also sets the path values
			n.routes[service].ServeHTTP(w, r)
		}
	})
}

// ending is true on a connection that will not be valid for long.
func (n *Node) ending(ctx context.Context) bool {
	a, ok := ctx.Value(connKey{}).(accepted)
	return ok && n.conns.ending(a.conn, n.now())
}

// inTime refuses a caller whose certificate has expired since the handshake; the
// connection is cut within a second anyway.
func (n *Node) inTime(leaf *x509.Certificate) error {
	if n.now().After(leaf.NotAfter) {
		return fault.New(fault.Forbidden, "peer_expired", "The certificate %s expired at %s. Renew it and connect again.",
			SerialText(leaf), leaf.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// refuseStale answers on a connection that was made while the state was fresh.
func (n *Node) refuseStale(w http.ResponseWriter, r *http.Request, err error) {
	n.refusals.warn(r.Context(), "internal request refused", "service", r.TLS.ServerName, "from", r.RemoteAddr, "reason", err.Error())
	fault.Write(w, r, fault.New(fault.Unavailable, "peer_state_stale",
		"%s refuses all connections: %w. It serves again by itself once it hears from the authority.", r.TLS.ServerName, err))
}

// configFor chooses the certificate by server name and says what the client
// must show.
func (n *Node) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if hello.ServerName == EnrolName && n.open != nil {
		return n.enrolConfig()
	}
	service, _ := ServiceOf(hello.ServerName)
	if n.routes[service] == nil {
		return nil, fmt.Errorf("the client asks for %q, which is not in this process", hello.ServerName)
	}
	c := n.As(service).current.Load()
	if c == nil {
		return nil, fmt.Errorf("%s has no certificate", service)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: protocols(), Time: n.now,
		Certificates: []tls.Certificate{c.tls},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: n.trust.Load().pool,
		VerifyConnection: admission{ctx: hello.Context(), node: n, conn: hello.Conn, shown: c.chain[0]}.verify,
	}, nil
}

// enrolConfig is the one configuration without a client certificate. The chain
// holds the root, which the newcomer knows by its fingerprint alone.
func (n *Node) enrolConfig() (*tls.Config, error) {
	c := n.open.identity.current.Load()
	if c == nil {
		return nil, fmt.Errorf("%s has no certificate", n.open.identity.service)
	}
	shown := c.tls
	shown.Certificate = append(slices.Clone(c.tls.Certificate), c.roots[0].Raw)
	return &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: protocols(), Time: n.now,
		Certificates: []tls.Certificate{shown}, SessionTicketsDisabled: true}, nil
}

// connState keeps account of accepted connections.
func (n *Node) connState(conn net.Conn, state http.ConnState) {
	tc, ok := conn.(*tls.Conn)
	if !ok {
		return
	}
	switch state {
	case http.StateClosed:
		n.conns.remove(tc.NetConn())
	case http.StateActive, http.StateIdle:
		n.conns.setBusy(tc.NetConn(), state == http.StateActive)
	}
}

// failures makes warnings out of what net/http says when a handshake fails.
type failures struct{ *warner }

// Enabled implements slog.Handler.
func (failures) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (f failures) Handle(ctx context.Context, r slog.Record) error {
	rest, ok := strings.CutPrefix(r.Message, "http: TLS handshake error from ")
	if !ok {
		f.warn(ctx, "internal listener", "reason", r.Message)
		return nil
	}
	from, reason, _ := strings.Cut(rest, ": ")
	f.warn(ctx, "internal connection refused", "from", from, "reason", reason)
	return nil
}

// WithAttrs implements slog.Handler; net/http has none to add.
func (f failures) WithAttrs([]slog.Attr) slog.Handler { return f }

// WithGroup implements slog.Handler, as WithAttrs.
func (f failures) WithGroup(string) slog.Handler { return f }
