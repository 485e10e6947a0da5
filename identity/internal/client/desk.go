package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

var (
	// ErrNotFound says that there is no such application.
	ErrNotFound = store.ErrClientNotFound
	// ErrChanged says that the application is not as it was seen.
	ErrChanged = fault.New(fault.Conflict, "application_changed", "Somebody else changed this application meanwhile. Nothing was changed here; look at it and try again.")
	// ErrNoSecret says that the application does not show who it is by a secret.
	ErrNoSecret = fault.New(fault.Conflict, "application_no_secret", "This application has no secret: it shows who it is in another way. Change token_endpoint_auth_method first.")
	// ErrOwn refuses to change what is a part of the installation.
	ErrOwn = fault.New(fault.Conflict, "application_own", "This application is a part of guildhall, which keeps it as it has to be. It can be disabled and enabled; nothing else of it can be changed, and it cannot be removed.")
)

const (
	prefix = "app"
	// MaxOverlap is how long a replaced secret may work on.
	MaxOverlap = 30 * day
	// secretLen is 256 bit.
	secretLen = 32
	// maxList bounds a page of applications.
	maxList = 500
)

// Options is what New needs; all of it but Development.
type Options struct {
	DB      *db.DB
	Store   *store.Store
	Journal *audit.Journal
	Now     func() time.Time
	Log     *slog.Logger
	// Development allows http redirect URIs on this machine to all kinds.
	Development bool
}

// Desk makes, changes and finds applications. It is safe for concurrent use.
type Desk struct {
	o     Options
	found *db.Gather[string, known]
	// OnRevoke, unless nil, is called in each transaction after which nothing that
	// the application holds may be good any more: before it is disabled or
	// removed, and when a secret is replaced because somebody else knows it. It is
	// set before the first use.
	OnRevoke func(ctx context.Context, tx *sql.Tx, clientID string) error
}

// New makes a desk.
func New(o Options) *Desk {
	d := &Desk{o: o}
	d.found = db.NewGather(d.find)
	return d
}

// Check says what is wrong with the metadata, field by field.
func (d *Desk) Check(m Metadata) error { return Check(m, d.o.Development) }

// Create makes an application. The secret is shown only now; it is empty when
// the application has another way to show who it is.
func (d *Desk) Create(ctx context.Context, m Metadata, by audit.Caller) (_ Client, secret string, err error) {
	if err := d.Check(m); err != nil {
		return Client{}, "", err
	}
	now := d.now()
	c := Client{ID: id.New(prefix), State: Active, MadeAt: now, ChangedAt: now, Metadata: m}
	row, err := c.row()
	if err != nil {
		return Client{}, "", err
	}
	if m.HasSecret() {
		secret = newSecret()
	}
	err = d.o.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := d.o.Journal.Append(ctx, tx, by, journal.ApplicationCreated, c.ID, map[string]any{"metadata": m}); err != nil {
			return err
		}
		if err := d.noteExposed(ctx, tx, c.ID, exposed(m), by); err != nil {
			return err
		}
		if err := d.o.Store.InsertClient(ctx, tx, row); err != nil || secret == "" {
			return err
		}
		return d.insertSecret(ctx, tx, c.ID, secret, now)
	})
	if err != nil {
		return Client{}, "", err
	}
	d.warn(ctx, c, exposed(m))
	return c, secret, nil
}

// Update replaces the metadata of an application, whose kind must stay. One that
// needs a secret from now on has none before RotateSecret; one that needs none
// any more loses it. seen is the ChangedAt of what the metadata was made from; when
// the application was changed since, the error is ErrChanged. A zero seen takes it
// as it is. The error is ErrOwn for one of our own.
func (d *Desk) Update(ctx context.Context, id string, m Metadata, seen time.Time, by audit.Caller) (Client, error) {
	if IsOwn(id) {
		return Client{}, ErrOwn
	}
	return d.update(ctx, id, m, seen, by)
}

