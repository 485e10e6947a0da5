package db

import "database/sql"

// AfterCommit runs fn when tx, which WithTx or Group lent, is committed, and
// never if it is rolled back. fn must be quick: the next batch waits for it. A
// process that dies in between has committed and not run fn.
func (d *DB) AfterCommit(tx *sql.Tx, fn func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.open[tx]; t != nil {
		t.after = append(t.after, fn)
	}
}

func (d *DB) opened(t *transaction) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[t.tx] = t
}

func (d *DB) ended(t *transaction) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, t.tx)
}

// committed runs what waited for t.
func (t *transaction) committed() {
	for _, fn := range t.after {
		fn()
	}
}
