package audit

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"guildhall/platform/db"
)

var errOnPurpose = errors.New("on purpose")

func wantDamaged(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v, wanted ErrDamaged", err)
	}
}

// TestAnyMixOfTransactions runs transactions of several processes, of which
// some are rolled back, and holds that the log has exactly the committed
// entries, in order, and verifies.
func TestAnyMixOfTransactions(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		nodes := []*Log{w.log, w.reopen(), w.reopen()}
		var want []string
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 6).Draw(rt, "transactions") {
				l := nodes[rapid.IntRange(0, len(nodes)-1).Draw(rt, "node")]
				calls := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 3).Draw(rt, "calls")
				fails := rapid.Bool().Draw(rt, "fails")
				var wrote []string
				err := w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
					for _, n := range calls {
						var entries []Entry
						for range n {
							name := fmt.Sprint("s", len(want)+len(wrote))
							wrote = append(wrote, name)
							entries = append(entries, Entry{Actor: "a", Action: "b", Subject: name})
						}
						if err := l.Append(t.Context(), tx, entries...); err != nil {
							return err
						}
					}
					if fails {
						return errOnPurpose
					}
					return nil
				})
				if fails != errors.Is(err, errOnPurpose) || !fails && err != nil {
					rt.Fatal(err)
				}
				if !fails {
					want = append(want, wrote...)
				}
			}
		})
		w.verify(nil)
		got := w.subjects(Filter{Limit: MaxLimit})
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Fatalf("got %v, wanted %v", got, want)
		}
	})
}

// subjects are those of all pages, oldest first.
func (w *world) subjects(f Filter) []string {
	w.t.Helper()
	var out []string
	for {
		page, err := w.log.List(w.t.Context(), f)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range page.Records {
			out = append([]string{r.Subject}, out...)
		}
		if page.Next == 0 {
			return out
		}
		f.Before = page.Next
	}
}

// TestConcurrentAppends writes from two nodes at once, in shared transactions
// of which some members fail.
func TestConcurrentAppends(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		nodes := []*Log{w.log, w.reopen()}
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				write := w.db.Group
				if i%3 == 0 {
					write = w.db.WithTx
				}
				err := write(t.Context(), func(tx *sql.Tx) error {
					if err := nodes[i%2].Append(t.Context(), tx, Entry{Actor: "a", Action: "b", Subject: fmt.Sprint(i)}); err != nil {
						return err
					}
					if i%10 == 0 {
						return errOnPurpose
					}
					return nil
				})
				if i%10 == 0 != errors.Is(err, errOnPurpose) || i%10 != 0 && err != nil {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if report := w.verify(nil); report.Rows != 180 || report.Head.Size != 180 {
			t.Fatalf("%d rows, head of %d", report.Rows, report.Head.Size)
		}
	})
}

// TestEdgeIsTheTree compares with the reference implementation.
func TestEdgeIsTheTree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var tree edge
		var stored []tlog.Hash
		reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(indexes))
			for i, x := range indexes {
				out[i] = stored[x]
			}
			return out, nil
		})
		for i, data := range rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "leaves") {
			hashes, err := tlog.StoredHashes(int64(i), data, reader)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, hashes...)
			completed := tree.add(tlog.RecordHash(data))
			if string(joinHashes(completed)) != string(joinHashes(hashes[1:])) {
				t.Fatalf("leaf %d completes %v, wanted %v", i, completed, hashes[1:])
			}
		}
		want, err := tlog.TreeHash(tree.size, reader)
		if err != nil || tree.root() != want {
			t.Fatalf("root %v, wanted %v, %v", tree.root(), want, err)
		}
		again, err := decodeEdge(tree.size, tree.encode())
		if err != nil || again.root() != want {
			t.Fatalf("decoded edge: %v", err)
		}
	})
}

// TestEveryTextSurvives holds that whatever bytes a caller records, both
// engines give back what was hashed.
func TestEveryTextSurvives(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		text := rapid.Custom(func(t *rapid.T) string {
			return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		})
		rapid.Check(t, func(rt *rapid.T) {
			w.record(w.log, Entry{Actor: "a" + text.Draw(rt, "actor"), Action: "b" + text.Draw(rt, "action"),
				Subject: text.Draw(rt, "subject"), From: text.Draw(rt, "from"),
				Detail: map[string]any{text.Draw(rt, "name"): text.Draw(rt, "value")}})
		})
		w.record(w.log, Entry{Actor: "a", Action: "b", Subject: strings.Repeat("é", 5000)})
		w.verify(nil)
	})
}

