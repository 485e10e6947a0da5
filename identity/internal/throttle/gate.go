// Package throttle slows guessing down: of one account's secrets from wherever,
// and from one address at whatever.
//
// A try is counted before it is looked at. So a thousand tries at once are no
// better than a thousand in a row: the first few are looked at, the others are
// refused. Whoever turns out to be right gets his count back.
package throttle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"log/slog"
	"math"
	"time"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/limit"
)

// ErrThrottled matches the error of a try that comes too early. It carries the
// time to wait; its argument Seconds is that time rounded up.
var ErrThrottled = fault.New(fault.TooMany, "too_many_attempts", "There were too many attempts that failed. Wait a moment and try again.")

const (
	// accountFree and addressFree are how many failures have no consequence. An
	// address has more: behind it may be a whole office.
	accountFree = 5
	addressFree = 20
	// firstDelay doubles with each further failure, up to maxDelay.
	firstDelay = time.Second
	maxDelay   = 15 * time.Minute
	// memory is how long a failure counts when nothing follows it.
	memory = 24 * time.Hour
)

// Key is what tries are counted by.
type Key struct {
	kind, name string
	free       int
	shared     bool
}

// Account counts the tries at one secret: throttle.Account("sign-in:" + email),
// throttle.Account("totp:" + accountID). A success forgets its failures.
func Account(name string) Key { return Key{kind: "account", name: name, free: accountFree} }

// Address counts the tries from a network address, of IPv6 from a /64 network. A
// success takes back its own count only, so that nobody clears his address by
// signing in to an account of his own.
func Address(from string) Key {
	return Key{kind: "address", name: limit.AddrKey(from), free: addressFree, shared: true}
}

// Options is what a Gate needs; all of it.
type Options struct {
	DB      *db.DB
	Store   *store.Store
	Journal *audit.Journal
	// Key hides what the keys say in the database: seal.Key's Derive("attempts").
	Key []byte
	Now func() time.Time
	Log *slog.Logger
}

// Gate counts tries. It is safe for concurrent use, also by several nodes.
type Gate struct {
	db      *db.DB
	store   *store.Store
	journal *audit.Journal
	key     []byte
	now     func() time.Time
	log     *slog.Logger
}

// New makes a gate.
func New(o Options) *Gate {
	return &Gate{db: o.DB, store: o.Store, journal: o.Journal, key: o.Key, now: o.Now, log: o.Log}
}

// Allow counts a try for each key before it is looked at, or refuses it with
// ErrThrottled and counts nothing. After it, exactly one of Failed, Succeeded and
// Release is called with the same keys; a try that a crash cuts off has failed.
func (g *Gate) Allow(ctx context.Context, keys ...Key) error {
	var wait time.Duration
	err := g.db.Group(ctx, func(tx *sql.Tx) (err error) {
		if err = g.journal.Begin(ctx, tx); err != nil {
			return err
		}
		wait, err = g.take(ctx, tx, keys)
		return err
	})
	if err != nil {
		return err
	}
	if wait > 0 {
		return refuse(wait)
	}
	return nil
}

