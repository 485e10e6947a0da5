package grant_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

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

// BenchmarkSize makes refresh tokens in four parts, 20 for each sign-in, and says how
// many kB the database has after each, without the audit log, which keeps a row for each
// sign-in: what is over is deleted between the parts, so
// from the second on it stays. There are as many tokens as GUILDHALL_BENCH_TOKENS says,
// else 20,000.
//
//	GUILDHALL_BENCH_TOKENS=1000000 go test -run '^$' -bench Size -benchtime 1x -timeout 1h ./identity/internal/grant
func BenchmarkSize(b *testing.B) {
	const parts, signIn, people = 4, 20, 64
	tokens, err := strconv.Atoi(cmp.Or(os.Getenv("GUILDHALL_BENCH_TOKENS"), "20000"))
	must(b, err)
	w := newWorld(b, guildtest.Open(b, guildtest.SQLite(b), os.DirFS("../../migrations"))).fresh(b)
	for b.Loop() {
		for part := range parts {
			s := w.session(b)
			var all sync.WaitGroup
			for range people {
				all.Go(func() {
					for range tokens / parts / people / signIn {
						_, token, err := w.Issue(b.Context(), w.offline(s), life, by)
						for i := 1; i < signIn && err == nil; i++ {
							_, token, err = w.Refresh(b.Context(), token, anyGrant, life, by)
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			w.clock.Advance(500 * 24 * time.Hour)
			must(b, w.Purge(b.Context()))
			var size int64 // with the pages that wait to be used again
			must(b, w.db.Read.QueryRowContext(b.Context(), `SELECT page_count * page_size - (SELECT SUM(pgsize) FROM dbstat WHERE name LIKE '%audit%')
				FROM pragma_page_count, pragma_page_size`).Scan(&size))
			b.ReportMetric(float64(size)/1000, fmt.Sprintf("kB-after-%d", part+1))
		}
	}
	b.ReportMetric(float64(tokens*b.N)/b.Elapsed().Seconds(), "tokens/s")
}
