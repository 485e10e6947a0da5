package audit

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

const insertForged = `INSERT INTO audit_entries (` + columns + `)
	SELECT $1, at, 'mallory', action, subject, from_ip, detail, leaf_hash, tree_hashes, seal FROM audit_entries WHERE seq = $2`

// TestTampering changes the database by SQL, as somebody would who has it but
// not the key, and says what Verify must find.
func TestTampering(t *testing.T) {
	t.Parallel()
	for name, tc := range tamperings() {
		t.Run(name, func(t *testing.T) {
			engines(t, func(t *testing.T, w *world) {
				w.append(11)
				w.verify(nil)
				tc.tamper(w)
				w.verify(nil, tc.want...)
			})
		})
	}
}

type tampering struct {
	tamper func(w *world)
	want   []string
}

func tamperings() map[string]tampering {
	all := map[string]tampering{
		"several changes": {func(w *world) {
			w.exec(`UPDATE audit_entries SET action = 'x' WHERE seq = 0`)
			w.exec(`UPDATE audit_entries SET action = 'x' WHERE seq IN (5, 6, 7)`)
			w.exec(`DELETE FROM audit_entries WHERE seq IN (2, 3)`)
			w.exec(`UPDATE audit_entries SET subject = 'x' WHERE seq = 10`)
		}, []string{"row 0 changed", "rows 2 to 3 removed", "rows 5 to 7 changed", "row 10 changed"}},
		"everything changed": {func(w *world) { w.exec(`UPDATE audit_entries SET at = at + 1`) }, []string{"rows 0 to 10 changed"}},
		"everything removed": {func(w *world) { w.exec(`DELETE FROM audit_entries`) }, []string{"rows 0 to 10 truncated"}},
		"content and leaf hash replaced": {func(w *world) { w.forge(4, false) },
			[]string{"row 4 changed"}},
		"content and all hashes replaced": {func(w *world) { w.forge(4, true) },
			[]string{"row 4 changed"}},
		"row removed":   {func(w *world) { w.exec(`DELETE FROM audit_entries WHERE seq = 4`) }, []string{"row 4 removed"}},
		"first removed": {func(w *world) { w.exec(`DELETE FROM audit_entries WHERE seq = 0`) }, []string{"row 0 removed"}},
		"tail cut off":  {func(w *world) { w.exec(`DELETE FROM audit_entries WHERE seq >= 8`) }, []string{"rows 8 to 10 truncated"}},
		"row removed and the others renumbered": {func(w *world) {
			w.exec(`DELETE FROM audit_entries WHERE seq = 4`)
			w.renumber(5, -1)
		}, []string{"row 4 removed", "rows 4 to 9 moved"}},
		"row inserted at the end": {func(w *world) { w.exec(insertForged, 11, 3) }, []string{"row 11 inserted"}},
		"row inserted in between": {func(w *world) {
			w.renumber(4, 1)
			w.exec(insertForged, 4, 3)
		}, []string{"row 4 inserted", "rows 5 to 11 moved"}},
		"copy of a row inserted": {func(w *world) {
			w.renumber(4, 1)
			w.exec(`INSERT INTO audit_entries (` + columns + `) SELECT 4, at, actor, action, subject, from_ip, detail, leaf_hash, tree_hashes, seal FROM audit_entries WHERE seq = 3`)
		}, []string{"row 4 inserted", "rows 5 to 11 moved"}},
		"leaf hash changed":   {func(w *world) { w.exec(`UPDATE audit_entries SET leaf_hash = $1 WHERE seq = 4`, make([]byte, 32)) }, []string{"row 4 bad_hashes"}},
		"tree hashes changed": {func(w *world) { w.exec(`UPDATE audit_entries SET tree_hashes = $1 WHERE seq = 5`, make([]byte, 32)) }, []string{"row 5 bad_hashes"}},
		"seal changed":        {func(w *world) { w.exec(`UPDATE audit_entries SET seal = $1 WHERE seq = 4`, make([]byte, 32)) }, []string{"row 4 changed"}},
		"head removed":        {func(w *world) { w.exec(`DELETE FROM audit_head`) }, []string{"bad_head"}},
		"head rewritten": {func(w *world) {
			h := w.head()
			w.exec(`UPDATE audit_head SET note = replace(note, $1, $2)`, h.Root.String(), tlog.Hash{}.String())
		}, []string{"bad_head"}},
		"head's size rewritten": {func(w *world) { w.exec(`UPDATE audit_head SET size = 4`) }, []string{"bad_head"}},
		"head's edge rewritten": {func(w *world) { w.exec(`UPDATE audit_head SET edge = $1`, make([]byte, 96)) }, []string{"bad_head"}},
		"head put back": {func(w *world) {
			old := w.saveHead()
			w.append(2)
			w.restoreHead(old)
		}, []string{"rows 11 to 12 bad_head"}},
	}
	for column, value := range map[string]any{"at": 7, "actor": "mallory", "action": "thing.lost", "subject": "other",
		"from_ip": "198.51.100.1", "detail": `{"n": 11}`} {
		all[column+" changed"] = tampering{func(w *world) { w.exec(`UPDATE audit_entries SET `+column+` = $1 WHERE seq = 4`, value) },
			[]string{"row 4 changed"}}
	}
	return all
}

