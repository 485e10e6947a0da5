package backup_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"guildhall/platform/audit"
	"guildhall/platform/backup"
)

// notes are the actions of the notes in a folder, by id.
func notes(t *testing.T, dir string) (actions []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, audit.NotesDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var n audit.Note
		if err := json.Unmarshal(text, &n); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		actions = append(actions, n.ID+" "+n.Action)
	}
	return actions
}

func (w *world) wantNotes(t *testing.T, want ...string) {
	t.Helper()
	if got := notes(t, w.dir); !slices.Equal(got, want) {
		t.Fatalf("the notes are %q, want %q", got, want)
	}
}

// TestARestoreLeavesANote restores twice before the service starts: what is known
// of the first one is kept.
func TestARestoreLeavesANote(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		file := w.create(t, "")
		if err := w.d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := backup.Restore(t.Context(), file, w.target(), false); !errors.Is(err, backup.ErrOverwrite) {
			t.Fatalf("without force: %v", err)
		}
		w.wantNotes(t)
		again := w.target()
		again.Note.ID = "note_2"
		for _, target := range []backup.Target{w.target(), again} {
			if err := backup.Restore(t.Context(), file, target, true); err != nil {
				t.Fatal(err)
			}
		}
		w.wantNotes(t, "note_1 backup.restored", "note_2 backup.restored")
		w.open(t)
		saved := w.create(t, "")
		m, err := backup.Inspect(saved, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range m.Members {
			if filepath.Base(filepath.Dir(member.Name)) == audit.NotesDir {
				t.Errorf("the backup has %s, which a restore would bring back", member.Name)
			}
		}
	})
}

// TestAnInterruptedRestoreIsNotForgotten puts the database into place and cannot
// put the folder: what the next start finds says that a restore did not end.
func TestAnInterruptedRestoreIsNotForgotten(t *testing.T) {
	engines(t, func(t *testing.T, w *world) {
		good := w.create(t, "")
		// A file where the folder of backups belongs.
		backups := filepath.Join(w.dir, "backups")
		if err := os.WriteFile(backups, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		file := w.create(t, "")
		if err := errors.Join(w.d.Close(), os.Remove(backups), os.Mkdir(backups, 0o700)); err != nil {
			t.Fatal(err)
		}
		target := w.target()
		if w.d.Path != "" { // elsewhere, for within the folder it is one step
			target.URL = "sqlite:" + filepath.Join(t.TempDir(), "bank.db")
		}
		if err := backup.Restore(t.Context(), file, target, true); err == nil {
			t.Fatal("the folder was put into place")
		}
		w.wantNotes(t, "note_1 backup.restore_interrupted")
		if err := backup.Restore(t.Context(), good, w.target(), true); err != nil {
			t.Fatal(err)
		}
		w.wantNotes(t, "note_1 backup.restored")
	})
}