func (d *Desk) update(ctx context.Context, id string, m Metadata, seen time.Time, by audit.Caller) (c Client, err error) {
	if err := d.Check(m); err != nil {
		return Client{}, err
	}
	var opened []string
	err = d.change(ctx, id, func(tx *sql.Tx, was Client) error {
		if !seen.IsZero() && !seen.Equal(was.ChangedAt) {
			return ErrChanged
		}
		if was.Kind != m.Kind {
			return fault.Fields(fault.Field{Name: "kind", Code: "fixed", Detail: "The kind of an application never changes. Make another application."})
		}
		diff, err := differences(was.Metadata, m)
		if err != nil {
			return err
		}
		c, opened = was, newly(exposed(m), exposed(was.Metadata))
		c.Metadata = m
		if len(diff) == 0 {
			return nil
		}
		c.ChangedAt = d.now()
		if err := d.o.Journal.Append(ctx, tx, by, journal.ApplicationChanged, id, map[string]any{"changed": diff}); err != nil {
			return err
		}
		if err := d.noteExposed(ctx, tx, id, opened, by); err != nil {
			return err
		}
		if was.HasSecret() && !m.HasSecret() {
			if err := d.o.Store.DeleteSecrets(ctx, tx, id); err != nil {
				return err
			}
		}
		return d.put(ctx, tx, c)
	})
	if err != nil {
		return Client{}, err
	}
	d.warn(ctx, c, opened)
	return c, nil
}

// Disable stops an application: what it holds is revoked, and it gets nothing
// more before Enable. One that is disabled already stays so.
func (d *Desk) Disable(ctx context.Context, id string, by audit.Caller) error {
	return d.turn(ctx, id, Disabled, journal.ApplicationDisabled, by)
}

// Enable lets a disabled application begin anew.
func (d *Desk) Enable(ctx context.Context, id string, by audit.Caller) error {
	return d.turn(ctx, id, Active, journal.ApplicationEnabled, by)
}

func (d *Desk) turn(ctx context.Context, id, state, action string, by audit.Caller) error {
	return d.change(ctx, id, func(tx *sql.Tx, c Client) error {
		if c.State == state {
			return nil
		}
		if err := d.o.Journal.Append(ctx, tx, by, action, id, map[string]any{"name": c.Name}); err != nil {
			return err
		}
		if state == Disabled {
			if err := d.revoke(ctx, tx, id); err != nil {
				return err
			}
		}
		c.State, c.ChangedAt = state, d.now()
		return d.put(ctx, tx, c)
	})
}

// Remove deletes an application with its secrets, grants and consents; none of our
// own.
func (d *Desk) Remove(ctx context.Context, id string, by audit.Caller) error {
	if IsOwn(id) {
		return ErrOwn
	}
	return d.change(ctx, id, func(tx *sql.Tx, c Client) error {
		if err := d.o.Journal.Append(ctx, tx, by, journal.ApplicationRemoved, id, map[string]any{"name": c.Name}); err != nil {
			return err
		}
		if err := d.revoke(ctx, tx, id); err != nil {
			return err
		}
		return d.o.Store.DeleteClient(ctx, tx, id)
	})
}

// Rotation says what becomes of the secret that is replaced.
type Rotation struct {
	// Overlap is how long it works on, so that all copies of the application can
	// be changed: 0 to MaxOverlap.
	Overlap time.Duration
	// Compromised says that somebody else knows it: then there is no overlap, and
	// what the application holds is revoked.
	Compromised bool
}