// renumber moves the rows from first on by one, in an order in which no two
// have the same number.
func (w *world) renumber(first int64, by int64) {
	w.exec(`UPDATE audit_entries SET seq = seq + 1000 WHERE seq >= $1`, first)
	w.exec(`UPDATE audit_entries SET seq = seq - 1000 + $1 WHERE seq >= 1000`, by)
}

// forge changes a row's actor and makes its hash, and if all is set every later
// tree hash, the edge and the columns of the head, fit: all that needs no key.
func (w *world) forge(seq int64, all bool) {
	w.exec(`UPDATE audit_entries SET actor = 'mallory' WHERE seq = $1`, seq)
	var tree edge
	var rows []row
	err := w.log.snapshot(w.t.Context(), func(tx *sql.Tx) error {
		return eachRow(w.t.Context(), tx, func(r *row) error {
			leaf, err := leafHash(r, r.seq)
			r.leaf, r.trees = leaf[:], joinHashes(tree.add(leaf))
			rows = append(rows, *r)
			return err
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range rows {
		if all || r.seq == seq {
			w.exec(`UPDATE audit_entries SET leaf_hash = $1, tree_hashes = $2 WHERE seq = $3`, r.leaf, r.trees, r.seq)
		}
	}
	if all {
		w.exec(`UPDATE audit_head SET edge = $1`, tree.encode())
	}
}

func (w *world) saveHead() storedHead {
	w.t.Helper()
	var out *storedHead
	err := w.log.snapshot(w.t.Context(), func(tx *sql.Tx) (err error) {
		out, err = readHead(w.t.Context(), tx)
		return err
	})
	if err != nil || out == nil {
		w.t.Fatal(out, err)
	}
	return *out
}

func (w *world) restoreHead(h storedHead) {
	w.exec(`UPDATE audit_head SET size = $1, edge = $2, note = $3`, h.size, h.edge, h.note)
}

func TestExchangedRows(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.append(11)
		w.exec(`UPDATE audit_entries SET seq = 100 WHERE seq = 4`)
		w.exec(`UPDATE audit_entries SET seq = 4 WHERE seq = 7`)
		w.exec(`UPDATE audit_entries SET seq = 7 WHERE seq = 100`)
		report, err := w.log.Verify(t.Context())
		if err != nil || report.OK() || report.Problems[0].First != 4 {
			t.Fatalf("report %v, %v", report.Problems, err)
		}
	})
}

func TestKeptHeadFindsARollback(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.append(5)
		old, early := w.saveHead(), w.head()
		w.append(4)
		kept := w.head()
		w.verify([]Head{early, kept})
		if err := w.log.Continues(t.Context(), early); err != nil {
			t.Fatal(err)
		}

		w.exec(`DELETE FROM audit_entries WHERE seq >= 5`)
		w.restoreHead(old)
		w.verify(nil) // alone, the old state is good
		w.verify([]Head{early, kept}, "rolled_back")

		w.log = w.reopen()
		w.clock.Advance(1000)
		w.append(6) // another history, signed
		w.verify([]Head{early})
		w.verify([]Head{early, kept}, "rolled_back")
		if err := w.log.Continues(t.Context(), kept); err == nil {
			t.Fatal("another history continues the kept head")
		}
	})
}

func TestKeptHeadMustBeOurs(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		if _, err := w.log.Verify(t.Context(), Head{Size: 1, Note: "nonsense"}); err == nil {
			t.Fatal("a head without a signature was taken")
		}
	})
}

func TestDamagedHeadStopsAppends(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.append(3)
		h := w.head()
		w.exec(`UPDATE audit_head SET size = 2, edge = $1, note = replace(note, $2, $3)`, make([]byte, 32), h.Root.String(), tlog.Hash{}.String())
		for _, l := range []*Log{w.log, w.reopen()} {
			err := w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
				return l.Append(t.Context(), tx, Entry{Actor: "a", Action: "b"})
			})
			wantDamaged(t, err)
		}
		w.exec(`DELETE FROM audit_head`)
		if err := w.log.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := w.log.Head(t.Context())
		wantDamaged(t, err)
	})
}

func TestLogThatLostEverythingIsNotBegunAnew(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.append(3)
		w.exec(`DELETE FROM audit_entries`)
		w.exec(`DELETE FROM audit_head`)
		w.log.begun = func(context.Context, *sql.Tx) (bool, error) { return true, nil }
		if err := w.log.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantDamaged(t, w.log.Check(t.Context()))
		w.log.begun = func(context.Context, *sql.Tx) (bool, error) { return false, nil }
		if err := errors.Join(w.log.Migrate(t.Context()), w.log.Check(t.Context())); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRowsBehindTheHeadStopAppends(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.append(3)
		w.exec(insertForged, 3, 1)
		err := w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
			return w.log.Append(t.Context(), tx, Entry{Actor: "a", Action: "b"})
		})
		wantDamaged(t, err)
		w.exec(`DELETE FROM audit_entries WHERE seq = 3`)
		w.append(1)
		w.verify(nil)
	})
}
