package app

import (
	"context"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"guildhall/platform/audit"
	"guildhall/platform/backup"
	"guildhall/platform/db"
	"guildhall/platform/jobs"
	"guildhall/platform/limit"
	"guildhall/platform/mail"
	"guildhall/platform/peer"
	"guildhall/platform/web"
)

// Definition is what a process must know of a service before it opens it.
type Definition struct {
	// Name is the host label, the configuration key, the database's name and
	// the peer name: "ca".
	Name string
	// Migrations holds NNNN_name.sql files at its root, one text for both engines.
	Migrations fs.FS
	// Also are migrations of platform packages that the service keeps in its
	// database, such as audit. Those of jobs are always there.
	Also []backup.Migrations
	// Locales holds locales/en.json, zh.json and pl.json. The keys
	// "<name>.service.title" and "<name>.service.purpose" introduce the service.
	Locales fs.FS
	// Mails are the templates of the service's letters, as package mail describes
	// them; nil: it writes none.
	Mails fs.FS
	// SignIn says that people sign in on the service's host, by the service identity
	// where that is known to the process; see session.Desk.
	SignIn bool
	// Roles are what people can be in the service, the most powerful first.
	Roles []Role
	// Config points to the service's configuration with its defaults; the file
	// and the environment are decoded into it before New.
	Config any
	// Check says what is wrong with the decoded Config, by its keys; nil: nothing
	// to check.
	Check func() error
	// New wires the service. Calls to other services work once all are open.
	New func(ctx context.Context, env Env) (*Service, error)
}

// Role is what people can be in a service.
type Role struct {
	// Name is dotted and begins with the service: "ca.admin". An admin may do what an
	// operator may, and an operator what a viewer may.
	Name string
	// Key is the catalogue key of what it is called.
	Key string
}

// Env is what the process gives a service.
type Env struct {
	// Name is the service's own name, Dir its private directory.
	Name, Dir string
	DB        *db.DB
	Jobs      *jobs.Queue
	// Mail sends the letters of Definition.Mails; nil without them.
	Mail    *mail.Outbox
	Log     *slog.Logger
	Metrics prometheus.Registerer
	// Site renders the pages; Site.Shell(Name, nav) is the service's frame.
	Site *web.Site
	// Peer is the service's identity, for calls to other services.
	Peer *peer.Identity
	Now  func() time.Time
	// PublicURL is the https address of a service's host, without final slash.
	PublicURL func(service string) string
	// CertifiedURL is the https address of the host of Service.Certified, without
	// final slash.
	CertifiedURL string
	// VerifyClient is nil when the authority stands for a certificate with which a
	// client came to that host; see peer.Node's method for what it checks.
	VerifyClient func(ctx context.Context, certificate *x509.Certificate, intermediates []*x509.Certificate) error
	// Roots are what the certificate of a server that the service calls elsewhere may
	// end in: the roots of this machine and the authority's.
	Roots func() *x509.CertPool
	// Limiter makes what slows callers down: together with the other nodes of the
	// installation when the configuration names a server for that.
	Limiter limit.Maker
	// Exempt says whether an address, with its port, is in one of the networks that
	// are not limited: a proxy's stands for many people.
	Exempt func(address string) bool
	// PlainURL is the http address under which Service.Plain is reached,
	// without final slash.
	PlainURL string
	// InternalURL is the https address at which other hosts reach the internal
	// listener, without final slash.
	InternalURL string
	// Domain is the parent of all hosts, "guildhall.localhost".
	Domain     string
	Production bool
	// Roles are those of all services, also of those that another process runs.
	Roles []Role
}

// Service is a running service: what the listeners serve and the process does
// for it. Every field may be left out.
type Service struct {
	// API registers operations; paths start with /api/. A request without an
	// administrator is refused unless the operation has the Public metadata.
	API func(huma.API)
	// Shell frames the pages, and the error pages of the host.
	Shell *web.Shell
	// APIShell frames the page of the API for who asks; nil: Shell does.
	APIShell func(*http.Request) *web.Shell
	// Pages registers the HTML pages and every other handler of the host.
	Pages func(*http.ServeMux)
	// CrossOrigin are the patterns of Pages that pages of other sites may send to;
	// see web.Site's Wrap for which may be. Everything else refuses them.
	CrossOrigin []string
	// Bodies bounds, in bytes, the bodies of Pages and API that are larger than others, by
	// pattern of http.ServeMux: "POST /pictures/{id}".
	Bodies map[string]int64
	// Streams bounds, in bytes, the bodies that are passed on while they come, by patterns
	// of http.ServeMux: files. Their handlers call CheckAgain when all of it is there.
	Streams map[string]int64
	// Certified registers what programs call at "mtls.<name>.<domain>", the one kind
	// of public host whose clients are asked for a certificate: any that they can
	// prove to hold the key of, in Request.TLS.PeerCertificates, or none. Sessions
	// are not known there. nil: there is no such host.
	Certified func(*http.ServeMux)
	// Identify puts who makes a request into its context, where the service knows
	// people by itself; whoever came by the emergency entrance is there already.
	Identify func(http.Handler) http.Handler
	// Plain registers what is served over plain HTTP as well as HTTPS, on any
	// host name: revocation lists and the like.
	Plain func(*http.ServeMux)
	// Peer are the routes of the internal listener, each with its allow-list.
	Peer []peer.Route
	// Authority issues the certificates of this process; only ca has it.
	Authority peer.Authority
	// Journal is the service's audit log, in which the process records what
	// administrators do to it.
	Journal *audit.Journal
	// Health says in a sentence what is wrong, or nil.
	Health func(context.Context) error
	// First is called at each start when everything works. What it returns is told to
	// whoever sees the start, and to nobody else: how the first administrator gets in.
	// Mostly that is nothing.
	First func(context.Context) (note string, err error)
	// Run works until the context ends.
	Run func(context.Context) error
	// Close runs after everything else of the service has stopped.
	Close func(context.Context) error
}
