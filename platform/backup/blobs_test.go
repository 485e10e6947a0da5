package backup_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/platform/backup"
	"guildhall/platform/blob"
)

// TestNoBackupHasARowWithoutItsContent takes backups while contents come, each before the
// row that needs it, and while others that no row needs come and go.
func TestNoBackupHasARowWithoutItsContent(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		store, drafts, err := blob.Config{}.Open(w.dir, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		keep := func(content string) (blob.Sum, error) {
			d, err := drafts.Receive(context.Background(), strings.NewReader(content), 1<<20)
			if err != nil {
				return blob.Sum{}, err
			}
			return d.Sum, store.Put(context.Background(), d)
		}
		var stop atomic.Bool
		var rows atomic.Int64
		var writers sync.WaitGroup
		writers.Go(func() {
			for n := 0; !stop.Load(); n++ {
				sum, err := keep("needed " + strconv.Itoa(n))
				if err == nil {
					err = w.d.Group(context.Background(), func(tx *sql.Tx) error {
						_, err := tx.ExecContext(context.Background(), `INSERT INTO settings (name, value) VALUES ($1, 'content')`, sum.String())
						return err
					})
				}
				if err != nil {
					t.Error(err)
					return
				}
				rows.Add(1)
			}
		})
		writers.Go(func() {
			for n := 0; !stop.Load(); n++ {
				sum, err := keep("in vain " + strconv.Itoa(n))
				if err == nil {
					err = store.Remove(context.Background(), sum)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
		var taken []string
		for range 2 {
			for before := rows.Load(); rows.Load() < before+10 && !t.Failed(); {
				runtime.Gosched()
			}
			taken = append(taken, w.create(t, ""))
		}
		stop.Store(true)
		writers.Wait()
		if err := w.d.Close(); err != nil {
			t.Fatal(err)
		}
		for i, file := range taken {
			if err := backup.Restore(t.Context(), file, w.target(), true); err != nil {
				t.Fatal(err)
			}
			w.open(t)
			if n := w.contents(t); n < 10*(i+1) {
				t.Errorf("%s has %d contents", filepath.Base(file), n)
			}
			if err := w.d.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// contents counts the rows that need a content, all of which must be there.
func (w *world) contents(t *testing.T) (n int) {
	t.Helper()
	store, _, err := blob.Config{}.Open(w.dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := w.d.Read.QueryContext(t.Context(), `SELECT name FROM settings WHERE value = 'content'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for ; rows.Next(); n++ {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		sum, err := blob.ParseSum(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := store.Open(t.Context(), sum)
		if err != nil {
			t.Fatalf("the row %s has no content: %v", name, err)
		}
		_ = r.Close()
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}
