package db_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

func upTo(version int) fstest.MapFS {
	fsys := things()
	for v := 2; v <= version; v++ {
		fsys[fmt.Sprintf("%04d_more.sql", v)] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- +goose Up\nCREATE TABLE more%d (n BIGINT);\n", v)}
	}
	return fsys
}

func TestMigrateRefusesANewerDatabase(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if err := d.Migrate(ctx, upTo(3), "m"); err != nil {
			t.Fatal(err)
		}
		err := d.Migrate(ctx, upTo(2), "m")
		if fault.As(err).Code != "db_newer" || !strings.Contains(err.Error(), "at version 3, this program knows 2") {
			t.Errorf("got %v", err)
		}
		if v, err := d.Versions(ctx); err != nil || len(v) != 1 || v["m"] != 3 {
			t.Errorf("versions %v, %v", v, err)
		}
		if err := d.Migrate(ctx, upTo(2), "other"); err == nil {
			t.Error("a second table's migrations ran over existing tables")
		}
	})
}

func TestMigrateToStopsAtTheVersion(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		if err := d.MigrateTo(t.Context(), upTo(3), "m", 2); err != nil {
			t.Fatal(err)
		}
		if v, err := d.Versions(t.Context()); err != nil || v["m"] != 2 {
			t.Errorf("versions %v, %v", v, err)
		}
		if err := d.Migrate(t.Context(), upTo(3), "m"); err != nil {
			t.Fatal(err)
		}
		if v, err := d.Versions(t.Context()); err != nil || v["m"] != 3 {
			t.Errorf("versions %v, %v", v, err)
		}
	})
}

func TestNodesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := guildtest.Postgres(t)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			d, err := db.Open(t.Context(), url, db.Options{Name: "test"})
			if err != nil {
				errs[i] = err
				return
			}
			errs[i] = errors.Join(d.Migrate(t.Context(), upTo(5), "m"), d.Close())
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestPending(t *testing.T) {
	t.Parallel()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		want := func(version int, pending bool) {
			t.Helper()
			if got, err := d.Pending(t.Context(), upTo(version), "m"); err != nil || got != pending {
				t.Errorf("version %d: %v, %v", version, got, err)
			}
		}
		want(1, true)
		if v, err := d.Versions(t.Context()); err != nil || len(v) != 0 {
			t.Errorf("asking changed the database: %v, %v", v, err)
		}
		if err := d.Migrate(t.Context(), upTo(2), "m"); err != nil {
			t.Fatal(err)
		}
		want(3, true)
		want(2, false)
		want(1, false)
	})
}
