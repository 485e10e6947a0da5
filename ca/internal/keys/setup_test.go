package keys_test

import (
	"database/sql"
	"testing"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func exec(query string) func(*sql.Tx) error {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec(query)
		return err
	}
}

func sqlite(t *testing.T) *db.DB { return guildtest.Open(t, guildtest.SQLite(t), migrations) }
