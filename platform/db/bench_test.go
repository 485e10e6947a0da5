package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// writers is how many write at once in the benchmarks.
const writers = 64

// BenchmarkWrite compares Group with a transaction per request, at 64 writers:
//
//	go test -run '^$' -bench Write ./platform/db
func BenchmarkWrite(b *testing.B) {
	for engine, url := range map[db.Engine]func(testing.TB) string{db.SQLite: guildtest.SQLite, db.Postgres: guildtest.Postgres} {
		b.Run(string(engine)+"/WithTx", func(b *testing.B) { benchmarkWrite(b, url(b), 0, (*db.DB).WithTx) })
		b.Run(string(engine)+"/Group", func(b *testing.B) { benchmarkWrite(b, url(b), 0, (*db.DB).Group) })
		b.Run(string(engine)+"/GroupTwentiethFails", func(b *testing.B) { benchmarkWrite(b, url(b), 20, (*db.DB).Group) })
	}
}

var errWanted = errors.New("wanted")

// benchmarkWrite writes b.N rows; one of failEvery fails after its insert.
func benchmarkWrite(b *testing.B, url string, failEvery int64, write func(*db.DB, context.Context, func(*sql.Tx) error) error) {
	d := guildtest.Open(b, url, things())
	ctx := context.Background()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				name := fmt.Sprintf("thing-%d", n)
				err := write(d, ctx, func(tx *sql.Tx) error {
					if err := insert(ctx, tx, name, 1); err != nil {
						return err
					}
					if failEvery > 0 && n%failEvery == 0 {
						return errWanted
					}
					return nil
				})
				if err != nil && !errors.Is(err, errWanted) {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}
