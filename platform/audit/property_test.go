package audit

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"guildhall/platform/guildtest"
)

// TestAnyTamperingIsNamed changes, removes and inserts rows at random and holds
// that each of them is named, and no other row is called changed or inserted.
func TestAnyTamperingIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, guildtest.Open(t, guildtest.SQLite(t), nil))
	const size = 20
	w.append(size)
	rows := w.rows()
	rapid.Check(t, func(rt *rapid.T) {
		fate := map[int64]Kind{}
		var statements []string
		for seq := range int64(size) {
			kind := rapid.SampledFrom([]Kind{"", "", "", Changed, Removed}).Draw(rt, fmt.Sprint("row ", seq))
			switch kind {
			case Changed:
				statements = append(statements, fmt.Sprintf(`UPDATE audit_entries SET %s WHERE seq = %d`, rapid.SampledFrom(changes).Draw(rt, "change"), seq))
			case Removed:
				statements = append(statements, fmt.Sprintf(`DELETE FROM audit_entries WHERE seq = %d`, seq))
			default:
				continue
			}
			fate[seq] = kind
		}
		for seq := range rapid.Int64Range(0, 2).Draw(rt, "inserted") {
			fate[size+seq] = Inserted
			statements = append(statements, fmt.Sprintf(`INSERT INTO audit_entries (%s) VALUES (%d, 1, 'mallory', 'x', 'x', '', '{}', x'00', x'', x'')`, columns, size+seq))
		}
		w.replace(rows, statements)
		report, err := w.log.Verify(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		found := map[int64]Kind{}
		for _, p := range report.Problems {
			for seq := p.First; seq <= p.Last; seq++ {
				if _, again := found[seq]; !again {
					found[seq] = p.Kind
				}
			}
		}
		for seq, kind := range fate {
			if got := found[seq]; got != kind && (kind != Removed || got != Truncated) {
				rt.Fatalf("row %d was %s, found %q: %v", seq, kind, got, report.Problems)
			}
			delete(found, seq)
		}
		if len(found) != 0 {
			rt.Fatalf("rows found that nobody touched: %v", found)
		}
	})
}

// changes are what may happen to a row, with or without its hashes and seal.
var changes = []string{"at = at - 1", "actor = 'mallory'", "subject = ''", "detail = '{}'", "action = 'x', leaf_hash = zeroblob(32)",
	"from_ip = 'x', seal = zeroblob(32)", "action = 'x', tree_hashes = x''", "actor = 'x', leaf_hash = zeroblob(3)"}

func (w *world) rows() (rows []row) {
	w.t.Helper()
	err := w.log.snapshot(w.t.Context(), func(tx *sql.Tx) error {
		return eachRow(w.t.Context(), tx, func(r *row) error {
			r.trees = append([]byte{}, r.trees...) // no hashes are not NULL
			rows = append(rows, *r)
			return nil
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// replace puts rows in the place of all and runs statements.
func (w *world) replace(rows []row, statements []string) {
	w.t.Helper()
	err := w.db.WithTx(w.t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(w.t.Context(), `DELETE FROM audit_entries`); err != nil {
			return err
		}
		if err := w.log.insert(w.t.Context(), tx, rows); err != nil {
			return err
		}
		for _, s := range statements {
			if _, err := tx.ExecContext(w.t.Context(), s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestUnreadableDetailIsShown(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.append(1)
		w.exec(`UPDATE audit_entries SET detail = 'not "JSON'`)
		page, err := w.log.List(t.Context(), Filter{})
		if err != nil || !strings.Contains(string(page.Records[0].Detail), `{"unreadable":"not \"JSON"}`) {
			t.Fatalf("%s, %v", page.Records[0].Detail, err)
		}
	})
}
