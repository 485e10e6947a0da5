package db_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

func TestDiskFull(t *testing.T) {
	guildtest.OnSmallDisk(t, 1<<20, func(t *testing.T, dir string) {
		d := guildtest.Open(t, "sqlite:"+filepath.Join(dir, "small.db"), things())
		stored := 0
		write := func() error {
			return d.Group(t.Context(), func(tx *sql.Tx) error {
				return insert(t.Context(), tx, rand.Text()+strings.Repeat("x", 8000), 1)
			})
		}
		var err error
		for ; err == nil && stored < 1000; stored++ {
			err = write()
		}
		if got := fault.As(err); got.Code != "disk_full" || got.Kind != fault.Unavailable || !strings.Contains(got.Detail, "Free some space") {
			t.Fatalf("after %d writes: %v", stored, err)
		}
		if got := len(names(t, d)); got != stored-1 {
			t.Errorf("%d rows are stored, %d were answered", got, stored-1)
		}
		// Space is made: the very same database goes on.
		err = d.WithTx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), `DELETE FROM things`)
			return err
		})
		if err != nil && !errors.Is(err, db.ErrDiskFull) {
			t.Errorf("delete on a full disk: %v", err)
		}
	})
}

// load writes rows from many goroutines until stopped and remembers what each
// was answered.
type load struct {
	mu       sync.Mutex
	answered map[string]error
	stop     atomic.Bool
	wg       sync.WaitGroup
}

func (l *load) start(t *testing.T, d *db.DB, label string, write func(context.Context, func(*sql.Tx) error) error) {
	t.Helper()
	for w := range 8 {
		l.wg.Go(func() {
			for i := 0; !l.stop.Load(); i++ {
				name := fmt.Sprintf("%s-%d-%d", label, w, i)
				err := write(context.Background(), func(tx *sql.Tx) error { return insert(context.Background(), tx, name, 1) })
				l.mu.Lock()
				l.answered[name] = err
				l.mu.Unlock()
			}
		})
	}
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.answered)
}

// waitForMore blocks until n further writes were answered.
func (l *load) waitForMore(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(60 * time.Second)
	for want := l.count() + n; l.count() < want; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("writes do not go on")
		}
	}
}

func TestPostgresRestartsUnderLoad(t *testing.T) {
	t.Parallel()
	cluster := guildtest.NewCluster(t)
	d := guildtest.Open(t, cluster.Database(t), things())
	l := &load{answered: map[string]error{}}
	l.start(t, d, "group", d.Group)
	l.start(t, d, "tx", d.WithTx)
	for _, mode := range []string{"fast", "immediate", "immediate"} {
		l.waitForMore(t, 500)
		if err := cluster.Stop(mode); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Start(); err != nil {
			t.Fatal(err)
		}
	}
	l.waitForMore(t, 500)
	l.stop.Store(true)
	l.wg.Wait()

	stored := names(t, d)
	for name, err := range l.answered {
		if errors.Is(err, db.ErrCommitUnknown) && strings.HasPrefix(name, "tx") {
			continue
		}
		if stored[name] != (err == nil) {
			t.Errorf("%s: answered %v, stored %v", name, err, stored[name])
		}
		if err == nil {
			continue
		}
		if strings.HasPrefix(name, "group") {
			t.Errorf("%s: a restart of the server shows: %v", name, err)
		}
		if !errors.Is(err, db.ErrUnreachable) {
			t.Errorf("%s: got %v, want db_unreachable", name, err)
		}
	}
	t.Logf("%d writes answered", len(l.answered))
}

func TestPostgresAway(t *testing.T) {
	t.Parallel()
	cluster := guildtest.NewCluster(t)
	d := guildtest.Open(t, cluster.Database(t), things())
	if err := cluster.Stop("fast"); err != nil {
		t.Fatal(err)
	}
	if err := d.Ping(t.Context()); !errors.Is(err, db.ErrUnreachable) {
		t.Errorf("ping: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := d.WithTx(ctx, func(*sql.Tx) error { return nil })
	if !errors.Is(err, db.ErrUnreachable) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("WithTx: %v", err)
	}
	err = d.Group(ctx, func(tx *sql.Tx) error { return insert(ctx, tx, "late", 1) })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Group: %v", err)
	}
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	if err := d.Group(t.Context(), func(tx *sql.Tx) error { return insert(t.Context(), tx, "back", 1) }); err != nil {
		t.Fatal(err)
	}
	if got := names(t, d); len(got) != 1 || !got["back"] {
		t.Errorf("stored %v", got)
	}
}

func TestGroupRetriesADeadlock(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.Postgres(t), things())
	ctx := t.Context()
	for _, name := range []string{"a", "b"} {
		if err := d.WithTx(ctx, func(tx *sql.Tx) error { return insert(ctx, tx, name, 0) }); err != nil {
			t.Fatal(err)
		}
	}
	lock := func(tx *sql.Tx, name string) error {
		_, err := tx.ExecContext(ctx, `UPDATE things SET n = n + 1 WHERE name = $1`, name)
		return err
	}
	bothHold := make(chan struct{})
	var arrived atomic.Int32
	arrive := func() {
		if arrived.Add(1) == 2 {
			close(bothHold)
		}
		<-bothHold
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		err := d.Group(ctx, func(tx *sql.Tx) error {
			if err := lock(tx, "a"); err != nil {
				return err
			}
			arrive()
			return lock(tx, "b")
		})
		if err != nil {
			t.Errorf("Group: %v", err)
		}
	})
	var txErr error
	wg.Go(func() {
		txErr = d.WithTx(ctx, func(tx *sql.Tx) error {
			if err := lock(tx, "b"); err != nil {
				return err
			}
			arrive()
			return lock(tx, "a")
		})
	})
	wg.Wait()
	if txErr != nil && !errors.Is(txErr, db.ErrConflict) {
		t.Errorf("WithTx: got %v, want db_conflict", txErr)
	}
}
