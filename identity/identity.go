package identity

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/authorize"
	"guildhall/identity/internal/avatar"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/device"
	"guildhall/identity/internal/directory"
	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/feed"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/group"
	"guildhall/identity/internal/logout"
	"guildhall/identity/internal/password"
	"guildhall/identity/internal/role"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/signing"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/identity/web/locales"
	"guildhall/identity/web/mails"
	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/backup"
	"guildhall/platform/db"
	"guildhall/platform/mail"
	"guildhall/platform/seal"
)

// Name is the service's name.
const Name = "identity"

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations are the files without their folder.
func migrations() fs.FS { return db.Folder(migrationFiles, "migrations") }

// Definition is identity as the process opens it.
func Definition() app.Definition {
	config := DefaultConfig()
	return app.Definition{
		Name:       Name,
		Migrations: migrations(),
		Locales:    locales.FS(),
		Mails:      mails.FS(),
		Roles:      []app.Role{{Name: role.Admin, Key: "identity.role.admin"}, {Name: role.Viewer, Key: "identity.role.viewer"}},
		Also:       []backup.Migrations{{Table: audit.MigrationsTable, FS: audit.Migrations()}},
		Config:     &config,
		Check:      config.check,
		New: func(ctx context.Context, env app.Env) (*app.Service, error) {
			s, err := open(ctx, env, config)
			if err != nil {
				return nil, err
			}
			return s.service(env), nil
		},
	}
}

// service is the parts of a running identity.
type service struct {
	log    *slog.Logger
	config Config
	now    func() time.Time

	store    *store.Store
	journal  *audit.Journal
	gate     *throttle.Gate
	sessions *session.Desk
	accounts *account.Service
	factors  *factor.Desk
	groups   *group.Desk
	roles    *role.Desk
	// directory is where people come from by themselves.
	directory *directory.Service

	keys     *signing.Desk
	clients  *client.Desk
	grants   *grant.Desk
	devices  *device.Desk
	requests *authorize.Service
	begins   *beginnings
	logout   *logout.Desk
	provider *provider
	feed     *feed.Hub
	letters  *letters
	// beside has the operations that share their address with a page.
	beside *http.ServeMux
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
	s := &service{log: env.Log, config: config, now: env.Now, store: store.New(env.DB)}
	s.journal, err = audit.Open(ctx, audit.OpenOptions{DB: env.DB, Service: "identity", Key: key, Now: env.Now, Log: env.Log, Begun: s.store.Begun})
	if err != nil {
		return nil, err
	}
	s.gate = throttle.New(throttle.Options{DB: env.DB, Store: s.store, Journal: s.journal, Key: key.Derive("attempts"), Now: env.Now, Log: env.Log})
	s.groups = &group.Desk{Store: s.store, Journal: s.journal, Now: env.Now}
	s.roles = role.New(role.Options{Store: s.store, Journal: s.journal, Known: roleNames(env.Roles), Now: env.Now})
	s.sessions = &session.Desk{Store: s.store, Journal: s.journal, Log: env.Log, Now: env.Now,
		Idle: config.Sessions.Idle.Std(), Absolute: config.Sessions.Absolute.Std()}
	hasher, send := password.New(password.Options{}), withAddress(env.Mail.Send, env.PublicURL(Name))
	s.accounts = account.New(account.Options{DB: env.DB, Store: s.store, Journal: s.journal, Gate: s.gate, Hasher: hasher,
		Jobs: env.Jobs, Key: key, Mail: send, EndSessions: s.sessions.EndAll,
		Elsewhere: directory.Elsewhere(&s.directory), URL: env.PublicURL(Name), Closed: config.Registration == Closed, Limiter: env.Limiter, Now: env.Now, Log: env.Log})
	s.directory = directory.New(directory.Options{DB: env.DB, Store: s.store, Journal: s.journal, Accounts: s.accounts, Hasher: hasher, Jobs: env.Jobs, Key: key,
		Mail: send, EndSessions: s.sessions.EndAll, Roots: env.Roots, Production: env.Production, Now: env.Now, Log: env.Log})
	s.factors, err = factor.New(factor.Options{Store: s.store, Journal: s.journal, Gate: s.gate, Sessions: s.sessions, Key: key, Domain: env.Domain,
		Origin: env.PublicURL(Name), Product: product(env.Domain), Now: env.Now})
	if err != nil {
		return nil, err
	}
	s.letters = &letters{Outbox: env.Mail, Journal: s.journal}
	if err := s.openProvider(ctx, env, key); err != nil {
		return nil, err
	}
	s.registerJobs(env.Jobs)
	return s, nil
}

func roleNames(roles []app.Role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.Name
	}
	return names
}

// product is what authenticators list the accounts under: the domain tells one
// installation from another.
func product(domain string) string { return "guildhall (" + domain + ")" }

type sendMail func(ctx context.Context, tx *sql.Tx, m mail.Message) error

// withAddress tells the letters where to sign in and where to choose a password.
func withAddress(send sendMail, host string) sendMail {
	return func(ctx context.Context, tx *sql.Tx, m mail.Message) error {
		data := map[string]any{"URL": host + "/sign-in", "ResetURL": host + "/reset"}
		maps.Copy(data, m.Data)
		m.Data = data
		return send(ctx, tx, m)
	}
}

// service is what the process serves.
func (s *service) service(env app.Env) *app.Service {
	s.beside = http.NewServeMux()
	pages := newPages(pageOptions{Site: env.Site, Accounts: s.accounts, Sessions: s.sessions, Factors: s.factors, Pictures: avatar.New(), Now: s.now, Log: env.Log,
		Fresh: s.config.Sessions.Confirm.Std(), Open: s.config.Registration == Open,
		Clients: s.clients, Grants: s.grants, Authorize: s.requests, Begins: s.begins, Devices: s.devices, Logout: s.logout,
		Keys: s.keys, Groups: s.groups, Roles: s.roles, RoleList: env.Roles, Directory: s.directory, Production: env.Production, Audit: s.journal.Audit,
		Forms: &forms{env.DB, s.store, s.now}, Letters: s.letters})
	if s.config.JSONSignIn {
		pages.JSON = s.beside
	}
	return &app.Service{
		API:         s.operations,
		Shell:       pages.Shell(),
		APIShell:    pages.apiShell,
		Pages:       func(mux *http.ServeMux) { pages.Mount(mux); s.provider.Mount(mux) },
		Identify:    pages.identify,
		CrossOrigin: crossOrigin(),
		Bodies:      map[string]int64{"POST /picture": avatar.MaxBytes + 64<<10}, // what a form puts around it too
		Certified:   s.provider.MountCertified,
		Peer:        s.peerRoutes(),
		Run:         s.feed.Run,
		Journal:     s.journal,
		Health:      s.journal.Audit.Check,
		First:       func(ctx context.Context) (string, error) { return s.first(ctx, env) },
	}
}
