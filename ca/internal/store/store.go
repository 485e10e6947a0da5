// Package store is the SQL of the certificate authority: certificates,
// revocations and join tokens, on SQLite and PostgreSQL alike.
//
// What writes takes the caller's transaction, so that an action, its audit
// entry and its jobs are one. Every such transaction appends to the audit log
// first, which puts the writers of several nodes in a row; the sequence of
// revocations relies on that.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"guildhall/ca/internal/profile"
	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrNotFound says that there is no such certificate.
var ErrNotFound = fault.New(fault.NotFound, "certificate_not_found", "There is no certificate with this id or serial number. Look it up in the list.")

// ErrRevoked says that what was asked needs a certificate that is not revoked.
var ErrRevoked = fault.New(fault.Conflict, "certificate_revoked", "The certificate is revoked. It cannot be renewed; ask for a new one.")

// Prefix begins the ids of certificates.
const Prefix = "crt"

// MaxWarning is how long before its end a certificate counts as expiring, at
// most: RenewAt is never earlier.
const MaxWarning = 30 * 24 * time.Hour

// The issuers of revocations.
const (
	Issuing = "issuing"
	Root    = "root"
)

// Store reads and writes the tables. It is safe for concurrent use.
type Store struct {
	db     *db.DB
	counts memo[Counts]
	days   memo[[]Day]
}

// New makes a store on the service's database.
func New(d *db.DB) *Store { return &Store{db: d} }

// SerialText is how serial numbers are written: lower-case hex.
func SerialText(serial *big.Int) string { return profile.SerialText(serial) }

// Record is a certificate as it is kept.
type Record struct {
	ID         string
	Serial     string
	Profile    string
	CommonName string
	// Names are the alternative names, "dns:shop.example.com".
	Names   []string
	KeyType string
	// KeyID is the SHA-256 of the public key in hex.
	KeyID string
	// KeyMade says that the authority made the private key.
	KeyMade bool
	// Requester is who asked for it: the audit log's actor.
	Requester string
	IssuedAt  time.Time
	NotBefore time.Time
	NotAfter  time.Time
	// RenewAt is the moment from which it counts as expiring.
	RenewAt time.Time
	// Renews and RenewedBy are ids of its predecessor and successor, or empty.
	Renews, RenewedBy string
	// RevokedAt is zero while it is not revoked; Reason is RFC 5280's number.
	RevokedAt time.Time
	Reason    int
	DER       []byte
	// SealedKey is the private key, if it is kept. Only KeyOf reads it.
	SealedKey []byte
}

// Revoked says whether the certificate is revoked.
func (r *Record) Revoked() bool { return !r.RevokedAt.IsZero() }

const columns = `id, serial, profile, common_name, sans, key_type, key_id, key_made, requester, issued_at, not_before,
	not_after, renew_at, renews, renewed_by, revoked_at, reason, der`

type scanner interface{ Scan(into ...any) error }

func scan(row scanner) (*Record, error) {
	var r Record
	var names string
	var issued, before, after, renew int64
	var renews, renewedBy sql.NullString
	var revoked, reason sql.NullInt64
	err := row.Scan(&r.ID, &r.Serial, &r.Profile, &r.CommonName, &names, &r.KeyType, &r.KeyID, &r.KeyMade, &r.Requester,
		&issued, &before, &after, &renew, &renews, &renewedBy, &revoked, &reason, &r.DER)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(names), &r.Names); err != nil {
		return nil, fmt.Errorf("read the names of %s: %w", r.ID, err)
	}
	r.IssuedAt, r.NotBefore, r.NotAfter, r.RenewAt = db.FromMicros(issued), db.FromMicros(before), db.FromMicros(after), db.FromMicros(renew)
	r.Renews, r.RenewedBy, r.Reason = renews.String, renewedBy.String, int(reason.Int64)
	if revoked.Valid {
		r.RevokedAt = db.FromMicros(revoked.Int64)
	}
	return &r, nil
}

// querier is a transaction or the read pool.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (s *Store) one(ctx context.Context, q querier, rest string, args ...any) (*Record, error) {
	r, err := scan(q.QueryRowContext(ctx, `SELECT `+columns+` FROM certificates `+rest, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read a certificate: %w", err))
	}
	return r, nil
}

func collect(rows *sql.Rows, err error) (all []*Record, _ error) {
	if err != nil {
		return nil, db.Coded(fmt.Errorf("read certificates: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read certificates: %w", err)
		}
		all = append(all, r)
	}
	return all, db.Coded(rows.Err())
}
