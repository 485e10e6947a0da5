package catalogue

import (
	"context"
	"database/sql"

	"guildhall/license/internal/journal"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/id"
)

// Policy is a policy with its name.
type Policy struct {
	store.Policy
	Rules policy.Policy
}

// CreatePolicy makes a policy of a product. Wrong fields are called "name", and as
// those of the policy.
func (d *Desk) CreatePolicy(ctx context.Context, product, name string, rules policy.Policy, by audit.Caller) (Policy, error) {
	p, err := d.Store.Product(ctx, product)
	if err != nil {
		return Policy{}, err
	}
	row, err := policyRow(name, rules)
	if err != nil {
		return Policy{}, err
	}
	row.ID, row.Product, row.MadeAt, row.Revision = id.New("pol"), p.ID, d.now(), 1
	row.ChangedAt = row.MadeAt
	return Policy{row, rules}, d.Journal.Write(ctx, func(tx *sql.Tx) error {
		inserted, err := d.Store.InsertPolicy(ctx, tx, row)
		if err != nil {
			return err
		}
		if !inserted {
			return errPolicyExists()
		}
		return d.Journal.Append(ctx, tx, by, journal.PolicyCreated, row.ID, map[string]any{"product": p.ID, "name": row.Name, "rules": row.Body})
	})
}

// ChangePolicy changes a policy of the revision, for all cards that have it.
func (d *Desk) ChangePolicy(ctx context.Context, policyID, name string, rules policy.Policy, revision int64, by audit.Caller) (Policy, error) {
	was, err := d.Store.Policy(ctx, policyID)
	if err != nil {
		return Policy{}, err
	}
	row, err := policyRow(name, rules)
	if err != nil {
		return Policy{}, err
	}
	row.ID, row.Product, row.MadeAt, row.ChangedAt, row.Revision = was.ID, was.Product, was.MadeAt, d.now(), revision
	err = d.Journal.Write(ctx, func(tx *sql.Tx) error {
		set, err := d.Store.SetPolicy(ctx, tx, row)
		switch {
		case db.IsUnique(err):
			return errPolicyExists()
		case err != nil:
			return err
		case !set:
			return ErrChanged
		}
		return d.Journal.Append(ctx, tx, by, journal.PolicyChanged, row.ID, map[string]any{"name": change(was.Name, row.Name), "rules": change(was.Body, row.Body)})
	})
	row.Revision++
	return Policy{row, rules}, err
}

func errPolicyExists() error {
	return fault.Fields(fault.Field{Name: "name", Code: "policy_exists", Detail: "The product has a policy with this name already. Choose another."})
}

func policyRow(name string, rules policy.Policy) (store.Policy, error) {
	var f fields
	row := store.Policy{Name: f.line("name", name)}
	if err := fault.Fields(append(f, rules.Check()...)...); err != nil {
		return row, err
	}
	body, err := rules.JSON()
	row.NameKey, row.Body = key(row.Name), string(body)
	return row, err
}

// Policy is the one with the id.
func (d *Desk) Policy(ctx context.Context, policyID string) (Policy, error) {
	row, err := d.Store.Policy(ctx, policyID)
	if err != nil {
		return Policy{}, err
	}
	return policyOf(row)
}

// Policies are those of a product, or of all.
func (d *Desk) Policies(ctx context.Context, product string) ([]Policy, error) {
	rows, err := d.Store.Policies(ctx, product)
	if err != nil {
		return nil, err
	}
	all := make([]Policy, len(rows))
	for i, row := range rows {
		if all[i], err = policyOf(row); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func policyOf(row store.Policy) (Policy, error) {
	rules, err := policy.Parse([]byte(row.Body))
	return Policy{row, rules}, err
}
