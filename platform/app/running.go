package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"guildhall/platform/access"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/jobs"
	"guildhall/platform/session"
	"guildhall/platform/web"
)

// closeTimeout bounds the Close of one service.
const closeTimeout = 10 * time.Second

// running is one open service.
type running struct {
	def Definition
	env Env
	svc *Service
	mux *http.ServeMux
	// desk signs people in on the host; nil: nobody can.
	desk *session.Desk
	// follower keeps what the desk knows of revocations; nil without a desk.
	follower *access.Follower
	// made is true when New has made svc.
	made bool
}

// openService opens the database, saves what is in it, brings it up to date and
// lets the service wire itself.
func (a *App) openService(ctx context.Context, def Definition, bound addresses) error {
	log := a.log.With("service", def.Name)
	dir := a.cfg.serviceDir(def.Name)
	if err := a.expect(def.Name, bound); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.New(fault.Invalid, "data_unusable", "Its directory %s cannot be made: %w. Move away what is there.", dir, err)
	}
	d, err := a.openDatabase(ctx, def.Name, log)
	if err != nil {
		return err
	}
	s := &running{def: def, svc: &Service{}, mux: http.NewServeMux()}
	s.env = Env{Name: def.Name, Dir: dir, DB: d, Log: log, Site: a.site, Peer: a.node.As(def.Name), Now: a.opts.Now,
		Jobs:      jobs.New(jobs.Options{DB: d, Now: a.opts.Now, Log: log}),
		Metrics:   prometheus.WrapRegistererWith(prometheus.Labels{"service": def.Name}, a.metrics.Registry),
		PublicURL: a.hosts.publicURL, PlainURL: "http://" + reachable(def.Name, bound.Domain, a.cfg.Server.publicHTTP(bound.HTTP), "80"),
		InternalURL:  "https://" + reachable(def.Name, bound.Domain, bound.Internal, "443"),
		CertifiedURL: a.hosts.publicURL(certifiedPrefix + def.Name), VerifyClient: a.node.VerifyClient, Roots: a.node.Roots, Limiter: a.limiter, Exempt: a.limits.exempts,
		Domain: bound.Domain, Production: a.cfg.Server.Production, Roles: a.roles()}
	a.services = append(a.services, s) // from here on close closes it
	a.health.services = a.services
	if err := a.prepare(ctx, s); err != nil {
		return err
	}
	if s.env.Mail, err = a.outbox(s); err != nil {
		return err
	}
	if s.svc, err = def.New(ctx, s.env); err != nil {
		s.svc = &Service{}
		return err
	}
	s.made = true
	a.mount(s)
	return s.recordNotes(ctx)
}

// roles are those of all services of the binary.
func (a *App) roles() (all []Role) {
	for _, d := range a.opts.Definitions {
		all = append(all, d.Roles...)
	}
	return all
}

// expect refuses what would make a new, empty database by mistake: a
// configuration that forgot where the data is, and a command that was to work on
// data and finds none.
func (a *App) expect(service string, bound addresses) error {
	url := a.cfg.databaseURL(service)
	file, local := strings.CutPrefix(url, "sqlite:")
	engine := db.Postgres
	if local {
		engine = db.SQLite
	}
	if err := bound.checkEngine(service, engine); err != nil {
		return err
	}
	if _, err := os.Stat(file); a.offline && local && errors.Is(err, os.ErrNotExist) {
		return noData(service, file)
	}
	return nil
}

// errNoData is what noData says at length.
var errNoData = fault.New(fault.NotFound, "no_data", "There is no data.")

func noData(service, where string) error {
	return fault.New(errNoData.Kind, errNoData.Code, "There is no data of %s in %s, and nothing was made. Give the --data and --config with which it was served; \"guildhall serve\" begins a new one.", service, where)
}

// prepare saves an existing database before a migration changes it, then
// migrates. Where nothing is to be migrated the backup of the start is made in
// the background: it takes longer the more there is, and peers wait for us.
func (a *App) prepare(ctx context.Context, s *running) error {
	versions, err := s.env.DB.Versions(ctx)
	if err != nil {
		return err
	}
	if len(versions) == 0 && a.offline {
		return noData(s.def.Name, "its database")
	}
	if len(versions) > 0 {
		a.first = false
	}
	save := len(versions) > 0 && !a.offline
	for _, m := range s.def.migrations() {
		pending, err := s.env.DB.Pending(ctx, m.FS, m.Table)
		if err != nil {
			return err
		}
		if save && pending {
			if _, err := a.backup(ctx, s, beforeUpgrade()); err != nil {
				return fmt.Errorf("back up before the migration: %w", err)
			}
			save = false
		}
	}
	for _, m := range s.def.migrations() {
		if err := s.env.DB.Migrate(ctx, m.FS, m.Table); err != nil {
			return err
		}
	}
	if err := a.scheduleBackups(s); err != nil || !save {
		return err
	}
	return s.env.DB.Group(ctx, func(tx *sql.Tx) error {
		return s.env.Jobs.Enqueue(ctx, tx, startBackup, nil, jobs.EnqueueOptions{Key: startBackup})
	})
}

// mount puts the service's handlers on its mux, its host and its peer name.
func (a *App) mount(s *running) {
	if s.svc.Pages != nil {
		s.svc.Pages(s.mux)
	}
	if s.svc.Plain != nil {
		s.svc.Plain(s.mux)
	}
	shell := s.svc.Shell
	if shell == nil {
		shell = a.site.Shell(s.def.Name, nil)
	}
	if s.svc.API != nil {
		api := NewAPI(s.mux, s.def.Name, a.opts.Version, a.hosts.publicURL(s.def.Name), s.env.Log)
		s.svc.API(api)
		frame := s.svc.APIShell
		if frame == nil {
			frame = func(*http.Request) *web.Shell { return shell }
		}
		s.mux.HandleFunc("GET /api", apiPage(frame, a.hosts.publicURL(s.def.Name), api))
	}
	door := a.door.At(s.def.Name)
	door.Mount(s.mux)
	if a.signsIn(s) {
		a.openDesk(s)
		s.desk.Mount(s.mux)
	}
	identify := func(h http.Handler) http.Handler {
		if s.svc.Identify != nil {
			h = s.svc.Identify(h)
		}
		if s.desk != nil {
			h = s.desk.Identify(h)
		}
		return door.Identify(h)
	}
	host := askAgain(identify, identify(a.limits.around(shell.Handler(s.mux), shell.Error)))
	a.hosts.byName[s.def.Name] = a.measure(s.def.Name, web.Streams(s.svc.Streams, web.LargerBodies(s.svc.Bodies, a.site.Wrap(host, s.svc.CrossOrigin...))))
	if s.svc.Certified != nil {
		a.mountCertified(s, shell)
	}
	a.node.Serve(s.def.Name, s.svc.Peer)
}

func (s *running) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var err error
	if s.svc.Close != nil {
		err = s.svc.Close(ctx)
	}
	return errors.Join(err, s.env.DB.Close())
}
