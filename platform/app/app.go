package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/mail"
	"guildhall/platform/obs"
	"guildhall/platform/peer"
	"guildhall/platform/session"
	"guildhall/platform/shared"
	"guildhall/platform/systemd"
	"guildhall/platform/web"
)

// Options are what a process is made of.
type Options struct {
	// Definitions are all services of the binary; Only names those to open,
	// none meaning all.
	Definitions []Definition
	Only        []string
	Config      Config
	Log         *slog.Logger
	// Level is the level of Log, which a reload may change.
	Level   *slog.LevelVar
	Version string
	Now     func() time.Time
	// Reload reads the process's configuration again.
	Reload func() (Config, error)
	// Hangup has the process reload, as "guildhall reload" does; nil: nothing does.
	Hangup <-chan os.Signal
	// Manager started the process and wants to hear how it is.
	Manager systemd.Manager
	// Waiting hears why an opening takes long; nil: the log does.
	Waiting func(text string)
	// Ready hears once that everything works.
	Ready func(Announcement)
}

// Announcement is what a person is told when the process is ready.
type Announcement struct {
	Data, Portal string
	// FirstStart is true when the data directory was new.
	FirstStart bool
	// Link opens the pages once; only at the first start, and only with
	// break-glass.
	Link string
	// Notes are what the services tell; see Service.First.
	Notes []string
	// Root is the SHA-256 fingerprint of the root certificate of an authority
	// in this process, TrustURL the page that says how to trust it.
	Root, TrustURL string
	// StatusURL is where certificates say that revocation is answered, when only
	// this machine can reach it; else empty.
	StatusURL string
}

// App is an open process.
type App struct {
	opts    Options
	cfg     Config
	log     *slog.Logger
	started time.Time
	first   bool
	offline bool

	release   func()
	listeners listeners
	metrics   *obs.Metrics
	requests  *prometheus.HistogramVec
	door      *session.Door
	site      *web.Site
	hosts     *hosts
	health    *health
	limits    *limits
	proxies   proxies
	shared    *shared.Server // nil: nothing is shared
	node      *peer.Node
	public    publicCerts
	// identity says that people can sign in: the service is in this process, or at
	// peers.urls.identity.
	identity bool
	sender   mail.Sender
	mailbox  *mail.Mailbox // nil unless it is the sender
	services []*running

	stopOnce sync.Once
	stopping chan struct{}
}

// Run opens the process, serves until the context ends or it is told to stop,
// and closes it.
func Run(ctx context.Context, o Options) error {
	a, err := open(ctx, o, false)
	if err != nil {
		return err
	}
	return errors.Join(a.serve(ctx), a.close())
}

// Local gives fn a client of the process that runs on the data directory, or of
// one opened for fn alone, without listeners, when none runs.
func Local(ctx context.Context, o Options, fn func(*Client) error) error {
	c, err := Dial(ctx, o.Config.Server.Data)
	if err == nil {
		defer c.Close()
		return fn(c)
	}
	if !errors.Is(err, ErrNotRunning) {
		return err
	}
	if _, err := os.Stat(o.Config.Server.Data); err != nil {
		return fault.New(fault.NotFound, "no_data", "There is no data directory %s. \"guildhall serve --data %s\" makes one; or give another --data.",
			o.Config.Server.Data, o.Config.Server.Data).Because(err)
	}
	a, err := open(ctx, o, true)
	if err != nil {
		return err
	}
	return errors.Join(a.serveOnce(ctx, fn), a.close())
}

// open does everything up to the first request. On an error it leaves nothing
// open.
func open(ctx context.Context, o Options, offline bool) (a *App, err error) {
	a = &App{opts: o, cfg: o.Config, log: o.Log, started: o.Now(), offline: offline, stopping: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	defs, err := Choose(o.Definitions, o.Only)
	if err != nil {
		return a, err
	}
	if a.cfg.Server.Data, err = filepath.Abs(a.cfg.Server.Data); err != nil {
		return a, fmt.Errorf("find the data directory: %w", err)
	}
	if err := a.cfg.CheckServices(defs); err != nil && !a.offline {
		return a, err
	}
	a.first = true
	if a.release, err = lock(a.cfg.Server.Data); err != nil {
		return a, err
	}
	bound, err := a.bind(ctx)
	if err != nil {
		return a, err
	}
	if err := a.furnish(ctx, defs, bound); err != nil {
		return a, err
	}
	if err := a.openServices(ctx, defs, bound); err != nil {
		return a, err
	}
	if a.offline {
		return a, nil
	}
	return a, bound.save(a.cfg.Server.Data)
}

// openServices opens the definitions. A command that asks for all on data at rest
// passes over those that were never served there.
func (a *App) openServices(ctx context.Context, defs []Definition, bound addresses) error {
	var missing error
	a.identity = a.cfg.Peers.URLs[session.IdentityService] != "" ||
		slices.ContainsFunc(defs, func(d Definition) bool { return d.Name == session.IdentityService })
	for _, d := range defs {
		open := len(a.services)
		err := a.openService(ctx, d, bound)
		switch {
		case err == nil:
			bound.Engines[d.Name] = a.services[open].env.DB.Engine
			continue
		case a.offline && len(a.opts.Only) == 0 && errors.Is(err, errNoData):
			missing = fmt.Errorf("start %s: %w", d.Name, err)
		default:
			return fmt.Errorf("start %s: %w", d.Name, err)
		}
		for _, s := range a.services[open:] { // its database is there, and empty
			if err := s.close(); err != nil {
				return err
			}
		}
		a.services = a.services[:open]
		a.health.services = a.services
	}
	if len(a.services) > 0 {
		return nil
	}
	return missing
}

// Choose picks the definitions by name, none meaning all, in the order of the
// list.
func Choose(all []Definition, only []string) ([]Definition, error) {
	var known []string
	for _, d := range all {
		known = append(known, d.Name)
	}
	for _, name := range only {
		if !slices.Contains(known, name) {
			return nil, fault.Fields(fault.Field{Name: "service", Code: "unknown",
				Detail: fmt.Sprintf("There is no service %q. The services are: %s.", name, strings.Join(known, ", "))})
		}
	}
	if len(only) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(d Definition) bool { return !slices.Contains(only, d.Name) }), nil
}

