package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"guildhall/platform/peer"
)

// Time limits of every public connection.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// A connection that says nothing is asked whether anybody is there, and has
	// that long to answer.
	silence, pingTimeout = time.Minute, 15 * time.Second
	// maxStreams is how many requests one HTTP/2 connection may have at once.
	maxStreams = 100
)

// serve runs the listeners and the services until the end is asked for.
func (a *App) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	control, err := listenControl(ctx, a.cfg.Server.Data)
	if err != nil {
		return err
	}
	work, workCtx := errgroup.WithContext(context.WithoutCancel(ctx))
	workCtx, endWork := context.WithCancel(workCtx)
	defer endWork()

	servers := []*http.Server{a.controlServer(), a.publicServer(a.proxies.around(a.plain()))}
	serveOn(work, servers[0], control)
	serveOn(work, servers[1], a.newGate("http", a.listeners.http))
	for _, s := range a.services {
		work.Go(func() error { return s.work(workCtx) })
	}
	if a.shared != nil {
		work.Go(func() error { return a.shared.Run(workCtx) })
	}
	stopServers := func() error { return a.drain(servers) }
	if err := a.join(ctx, workCtx, work); err != nil {
		endWork()
		return errors.Join(err, stopServers(), work.Wait())
	}
	public := a.publicServer(a.https())
	public.TLSConfig = a.publicTLS()
	internal := a.node.Server(a.internal())
	serveTLS(work, public, a.newGate("https", a.listeners.https))
	serveTLS(work, internal, a.listeners.internal)
	servers = append(servers, public, internal)
	for _, s := range a.services { // calls are made only now, with certificates and news of revocations
		if s.follower != nil {
			work.Go(func() error { return ignoreEnd(workCtx, s.follower.Run(workCtx)) })
		}
	}
	// What opens sealed keys takes tens of MiB once (scrypt), which would set the pace
	// of the collector for hours.
	debug.FreeOSMemory()
	a.announce(ctx)
	work.Go(func() error { return a.reloadOnHangup(workCtx) })
	unmanaged := a.manage(ctx)

	select {
	case <-ctx.Done():
	case <-a.stopping:
	case <-workCtx.Done(): // something failed
	}
	a.health.set("stopping")
	unmanaged()
	a.log.InfoContext(ctx, "stopping", "drain", time.Duration(a.cfg.Server.Drain))
	err = stopServers()
	endWork()
	return errors.Join(err, work.Wait())
}

// serveOnce answers fn alone, through the control socket.
func (a *App) serveOnce(ctx context.Context, fn func(*Client) error) error {
	a.health.set("ok")
	control, err := listenControl(ctx, a.cfg.Server.Data)
	if err != nil {
		return err
	}
	server := a.controlServer()
	var work errgroup.Group
	serveOn(&work, server, control)
	c, err := Dial(ctx, a.cfg.Server.Data)
	if err == nil {
		err = fn(c)
		c.Close()
	}
	return errors.Join(err, a.drain([]*http.Server{server}), work.Wait())
}

// join gives every service its certificate and the public hosts theirs.
func (a *App) join(ctx, workCtx context.Context, work *errgroup.Group) error {
	authority, err := a.authority()
	if err != nil {
		return err
	}
	var names []string
	for _, s := range a.services {
		names = append(names, s.def.Name)
	}
	if err := a.node.Join(ctx, authority, names); err != nil {
		return err
	}
	work.Go(func() error { return a.node.Run(workCtx) })
	a.public = newPublicCerts(a)
	if err := a.public.start(ctx); err != nil {
		return err
	}
	work.Go(func() error { return a.public.run(workCtx) })
	return nil
}

// authority is the one in this process, or the one at peers.urls.ca.
func (a *App) authority() (peer.Authority, error) {
	for _, s := range a.services {
		if s.svc.Authority != nil {
			return s.svc.Authority, nil
		}
	}
	return a.node.Remote()
}

