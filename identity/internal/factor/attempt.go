package factor

import (
	"context"
	"database/sql"
	"errors"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

// try is one attempt to show who somebody is.
type try struct {
	// account is whose factor it is; empty as long as that is not known.
	account string
	by      audit.Caller
	keys    []throttle.Key
}

// guess is a try at a secret that could be guessed: it counts for the account.
func guess(account string, by audit.Caller) *try {
	return &try{account, by, []throttle.Key{throttle.Account("factor:" + account), throttle.Address(by.From)}}
}

// attempt counts a try, lets look say how it is, and records a refusal. What
// look finds right it settles.
func (d *Desk) attempt(ctx context.Context, t *try, look func() error) error {
	if err := d.gate.Allow(ctx, t.keys...); err != nil {
		return err
	}
	err := look()
	if kind := fault.As(err).Kind; err == nil || kind == fault.Internal || kind == fault.Unavailable {
		return err // a failure of ours: it counts, and is nobody's guess
	}
	// Whoever guesses must not get rid of the count by hanging up.
	if failed := d.refuse(context.WithoutCancel(ctx), t, err); failed != nil {
		d.journal.Log.ErrorContext(ctx, "a refused factor was not recorded in the audit log", "err", failed)
	}
	return err
}

// settle writes what a right try changes, and takes its count back.
func (d *Desk) settle(ctx context.Context, t *try, write func(tx *sql.Tx) error) error {
	return d.change(ctx, func(tx *sql.Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		return d.gate.SucceededIn(ctx, tx, t.by, t.keys...)
	})
}

func (d *Desk) refuse(ctx context.Context, t *try, reason error) error {
	action := journal.FactorRefused
	if errors.Is(reason, ErrPasskeySuspected) {
		action = journal.PasskeySuspected
	}
	return d.change(ctx, func(tx *sql.Tx) error {
		if err := d.gate.FailedIn(ctx, tx, t.by, t.keys...); err != nil {
			return err
		}
		return d.journal.Append(ctx, tx, t.by, action, t.account, map[string]any{"code": fault.As(reason).Code})
	})
}

// add is change for what is added in a session that must live; else the error is
// session.ErrNone.
func (d *Desk) add(ctx context.Context, o Owner, write func(tx *sql.Tx) error) error {
	return d.change(ctx, func(tx *sql.Tx) error {
		if err := d.sessions.Lives(ctx, tx, o.Account, o.Session); err != nil {
			return err
		}
		return write(tx)
	})
}

// change runs write in a transaction in which nobody else writes.
func (d *Desk) change(ctx context.Context, write func(tx *sql.Tx) error) error {
	return d.journal.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := d.journal.Begin(ctx, tx); err != nil {
			return err
		}
		return write(tx)
	})
}
