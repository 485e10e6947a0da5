package grant_test

import (
	"database/sql"
	"os"
	"testing"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// BenchmarkRefresh is one refresh after the other, and many at once, beside the
// floor: a row that is changed in a transaction of db.Group.
//
//	go test -run '^$' -bench Refresh ./identity/internal/grant
func BenchmarkRefresh(b *testing.B) {
	for engine, address := range map[db.Engine]func(testing.TB) string{db.SQLite: guildtest.SQLite, db.Postgres: guildtest.Postgres} {
		w := newWorld(b, guildtest.Open(b, address(b), os.DirFS("../../migrations"))).fresh(b)
		s := w.session(b)
		refresh := func(pb *testing.PB, refresh func(string) (string, error)) {
			_, token, err := w.Issue(b.Context(), w.offline(s), life, by)
			for err == nil && pb.Next() {
				token, err = refresh(token)
			}
			if err != nil {
				b.Error(err)
			}
		}
		for name, one := range map[string]func(string) (string, error){
			"Refresh": func(token string) (string, error) {
				_, next, err := w.Refresh(b.Context(), token, anyGrant, life, by)
				return next, err
			},
			"Floor": func(token string) (string, error) {
				return token, w.db.Group(b.Context(), func(tx *sql.Tx) error {
					_, err := tx.ExecContext(b.Context(), `UPDATE accounts SET name = $1 WHERE id = $2`, token, w.ann)
					return err
				})
			},
		} {
			b.Run(string(engine)+"/"+name, func(b *testing.B) {
				b.SetParallelism(32)
				b.RunParallel(func(pb *testing.PB) { refresh(pb, one) })
			})
		}
	}
}