// work runs the service's jobs and its own loop.
func (s *running) work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return ignoreEnd(ctx, s.env.Jobs.Run(ctx)) })
	if s.svc.Run != nil {
		g.Go(func() error { return ignoreEnd(ctx, s.svc.Run(ctx)) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("run %s: %w", s.def.Name, err)
	}
	return nil
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// plain is the handler of the plain listener.
func (a *App) plain() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", a.hosts.toHTTPS)
	for _, s := range a.services {
		if s.svc.Plain != nil {
			s.svc.Plain(mux)
		}
	}
	return a.measure("plain", a.site.Wrap(a.limits.around(keepSlashes(mux), nil)))
}

// https is the handler of the public listener.
func (a *App) https() http.Handler {
	redirect := a.measure("plain", a.site.Wrap(a.limits.around(http.HandlerFunc(a.hosts.toHTTPS), nil)))
	return a.proxies.onTLS(a.proxies.around(a.hosts), a.proxies.around(redirect))
}

// internal is what the internal listener serves beside the services' routes, to
// every enrolled service: it carries no secrets.
func (a *App) internal() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	mux.Handle("GET /healthz", a.health)
	mux.Handle("GET /readyz", a.health)
	return mux
}

func (a *App) server(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
}

// publicServer also bounds what strangers can hold.
func (a *App) publicServer(h http.Handler) *http.Server {
	s := publicPace.server(a.server(h))
	s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: silence, PingTimeout: pingTimeout,
		WriteByteTimeout: publicPace.stall}
	return s
}

func serveOn(g *errgroup.Group, s *http.Server, l net.Listener) {
	g.Go(func() error { return ignoreClosed(s.Serve(l)) })
}

func serveTLS(g *errgroup.Group, s *http.Server, l net.Listener) {
	g.Go(func() error { return ignoreClosed(s.ServeTLS(l, "", "")) })
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// drain lets running requests end, and cuts those that take longer than
// server.drain.
func (a *App) drain(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(a.cfg.Server.Drain))
	defer cancel()
	var g errgroup.Group
	for _, s := range servers {
		g.Go(func() error {
			if err := s.Shutdown(ctx); err != nil {
				a.log.Warn("requests were cut at the stop", "err", err)
				return s.Close()
			}
			return nil
		})
	}
	return g.Wait()
}

// WaitStopped returns when no process holds the data directory.
func WaitStopped(ctx context.Context, dir string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		release, err := lock(dir)
		if err == nil {
			release()
			return nil
		}
		if !errors.Is(err, ErrLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// announce tells that everything works.
func (a *App) announce(ctx context.Context) {
	a.health.set("ok")
	if a.opts.Ready == nil {
		return
	}
	n := Announcement{Data: a.cfg.Server.Data, Portal: a.front(), FirstStart: a.first}
	if root := a.node.Root(); root != nil {
		if strings.HasSuffix("."+a.hosts.domain, ".localhost") {
			n.StatusURL = a.services[0].env.PlainURL
		}
		n.Root, n.TrustURL = fingerprint(root.Raw), a.hosts.publicURL("ca")+"/trust"
	}
	if a.first && a.cfg.Admin.BreakGlass {
		g, err := a.link(ctx, atShell(), startName())
		if err != nil {
			a.log.WarnContext(ctx, "make the first administrator's link", "err", err)
		}
		n.Link = g.URL
	}
	n.Notes = a.notes(ctx)
	a.opts.Ready(n)
}

// notes are what the services tell at the start. One that fails keeps the others
// from nothing.
func (a *App) notes(ctx context.Context) (all []string) {
	for _, s := range a.services {
		if s.svc.First == nil {
			continue
		}
		note, err := s.svc.First(ctx)
		if err != nil {
			s.env.Log.ErrorContext(ctx, "what belongs to a first start could not be done; the next start tries again", "err", err)
		}
		if note != "" {
			all = append(all, note)
		}
	}
	return all
}

// front is where people begin: the portal, which is at the bare domain beside
// the authority, or else the first service of this process.
func (a *App) front() string {
	if a.node.Root() == nil && a.cfg.Server.TLSCert == "" {
		return a.hosts.publicURL(a.services[0].def.Name)
	}
	return a.hosts.publicURL("")
}

func startName() string { return userName(uint32(os.Getuid())) } //nolint:gosec // a uid fits
