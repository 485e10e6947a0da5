package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

const byName = `SELECT name FROM things WHERE name >= $1 ORDER BY name`

// TestTheSameTextWithinItsOwnRows runs a statement while the rows of the same
// text are being read, on the same connection.
func TestTheSameTextWithinItsOwnRows(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.SQLite(t), things())
	var got []string
	err := d.WithTx(t.Context(), func(tx *sql.Tx) error {
		for i, name := range []string{"a", "b", "c"} {
			if err := insert(t.Context(), tx, name, i); err != nil {
				return err
			}
		}
		for range 3 {
			names, err := nested(t.Context(), tx)
			if err != nil {
				return err
			}
			got = append(got, names...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	once := []string{"a", "a>a", "a>b", "a>c", "b", "b>b", "b>c", "c", "c>c"}
	if want := slices.Repeat(once, 3); !slices.Equal(got, want) {
		t.Errorf("got %v, wanted %v", got, want)
	}
}

func nested(ctx context.Context, tx *sql.Tx) (all []string, _ error) {
	rows, err := tx.QueryContext(ctx, byName, "a")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
		inner, err := texts(ctx, tx, name)
		if err != nil {
			return nil, err
		}
		for _, text := range inner {
			all = append(all, name+">"+text)
		}
	}
	return all, rows.Err()
}

func texts(ctx context.Context, tx *sql.Tx, from string) (all []string, _ error) {
	rows, err := tx.QueryContext(ctx, byName, from)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}

// TestManyTexts uses more texts than a connection keeps, some of which fail, in
// an order in which each is met again after it was dropped.
func TestManyTexts(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.SQLite(t), things())
	if err := d.Group(t.Context(), func(tx *sql.Tx) error { return insert(t.Context(), tx, "a", 7) }); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		for i := range 400 {
			var got int
			err := d.Read.QueryRowContext(t.Context(), fmt.Sprintf(`SELECT n + %d FROM things WHERE name = $1`, i), "a").Scan(&got)
			if err != nil || got != 7+i {
				t.Fatalf("round %d, text %d: got %d, %v", round, i, got, err)
			}
			if err := d.Read.QueryRowContext(t.Context(), fmt.Sprintf(`SELECT nothing%d FROM things`, i)).Scan(&got); err == nil {
				t.Fatal("a column that does not exist was read")
			}
		}
	}
}

// TestAStatementAfterItFailed finds a kept statement as good as new.
func TestAStatementAfterItFailed(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.SQLite(t), things())
	write := func(ctx context.Context, name string) error {
		return d.Group(t.Context(), func(tx *sql.Tx) error { return insert(ctx, tx, name, 1) })
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		if err := write(t.Context(), "a"); err != nil && !db.IsUnique(err) {
			t.Fatal(err)
		}
		if err := write(ended, "never"); !errors.Is(err, context.Canceled) {
			t.Fatalf("an ended context: %v", err)
		}
	}
	if err := write(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, d); len(got) != 2 || !got["a"] || !got["b"] {
		t.Errorf("stored %v", got)
	}
}

// TestStatementsSurviveANewColumn reads by a kept statement what a migration
// added behind it.
func TestStatementsSurviveANewColumn(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.SQLite(t), things())
	columns := func() int {
		rows, err := d.Read.QueryContext(t.Context(), `SELECT * FROM things`)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		all, err := rows.Columns()
		if err := errors.Join(err, rows.Err()); err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	before := columns()
	err := d.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `ALTER TABLE things ADD COLUMN more TEXT`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if after := columns(); after != before+1 {
		t.Errorf("%d columns, wanted %d", after, before+1)
	}
}
