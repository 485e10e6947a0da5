package audit

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"guildhall/platform/fault"
)

func (w *world) journal(log *bytes.Buffer) *Journal {
	return &Journal{DB: w.db, Audit: w.log, Log: slog.New(slog.NewTextHandler(log, nil))}
}

// lines are the rows as "actor from action subject code", oldest first.
func (w *world) lines() []string {
	w.t.Helper()
	page, err := w.log.List(w.t.Context(), Filter{})
	if err != nil {
		w.t.Fatal(err)
	}
	lines := make([]string, len(page.Records))
	for i, r := range page.Records {
		var detail struct{ Code string }
		if err := json.Unmarshal(r.Detail, &detail); err != nil {
			w.t.Fatal(err)
		}
		lines[len(lines)-1-i] = strings.TrimSpace(fmt.Sprintln(r.Actor, r.From, r.Action, r.Subject, detail.Code))
	}
	return lines
}

func (w *world) wantLines(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.lines()); diff != "" {
		w.t.Fatal(diff)
	}
}

func TestJournalNamesTheCaller(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		j := w.journal(new(bytes.Buffer))
		visitor := Caller{From: "192.0.2.7"}
		for _, c := range []Caller{visitor, visitor.As("usr_1"), {Actor: System, From: "-"}} {
			if err := j.Record(t.Context(), c, "thing.made", "it", map[string]any{"code": "x"}); err != nil {
				t.Fatal(err)
			}
		}
		w.wantLines("anonymous 192.0.2.7 thing.made it x", "usr_1 192.0.2.7 thing.made it x", "system - thing.made it x")
	})
}

// A name stands in the detail, beside what the caller of Record said.
func TestJournalNamesWhoHasOnlyAnID(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		j := w.journal(new(bytes.Buffer))
		given := map[string]any{"code": "x"}
		for _, detail := range []map[string]any{nil, given} {
			if err := j.Record(t.Context(), Caller{Actor: "break-glass:bgc_1", Name: "nightly \"import\""}, "thing.made", "it", detail); err != nil {
				t.Fatal(err)
			}
		}
		page, err := w.log.List(t.Context(), Filter{Actor: "break-glass:bgc_1", Text: "nightly"})
		if err != nil {
			t.Fatal(err)
		}
		var details []string
		for _, r := range page.Records {
			details = append(details, string(r.Detail))
		}
		want := []string{`{"actor_name":"nightly \"import\"","code":"x"}`, `{"actor_name":"nightly \"import\""}`}
		if diff := cmp.Diff(want, details); diff != "" || len(given) != 1 {
			t.Errorf("%s\nthe caller's map became %v", diff, given)
		}
	})
}

// Append may come late in a transaction that Begin opened, and is undone with it.
func TestJournalAppendsAfterBegin(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		j := w.journal(new(bytes.Buffer))
		late := func(subject string, result error) error {
			return w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
				if err := j.Begin(t.Context(), tx); err != nil {
					return err
				}
				var n int
				if err := tx.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM audit_entries`).Scan(&n); err != nil {
					return err
				}
				return errors.Join(j.Append(t.Context(), tx, Caller{Actor: "a", From: "-"}, "thing.made", subject, nil), result)
			})
		}
		if err := late("kept", nil); err != nil {
			t.Fatal(err)
		}
		if err := late("undone", errOnPurpose); !errors.Is(err, errOnPurpose) {
			t.Fatal(err)
		}
		w.wantLines("a - thing.made kept")
		w.verify(nil)
	})
}

func TestJournalRecordsRefusals(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		var log bytes.Buffer
		j := w.journal(&log)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		by := Caller{Actor: "usr_1", From: "192.0.2.7"}
		for code, kind := range map[string]fault.Kind{"not_yours": fault.Forbidden, "ours": fault.Internal, "full": fault.Unavailable} {
			reason := fault.New(kind, code, "No.")
			if err := j.Refused(gone, by, "thing.refused", "it", reason); !errors.Is(err, reason) {
				t.Errorf("%s: returned %v", code, err)
			}
		}
		w.wantLines("usr_1 192.0.2.7 thing.refused it not_yours")
		if log.Len() != 0 {
			t.Errorf("the log says %s", &log)
		}
		// What cannot be recorded is refused all the same.
		w.exec(`DELETE FROM audit_head`)
		reason := fault.New(fault.Forbidden, "not_yours", "No.")
		if err := j.Refused(gone, by, "thing.refused", "it", reason); !errors.Is(err, reason) {
			t.Errorf("without a head: returned %v", err)
		}
		if !strings.Contains(log.String(), "a refusal was not recorded") || !strings.Contains(log.String(), "thing.refused") {
			t.Errorf("the log says %q", &log)
		}
	})
}