func TestWhatCannotBeRecorded(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		for name, e := range map[string]Entry{
			"no actor":         {Action: "b"},
			"no action":        {Actor: "a"},
			"not JSON":         {Actor: "a", Action: "b", Detail: map[string]any{"x": func() {}}},
			"too large detail": {Actor: "a", Action: "b", Detail: map[string]any{"x": strings.Repeat("x", maxDetail)}},
		} {
			err := w.db.WithTx(t.Context(), func(tx *sql.Tx) error { return w.log.Append(t.Context(), tx, e) })
			if err == nil {
				t.Errorf("%s: recorded", name)
			}
		}
		if report := w.verify(nil); report.Rows != 0 {
			t.Fatalf("%d rows", report.Rows)
		}
	})
}

func TestSecretsAreMasked(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		w.record(w.log, Entry{Actor: "a", Action: "b", Detail: map[string]any{"password": "hunter2", "join-token": "hunter2",
			"token_id": "tok_1", "key_type": "P-256", "new": map[string]any{"Passphrase": "hunter2"},
			"pem": "-----BEGIN PRIVATE KEY-----\nhunter2"}})
		page, err := w.log.List(t.Context(), Filter{})
		if err != nil {
			t.Fatal(err)
		}
		want := `{"join-token":"[masked]","key_type":"P-256","new":{"Passphrase":"[masked]"},"password":"[masked]","pem":"[masked]","token_id":"tok_1"}`
		if got := string(page.Records[0].Detail); got != want {
			t.Fatalf("got %s", got)
		}
	})
}

func TestList(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		start := w.clock.Now()
		for i := range 7 {
			w.clock.Advance(time.Minute)
			w.record(w.log, Entry{Actor: fmt.Sprint("adm_", i%2), Action: fmt.Sprint("thing.", i%3), Subject: fmt.Sprint(i),
				From: "192.0.2.7", Detail: map[string]any{"Note": fmt.Sprintf("100%%_%d", i)}})
		}
		for name, tc := range map[string]struct {
			filter Filter
			want   string
		}{
			"all":             {Filter{}, "0 1 2 3 4 5 6"},
			"paged":           {Filter{Limit: 2}, "0 1 2 3 4 5 6"},
			"page that fits":  {Filter{Limit: 7}, "0 1 2 3 4 5 6"},
			"before":          {Filter{Before: 2}, "0 1"},
			"actor":           {Filter{Actor: "adm_1"}, "1 3 5"},
			"action":          {Filter{Action: "thing.2"}, "2 5"},
			"both":            {Filter{Actor: "adm_1", Action: "thing.2"}, "5"},
			"subject":         {Filter{Subject: "4"}, "4"},
			"text":            {Filter{Text: "NOTE\":\"100%_3"}, "3"},
			"text, no joker":  {Filter{Text: "100__"}, ""},
			"since":           {Filter{Since: start.Add(6 * time.Minute)}, "5 6"},
			"until":           {Filter{Until: start.Add(2 * time.Minute)}, "0"},
			"nothing matches": {Filter{Actor: "adm"}, ""},
		} {
			if got := strings.Join(w.subjects(tc.filter), " "); got != tc.want {
				t.Errorf("%s: got %q, wanted %q", name, got, tc.want)
			}
		}
		page, err := w.log.List(t.Context(), Filter{Subject: "0"})
		if err != nil {
			t.Fatal(err)
		}
		r := page.Records[0]
		if r.Seq != 0 || !r.At.Equal(start.Add(time.Minute)) || r.From != "192.0.2.7" || !json.Valid(r.Detail) {
			t.Fatalf("got %+v", r)
		}
	})
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{DB: &db.DB{}, Name: "x", Now: time.Now}); err == nil {
		t.Fatal("a log without a key was made")
	}
	w := newWorldOptions()
	w.Name = "not a name"
	if _, err := New(w); err == nil {
		t.Fatal("a name with spaces was taken")
	}
}

func newWorldOptions() Options {
	return Options{DB: &db.DB{}, Name: "x", Key: make([]byte, 64), Now: time.Now}
}
