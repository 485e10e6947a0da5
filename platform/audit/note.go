package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"guildhall/platform/fault"
)

// NotesDir is the folder, in a service's own, where notes wait.
const NotesDir = "unrecorded"

// Note is an entry that cannot be recorded when it happens, because the log is
// not open then: a restore, or the backup before an upgrade. It waits in a file
// for the service's next start.
type Note struct {
	// ID tells whether the log has the note already. It is a file name.
	ID      string         `json:"id"`
	At      time.Time      `json:"at"`
	By      Caller         `json:"by"`
	Action  string         `json:"action"`
	Subject string         `json:"subject"`
	Detail  map[string]any `json:"detail,omitempty"`
}

func (n Note) file(dir string) string { return filepath.Join(dir, NotesDir, n.ID+".json") }

// Leave puts the note into the service's folder dir, where it is durable when
// Leave returns. A note with the same id is replaced.
func (n Note) Leave(dir string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("leave a note of %s for the audit log: %w", n.Action, err)
		}
	}()
	text, err := encode(n)
	if err != nil {
		return err
	}
	file := n.file(dir)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return errors.Join(syncDir(filepath.Dir(file)), syncDir(dir))
}

// Withdraw removes the note: what it says did not happen.
func (n Note) Withdraw(dir string) error {
	if err := os.Remove(n.file(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("withdraw a note for the audit log: %w", err)
	}
	_ = os.Remove(filepath.Join(dir, NotesDir)) // if no other note is in it
	return nil
}

// RecordNotes records the notes in the service's folder dir, the oldest first,
// each once even when the process dies in between, and removes them.
func (j *Journal) RecordNotes(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, NotesDir, "*.json"))
	if err != nil {
		return fmt.Errorf("look for notes for the audit log: %w", err)
	}
	for _, file := range files { // ids begin with their time
		if err := j.recordNote(ctx, file); err != nil {
			return fmt.Errorf("record the note %s in the audit log: %w", file, err)
		}
	}
	return nil
}

func (j *Journal) recordNote(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var n Note
	if err := json.Unmarshal(text, &n); err != nil {
		return fault.New(fault.Invalid, "note_damaged",
			"The file %s, which keeps an administrator's action for the audit log, is damaged: %w. Read it, and move it away.", file, err)
	}
	known, err := j.Audit.List(ctx, Filter{Action: n.Action, Text: n.ID, Limit: 1})
	if err != nil {
		return err
	}
	if len(known.Records) == 0 {
		detail := map[string]any{"note": n.ID, "at": n.At.UTC().Format(timeFormat)}
		maps.Copy(detail, n.Detail)
		if err := j.Record(ctx, n.By, n.Action, n.Subject, detail); err != nil {
			return err
		}
	}
	return errors.Join(os.Remove(file), syncDir(filepath.Dir(file)))
}

// syncDir makes changes of names in the folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
