package bench

import (
	"database/sql"
	"os"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"golang.org/x/sys/unix"
)

// cpuTime is what a process has spent on all cores. Linux keeps a clock of each
// process, exact to nanoseconds, that others may read.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	const ofProcess = 2 // CPUCLOCK_SCHED, see clock_getcpuclockid(3)
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid)<<3|ofProcess, &ts); err != nil {
		b.Fatalf("read the CPU clock of process %d: %v", pid, err)
	}
	return time.Duration(ts.Nano())
}

// spent is the CPU time of the server and, on PostgreSQL, of the database.
func (s *server) spent(b *testing.B) (own, database time.Duration) {
	b.Helper()
	own = cpuTime(b, s.cmd.Process.Pid)
	if s.database == "" {
		return own, 0
	}
	pool, err := sql.Open("pgx", s.database)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	rows, err := pool.QueryContext(b.Context(), `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)`)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			b.Fatal(err)
		}
		database += cpuTime(b, pid)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return own, database
}

// measure reports what the b.N operations of do cost the server.
func (s *server) measure(b *testing.B, do func()) (perSecond float64) {
	b.Helper()
	return s.measureAll(b, b.N, do)
}

// measureAll is measure for a do of so many operations: b.N times a number under
// which the outcome means little.
func (s *server) measureAll(b *testing.B, operations int, do func()) (perSecond float64) {
	b.Helper()
	own, database := s.spent(b)
	b.ResetTimer()
	do()
	b.StopTimer()
	own2, database2 := s.spent(b)
	own, database = own2-own, database2-database
	n := float64(operations)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/op")
	b.ReportMetric(n/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64(own.Microseconds())/n, "server-cpu-us/op")
	if s.database != "" {
		b.ReportMetric(float64(database.Microseconds())/n, "postgres-cpu-us/op")
	}
	perSecond = n / (own + database).Seconds()
	b.ReportMetric(perSecond, "ops/cpu-s")
	return perSecond
}

// ourCPU is the CPU time of this very process.
func ourCPU(b *testing.B) time.Duration { return cpuTime(b, os.Getpid()) }