// RotateSecret gives the application a new secret, which is shown only now. Of
// older ones only the last works on, for as long as the rotation says. The error
// is ErrNoSecret when the application needs none.
func (d *Desk) RotateSecret(ctx context.Context, id string, r Rotation, by audit.Caller) (secret string, err error) {
	if IsOwn(id) {
		return "", ErrOwn
	}
	if r.Overlap < 0 || r.Overlap > MaxOverlap || r.Compromised && r.Overlap != 0 {
		return "", fault.Fields(fault.Field{Name: "overlap", Code: "out_of_bounds",
			Detail: "The old secret works on for 0 to 30 days; a compromised one does not work on."})
	}
	secret = newSecret()
	err = d.change(ctx, id, func(tx *sql.Tx, c Client) error {
		if !c.HasSecret() {
			return ErrNoSecret
		}
		now := d.now()
		detail := map[string]any{"overlap": r.Overlap.String(), "compromised": r.Compromised}
		if err := d.o.Journal.Append(ctx, tx, by, journal.SecretRotated, id, detail); err != nil {
			return err
		}
		if r.Compromised {
			if err := d.revoke(ctx, tx, id); err != nil {
				return err
			}
		}
		if err := d.o.Store.ExpireSecret(ctx, tx, id, now.Add(r.Overlap)); err != nil {
			return err
		}
		return d.insertSecret(ctx, tx, id, secret, now)
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Get reads an application, also a disabled one, or returns ErrNotFound.
func (d *Desk) Get(ctx context.Context, id string) (Client, error) {
	row, err := d.o.Store.Client(ctx, id)
	if err != nil {
		return Client{}, err
	}
	return of(row)
}

// known is an application, or why it cannot be read, and the hashes of its secrets.
type known struct {
	Client

	err    error
	hashes [][]byte
}

// find reads applications for all who ask at once.
func (d *Desk) find(ctx context.Context, ids []string) (map[string]known, error) {
	rows, err := d.o.Store.ClientsAndSecrets(ctx, ids, d.now())
	if err != nil {
		return nil, err
	}
	all := map[string]known{}
	for id, row := range rows {
		c, err := of(row.Client)
		all[id] = known{c, err, row.Hashes}
	}
	return all, nil
}

// GetWith is Get, and says whether the secret is one of the application's: the
// current one or one that still works on. It does not look at the state and method.
// Others may have got the same lists of the application, so they are not to be changed.
func (d *Desk) GetWith(ctx context.Context, id, secret string) (c Client, right bool, err error) {
	k, there, err := d.found.Get(ctx, id)
	switch {
	case err != nil:
		return Client{}, false, err
	case !there:
		return Client{}, false, ErrNotFound
	}
	given, equal := hash(secret), 0
	for _, h := range k.hashes {
		equal |= subtle.ConstantTimeCompare(h, given)
	}
	return k.Client, equal == 1, k.err
}

// In is Get in a transaction that writes.
func (d *Desk) In(ctx context.Context, tx *sql.Tx, id string) (Client, error) {
	row, err := d.o.Store.ClientIn(ctx, tx, id)
	if err != nil {
		return Client{}, err
	}
	return of(row)
}

// Query says which applications a list has: those whose name or id contains
// Text, in State; empty: any.
type Query struct {
	Text, State string
	// Limit is how many at once, at most 500; 0: 100.
	Limit, Offset int
}

// List is the applications by name, and how many there are in all.
func (d *Desk) List(ctx context.Context, q Query) (all []Client, total int, err error) {
	rows, total, err := d.o.Store.Clients(ctx, store.ClientQuery{Text: q.Text, State: q.State,
		Limit: min(max(orDefault(q.Limit, 100), 1), maxList), Offset: max(q.Offset, 0)})
	if err != nil {
		return nil, 0, err
	}
	all = make([]Client, len(rows))
	for i, row := range rows {
		if all[i], err = of(row); err != nil {
			return nil, 0, err
		}
	}
	return all, total, nil
}

// change runs fn in a transaction with the application as it is now.
func (d *Desk) change(ctx context.Context, id string, fn func(tx *sql.Tx, c Client) error) error {
	return d.o.Journal.Write(ctx, func(tx *sql.Tx) error {
		c, err := d.In(ctx, tx, id)
		if err != nil {
			return err
		}
		return fn(tx, c)
	})
}

func (d *Desk) put(ctx context.Context, tx *sql.Tx, c Client) error {
	row, err := c.row()
	if err != nil {
		return err
	}
	return d.o.Store.UpdateClient(ctx, tx, row)
}

func (d *Desk) revoke(ctx context.Context, tx *sql.Tx, id string) error {
	if d.OnRevoke == nil {
		return nil
	}
	return d.OnRevoke(ctx, tx, id)
}

func (d *Desk) insertSecret(ctx context.Context, tx *sql.Tx, client, secret string, now time.Time) error {
	return d.o.Store.InsertSecret(ctx, tx, &store.Secret{ID: id.New("sec"), Client: client, Hash: hash(secret), MadeAt: now})
}

// now is the clock as the database keeps it.
func (d *Desk) now() time.Time { return d.o.Now().UTC().Truncate(time.Microsecond) }

func newSecret() string {
	raw := make([]byte, secretLen)
	// crypto/rand.Read never fails: it ends the process instead.
	_, _ = rand.Read(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

func hash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func (c *Client) row() (*store.Client, error) {
	text, err := json.Marshal(c.Metadata)
	if err != nil {
		return nil, fmt.Errorf("write the metadata of an application: %w", err)
	}
	return &store.Client{ID: c.ID, Name: c.Name, State: c.State, Metadata: string(text), MadeAt: c.MadeAt, ChangedAt: c.ChangedAt}, nil
}

func of(r *store.Client) (Client, error) {
	c := Client{ID: r.ID, State: r.State, MadeAt: r.MadeAt, ChangedAt: r.ChangedAt}
	if err := json.Unmarshal([]byte(r.Metadata), &c.Metadata); err != nil {
		return Client{}, fmt.Errorf("read the metadata of the application %s: %w", r.ID, err)
	}
	return c, nil
}
