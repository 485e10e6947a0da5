package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
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
}

// Insert has a new certificate written with the others of its transaction,
// right before the commit, and returns the latest moment at which one was issued
// before, for the guard of the clock. The transaction must have appended to the
// audit log, so that no other node issues until it ends.
func (s *Store) Insert(ctx context.Context, tx *sql.Tx, r *Record) (high time.Time, err error) {
	b, ok := s.db.Local(tx, s, func() any { return s.gather(ctx, tx) }).(*batch)
	if !ok {
		return high, errors.New("write the certificate: not a transaction of this database")
	}
	if b.err != nil {
		return high, b.err
	}
	b.records = append(b.records, r)
	return b.high, nil
}

func (s *Store) gather(ctx context.Context, tx *sql.Tx) *batch {
	ctx = context.WithoutCancel(ctx) // others have a part in the transaction
	b := &batch{}
	b.high, b.err = highWater(ctx, tx)
	s.db.BeforeCommit(tx, func() error { return insert(ctx, tx, b.records) })
	return b
}

// maxInsert bounds the rows of one statement: PostgreSQL takes 65,535
// parameters, SQLite half of that.
const maxInsert = 256

// insert writes powers of two of rows at a time, so that there are few different
// statements to prepare.
func insert(ctx context.Context, tx *sql.Tx, records []*Record) error {
	for len(records) > 0 {
		n := min(1<<(bits.Len(uint(len(records)))-1), maxInsert)
		var args []any
		for _, r := range records[:n] {
			values, err := r.values()
			if err != nil {
				return err
			}
			args = append(args, values...)
		}
		if _, err := tx.ExecContext(ctx, insertText(n, len(args)/n), args...); err != nil {
			return fmt.Errorf("write %d certificates: %w", n, err)
		}
		records = records[n:]
	}
	return nil
}

func insertText(rows, columns int) string {
	var b strings.Builder
	b.WriteString(`INSERT INTO certificates (id, serial, profile, common_name, sans, search, key_type, key_id,
		key_made, requester, issued_at, not_before, not_after, renew_at, renews, der, sealed_key) VALUES `)
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("($1")
		case i%columns == 0:
			b.WriteString("), ($" + strconv.Itoa(i+1))
		default:
			b.WriteString(", $" + strconv.Itoa(i+1))
		}
	}
	b.WriteString(")")
	return b.String()
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
