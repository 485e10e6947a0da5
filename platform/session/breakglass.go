package session

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/limit"
)

// Kind says what a break-glass credential opens.
type Kind string

// The kinds of credential.
const (
	Link    Kind = "link"    // opens the pages once, and becomes a Browser credential
	Ticket  Kind = "ticket"  // takes a browser on to one more host, once
	Browser Kind = "browser" // the cookie of one browser at one host
	Token   Kind = "token"   // the bearer token of the API
)

// Lifetimes.
const (
	LinkLife    = 15 * time.Minute
	TicketLife  = 30 * time.Second
	BrowserLife = 8 * time.Hour
)

// Errors of BreakGlass.
var (
	ErrDisabled = fault.New(fault.Forbidden, "break_glass_disabled",
		"Break-glass access is turned off by admin.break_glass in the configuration.")
	ErrLinkSpent = fault.New(fault.Gone, "link_spent",
		"This link was used already or is older than 15 minutes. Make a new one with \"guildhall admin link\".")
	ErrNoCredential = fault.New(fault.NotFound, "no_such_credential", "There is no live link, session or token with this id. \"guildhall admin list\" shows those that there are.")
)

// BreakGlass keeps the credentials in one small file, readable by the owner
// alone, and rewrites it atomically at each change. One process at a time uses
// a data directory, so memory and file agree.
//
// What is done with credentials is recorded. A credential is in the file before
// its entry is in the log, and its secret is told only after: whatever fails or
// dies in between leaves one that nobody can use.
type BreakGlass struct {
	path     string
	now      func() time.Time
	enabled  bool
	keep     Record
	log      *slog.Logger
	refusals *limit.Embedded

	mu   sync.Mutex
	list []Credential
}

// Record writes an entry into the audit log, or into several, and returns when it
// is there: audit.Journal.Record.
type Record func(ctx context.Context, by audit.Caller, action, subject string, detail map[string]any) error

// BreakGlassOptions is what OpenBreakGlass needs; all of it.
type BreakGlassOptions struct {
	// Path is the file; a missing one is an empty one.
	Path string
	// Enabled is false when no credential opens anything, and none is made.
	Enabled bool
	Now     func() time.Time
	Record  Record
	// Log hears of entries that could not be recorded and kept nothing from being
	// done.
	Log *slog.Logger
}

// Strangers can be refused as often as they like: so many refusals are recorded
// at once, and so many a second in the long run.
const (
	refusalBurst = 60
	refusalRate  = 1.0 / 60
)

// OpenBreakGlass reads the file.
func OpenBreakGlass(o BreakGlassOptions) (*BreakGlass, error) {
	b := &BreakGlass{path: o.Path, now: o.Now, enabled: o.Enabled, keep: o.Record, log: o.Log,
		refusals: limit.New(limit.Options{Rate: refusalRate, Burst: refusalBurst, Now: o.Now})}
	return b, b.load()
}

// Issue makes a credential for who asks, and returns its secret, which is shown
// once. What cannot be recorded is not made.
func (b *BreakGlass) Issue(ctx context.Context, by audit.Caller, kind Kind, name string, life time.Duration) (Credential, string, error) {
	if !b.enabled {
		return Credential{}, "", ErrDisabled
	}
	c, secret := b.newCredential(kind, name, life)
	if err := b.add(c); err != nil {
		return Credential{}, "", err
	}
	if err := b.record(ctx, by, audit.AccessCreated, c, nil); err != nil {
		return Credential{}, "", errors.Join(err, b.End(ctx, by, c.ID))
	}
	return c, secret, nil
}