// take counts a try for each key, or says how long all are to wait.
func (g *Gate) take(ctx context.Context, tx *sql.Tx, keys []Key) (wait time.Duration, err error) {
	now := g.now()
	rows := make([]store.Attempts, len(keys))
	for i, k := range keys {
		if rows[i], err = g.attempts(ctx, tx, k, now); err != nil {
			return 0, err
		}
		wait = max(wait, rows[i].BlockedUntil.Sub(now))
	}
	if wait > 0 {
		return wait, nil
	}
	for i, k := range keys {
		rows[i].Failures++
		rows[i].BlockedUntil = now.Add(delay(rows[i].Failures - k.free))
		rows[i].UpdatedAt = now
		if err := g.store.SetAttempts(ctx, tx, rows[i]); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// attempts are a key's, none if the last is too long ago.
func (g *Gate) attempts(ctx context.Context, tx *sql.Tx, k Key, now time.Time) (store.Attempts, error) {
	a, err := g.store.Attempts(ctx, tx, g.row(k))
	if err == nil && now.Sub(a.UpdatedAt) > memory {
		a.Failures, a.BlockedUntil = 0, time.Time{}
	}
	return a, err
}

// row is the key as the database has it.
func (g *Gate) row(k Key) string {
	m := hmac.New(sha256.New, g.key)
	m.Write([]byte(k.kind + "\x00" + k.name))
	return k.kind + ":" + hex.EncodeToString(m.Sum(nil)[:16])
}

// delay is how long to wait after so many failures beyond the free ones; the
// last free one is the first that has a consequence.
func delay(beyond int) time.Duration {
	if beyond < 0 {
		return 0
	}
	// The 10th doubling is beyond maxDelay.
	return min(maxDelay, firstDelay<<min(beyond, 10))
}

// Failed says that the try was wrong. What is blocked now is recorded.
func (g *Gate) Failed(ctx context.Context, by audit.Caller, keys ...Key) error {
	return g.db.Group(ctx, func(tx *sql.Tx) error {
		if err := g.journal.Begin(ctx, tx); err != nil {
			return err
		}
		return g.FailedIn(ctx, tx, by, keys...)
	})
}

// FailedIn is Failed in the caller's transaction, which began with the journal.
func (g *Gate) FailedIn(ctx context.Context, tx *sql.Tx, by audit.Caller, keys ...Key) error {
	now := g.now()
	for _, k := range keys {
		a, err := g.attempts(ctx, tx, k, now)
		if err != nil {
			return err
		}
		wait := a.BlockedUntil.Sub(now)
		if a.Failures < k.free || wait <= 0 {
			continue
		}
		err = g.journal.Append(ctx, tx, by, journal.Locked, a.Key, map[string]any{"failures": a.Failures, "seconds": seconds(wait)})
		if err != nil {
			return err
		}
	}
	return nil
}

// Succeeded says that the try was right, and takes its count back. A block that
// this ends is recorded.
func (g *Gate) Succeeded(ctx context.Context, by audit.Caller, keys ...Key) error {
	return g.db.Group(ctx, func(tx *sql.Tx) error {
		if err := g.journal.Begin(ctx, tx); err != nil {
			return err
		}
		return g.SucceededIn(ctx, tx, by, keys...)
	})
}

// SucceededIn is Succeeded in the caller's transaction, which began with the
// journal.
func (g *Gate) SucceededIn(ctx context.Context, tx *sql.Tx, by audit.Caller, keys ...Key) error {
	for _, k := range keys {
		if err := g.giveBack(ctx, tx, by, k, 1, k.shared); err != nil {
			return err
		}
	}
	return nil
}

// Release takes back the count of a try that was not looked at after all.
func (g *Gate) Release(ctx context.Context, keys ...Key) error {
	return g.db.Group(ctx, func(tx *sql.Tx) error {
		if err := g.journal.Begin(ctx, tx); err != nil {
			return err
		}
		for _, k := range keys {
			if err := g.giveBack(ctx, tx, audit.Caller{}, k, 1, true); err != nil {
				return err
			}
		}
		return nil
	})
}

// ClearIn forgets all failures of the keys in the caller's transaction, which
// began with the journal: somebody has proved by other means who he is.
func (g *Gate) ClearIn(ctx context.Context, tx *sql.Tx, by audit.Caller, keys ...Key) error {
	for _, k := range keys {
		if err := g.giveBack(ctx, tx, by, k, 0, false); err != nil {
			return err
		}
	}
	return nil
}

// giveBack takes own tries out of a key's count, which undoes the block that
// they began, and forgets the others unless it is to keep them. When that unlocks
// the key, it is recorded.
func (g *Gate) giveBack(ctx context.Context, tx *sql.Tx, by audit.Caller, k Key, own int, keep bool) error {
	now := g.now()
	a, err := g.attempts(ctx, tx, k, now)
	if err != nil {
		return err
	}
	others := max(0, a.Failures-own)
	a.Failures, a.BlockedUntil, a.UpdatedAt = others, time.Time{}, now
	if !keep {
		a.Failures = 0
	}
	if err := g.store.SetAttempts(ctx, tx, a); err != nil || keep || others < k.free {
		return err
	}
	return g.journal.Append(ctx, tx, by, journal.Unlocked, a.Key, map[string]any{"failures": others})
}

// Until is when the next try with the keys is looked at; zero: at once.
func (g *Gate) Until(ctx context.Context, keys ...Key) (time.Time, error) {
	var until time.Time
	for _, k := range keys {
		a, err := g.store.AttemptsNow(ctx, g.row(k))
		if err != nil {
			return time.Time{}, err
		}
		if a.BlockedUntil.After(g.now()) && a.BlockedUntil.After(until) {
			until = a.BlockedUntil
		}
	}
	return until, nil
}

// Clean forgets what no longer counts; a periodic job calls it.
func (g *Gate) Clean(ctx context.Context) error {
	return g.db.Group(ctx, func(tx *sql.Tx) error {
		if err := g.journal.Begin(ctx, tx); err != nil {
			return err
		}
		_, err := g.store.DeleteAttempts(ctx, tx, g.now().Add(-memory))
		return err
	})
}

func refuse(wait time.Duration) error {
	return ErrThrottled.With(map[string]any{"Seconds": seconds(wait)}).After(wait)
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
