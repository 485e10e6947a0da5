package bench

import (
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/guildtest"
)

// BenchmarkAuditVerify verifies an audit log of 100,000 rows: every row's hash
// and seal, the tree and its signed head.
func BenchmarkAuditVerify(b *testing.B) {
	const rows, batch = 100_000, 1000
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	d := guildtest.Open(b, guildtest.SQLite(b), nil)
	log, err := audit.New(audit.Options{DB: d, Name: "bench.example.com/audit", Key: key, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	if err := log.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	for i := 0; i < rows; i += batch {
		err := d.WithTx(b.Context(), func(tx *sql.Tx) error {
			entries := make([]audit.Entry, batch)
			for j := range entries {
				entries[j] = audit.Entry{Actor: "adm_1", Action: "certificate.issued", Subject: fmt.Sprint("crt_", i+j), From: "192.0.2.1",
					Detail: map[string]any{"serial": fmt.Sprintf("%032x", i+j), "profile": "server", "common_name": "www.example.org"}}
			}
			return log.Append(b.Context(), tx, entries...)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	appended := time.Since(began)
	b.Run("100k-rows", func(b *testing.B) {
		for b.Loop() {
			if report, err := log.Verify(b.Context()); err != nil || !report.OK() {
				b.Fatal(report, err)
			}
		}
		b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(float64(appended.Microseconds())/rows, "append-us/row")
	})
}
