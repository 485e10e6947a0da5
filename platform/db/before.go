package db

import "database/sql"

// BeforeCommit runs fn once, when all members of tx, which WithTx or Group lent,
// are done and before it is committed. fn works for all of them, so it must not
// end with one member's context. Its error rolls tx back and is the commit's:
// Group then looks for the member that made it fail. With Local, what many
// members do one by one is gathered and written at once.
func (d *DB) BeforeCommit(tx *sql.Tx, fn func() error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.open[tx]; t != nil {
		t.before = append(t.before, fn)
	}
}

// Local is a value that lives as long as the transaction tx, which WithTx or
// Group lent, and is forgotten however that ends. The first call for a key makes
// it. It is nil when tx is not an open transaction of this database.
func (d *DB) Local(tx *sql.Tx, key any, first func() any) any {
	d.mu.Lock()
	t := d.open[tx]
	d.mu.Unlock()
	if t == nil {
		return nil
	}
	v, ok := t.local[key]
	if !ok {
		if t.local == nil {
			t.local = map[any]any{}
		}
		v = first()
		t.local[key] = v
	}
	return v
}

// flush runs what waited for the end of the members' work.
func (t *transaction) flush() error {
	for _, fn := range t.before {
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}
