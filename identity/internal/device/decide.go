package device

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
)

// Find is the device that waits with the code, however it is written, else
// ErrUserCode. Guessing is slowed down by account (by.Actor) and address:
// throttle.ErrThrottled.
func (d *Desk) Find(ctx context.Context, userCode string, by audit.Caller) (Pending, error) {
	row, code, err := d.find(ctx, userCode, by)
	if err != nil {
		return Pending{}, err
	}
	return pending(code, row)
}

// find counts a try and looks at the code.
func (d *Desk) find(ctx context.Context, userCode string, by audit.Caller) (*store.Device, string, error) {
	keys := []throttle.Key{throttle.Address(by.From)}
	if by.Actor != "" {
		keys = append(keys, throttle.Account("device:"+by.Actor))
	}
	if err := d.o.Gate.Allow(ctx, keys...); err != nil {
		return nil, "", err
	}
	row, code, err := d.look(ctx, userCode)
	switch {
	case err != nil:
		return nil, "", err
	case row == nil:
		if err := d.o.Gate.Failed(ctx, by, keys...); err != nil {
			return nil, "", err
		}
		return nil, "", ErrUserCode
	}
	// It is not counted, and forgives nothing: whoever guesses can have right codes
	// of his own in between.
	return row, code, d.o.Gate.Release(ctx, keys...)
}

func (d *Desk) look(ctx context.Context, userCode string) (*store.Device, string, error) {
	code, ok := typed(userCode)
	if !ok {
		return nil, "", nil
	}
	row, err := d.o.Store.DeviceOf(ctx, d.userHash(code), d.now())
	return row, code, err
}

// Decide allows the device that waits with the code what it asked for, or denies
// it, and records it. as.Session must live. The error is as Find's.
func (d *Desk) Decide(ctx context.Context, userCode string, approve bool, as Who, by audit.Caller) error {
	row, _, err := d.find(ctx, userCode, by)
	if err != nil {
		return err
	}
	v, err := read(row)
	if err != nil {
		return err
	}
	action, state := journal.DeviceDenied, store.DeviceDenied
	if approve {
		action, state = journal.DeviceApproved, store.DeviceApproved
		v.Who = as
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write a device's request: %w", err)
	}
	detail := map[string]any{"client": row.Client, "scopes": v.Scopes.String(), "device_from": v.From}
	return d.o.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := d.o.Journal.Append(ctx, tx, by, action, as.Account, detail); err != nil {
			return err
		}
		decided, err := d.o.Store.DecideDevice(ctx, tx, row.Hash, as.Account, as.Session, state, string(text), d.now())
		if err == nil && !decided {
			err = ErrUserCode
		}
		return err
	})
}
