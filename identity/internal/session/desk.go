package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/id"
)

// Lifetimes of sessions when the configuration says nothing, and how long the
// second factor may take.
const (
	DefaultIdle     = 12 * time.Hour
	DefaultAbsolute = 30 * 24 * time.Hour
	PendingLife     = 10 * time.Minute
)

const (
	prefix = "ses"
	// touchEvery spaces the writes that only say that a session is used.
	touchEvery = time.Minute
	// maxUserAgent and maxFrom bound what a browser can make us keep, in bytes.
	maxUserAgent = 300
	maxFrom      = 64
)

// Desk begins, finds and ends sessions. It is safe for concurrent use.
type Desk struct {
	Store   *store.Store
	Journal *audit.Journal
	Log     *slog.Logger
	Now     func() time.Time
	// Idle is how long a session lasts without being used, Absolute how long in
	// all; 0 is the default.
	Idle, Absolute time.Duration
	// Ended, unless nil, is called in each transaction that ends sessions or all
	// that an account has allowed; that began with the journal.
	Ended func(ctx context.Context, tx *sql.Tx, e Ended) error
}

// Start is who signed in, how and from where.
type Start struct {
	Account string
	Level   Level
	Methods []string
	// PasswordSetAt, unless zero, is the age of the password that was checked: a
	// session does not begin on one that was changed in the meantime.
	PasswordSetAt time.Time
	// ByFactor says that a second factor was shown: a session does not begin when the
	// account has none any more.
	ByFactor  bool
	UserAgent string
	From      string
}

// Start begins a session of an account that is not disabled, else ErrNoAccount.
// The token is known only now.
func (d *Desk) Start(ctx context.Context, s Start) (token string, _ Session, err error) {
	if s.Level < Pending || s.Level > Strong {
		return "", Session{}, fmt.Errorf("start a session: no such level: %d", s.Level)
	}
	token = rand.Text()
	now := d.now()
	idle, ends := d.bounds(s.Level, now, now)
	r := &store.Session{ID: id.New(prefix), Account: s.Account, Hash: hash(token), Level: int(s.Level), Methods: slices.Clone(s.Methods),
		MadeAt: now, SeenAt: now, AuthenticatedAt: now, IdleUntil: idle, EndsAt: ends,
		UserAgent: printable(s.UserAgent, maxUserAgent), From: printable(s.From, maxFrom)}
	err = d.Journal.DB.Group(ctx, func(tx *sql.Tx) error {
		by := audit.Caller{Actor: s.Account, From: r.From}
		detail := map[string]any{"level": s.Level.String(), "methods": strings.Join(r.Methods, " ")}
		if err := d.Journal.Append(ctx, tx, by, journal.SessionStarted, r.ID, detail); err != nil {
			return err
		}
		good, err := d.factorStays(ctx, tx, s)
		if err == nil && good {
			good, err = d.Store.InsertSession(ctx, tx, r, s.PasswordSetAt)
		}
		if err == nil && !good {
			err = ErrNoAccount
		}
		return err
	})
	if err != nil {
		return "", Session{}, err
	}
	return token, of(r), nil
}

// factorStays says whether the second factor that was shown may still be there.
func (d *Desk) factorStays(ctx context.Context, tx *sql.Tx, s Start) (bool, error) {
	if !s.ByFactor {
		return true, nil
	}
	return d.Store.HasFactor(ctx, tx, s.Account)
}

// Find is the live session of a token, or ErrNone. It notes at most once a
// minute that the session is used.
func (d *Desk) Find(ctx context.Context, token string) (Session, error) {
	r, err := d.find(ctx, token)
	if err != nil {
		return Session{}, err
	}
	if d.Unnoted(r.SeenAt) {
		d.touch(ctx, r, d.now())
	}
	return of(r), nil
}

func (d *Desk) find(ctx context.Context, token string) (*store.Session, error) {
	if token == "" {
		return nil, ErrNone
	}
	r, err := d.Store.LiveSession(ctx, hash(token), d.now())
	if errors.Is(err, store.ErrSessionNotFound) {
		return nil, ErrNone
	}
	return r, err
}

// touch keeps a session from idling away. That it fails must sign nobody out
// while the database only cannot be written.
func (d *Desk) touch(ctx context.Context, r *store.Session, now time.Time) {
	idle, _ := d.bounds(Level(r.Level), r.MadeAt, now)
	if r.EndsAt.Before(idle) {
		idle = r.EndsAt
	}
	// One row and no audit entry: it need not wait for the log's other writers.
	err := d.Journal.DB.WithTx(ctx, func(tx *sql.Tx) error { return d.Store.TouchSession(ctx, tx, r.ID, r.Hash, now, idle) })
	if err != nil && ctx.Err() == nil {
		d.Log.WarnContext(ctx, "the use of a session was not noted, so it may end early", "session", r.ID, "err", err)
	}
	if err == nil {
		r.SeenAt, r.IdleUntil = now, idle
	}
}

// Use notes in the caller's transaction that the session is used by other means
// than its token. It does nothing when it is over.
func (d *Desk) Use(ctx context.Context, tx *sql.Tx, sessionID string) error {
	now := d.now()
	return d.Store.UseSession(ctx, tx, sessionID, int(Password), now, now.Add(orDefault(d.Idle, DefaultIdle)))
}

// Lives is nil while the account's session lives and is signed in, in the caller's
// transaction, which began with the journal; else ErrNone. A request may have found
// it long before.
func (d *Desk) Lives(ctx context.Context, tx *sql.Tx, account, sessionID string) error {
	lives, err := d.Store.SessionLives(ctx, tx, account, sessionID, int(Password), d.now())
	if err == nil && !lives {
		err = ErrNone
	}
	return err
}

