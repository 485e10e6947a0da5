package guildtest_test

import (
	"database/sql"
	"testing"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

func TestEnginesGiveFreshDatabases(t *testing.T) {
	t.Parallel()
	for range 2 {
		guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
			err := d.WithTx(t.Context(), func(tx *sql.Tx) error {
				_, err := tx.ExecContext(t.Context(), `CREATE TABLE things (n BIGINT)`)
				return err
			})
			if err != nil {
				t.Fatalf("the database is not fresh: %v", err)
			}
		})
	}
}

func TestPostgresKeepsItsPromises(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.Postgres(t), nil)
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var value string
		if err := d.Read.QueryRowContext(t.Context(), `SELECT current_setting($1)`, setting).Scan(&value); err != nil {
			t.Fatal(err)
		}
		if value != "on" {
			t.Errorf("%s is %s", setting, value)
		}
	}
}
