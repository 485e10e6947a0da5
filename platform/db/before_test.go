package db_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// TestGatherAndWriteOnce gathers what the members of a batch write and writes
// it before the commit; what members that fail gathered is forgotten.
func TestGatherAndWriteOnce(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE gathered (n BIGINT PRIMARY KEY)`)
		errOnPurpose := errors.New("on purpose")
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				err := d.Group(t.Context(), func(tx *sql.Tx) error {
					gather(d, tx, i)
					if i%10 == 3 {
						return errOnPurpose
					}
					return nil
				})
				if i%10 == 3 != errors.Is(err, errOnPurpose) || i%10 != 3 && err != nil {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		var n, sum int
		if err := d.Read.QueryRow(`SELECT COUNT(*), SUM(n) FROM gathered`).Scan(&n, &sum); err != nil || n != 90 || sum != 4950-480 {
			t.Fatalf("%d rows with sum %d, %v", n, sum, err)
		}
	})
}

type gathered struct{ list []int }

func gather(d *db.DB, tx *sql.Tx, n int) {
	v, _ := d.Local(tx, "gathered", func() any {
		g := &gathered{}
		d.BeforeCommit(tx, func() error {
			for _, n := range g.list {
				if _, err := tx.ExecContext(context.Background(), `INSERT INTO gathered (n) VALUES ($1)`, n); err != nil {
					return err
				}
			}
			return nil
		})
		return g
	}).(*gathered)
	v.list = append(v.list, n)
}

// TestFailureBeforeCommitIsTheMembers holds that the member whose gathered work
// fails is found, and fails alone.
func TestFailureBeforeCommitIsTheMembers(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		exec(t, d, `CREATE TABLE gathered (n BIGINT PRIMARY KEY)`)
		exec(t, d, `INSERT INTO gathered VALUES (7)`)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := d.Group(t.Context(), func(tx *sql.Tx) error { gather(d, tx, i); return nil })
				if i == 7 != db.IsUnique(err) || i != 7 && err != nil {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		err := d.WithTx(t.Context(), func(tx *sql.Tx) error { gather(d, tx, 7); return nil })
		if !db.IsUnique(err) {
			t.Errorf("WithTx: %v", err)
		}
		if v := d.Local(new(sql.Tx), "x", func() any { return 1 }); v != nil {
			t.Errorf("a transaction that is not ours has the value %v", v)
		}
	})
}

func exec(t *testing.T, d *db.DB, query string) {
	t.Helper()
	err := d.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
