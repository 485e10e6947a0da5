package backup_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"guildhall/platform/backup"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

// TestBackupWhileWritersRun moves money between accounts while backups are
// taken: each holds one moment, in which the sum is what it always is and every
// move has its record.
func TestBackupWhileWritersRun(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		const accounts, each = 10, 1000
		for i := range accounts {
			w.exec(t, `INSERT INTO accounts (name, amount) VALUES ($1, $2)`, fmt.Sprint(i), each)
		}
		var stop atomic.Bool
		var moves atomic.Int64
		var writers sync.WaitGroup
		for n := range 4 {
			writers.Go(func() {
				for i := n; !stop.Load(); i++ {
					if err := move(w.d, fmt.Sprint(i%accounts), fmt.Sprint((i*7+1)%accounts)); err != nil {
						t.Error(err)
						return
					}
					moves.Add(1)
				}
			})
		}
		var taken []string
		for range 4 {
			before := moves.Load()
			taken = append(taken, w.create(t, ""))
			for moves.Load() < before+20 && !t.Failed() {
				runtime.Gosched()
			}
		}
		stop.Store(true)
		writers.Wait()
		if err := w.d.Close(); err != nil {
			t.Fatal(err)
		}
		last := -1
		for _, file := range taken {
			if err := backup.Restore(t.Context(), file, w.target(), true); err != nil {
				t.Fatal(err)
			}
			w.open(t)
			sum, moved, records := w.totals(t)
			if sum != accounts*each || moved != records || records < last {
				t.Errorf("%s: sum %d, %d moves, %d records, before it %d", filepath.Base(file), sum, moved, records, last)
			}
			last = records
			if err := w.d.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if last < 20 {
			t.Errorf("only %d moves happened meanwhile", last)
		}
	})
}

// move takes one from an account, if it has it, counts the move and records it.
func move(d *db.DB, from, to string) error {
	ctx := context.Background()
	return d.Group(ctx, func(tx *sql.Tx) error {
		for _, q := range []struct {
			text string
			args []any
		}{
			{`UPDATE accounts SET amount = amount - 1 WHERE name = $1`, []any{from}},
			{`UPDATE accounts SET amount = amount + 1 WHERE name = $1`, []any{to}},
			{`UPDATE settings SET value = CAST(CAST(REPLACE(value, 'seeded', '0') AS BIGINT) + 1 AS TEXT) WHERE name = 'currency'`, nil},
			{`INSERT INTO actions (id, account, detail, open) VALUES ($1, $2, '{}', TRUE)`, []any{rand.Text(), from}},
		} {
			if _, err := tx.ExecContext(ctx, q.text, q.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *world) totals(t *testing.T) (sum, moved, records int) {
	t.Helper()
	err := w.d.Read.QueryRowContext(t.Context(), `SELECT (SELECT SUM(amount) FROM accounts),
		(SELECT CAST(REPLACE(value, 'seeded', '0') AS BIGINT) FROM settings), (SELECT COUNT(*) FROM actions)`).Scan(&sum, &moved, &records)
	if err != nil {
		t.Fatal(err)
	}
	return sum, moved, records
}

func TestDiskFull(t *testing.T) {
	guildtest.OnSmallDisk(t, 2<<20, func(t *testing.T, disk string) {
		// The backups on the full disk; then the service's folder on it.
		roomy := t.TempDir()
		for name, w := range map[string]*world{
			"to":   worldAt(t, filepath.Join(roomy, "bank"), filepath.Join(disk, "to")),
			"from": worldAt(t, filepath.Join(disk, "bank"), filepath.Join(roomy, "to")),
		} {
			older := w.create(t, "")
			refuseWhenFull(t, name, disk, w)
			if _, err := backup.Inspect(older, ""); err != nil {
				t.Errorf("%s: the older backup: %v", name, err)
			}
			if entries, err := os.ReadDir(w.to); err != nil || len(entries) != 1 {
				t.Errorf("%s: the folder holds %v, %v", name, entries, err)
			}
			entries, err := filepath.Glob(filepath.Join(w.dir, ".*"))
			if err != nil || len(entries) != 0 {
				t.Errorf("%s: left behind %v, %v", name, entries, err)
			}
		}
	})
}

func worldAt(t *testing.T, dir, to string) *world {
	t.Helper()
	w := newWorld(t, dir, "sqlite:"+filepath.Join(dir, "bank.db"))
	w.to = to
	w.exec(t, `INSERT INTO settings (name, value) VALUES ('long', $1)`, incompressible(40_000))
	return w
}

// incompressible is a text of so many bytes that stays about as long in a
// backup.
func incompressible(bytes int) string {
	var b strings.Builder
	for b.Len() < bytes {
		b.WriteString(rand.Text())
	}
	return b.String()
}

// refuseWhenFull fills the disk but for a little and wants a clear error.
func refuseWhenFull(t *testing.T, name, disk string, w *world) {
	t.Helper()
	ballast := filepath.Join(disk, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if err := errors.Join(f.Close(), os.Truncate(ballast, fileSize(t, ballast)-8192)); err != nil {
		t.Fatal(err)
	}
	_, err = backup.Create(t.Context(), w.source(), backup.Options{To: w.to})
	if got := fault.As(err); got.Code != "disk_full" || got.Kind != fault.Unavailable || !strings.Contains(got.Detail, "Free some space") {
		t.Errorf("%s: got %v", name, err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestRestoreOnAFullDisk(t *testing.T) {
	guildtest.OnSmallDisk(t, 400<<10, func(t *testing.T, disk string) {
		roomy := t.TempDir()
		large := worldAt(t, filepath.Join(roomy, "bank"), filepath.Join(roomy, "to"))
		for range 20 {
			large.exec(t, `INSERT INTO settings (name, value) VALUES ($1, $2)`, rand.Text(), incompressible(40_000))
		}
		file := large.create(t, "")
		small := newWorld(t, filepath.Join(disk, "bank"), "sqlite:"+filepath.Join(disk, "bank", "bank.db"))
		small.exec(t, `UPDATE settings SET value = 'mine'`)
		if err := small.d.Close(); err != nil {
			t.Fatal(err)
		}
		err := backup.Restore(t.Context(), file, small.target(), true)
		if got := fault.As(err); got.Code != "disk_full" {
			t.Fatalf("got %v", err)
		}
		small.open(t)
		var value string
		if err := small.d.Read.QueryRowContext(t.Context(), `SELECT value FROM settings`).Scan(&value); err != nil || value != "mine" {
			t.Errorf("afterwards the old data say %q, %v", value, err)
		}
	})
}
