package device

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
)

// data is what the database keeps of a request in one column.
type data struct {
	Scopes    oauth.Scopes `json:"scopes,omitempty"`
	Audiences []string     `json:"audiences,omitempty"`
	From      string       `json:"from,omitempty"`
	// Who is zero until somebody has approved it.
	Who Who `json:"who,omitzero"`
}

// maxSame bounds how often a new code turns out to be another device's.
const maxSame = 5

// errSame says that a code is another device's.
var errSame = errors.New("the codes of devices are exhausted")

// Begin gives a device of the client its codes. The client was authenticated.
func (d *Desk) Begin(ctx context.Context, clientID string, scopes oauth.Scopes, audiences []string, by audit.Caller) (Code, error) {
	text, err := json.Marshal(data{Scopes: scopes, Audiences: audiences, From: by.From})
	if err != nil {
		return Code{}, fmt.Errorf("write a device's request: %w", err)
	}
	for range maxSame {
		c, err := d.begin(ctx, clientID, string(text))
		if !errors.Is(err, errSame) {
			return c, err
		}
	}
	return Code{}, errSame
}

func (d *Desk) begin(ctx context.Context, clientID, text string) (Code, error) {
	now, userCode := d.now(), newUserCode()
	c := Code{DeviceCode: rand.Text(), UserCode: shown(userCode), ExpiresIn: Life, Interval: Interval}
	row := &store.Device{Hash: hash(c.DeviceCode), UserHash: d.userHash(userCode), Client: clientID, Data: text, State: store.DevicePending,
		Spacing: Interval, PolledAt: now.Add(-Interval), MadeAt: now, ExpiresAt: now.Add(Life)}
	err := d.o.Journal.Group(ctx, func(tx *sql.Tx) error {
		waiting, err := d.o.Store.WaitingDevices(ctx, tx, clientID, now)
		if err != nil {
			return err
		}
		if waiting >= maxWaiting {
			return ErrFull
		}
		written, err := d.o.Store.InsertDevice(ctx, tx, row)
		if err == nil && !written {
			err = errSame
		}
		return err
	})
	if err != nil {
		return Code{}, err
	}
	return c, nil
}

func read(r *store.Device) (v data, err error) {
	if err := json.Unmarshal([]byte(r.Data), &v); err != nil {
		return data{}, fmt.Errorf("read a device's request: %w", err)
	}
	return v, nil
}

func pending(code string, r *store.Device) (Pending, error) {
	v, err := read(r)
	return Pending{ClientID: r.Client, UserCode: shown(code), Scopes: v.Scopes, Audiences: v.Audiences, MadeAt: r.MadeAt, ExpiresAt: r.ExpiresAt, From: v.From}, err
}