// Unnoted says whether a use now of a session that was last used at seen is to be
// noted.
func (d *Desk) Unnoted(seen time.Time) bool { return d.now().Sub(seen) >= touchEvery }

// Raise notes that the owner of the token has shown who it is by one more
// method, and replaces the token; the old one is dead. The level never falls. A
// pending session is raised to Strong alone, else ErrSecondFactor. Of two who
// raise the same token at once, one gets ErrNone. from is the address that asks.
func (d *Desk) Raise(ctx context.Context, token string, level Level, method, from string) (newToken string, err error) {
	r, err := d.find(ctx, token)
	if err != nil {
		return "", err
	}
	was := Level(r.Level)
	if was == Pending && level != Strong {
		return "", ErrSecondFactor
	}
	level = max(level, was)
	newToken = rand.Text()
	now := d.now()
	up := *r
	up.Hash, up.Level, up.AuthenticatedAt, up.SeenAt = hash(newToken), int(level), now, now
	up.Methods = with(r.Methods, method)
	up.IdleUntil, up.EndsAt = d.bounds(level, r.MadeAt, now)
	err = d.Journal.DB.Group(ctx, func(tx *sql.Tx) error {
		detail := map[string]any{"old": was.String(), "new": level.String(), "method": method}
		if err := d.Journal.Append(ctx, tx, audit.Caller{Actor: r.Account, From: from}, journal.SessionRaised, r.ID, detail); err != nil {
			return err
		}
		raised, err := d.Store.RaiseSession(ctx, tx, &up, r.Hash, now)
		if err == nil && !raised {
			err = ErrNone
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return newToken, nil
}

// List is the live sessions of an account that are signed in, the most recently
// used first.
func (d *Desk) List(ctx context.Context, account string) ([]Session, error) {
	rows, err := d.Store.SessionsOf(ctx, account, int(Password), d.now())
	if err != nil {
		return nil, err
	}
	all := make([]Session, len(rows))
	for i, r := range rows {
		all[i] = of(r)
	}
	return all, nil
}

// End ends one session of the account, or returns ErrNotFound.
func (d *Desk) End(ctx context.Context, account, sessionID string, by audit.Caller) error {
	return d.Journal.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := d.Journal.Append(ctx, tx, by, journal.SessionEnded, sessionID, map[string]any{"account": account}); err != nil {
			return err
		}
		ended, err := d.Store.EndSession(ctx, tx, account, sessionID, d.now())
		if err == nil && !ended {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		return d.told(ctx, tx, Ended{Account: account, Sessions: []string{sessionID}})
	})
}

// told tells what ended to whom it concerns.
func (d *Desk) told(ctx context.Context, tx *sql.Tx, e Ended) error {
	if d.Ended == nil {
		return nil
	}
	return d.Ended(ctx, tx, e)
}

// SignOut ends the session of a token. A token that opens nothing is no error.
func (d *Desk) SignOut(ctx context.Context, token string, by audit.Caller) error {
	r, err := d.find(ctx, token)
	if errors.Is(err, ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if err = d.End(ctx, r.Account, r.ID, by); errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// EndAll ends every session of the account but except (an id; empty spares
// none) and all that it has allowed outside that session, in the caller's
// transaction, whose audit entry says why.
func (d *Desk) EndAll(ctx context.Context, tx *sql.Tx, account, except string) error {
	_, err := d.endAll(ctx, tx, account, except)
	return err
}

func (d *Desk) endAll(ctx context.Context, tx *sql.Tx, account, except string) (ended int, err error) {
	ids, err := d.Store.EndSessions(ctx, tx, account, except, d.now())
	if err != nil {
		return 0, err
	}
	return len(ids), d.told(ctx, tx, Ended{Account: account, Sessions: ids, All: true, Except: except})
}

// EndOthers is EndAll in a transaction of its own, and says how many sessions
// ended.
func (d *Desk) EndOthers(ctx context.Context, account, except string, by audit.Caller) (ended int, err error) {
	err = d.Journal.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := d.Journal.Append(ctx, tx, by, journal.SessionsEnded, account, map[string]any{"except": except}); err != nil {
			return err
		}
		ended, err = d.endAll(ctx, tx, account, except)
		return err
	})
	return ended, err
}

// Purge deletes the sessions that are over. A periodic job calls it.
func (d *Desk) Purge(ctx context.Context) error {
	return d.Journal.Write(ctx, func(tx *sql.Tx) error {
		return d.Store.PurgeSessions(ctx, tx, d.now())
	})
}

// now is the clock as the database keeps it.
func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Microsecond) }

// bounds are the ends of a session of the level that was made at made and is
// used now.
func (d *Desk) bounds(level Level, made, now time.Time) (idle, ends time.Time) {
	if level == Pending {
		ends = made.Add(PendingLife)
		return ends, ends
	}
	ends = made.Add(orDefault(d.Absolute, DefaultAbsolute))
	idle = now.Add(orDefault(d.Idle, DefaultIdle))
	if ends.Before(idle) {
		idle = ends
	}
	return idle, ends
}

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// with is methods and one more, each once.
func with(methods []string, method string) []string {
	if slices.Contains(methods, method) {
		return methods
	}
	return append(slices.Clone(methods), method)
}

// printable is text as a database and a page can hold it: valid UTF-8 without
// control characters, of at most so many bytes.
func printable(text string, most int) string {
	if len(text) > most {
		text = text[:most]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, text)
}
