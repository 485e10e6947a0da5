package ca

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/clock"
	"guildhall/ca/internal/crl"
	"guildhall/ca/internal/enrol"
	"guildhall/ca/internal/feed"
	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/keys"
	"guildhall/ca/internal/ocsp"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/ca/internal/token"
	"guildhall/ca/web/locales"
	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/backup"
	"guildhall/platform/db"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations are the files without their folder.
func migrations() fs.FS { return db.Folder(migrationFiles, "migrations") }

// Definition is the certificate authority as the process opens it.
func Definition() app.Definition {
	config := DefaultConfig()
	return app.Definition{
		Name:       "ca",
		Migrations: migrations(),
		Locales:    locales.FS(),
		SignIn:     true,
		Roles: []app.Role{{Name: "ca.admin", Key: "ca.role.admin"}, {Name: "ca.operator", Key: "ca.role.operator"},
			{Name: "ca.viewer", Key: "ca.role.viewer"}},
		Also:   []backup.Migrations{{Table: audit.MigrationsTable, FS: audit.Migrations()}},
		Config: &config,
		Check: func() error {
			_, err := config.profiles("guildhall.localhost") // any domain: it is about the names and lifetimes
			return errors.Join(config.check(), err)
		},
		New: func(ctx context.Context, env app.Env) (*app.Service, error) {
			s, err := open(ctx, env, config)
			if err != nil {
				return nil, err
			}
			return s.service(env), nil
		},
	}
}

// service is the parts of a running authority.
type service struct {
	log    *slog.Logger
	config Config
	now    func() time.Time

	store        *store.Store
	keys         *keys.Keyring
	audit        *audit.Log
	journal      *audit.Journal
	guard        *clock.Guard
	certificates *certificate.Service
	tokens       *token.Desk
	enroller     *enrol.Enroller
	lists        *crl.Publisher
	responder    *ocsp.Responder
	hub          *feed.Hub
}

// open wires the parts and, at the first start, makes the authority.
func open(ctx context.Context, env app.Env, config Config) (*service, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	profiles, err := config.profiles(env.Domain)
	if err != nil {
		return nil, err
	}
	addresses := profile.Addresses{Base: strings.TrimSuffix(config.StatusURL, "/")}
	if addresses.Base == "" {
		addresses.Base = env.PlainURL
	}
	s := &service{log: env.Log, config: config, now: env.Now, store: store.New(env.DB)}
	if err := s.openKeys(ctx, env, profiles.Policy, addresses); err != nil {
		return nil, err
	}
	if err := s.openAudit(ctx, env); err != nil {
		return nil, err
	}
	high, err := s.store.HighWater(ctx)
	if err != nil {
		return nil, err
	}
	s.guard = clock.New(env.Now, config.ClockTolerance.Std(), high)
	if err := s.openStatus(env); err != nil {
		return nil, err
	}
	s.certificates = certificate.New(certificate.Options{DB: env.DB, Store: s.store, Journal: s.journal, Keys: s.keys, Profiles: profiles,
		Addresses: addresses, Guard: s.guard, Log: env.Log, KeepKeys: config.KeepKeys, Changed: s.lists.Changed, Announce: s.announce})
	s.tokens = &token.Desk{Store: s.store, Journal: s.journal, Now: env.Now, Root: sha256.Sum256(s.keys.RootCertificate().Raw), Services: config.services()}
	s.enroller = &enrol.Enroller{Certificates: s.certificates, Tokens: s.tokens, Domain: env.Domain, PublicNames: config.PublicNames}
	s.registerJobs(env.Jobs)
	return s, s.begin(ctx)
}

func (s *service) openKeys(ctx context.Context, env app.Env, policy profile.Policy, addresses profile.Addresses) (err error) {
	s.keys, err = keys.Open(ctx, keys.Options{DB: env.DB, Now: env.Now, Log: env.Log, Organization: s.config.Organization,
		SealFile:       file(s.config.SealFile, env.Dir, "seal.key"),
		PassphraseFile: file(s.config.RootPassphraseFile, env.Dir, "root.passphrase"),
		Policy:         policy, Addresses: addresses})
	return err
}

