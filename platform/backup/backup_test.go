package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"guildhall/platform/backup"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

func newKey(t *testing.T) (recipient, identity string) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key.Recipient().String(), key.String()
}

func TestRestoreGivesTheSameAnswers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		recipient, identity := newKey(t)
		w.fill(t, "first")
		want := w.answers(t)
		plain, sealed := w.create(t, ""), w.create(t, recipient)
		for _, file := range []string{plain, sealed} {
			w.fill(t, "later "+filepath.Base(file))
			if err := w.d.Close(); err != nil {
				t.Fatal(err)
			}
			target := w.target()
			target.Identity = identity
			if err := backup.Restore(t.Context(), file, target, true); err != nil {
				t.Fatal(err)
			}
			w.open(t)
			if diff := cmp.Diff(want, w.answers(t)); diff != "" {
				t.Errorf("%s (-saved +restored):\n%s", file, diff)
			}
			w.fill(t, "goes on "+filepath.Base(file)) // it is a working service again
		}
		if left, err := filepath.Glob(w.dir + ".restor*"); err != nil || len(left) != 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	})
}

func TestRestoreIntoNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.fill(t, "first")
		file := w.create(t, "")
		fresh := newWorld(t, filepath.Join(t.TempDir(), "elsewhere"), strings.Replace(w.url, w.dir, t.TempDir(), 1))
		if w.d.Path == "" {
			fresh = newWorld(t, filepath.Join(t.TempDir(), "elsewhere"), guildtest.Postgres(t))
			fresh.exec(t, `DROP SCHEMA bank CASCADE`)
		}
		if err := fresh.d.Close(); err != nil {
			t.Fatal(err)
		}
		if fresh.d.Path != "" {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				_ = os.Remove(fresh.d.Path + suffix)
			}
		}
		if err := os.Remove(fresh.dir); err != nil {
			t.Fatal(err)
		}
		if err := backup.Restore(t.Context(), file, fresh.target(), false); err != nil {
			t.Fatal(err)
		}
		fresh.open(t)
		want, got := w.answers(t), fresh.answers(t)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], fresh.dir, w.dir)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-saved +restored):\n%s", diff)
		}
	})
}

func TestRestoreRefusesToOverwrite(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.fill(t, "first")
		file := w.create(t, "")
		w.fill(t, "second")
		want := w.answers(t)
		err := backup.Restore(t.Context(), file, w.target(), false)
		if !errors.Is(err, backup.ErrOverwrite) || !strings.Contains(err.Error(), "--force") {
			t.Errorf("got %v", err)
		}
		if w.d.Path == "" {
			// Its files are gone, but the schema is there.
			if err := os.Rename(w.dir, w.dir+"-aside"); err != nil {
				t.Fatal(err)
			}
			if err := backup.Restore(t.Context(), file, w.target(), false); !errors.Is(err, backup.ErrOverwrite) {
				t.Errorf("the schema: got %v", err)
			}
			if err := os.Rename(w.dir+"-aside", w.dir); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, w.answers(t)); diff != "" {
			t.Errorf("a refused restore changed something:\n%s", diff)
		}
	})
}

func TestRestoreRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		recipient, _ := newKey(t)
		_, wrongKey := newKey(t)
		w.fill(t, "first")
		for _, set := range schema(2) {
			if err := w.d.Migrate(t.Context(), set.FS, set.Table); err != nil {
				t.Fatal(err)
			}
		}
		plain, sealed := w.create(t, ""), w.create(t, recipient)
		want := w.answers(t)
		for name, c := range map[string]struct {
			file, identity string
			change         func(*backup.Target)
			is             error
			says           string
		}{
			"another service":  {plain, "", func(g *backup.Target) { g.Service = "shop" }, backup.ErrMismatch, "of the service bank, not of shop"},
			"newer":            {plain, "", func(*backup.Target) {}, backup.ErrMismatch, "at version 2, this program knows 1"},
			"another engine":   {plain, "", func(g *backup.Target) { g.URL = otherEngine(w.url) }, backup.ErrMismatch, "configured to use"},
			"no identity":      {sealed, "", func(*backup.Target) {}, backup.ErrEncrypted, "is encrypted"},
			"another identity": {sealed, wrongKey, func(*backup.Target) {}, backup.ErrEncrypted, "another age identity"},
			"no such file":     {plain + "x", "", func(*backup.Target) {}, nil, "no such file"},
		} {
			target := w.target()
			target.Identity = c.identity
			c.change(&target)
			err := backup.Restore(t.Context(), c.file, target, true)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if diff := cmp.Diff(want, w.answers(t)); diff != "" {
			t.Errorf("a refused restore changed something:\n%s", diff)
		}
	})
}

func otherEngine(url string) string {
	if strings.HasPrefix(url, "sqlite:") {
		return "postgres://nobody@localhost/none"
	}
	return "sqlite:/nowhere/bank.db"
}

func TestInspect(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.fill(t, "first")
		file := w.create(t, "")
		m, err := backup.Inspect(file, "")
		if err != nil {
			t.Fatal(err)
		}
		if m.Service != "bank" || m.Engine != w.d.Engine || m.Migrations["bank_migrations"] != 1 || !m.CreatedAt.Equal(at) {
			t.Errorf("got %+v", m)
		}
		names := ""
		for _, member := range m.Members {
			names += member.Name + " "
		}
		if !strings.Contains(names, "files/keys/first.pem") || !strings.Contains(names, "files/seal.key") || strings.Contains(names, "files/bank.db") {
			t.Errorf("it holds %s", names)
		}
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 || filepath.Base(file) != "bank-20310304T050607.000Z.backup" {
			t.Errorf("%s has mode %o", filepath.Base(file), info.Mode().Perm())
		}
	})
}

func TestBackupsInTheServicesFolder(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.to = filepath.Join(w.dir, "backups")
		w.fill(t, "first")
		first := w.create(t, "")
		second := w.create(t, "")
		m, err := backup.Inspect(second, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range m.Members {
			if strings.Contains(member.Name, "backups") {
				t.Errorf("the second backup holds %s", member.Name)
			}
		}
		if err := w.d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := backup.Restore(t.Context(), first, w.target(), true); err != nil {
			t.Fatal(err)
		}
		if list, err := backup.List(w.to); err != nil || len(list) != 2 {
			t.Errorf("after the restore: %v %v", list, err)
		}
	})
}

func TestRestoreADatabaseOutsideTheFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, filepath.Join(t.TempDir(), "bank"), "sqlite:"+filepath.Join(t.TempDir(), "far.db"))
	w.fill(t, "first")
	want := w.answers(t)
	file := w.create(t, "")
	w.fill(t, "second")
	if err := w.d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := backup.Restore(t.Context(), file, w.target(), true); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	if diff := cmp.Diff(want, w.answers(t)); diff != "" {
		t.Errorf("(-saved +restored):\n%s", diff)
	}
}

func TestCreateRefusesABadRecipient(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		_, err := backup.Create(t.Context(), w.source(), backup.Options{To: w.to, Recipient: "age1nothing", Now: time.Now})
		if fault.As(err).Code != "backup_recipient_invalid" {
			t.Errorf("got %v", err)
		}
	})
}
