package db

import "database/sql"

// BeforeCommit runs fn once, when all members of tx, which WithTx or Group lent,
// are done and before it is committed. fn works for all of them, so it must not
// end with one member's context. Its error rolls tx back and is the commit's:
// Group then looks for the member that made it fail, unless a MembersError names
// it. With Local, what many members do one by one is gathered and written at once.
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

// Member is the number of the member that has tx now, for a MembersError: those of
// a batch are counted from 0. It is 0 when tx is not an open transaction of this
// database.
func (d *DB) Member(tx *sql.Tx) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.open[tx]; t != nil {
		return t.member
	}
	return 0
}

// MembersError is the error of a function of BeforeCommit that knows whose work
// cannot be committed. The others of the batch are then committed together, and
// those that it names are tried once more, each alone: what one is told in the
// end owes nothing to what another had not committed yet.
type MembersError struct {
	Members []int
	Err     error
}

// Error is Err's text.
func (e *MembersError) Error() string { return e.Err.Error() }

// Unwrap is Err.
func (e *MembersError) Unwrap() error { return e.Err }

// flush runs what waited for the end of the members' work.
func (t *transaction) flush() error {
	for _, fn := range t.before {
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}
