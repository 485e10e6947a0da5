package db_test

import (
	"context"
	"database/sql"
	"testing"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

func TestAfterCommit(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		for name, write := range map[string]func(context.Context, func(*sql.Tx) error) error{"WithTx": d.WithTx, "Group": d.Group} {
			var seen []bool
			for _, fails := range []bool{true, false} {
				err := write(t.Context(), func(tx *sql.Tx) error {
					d.AfterCommit(tx, func() { seen = append(seen, names(t, d)[name]) })
					if err := insert(t.Context(), tx, name, 1); err != nil || !fails {
						return err
					}
					return errWanted
				})
				if (err != nil) != fails {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if len(seen) != 1 || !seen[0] {
				t.Errorf("%s: ran %d times, saw the row %v; want once, after the commit", name, len(seen), seen)
			}
		}
	})
}
