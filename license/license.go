package license

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"guildhall/license/internal/alarm"
	"guildhall/license/internal/call"
	"guildhall/license/internal/card"
	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/file"
	"guildhall/license/internal/function"
	"guildhall/license/internal/issuer"
	"guildhall/license/internal/portal"
	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/store"
	"guildhall/license/internal/transport"
	"guildhall/license/web/locales"
	"guildhall/license/web/mails"
	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/backup"
	"guildhall/platform/blob"
	"guildhall/platform/db"
	"guildhall/platform/seal"
)

// Name is the service's name.
const Name = "license"

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations are the files without their folder.
func migrations() fs.FS { return db.Folder(migrationFiles, "migrations") }

// Definition is license as the process opens it.
func Definition() app.Definition {
	config := Config{Files: blob.Default()}
	return app.Definition{
		Name:       Name,
		Migrations: migrations(),
		Locales:    locales.FS(),
		Mails:      mails.FS(),
		SignIn:     true,
		Roles: []app.Role{{Name: adminRole, Key: "license.role.admin"}, {Name: supportRole, Key: "license.role.support"},
			{Name: viewerRole, Key: "license.role.viewer"}},
		Also:   []backup.Migrations{{Table: audit.MigrationsTable, FS: audit.Migrations()}},
		Config: &config,
		Check:  func() error { return config.Files.Check(Name + ".files") },
		New: func(ctx context.Context, env app.Env) (*app.Service, error) {
			s, err := open(ctx, env, config)
			if err != nil {
				return nil, err
			}
			return s.service(env), nil
		},
	}
}

// service is the parts of a running license.
type service struct {
	log *slog.Logger
	now func() time.Time

	store     *store.Store
	journal   *audit.Journal
	catalogue *catalogue.Desk
	cards     *card.Desk
	transport *transport.Desk
	issuer    *issuer.Desk
	functions *function.Desk
	files     *file.Desk
	calls     *call.Service
	portal    *portal.Desk
	alarms    *alarm.Desk
}

// open wires the parts.
func open(ctx context.Context, env app.Env, config Config) (*service, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	key, err := seal.Load(config.keyFile(env.Dir), Name)
	if err != nil {
		return nil, err
	}
	s := &service{log: env.Log, now: env.Now, store: store.New(env.DB)}
	s.journal, err = audit.Open(ctx, audit.OpenOptions{DB: env.DB, Service: Name, Key: key, Now: env.Now, Log: env.Log, Begun: s.store.Begun})
	if err != nil {
		return nil, err
	}
	s.transport = transport.New(transport.Options{Store: s.store, Journal: s.journal, Key: key, Now: env.Now,
		Addresses: func() []string { return []string{env.PublicURL(Name), env.PlainURL} }})
	if err := s.transport.Keep(ctx); err != nil {
		return nil, err
	}
	s.catalogue = &catalogue.Desk{Store: s.store, Journal: s.journal, Key: key, Now: env.Now, Made: s.transport.Made}
	s.issuer = &issuer.Desk{Store: s.store, Journal: s.journal, Catalogue: s.catalogue, Key: key, Now: env.Now}
	s.cards = card.New(card.Options{Store: s.store, Journal: s.journal, Jobs: env.Jobs, Key: key, Now: env.Now})
	s.alarms = &alarm.Desk{Store: s.store, Journal: s.journal, Mail: env.Mail.Send, To: config.Alarms, URL: env.PublicURL(Name) + "/alarms", Now: env.Now}
	s.portal = &portal.Desk{Store: s.store, Journal: s.journal, Mail: env.Mail.Send, URL: env.PublicURL(Name), Now: env.Now}
	box, err := sandbox.New(ctx, sandbox.Options{AtOnce: config.FunctionsAtOnce, Now: env.Now})
	if err != nil {
		return nil, err
	}
	s.functions = &function.Desk{Store: s.store, Journal: s.journal, Sandbox: box, Now: env.Now}
	blobs, drafts, err := config.Files.Open(env.Dir, env.Now)
	if err != nil {
		return nil, err
	}
	s.files = file.New(file.Options{Store: s.store, Journal: s.journal, Blobs: blobs, Drafts: drafts, Most: int64(config.Files.MaxSize), Key: key, Now: env.Now})
	s.calls = call.New(call.Options{Store: s.store, Journal: s.journal, Catalogue: s.catalogue, Functions: s.functions, Files: s.files, Limiter: env.Limiter, Now: env.Now, Log: env.Log, Raise: s.alarms.Raise, Answered: countAnswers(env.Metrics)})
	env.Metrics.MustRegister(newOpenAlarms(s.store))
	s.registerJobs(env.Jobs)
	return s, nil
}

// service is what the process serves.
func (s *service) service(env app.Env) *app.Service {
	pages := newPages(pageOptions{Site: env.Site, Service: s})
	calls := &calls{keys: s.transport, service: s.calls, files: s.files, log: s.log}
	return &app.Service{
		API:     s.operations,
		Shell:   pages.Shell(),
		Pages:   func(mux *http.ServeMux) { pages.Mount(mux); calls.Mount(mux) },
		Plain:   calls.MountPlain,
		Streams: s.streams(),
		Journal: s.journal,
		Health:  s.journal.Audit.Check,
		Bodies:  bodies(),
		Close:   s.functions.Sandbox.Close,
	}
}

// bodies are the bounds of what is uploaded, in bytes.
func bodies() map[string]int64 {
	return map[string]int64{
		"POST /api/v1/products/{product}/functions/{name}/versions": functionBody,
		"POST /products/{id}/functions":                             functionBody,
	}
}
