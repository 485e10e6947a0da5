package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"guildhall/platform/db"
)

// batch is the certificates that one transaction writes.
type batch struct {
	// high is when the last certificate was issued before the transaction.
	high    time.Time
	err     error
	records []*Record
	members []int // whose each record is
}

// Insert has a new certificate written with the others of its transaction,
// right before the commit, and returns the latest moment at which one was issued
// before, for the guard of the clock. The certificate that r renews is linked to
// it; if that one is revoked, the commit fails with ErrRevoked. It fails with a
// CompromisedError if one for the same key was revoked for that. The transaction
// must have appended to the audit log, so that no other node issues or revokes
// until it ends.
func (s *Store) Insert(ctx context.Context, tx *sql.Tx, r *Record) (high time.Time, err error) {
	b, ok := s.db.Local(tx, s, func() any { return s.gather(ctx, tx) }).(*batch)
	if !ok {
		return high, errors.New("write the certificate: not a transaction of this database")
	}
	if b.err != nil {
		return high, b.err
	}
	b.records, b.members = append(b.records, r), append(b.members, s.db.Member(tx))
	return b.high, nil
}

func (s *Store) gather(ctx context.Context, tx *sql.Tx) *batch {
	ctx = context.WithoutCancel(ctx) // others have a part in the transaction
	b := &batch{}
	b.high, b.err = highWater(ctx, tx)
	s.db.BeforeCommit(tx, func() error { return s.write(ctx, tx, b) })
	return b
}

var insertColumns = []string{"id", "serial", "profile", "common_name", "sans", "search", "key_type", "key_id", "key_made",
	"requester", "issued_at", "not_before", "not_after", "renew_at", "renews", "der", "sealed_key"}

// write inserts the certificates, unless a key is compromised, and links those
// that they renew to them.
func (s *Store) write(ctx context.Context, tx *sql.Tx, b *batch) error {
	if err := s.refuseCompromised(ctx, tx, b); err != nil {
		return err
	}
	rows := make([][]any, len(b.records))
	successors := map[string]string{}
	for i, r := range b.records {
		var err error
		if rows[i], err = r.values(); err != nil {
			return err
		}
		if r.Renews != "" {
			successors[r.Renews] = r.ID
		}
	}
	if err := s.db.Insert(ctx, tx, "certificates", insertColumns, rows); err != nil {
		return fmt.Errorf("write certificates: %w", err)
	}
	return s.link(ctx, tx, b, successors)
}

func (r *Record) values() ([]any, error) {
	names, err := json.Marshal(r.Names)
	if err != nil {
		return nil, fmt.Errorf("write the names: %w", err)
	}
	return []any{r.ID, r.Serial, r.Profile, r.CommonName, string(names), searchText(r), r.KeyType, r.KeyID,
		r.KeyMade, r.Requester, db.Micros(r.IssuedAt), db.Micros(r.NotBefore), db.Micros(r.NotAfter), db.Micros(r.RenewAt),
		optional(r.Renews), r.DER, r.SealedKey}, nil
}

// maxSearch bounds the searchable text: an index row of PostgreSQL takes at
// most 2,700 bytes.
const maxSearch = 1000

// searchText is what a search looks into: profile, serial and as many names as
// fit.
func searchText(r *Record) string {
	text := strings.ToLower(strings.Join(append([]string{r.Serial, r.Profile, r.CommonName}, r.Names...), " "))
	if len(text) > maxSearch {
		text = strings.ToValidUTF8(text[:maxSearch], "")
	}
	return text
}

func optional(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }
