package audit

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guildhall/platform/fault"
)

// note is one that waits since the clock's time.
func (w *world) note(id string) Note {
	return Note{ID: id, At: w.clock.Now(), By: Caller{Actor: "local:root", From: "local"}, Action: BackupRestored, Subject: id + ".backup",
		Detail: map[string]any{"code": "x"}}
}

func waiting(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, NotesDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestNotesAreRecordedOnceInOrder(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		j, dir := w.journal(new(bytes.Buffer)), t.TempDir()
		if err := j.RecordNotes(t.Context(), dir); err != nil {
			t.Fatalf("no notes: %v", err)
		}
		first, second, third := w.note("note_1"), w.note("note_2"), w.note("note_3")
		for _, n := range []Note{second, first, third} {
			if err := n.Leave(dir); err != nil {
				t.Fatal(err)
			}
		}
		if err := third.Withdraw(dir); err != nil {
			t.Fatal(err)
		}
		if err := j.RecordNotes(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		// A process that dies before it removes the file finds it at its next start.
		if err := first.Leave(dir); err != nil {
			t.Fatal(err)
		}
		if err := j.RecordNotes(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		w.wantLines("local:root local backup.restored note_1.backup x", "local:root local backup.restored note_2.backup x")
		if left := waiting(t, dir); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		page, err := w.log.List(t.Context(), Filter{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		var detail struct{ At string }
		if err := json.Unmarshal(page.Records[0].Detail, &detail); err != nil || detail.At != second.At.Format(timeFormat) {
			t.Errorf("it happened at %q, %v", detail.At, err)
		}
	})
}

func TestNotesWaitForALogThatTakesThem(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		j, dir := w.journal(new(bytes.Buffer)), t.TempDir()
		if err := w.note("note_1").Leave(dir); err != nil {
			t.Fatal(err)
		}
		w.exec(`DELETE FROM audit_head`)
		wantDamaged(t, j.RecordNotes(t.Context(), dir))
		if left := waiting(t, dir); len(left) != 1 {
			t.Errorf("what waits: %v", left)
		}
	})
}

func TestADamagedNoteIsNamed(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		j, dir := w.journal(new(bytes.Buffer)), t.TempDir()
		if err := w.note("note_1").Leave(dir); err != nil {
			t.Fatal(err)
		}
		file := waiting(t, dir)[0]
		if err := os.WriteFile(file, []byte(`{"id":`), 0o600); err != nil {
			t.Fatal(err)
		}
		err := j.RecordNotes(t.Context(), dir)
		if got := fault.As(err); got.Code != "note_damaged" || !strings.Contains(got.Detail, file) {
			t.Errorf("got %v", err)
		}
	})
}