// bind takes the listeners, or remembers the last ones when offline.
func (a *App) bind(ctx context.Context) (addresses, error) {
	last, err := lastAddresses(a.cfg.Server)
	if err != nil {
		return last, fault.New(fault.Invalid, "data_unusable", "%w", err)
	}
	if a.offline {
		return last, nil
	}
	if a.listeners, err = listen(ctx, a.cfg.Server); err != nil {
		return last, err
	}
	bound := a.listeners.addresses(a.cfg.Server.Domain)
	bound.Engines = last.Engines
	return bound, nil
}

// furnish makes what all services share.
func (a *App) furnish(ctx context.Context, defs []Definition, bound addresses) error {
	glass, err := session.OpenBreakGlass(session.BreakGlassOptions{Path: filepath.Join(a.cfg.Server.Data, "admin.json"),
		Enabled: a.cfg.Admin.BreakGlass, Now: a.opts.Now, Record: a.record, Log: a.log})
	if err != nil {
		return err
	}
	if err := a.openMail(bound.Domain); err != nil {
		return err
	}
	a.metrics = obs.NewMetrics()
	a.requests = newRequests(a.metrics.Registry)
	a.health = &health{}
	a.health.set("starting")
	publicPort := a.cfg.Server.PublicPort
	if publicPort == 0 {
		publicPort = port(bound.HTTPS)
	}
	a.hosts = &hosts{domain: bound.Domain, port: publicPort, byName: map[string]http.Handler{}, health: a.health}
	if a.site, err = a.newSite(defs); err != nil {
		return err
	}
	refuse := a.site.Shell("portal", nil).Error
	if err := a.openShared(ctx, bound.Domain); err != nil {
		return err
	}
	a.limits, a.proxies = a.newLimits(), newProxies(a.cfg.Server.TrustedProxies)
	a.hosts.probes = a.limits.around(a.health, nil)
	a.hosts.stranger = a.site.Wrap(a.limits.around(a.hosts.unknown(refuse), nil))
	a.hosts.wrong = a.site.Wrap(a.limits.around(elsewhere(refuse), nil))
	a.door = &session.Door{BreakGlass: glass, Address: a.address, Refuse: refuse, Entered: a.entered}
	a.node, err = peer.NewNode(peer.NodeOptions{Dir: filepath.Join(a.cfg.Server.Data, "peers"), URLs: a.cfg.Peers.URLs,
		Tokens: a.cfg.Peers.tokens(), Internal: bound.Internal, Lease: time.Duration(a.cfg.Peers.Lease), Now: a.opts.Now, Log: a.log})
	if err != nil {
		return err
	}
	a.health.shared = a.sharedHealth
	if !a.offline {
		a.health.peers = a.node.Health
	}
	a.metrics.Registry.MustRegister(newState(a))
	a.hosts.byName[""] = a.portal()
	return nil
}

func (a *App) entered(r *http.Request, p session.Principal) {
	a.log.WarnContext(r.Context(), "an administrator entered by a break-glass link", "principal", p.ID, "by", p.Name, "from", r.RemoteAddr)
}

// stop begins the orderly end; it may be called many times.
func (a *App) stop() { a.stopOnce.Do(func() { close(a.stopping) }) }

// close undoes open, in the reverse order.
func (a *App) close() error {
	var errs []error
	for _, s := range slices.Backward(a.services) {
		errs = append(errs, s.close())
	}
	a.listeners.close()
	if a.shared != nil {
		a.shared.Close()
	}
	if a.release != nil {
		a.release()
	}
	return errors.Join(errs...)
}

// reloadOnHangup reloads at every signal.
func (a *App) reloadOnHangup(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.opts.Hangup:
			if a.reload(ctx) == nil { // else the log has said what was wrong
				a.recordProcess(ctx, atShell(), audit.ProcessReloaded, "signal")
			}
		}
	}
}

// reload is readAgain, and tells the log how it went.
func (a *App) reload(ctx context.Context) error {
	if err := a.readAgain(ctx); err != nil {
		a.log.WarnContext(ctx, "not reloaded", "err", err)
		return err
	}
	a.log.InfoContext(ctx, "reloaded")
	return nil
}

// readAgain reads what may change while running: the log level and the TLS files.
func (a *App) readAgain(ctx context.Context) error {
	if *a.health.state.Load() != "ok" {
		return fault.New(fault.Unavailable, "not_ready", "The process is starting or stopping. Try again when it is ready.").After(time.Second)
	}
	if a.opts.Reload != nil {
		cfg, err := a.opts.Reload()
		if err != nil {
			return err
		}
		if err := a.opts.Level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
			return fault.Fields(fault.Field{Name: "log.level", Code: "invalid", Detail: "Write debug, info, warn or error."})
		}
	}
	return a.public.reload(ctx)
}
