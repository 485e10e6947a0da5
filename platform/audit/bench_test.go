package audit

import (
	"database/sql"
	"fmt"
	"testing"

	"guildhall/platform/guildtest"
)

// BenchmarkAppend is the cost that the log adds to a transaction: n appends
// share one, as in a batch of db.Group.
func BenchmarkAppend(b *testing.B) {
	for engine, url := range map[string]func(testing.TB) string{"sqlite": guildtest.SQLite, "postgres": guildtest.Postgres} {
		for _, n := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d", engine, n), func(b *testing.B) {
				w := newWorld(b, guildtest.Open(b, url(b), nil))
				e := Entry{Actor: "adm_1", Action: "certificate.issued", Subject: "crt_1", From: "192.0.2.1",
					Detail: map[string]any{"serial": "0123456789abcdef", "profile": "server", "name": "www.example.org"}}
				b.ResetTimer()
				for i := 0; i < b.N; i += n {
					err := w.db.WithTx(b.Context(), func(tx *sql.Tx) error {
						for range n {
							if err := w.log.Append(b.Context(), tx, e); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkVerify is the time per row of a verification.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b, guildtest.Open(b, guildtest.SQLite(b), nil))
	entries := make([]Entry, 10_000)
	for i := range entries {
		entries[i] = Entry{Actor: "adm_1", Action: "certificate.issued", Subject: fmt.Sprint("crt_", i), Detail: map[string]any{"n": i}}
	}
	w.record(w.log, entries...)
	for b.Loop() {
		if report, err := w.log.Verify(b.Context()); err != nil || !report.OK() {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(entries)), "ns/row")
}
