package card_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/cardid"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/jobs"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func worlds(t *testing.T, test func(t *testing.T, w *licensetest.World)) {
	t.Helper()
	licensetest.Engines(t, func(t *testing.T, d *db.DB) { test(t, licensetest.New(t, d)) })
}

func TestALargeBatchIsMadeInPartsWithoutDoubles(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		customer, err := w.Catalogue.AddCustomer(t.Context(), "Anna", "", "", licensetest.By)
		must(t, err)
		b, err := w.Cards.Order(t.Context(), card.Order{Policy: w.Policy(t, "p", nil), Customer: customer.ID, Count: 2500, Days: 40, Note: "fair"}, licensetest.By)
		must(t, err)
		waiting, err := w.Jobs.List(t.Context(), jobs.Filter{Kind: "license_batch"})
		must(t, err)
		if b.Made != 0 || len(waiting) != 1 {
			t.Fatalf("the batch is %+v, its jobs %+v", b, waiting)
		}
		if _, err := w.Cards.Export(t.Context(), b.ID, licensetest.By); !errors.Is(err, card.ErrNotMade) {
			t.Errorf("a batch in the making is exported: %v", err)
		}
		// The first part is made, then the process ends, and two others go on at once.
		must(t, w.Cards.MakePart(t.Context(), b.ID))
		other := licensetest.Node(t, w.DB, w.Key, w.Clock)
		var group sync.WaitGroup
		for _, desk := range []*card.Desk{w.Cards, other.Cards} {
			group.Go(func() {
				if err := desk.MakeBatch(t.Context(), b.ID); err != nil {
					t.Errorf("make a batch: %v", err)
				}
			})
		}
		group.Wait()
		b, err = w.Store.Batch(t.Context(), b.ID)
		must(t, err)
		cards, total, err := w.Store.Cards(t.Context(), store.CardQuery{Batch: b.ID, Now: w.Clock.Now(), Limit: 5000})
		must(t, err)
		if b.Made != 2500 || total != 2500 {
			t.Fatalf("%d are counted, %d are there", b.Made, total)
		}
		hashes := map[[32]byte]store.Card{}
		for _, c := range cards {
			hashes[c.Hash] = c
		}
		keys, err := w.Cards.Export(t.Context(), b.ID, licensetest.By)
		must(t, err)
		if len(keys) != 2500 {
			t.Fatalf("%d keys are exported", len(keys))
		}
		for i, k := range keys {
			id, err := cardid.Parse(k.Key)
			must(t, err)
			c, ok := hashes[[32]byte(id.Hash())]
			if !ok || k.Number != i+1 || c.Prefix != string(id[:4]) || c.State != store.CardNew || c.Days != 40 || c.Customer != customer.ID || c.Policy != b.Policy {
				t.Fatalf("key %d of %+v is that of %+v", i, k, c)
			}
			delete(hashes, [32]byte(id.Hash()))
		}
	})
}

func TestKeysAreExportedOnceAndAreNowhere(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		b, err := w.Cards.Order(t.Context(), card.Order{Policy: w.Policy(t, "p", nil), Count: 3}, licensetest.By)
		must(t, err)
		if b.Made != 3 {
			t.Fatalf("a small batch is %+v", b)
		}
		must(t, w.Cards.DropKeys(t.Context())) // what was not exported stays
		first, err := w.Cards.Export(t.Context(), b.ID, licensetest.By)
		must(t, err)
		text := dump(t, w.DB)
		for _, k := range first {
			plain := strings.ReplaceAll(k.Key, "-", "")
			for _, form := range []string{k.Key, plain} {
				if strings.Contains(text, form) {
					t.Errorf("the database holds the key %s", form)
				}
			}
		}
		w.Clock.Advance(card.Again - time.Microsecond)
		must(t, w.Cards.DropKeys(t.Context()))
		again, err := w.Cards.Export(t.Context(), b.ID, licensetest.By)
		must(t, err)
		if fmt.Sprint(again) != fmt.Sprint(first) {
			t.Errorf("the second export has other keys: %v, %v", again, first)
		}
		w.Clock.Advance(time.Microsecond)
		if _, err := w.Cards.Export(t.Context(), b.ID, licensetest.By); !errors.Is(err, card.ErrExported) {
			t.Errorf("after a quarter of an hour: %v", err)
		}
		must(t, w.Cards.DropKeys(t.Context()))
		rows := 0
		must(t, w.DB.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM batch_keys`).Scan(&rows))
		if rows != 0 {
			t.Errorf("%d rows of keys are left", rows)
		}
		w.Clock.Advance(-time.Hour) // not even for a clock that was set back
		if _, err := w.Cards.Export(t.Context(), b.ID, licensetest.By); !errors.Is(err, card.ErrExported) {
			t.Errorf("with a clock that was set back: %v", err)
		}
		exports := 0
		for _, a := range w.Actions(t) {
			if a == "batch.exported" {
				exports++
			}
		}
		if exports != 2 {
			t.Errorf("the audit log has %d exports", exports)
		}
	})
}

// dump is every text and every byte of the database.
func dump(t testing.TB, d *db.DB) string {
	t.Helper()
	query := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if d.Engine == db.Postgres {
		query = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`
	}
	tables := column(t, d, query)
	if len(tables) < 15 {
		t.Fatalf("the tables are %v", tables)
	}
	var all strings.Builder
	for _, table := range tables {
		rows, err := d.Read.QueryContext(t.Context(), `SELECT * FROM "`+table+`"`)
		must(t, err)
		names, err := rows.Columns()
		must(t, err)
		for rows.Next() {
			cells := make([]sql.RawBytes, len(names))
			into := make([]any, len(names))
			for i := range cells {
				into[i] = &cells[i]
			}
			must(t, rows.Scan(into...))
			all.Write(bytes.Join(toBytes(cells), []byte{'\n'}))
		}
		must(t, rows.Err())
		must(t, rows.Close())
	}
	return all.String()
}