// Ticket makes a ticket to another host for who has a browser's session, and returns
// its secret. The error is ErrDisabled or ErrNoCredential.
func (b *BreakGlass) Ticket(p Principal, host string) (string, error) {
	if !b.enabled {
		return "", ErrDisabled
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	of, ok := b.byID(p.SessionID)
	if !ok {
		return "", ErrNoCredential
	}
	c, secret := b.newCredential(Ticket, of.Name, TicketLife)
	c.Host, c.Root = host, of.root()
	return secret, b.save(append(b.live(), c))
}

// Redeem turns the secret of a link, or of a ticket to the host, into that of a
// browser's session at the host, for a visitor from an address; it is spent. The
// error is ErrDisabled, ErrLinkSpent, or that it cannot be recorded, which does not
// spend it.
func (b *BreakGlass) Redeem(ctx context.Context, from, host, link string) (Credential, string, error) {
	spent, c, secret, err := b.redeem(host, link)
	if err != nil {
		b.refused(ctx, from, link, err)
		return Credential{}, "", err
	}
	by := c.principal().caller(from)
	if err := b.record(ctx, by, audit.AccessEntered, c, map[string]any{string(spent.Kind): spent.ID}); err != nil {
		return Credential{}, "", errors.Join(err, b.End(ctx, by, c.ID), b.add(spent))
	}
	return c, secret, nil
}

func (b *BreakGlass) redeem(host, link string) (spent, c Credential, secret string, err error) {
	if !b.enabled {
		return spent, c, "", ErrDisabled
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	spent, ok := b.find(Link, link)
	if !ok {
		spent, ok = b.find(Ticket, link)
		ok = ok && spent.Host == host
	}
	if !ok {
		return spent, c, "", ErrLinkSpent
	}
	c, secret = b.newCredential(Browser, spent.Name, BrowserLife)
	c.Host = host
	if spent.Kind == Ticket { // no session outlives the one that it comes from
		first, live := b.byID(spent.Root)
		if !live {
			return spent, c, "", ErrLinkSpent
		}
		c.Root, c.Expires = first.ID, earlier(c.Expires, first.Expires)
	}
	rest := slices.DeleteFunc(b.live(), func(x Credential) bool { return x.ID == spent.ID })
	return spent, c, secret, b.save(append(rest, c))
}

// refused records that a link did not open. The visitor is refused all the same.
func (b *BreakGlass) refused(ctx context.Context, from, link string, why error) {
	f := fault.As(why)
	if link == "" || f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return
	}
	if _, ok := b.refusals.Allow(ctx, ""); !ok {
		return
	}
	err := b.keep(context.WithoutCancel(ctx), audit.Caller{From: from}, audit.AccessRefused, string(Link), map[string]any{"code": f.Code, "why": f.Detail})
	if err != nil {
		b.log.ErrorContext(ctx, "a refused link was not recorded in the audit log", "from", from, "err", err)
	}
}

// Identify returns the principal of a secret of the kind, if it is live; that of a
// browser's session is good at its own host alone.
func (b *BreakGlass) Identify(kind Kind, host, secret string) (Principal, bool) {
	if !b.enabled {
		return Principal{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.find(kind, secret)
	if !ok || kind == Browser && c.Host != host {
		return Principal{}, false
	}
	return c.principal(), true
}

// List returns the live credentials, oldest first.
func (b *BreakGlass) List() []Credential {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.live()
}

// End withdraws a credential, and with a browser's first session those at further
// hosts; the error is ErrNoCredential. It is done also when it cannot be recorded:
// then the log says so.
func (b *BreakGlass) End(ctx context.Context, by audit.Caller, credentialID string) error {
	return b.end(ctx, by, audit.AccessEnded, func(c Credential) bool { return c.ID == credentialID || c.Root == credentialID })
}

// EndAll withdraws every link, session and token, as End does.
func (b *BreakGlass) EndAll(ctx context.Context, by audit.Caller) error {
	err := b.end(ctx, by, audit.AccessEnded, func(Credential) bool { return true })
	if errors.Is(err, ErrNoCredential) {
		return nil
	}
	return err
}

// Leave withdraws the sessions of who leaves, at all hosts, as End does.
func (b *BreakGlass) Leave(ctx context.Context, p Principal, from string) error {
	b.mu.Lock()
	own, ok := b.byID(p.SessionID)
	b.mu.Unlock()
	if !ok {
		return ErrNoCredential
	}
	return b.end(ctx, p.caller(from), audit.AccessLeft, func(c Credential) bool { return c.root() == own.root() })
}

func (b *BreakGlass) end(ctx context.Context, by audit.Caller, action string, which func(Credential) bool) error {
	ended, err := b.remove(which)
	ctx = context.WithoutCancel(ctx) // it is done
	var failed error                 // one failure is enough: a database that is away is waited for
	for _, c := range ended {
		if failed == nil {
			failed = b.record(ctx, by, action, c, nil)
		}
		if failed != nil {
			b.log.ErrorContext(ctx, "a credential was ended and that was not recorded in the audit log",
				"credential", c.ID, "name", c.Name, "by", by.Actor, "err", failed)
		}
	}
	return err
}

// record writes an entry about the credential.
func (b *BreakGlass) record(ctx context.Context, by audit.Caller, action string, c Credential, more map[string]any) error {
	detail := map[string]any{"kind": c.Kind, "name": c.Name, "expires": c.Expires.Format(time.RFC3339)}
	if c.Host != "" {
		detail["host"] = c.Host
	}
	maps.Copy(detail, more)
	return b.keep(ctx, by, action, c.ID, detail)
}