func (s *service) openAudit(ctx context.Context, env app.Env) (err error) {
	// Named after the root and not after the domain, which may change: heads
	// under another name are not this log's.
	name := "guildhall-ca-" + fingerprint(s.keys.RootCertificate().Raw)[:16] + "/audit"
	s.audit, err = audit.New(audit.Options{DB: env.DB, Name: name, Key: s.keys.Audit(), Now: env.Now, Begun: s.store.Begun})
	if err != nil {
		return err
	}
	s.journal = &audit.Journal{DB: env.DB, Audit: s.audit, Log: env.Log}
	return s.audit.Migrate(ctx)
}

// openStatus makes what tells others of revocations.
func (s *service) openStatus(env app.Env) (err error) {
	s.lists, err = crl.New(crl.Options{DB: env.DB, Jobs: env.Jobs, Signer: s.listSigner, Now: s.guard.Now, Log: env.Log,
		MaxDelay: s.config.CRLDelay.Std()})
	if err != nil {
		return err
	}
	s.responder, err = ocsp.New(ocsp.Options{Issuer: s.keys.Issuing().Certificate, Lookup: s.statuses, Certify: s.certify, Now: s.guard.Now, Log: env.Log})
	if err != nil {
		return err
	}
	s.hub = feed.New(feed.Options{DB: env.DB, Revocations: s.peerRevocations, Key: s.keys.Status(), Now: s.guard.Now,
		Lease: s.config.Lease.Std(), Interval: s.config.HeadInterval.Std(), Shared: env.DB.Engine == db.Postgres, Log: env.Log})
	return nil
}

// begin does what the first start has to do, and is harmless later.
func (s *service) begin(ctx context.Context) error {
	head, err := s.audit.Head(ctx)
	if errors.Is(err, audit.ErrDamaged) {
		// The authority opens all the same, else nobody could ask it what is
		// damaged: health says so, and all that must be recorded is refused.
		s.log.ErrorContext(ctx, "the audit log cannot be continued; see guildhall ca audit verify", "err", err)
		return s.lists.Ensure(ctx)
	}
	if err != nil {
		return err
	}
	if head.Size == 0 {
		root := s.keys.RootCertificate()
		err := s.journal.Record(ctx, audit.Caller{Actor: audit.System}, journal.Created, root.Subject.CommonName, map[string]any{"root_sha256": fingerprint(root.Raw)})
		if err != nil {
			return fmt.Errorf("record the new authority: %w", err)
		}
	}
	return s.lists.Ensure(ctx)
}

// service is what the process serves and does.
func (s *service) service(env app.Env) *app.Service {
	peers := s.peers(s.journal.DB)
	peers.limiter = env.Limiter
	pages := newPages(pageOptions{Site: env.Site, Certificates: s.certificates, Tokens: s.tokens, Lists: s.lists, Audit: s.audit,
		PublicURL: env.PublicURL(env.Name), InternalURL: env.InternalURL})
	return &app.Service{
		API:     s.operations,
		Shell:   pages.Shell(),
		Pages:   pages.Mount,
		Plain:   s.statusFiles().mount,
		Journal: s.journal,
		Health:  s.health,
		Run:     s.hub.Run,

		Peer:      peers.routes(),
		Authority: peers,
	}
}

func (s *service) statusFiles() *statusFiles {
	return &statusFiles{Lists: s.lists, Responder: s.responder, Root: s.keys.RootCertificate(), Issuing: s.keys.Issuing().Certificate, Now: s.now, Log: s.log}
}

// health is what keeps the authority from its work.
func (s *service) health(ctx context.Context) error {
	_, err := s.guard.Now()
	return errors.Join(err, s.audit.Check(ctx), s.lists.Health(ctx))
}
