package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

func TestGroupKeepsAFailingMemberApart(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				err := d.Group(ctx, func(tx *sql.Tx) error { return insert(ctx, tx, fmt.Sprint(i), i-100) })
				if (err == nil) != (i >= 100) {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if got := names(t, d); len(got) != 100 {
			t.Errorf("%d stored, want the 100 that pass", len(got))
		}
	})
}

func TestGroupRaisesAPanicInItsCaller(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		defer func() {
			p, ok := recover().(*db.Panic)
			if !ok || p.Value != "boom" {
				t.Fatalf("recovered %v", p)
			}
			if got := names(t, d); len(got) != 0 {
				t.Errorf("stored %v", got)
			}
		}()
		_ = d.Group(t.Context(), func(tx *sql.Tx) error { _ = insert(t.Context(), tx, "x", 1); panic("boom") })
	})
}

func TestGroupSurvivesACallerThatExits(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = d.Group(t.Context(), func(tx *sql.Tx) error {
				_ = insert(t.Context(), tx, "exited", 1)
				runtime.Goexit()
				return nil
			})
		})
		wg.Wait()
		if err := d.Group(t.Context(), func(tx *sql.Tx) error { return insert(t.Context(), tx, "after", 1) }); err != nil {
			t.Fatal(err)
		}
		if got := names(t, d); len(got) != 1 || !got["after"] {
			t.Errorf("stored %v", got)
		}
	})
}

func TestGroupAndContexts(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, things(), func(t *testing.T, d *db.DB) {
		before, cancel := context.WithCancel(t.Context())
		cancel()
		ran := false
		err := d.Group(before, func(*sql.Tx) error { ran = true; return nil })
		if !errors.Is(err, context.Canceled) || ran {
			t.Errorf("cancelled before: %v, ran %v", err, ran)
		}
		during, cancel := context.WithCancel(t.Context())
		err = d.Group(during, func(tx *sql.Tx) error {
			defer cancel()
			return insert(during, tx, "during", 1)
		})
		if !errors.Is(err, context.Canceled) || len(names(t, d)) != 0 {
			t.Errorf("cancelled during: %v, stored %v", err, names(t, d))
		}
	})
}

func TestCloseDrainsTheGroup(t *testing.T) {
	t.Parallel()
	for _, url := range []string{guildtest.SQLite(t), guildtest.Postgres(t)} {
		d, err := db.Open(t.Context(), url, db.Options{Name: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(t.Context(), things(), "m"); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		stored := make([]bool, 100)
		for i := range stored {
			wg.Go(func() {
				err := d.Group(context.Background(), func(tx *sql.Tx) error { return insert(context.Background(), tx, fmt.Sprint(i), i) })
				stored[i] = err == nil
				if err != nil && !errors.Is(err, db.ErrClosed) {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		again := guildtest.Open(t, url, nil)
		got := names(t, again)
		for i, s := range stored {
			if got[fmt.Sprint(i)] != s {
				t.Errorf("write %d: answered %v, stored %v", i, s, got[fmt.Sprint(i)])
			}
		}
	}
}

func TestACallerCanLeaveWhileTheDatabaseIsHeld(t *testing.T) {
	t.Parallel()
	d := guildtest.Open(t, guildtest.SQLite(t), things())
	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := d.WithTx(t.Context(), func(*sql.Tx) error {
			close(held)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	// It returns although the only writing connection is not free.
	err := d.Group(ctx, func(tx *sql.Tx) error { return insert(ctx, tx, "left", 1) })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(release)
	wg.Wait()
	if err := d.Group(t.Context(), func(tx *sql.Tx) error { return insert(t.Context(), tx, "stayed", 1) }); err != nil {
		t.Fatal(err)
	}
	if got := names(t, d); len(got) != 1 || !got["stayed"] {
		t.Errorf("stored %v", got)
	}
}
