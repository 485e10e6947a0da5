package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/platform/db"
)

// The states of a device's request.
const (
	DevicePending  = "pending"
	DeviceApproved = "approved"
	DeviceDenied   = "denied"
)

// Device is a device's request as it is kept.
type Device struct {
	// Hash is the SHA-256 of the device's code, UserHash a MAC of the person's.
	Hash, UserHash []byte
	Client         string
	// Data is JSON.
	Data  string
	State string
	// Spacing is how long the device is to wait between its questions.
	Spacing                     time.Duration
	PolledAt, MadeAt, ExpiresAt time.Time
}

// InsertDevice writes a new request. False means that a live one has its UserHash.
func (s *Store) InsertDevice(ctx context.Context, tx *sql.Tx, r *Device) (bool, error) {
	n, err := db.Change(ctx, tx, "write a device's request", `INSERT INTO device_codes (hash, user_hash, client, data, state, spacing, polled_at, made_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (user_hash) DO NOTHING`,
		r.Hash, r.UserHash, r.Client, r.Data, r.State, r.Spacing.Microseconds(), db.Micros(r.PolledAt), db.Micros(r.MadeAt), db.Micros(r.ExpiresAt))
	return n == 1, err
}

// Device is the request with the hash, or nil.
func (s *Store) Device(ctx context.Context, hash []byte) (*Device, error) {
	r, err := device(ctx, s.db.Read, `hash = $1`, hash)
	return r, db.Coded(err)
}

// DeviceOf is the request with the UserHash that waits for its person at now, or
// nil.
func (s *Store) DeviceOf(ctx context.Context, userHash []byte, now time.Time) (*Device, error) {
	r, err := device(ctx, s.db.Read, `user_hash = $1 AND state = 'pending' AND expires_at > $2`, userHash, db.Micros(now))
	return r, db.Coded(err)
}

func device(ctx context.Context, q querier, where string, args ...any) (*Device, error) {
	var r Device
	var spacing, polled, made, expires int64
	err := q.QueryRowContext(ctx, `SELECT hash, user_hash, client, data, state, spacing, polled_at, made_at, expires_at FROM device_codes WHERE `+where, args...).
		Scan(&r.Hash, &r.UserHash, &r.Client, &r.Data, &r.State, &spacing, &polled, &made, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("read a device's request", err)
	}
	r.Spacing = time.Duration(spacing) * time.Microsecond
	r.PolledAt, r.MadeAt, r.ExpiresAt = db.FromMicros(polled), db.FromMicros(made), db.FromMicros(expires)
	return &r, nil
}

// WaitingDevices counts the requests of the client that are not over at now.
func (s *Store) WaitingDevices(ctx context.Context, tx *sql.Tx, client string, now time.Time) (n int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM device_codes WHERE client = $1 AND expires_at > $2`, client, db.Micros(now)).Scan(&n)
	return n, wrap("count the devices that wait", err)
}

// DecideDevice notes what an account decided in its session. False means that the
// device waits no more, or that the session does not live.
func (s *Store) DecideDevice(ctx context.Context, tx *sql.Tx, hash []byte, account, session, state, data string, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "decide a device's request", `UPDATE device_codes SET state = $1, data = $2, account = $3
		WHERE hash = $4 AND state = 'pending' AND expires_at > $5 AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = $6 AND s.account = $3
			AND s.ended_at IS NULL AND s.idle_until > $5 AND s.ends_at > $5)`, state, data, account, hash, db.Micros(now), session)
	return n == 1, err
}

// DenyDevices takes back what the account approved for the client (empty: for any)
// and no device has taken yet.
func (s *Store) DenyDevices(ctx context.Context, tx *sql.Tx, account, client string) error {
	_, err := db.Change(ctx, tx, "deny devices", `UPDATE device_codes SET state = 'denied'
		WHERE account = $1 AND ($2 = '' OR client = $2) AND state = 'approved'`, account, client)
	return err
}

// PollDevice notes that a device whose person has not decided asks at now. False
// means that it asks too soon; it is then to wait for longer by more.
func (s *Store) PollDevice(ctx context.Context, tx *sql.Tx, hash []byte, now time.Time, more time.Duration) (inTime bool, err error) {
	n, err := db.Change(ctx, tx, "note a device's question", `UPDATE device_codes SET polled_at = $1
		WHERE hash = $2 AND polled_at + spacing <= $1`, db.Micros(now), hash)
	if err != nil || n == 1 {
		return n == 1, err
	}
	_, err = db.Change(ctx, tx, "slow a device down", `UPDATE device_codes SET polled_at = $1, spacing = spacing + $2
		WHERE hash = $3`, db.Micros(now), more.Microseconds(), hash)
	return false, err
}

// TakeDevice uses an approved request up. False means that somebody else did, or
// that it is not approved.
func (s *Store) TakeDevice(ctx context.Context, tx *sql.Tx, hash []byte, now time.Time) (bool, error) {
	n, err := db.Change(ctx, tx, "use a device's request", `UPDATE device_codes SET state = 'used'
		WHERE hash = $1 AND state = 'approved' AND expires_at > $2`, hash, db.Micros(now))
	return n == 1, err
}
