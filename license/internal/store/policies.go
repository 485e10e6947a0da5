package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// ErrPolicy says that there is no such policy.
var ErrPolicy = fault.New(fault.NotFound, "policy_not_found", "There is no such policy.")

// Policy is a policy as it is kept.
type Policy struct {
	ID, Product, Name string
	// NameKey is what makes two spellings one name; Body is JSON.
	NameKey, Body string
	// Revision counts the changes.
	Revision          int64
	MadeAt, ChangedAt time.Time
}

const policyColumns = `SELECT id, product, name, name_key, body, revision, made_at, changed_at FROM policies `

func scanPolicy(row scanner) (p Policy, err error) {
	var made, changed int64
	err = row.Scan(&p.ID, &p.Product, &p.Name, &p.NameKey, &p.Body, &p.Revision, &made, &changed)
	p.MadeAt, p.ChangedAt = db.FromMicros(made), db.FromMicros(changed)
	return p, err
}

// Policy is the one with the id, or ErrPolicy.
func (s *Store) Policy(ctx context.Context, id string) (Policy, error) {
	p, err := scanPolicy(s.db.Read.QueryRowContext(ctx, policyColumns+`WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrPolicy.Naming(id)
	}
	return p, db.Coded(err)
}

// Policies are those of a product, or of all; by name.
func (s *Store) Policies(ctx context.Context, product string) ([]Policy, error) {
	return list(ctx, s.db.Read, "list policies", scanPolicy, policyColumns+`WHERE ($1 = '' OR product = $1) ORDER BY name_key, id`, product)
}

// InsertPolicy writes a new policy. False means that another of the product has its name.
func (s *Store) InsertPolicy(ctx context.Context, tx *sql.Tx, p Policy) (bool, error) {
	n, err := db.Change(ctx, tx, "write a policy", `INSERT INTO policies (id, product, name, name_key, body, revision, made_at, changed_at)
		VALUES ($1, $2, $3, $4, $5, 1, $6, $6) ON CONFLICT (product, name_key) DO NOTHING`, p.ID, p.Product, p.Name, p.NameKey, p.Body, db.Micros(p.MadeAt))
	return n == 1, err
}

// SetPolicy changes a policy of the revision. False means that it has another one by now.
func (s *Store) SetPolicy(ctx context.Context, tx *sql.Tx, p Policy) (bool, error) {
	n, err := db.Change(ctx, tx, "change a policy", `UPDATE policies SET name = $1, name_key = $2, body = $3, revision = revision + 1, changed_at = $4
		WHERE id = $5 AND revision = $6`, p.Name, p.NameKey, p.Body, db.Micros(p.ChangedAt), p.ID, p.Revision)
	return n == 1, err
}