func toBytes(cells []sql.RawBytes) [][]byte {
	all := make([][]byte, len(cells))
	for i, c := range cells {
		all[i] = c
	}
	return all
}

func column(t testing.TB, d *db.DB, query string) (all []string) {
	t.Helper()
	rows, err := d.Read.QueryContext(t.Context(), query)
	must(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var one string
		must(t, rows.Scan(&one))
		all = append(all, one)
	}
	must(t, rows.Err())
	return all
}

func TestOrdersThatAreRefused(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		p := w.Policy(t, "p", nil)
		now := w.Clock.Now()
		for want, o := range map[string]card.Order{
			"count out_of_bounds":   {Policy: p, Count: 0},
			"count  out_of_bounds":  {Policy: p, Count: card.MaxBatch + 1},
			"days out_of_bounds":    {Policy: p, Count: 1, Days: -1},
			"days  out_of_bounds":   {Policy: p, Count: 1, Days: policy.MaxDays + 1},
			"ends_at past":          {Policy: p, Count: 1, EndsAt: now},
			"ends_at too_late":      {Policy: p, Count: 1, EndsAt: now.AddDate(7000, 0, 0)},
			"note too_long":         {Policy: p, Count: 1, Note: strings.Repeat("n", 2001)},
			"note not_text":         {Policy: p, Count: 1, Note: "\x00"},
			" policy_not_found":     {Policy: "pol_none", Count: 1},
			" customer_not_found":   {Policy: p, Customer: "cus_none", Count: 1},
			"count  out_of_bounds ": {Policy: p, Count: -5},
		} {
			_, err := w.Cards.Order(t.Context(), o, licensetest.By)
			wrong(t, err, strings.Join(strings.Fields(want), " "))
		}
		if _, n, err := w.Store.Batches(t.Context(), store.BatchQuery{Limit: 10}); err != nil || n != 0 {
			t.Errorf("%d batches were made, %v", n, err)
		}
	})
}

// wrong fails the test when the error is not the one wanted: "field code", or "code".
func wrong(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil {
		t.Errorf("nothing is wrong, want %s", want)
		return
	}
	f := fault.As(err)
	got := f.Code
	if len(f.Fields) > 0 {
		got = f.Fields[0].Name + " " + f.Fields[0].Code
	}
	if got != want {
		t.Errorf("%v is %s, want %s", err, got, want)
	}
}

func TestCSVRunsNoFormula(t *testing.T) {
	var keys []card.Key
	for i := range 1000 {
		keys = append(keys, card.Key{Number: i + 1, Key: cardid.New().Shown()})
	}
	lines := strings.Split(strings.TrimSuffix(card.CSV(keys), "\r\n"), "\r\n")
	if len(lines) != 1001 || lines[0] != "number,key" || lines[1] != "1,"+keys[0].Key {
		t.Fatalf("the export begins with %q", lines[:2])
	}
	for _, line := range lines {
		for cell := range strings.SplitSeq(line, ",") {
			if strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a cell is %q", cell)
			}
		}
	}
}
