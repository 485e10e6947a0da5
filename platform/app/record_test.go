package app

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"guildhall/platform/audit"
	"guildhall/platform/backup"
	"guildhall/platform/config"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
)

// keepsLog makes a service keep an audit log.
func keepsLog(d *Definition) {
	d.Also = []backup.Migrations{{Table: audit.MigrationsTable, FS: audit.Migrations()}}
	made := d.New
	d.New = func(ctx context.Context, env Env) (*Service, error) {
		s, err := made(ctx, env)
		if err != nil {
			return nil, err
		}
		env.Jobs.Handle("fails", jobs.HandlerOptions{MaxAttempts: 1}, func(context.Context, jobs.Job) error { return errors.New("on purpose") })
		s.Journal, err = openLog(ctx, env)
		return s, err
	}
}

func openLog(ctx context.Context, env Env) (*audit.Journal, error) {
	log, err := audit.New(audit.Options{DB: env.DB, Name: "notes.example/audit", Key: ed25519.NewKeyFromSeed(make([]byte, 32)), Now: env.Now})
	if err != nil {
		return nil, err
	}
	return &audit.Journal{DB: env.DB, Audit: log, Log: env.Log}, log.Migrate(ctx)
}

// onEngines runs a test of a process with an audit log on each engine.
func onEngines(t *testing.T, test func(t *testing.T, change func(*Config))) {
	t.Helper()
	for engine, change := range map[string]func(*Config){
		"sqlite":   func(*Config) {},
		"postgres": func(c *Config) { c.Databases.Default = config.Secret(guildtest.Postgres(t)) },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, change)
		})
	}
}

// recorded are the entries of an action, the oldest first.
func recorded(t *testing.T, p *process, action string) []audit.Record {
	t.Helper()
	j, err := openLog(t.Context(), p.env)
	if err != nil {
		t.Fatal(err)
	}
	page, err := j.Audit.List(t.Context(), audit.Filter{Action: action})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(page.Records)
	return page.Records
}

// theOne is the only entry of an action, with the texts of its detail.
func theOne(t *testing.T, p *process, action string) (audit.Record, map[string]string) {
	t.Helper()
	list := recorded(t, p, action)
	if len(list) != 1 {
		t.Fatalf("%d entries of %s: %+v", len(list), action, list)
	}
	return list[0], texts(t, list[0])
}

func texts(t *testing.T, r audit.Record) map[string]string {
	t.Helper()
	var detail map[string]any
	if err := json.Unmarshal(r.Detail, &detail); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for name, value := range detail {
		out[name] = fmt.Sprint(value)
	}
	return out
}

// command sends one request of the command line.
func command(t *testing.T, p *process, method, path string, body, out any) error {
	t.Helper()
	c, err := Dial(t.Context(), p.announced.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.Do(t.Context(), method, path, body, out)
}

func mustCommand(t *testing.T, p *process, method, path string, body, out any) {
	t.Helper()
	if err := command(t, p, method, path, body, out); err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
}

func TestBreakGlassIsRecorded(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, change func(*Config)) {
		p := runAs(t, t.TempDir(), keepsLog, change)
		me := "local:" + startName()
		first, detail := theOne(t, p, audit.AccessCreated) // the link of the first start
		if first.Actor != me || first.From != "local" || detail["kind"] != "link" || detail["name"] != startName() || detail["expires"] == "" {
			t.Errorf("the first link: %+v %s", first, first.Detail)
		}

		var g Grant
		mustCommand(t, p, http.MethodPost, "/admin/token", TokenRequest{Name: "nightly import", Seconds: 3600}, &g)
		created := recorded(t, p, audit.AccessCreated)[1]
		if d := texts(t, created); created.Actor != me || created.Subject != g.ID || d["kind"] != "token" || d["name"] != "nightly import" ||
			d["expires"] != g.Expires.Format(time.RFC3339) {
			t.Errorf("the token: %+v %s", created, created.Detail)
		}
		mustCommand(t, p, http.MethodDelete, "/admin/credentials/"+g.ID, nil, nil)
		if ended, d := theOne(t, p, audit.AccessEnded); ended.Actor != me || ended.Subject != g.ID || d["name"] != "nightly import" {
			t.Errorf("the end: %+v %s", ended, ended.Detail)
		}

		browser := p.browser(t)
		if status, _ := get(t, browser, p.announced.Link); status != http.StatusOK {
			t.Fatalf("the link: %d", status)
		}
		entered, detail := theOne(t, p, audit.AccessEntered)
		if entered.Actor != "break-glass:"+entered.Subject || entered.From != "127.0.0.1" || detail["link"] != first.Subject ||
			detail["actor_name"] != startName() || detail["kind"] != "browser" {
			t.Errorf("entering: %+v %s", entered, entered.Detail)
		}
		if status, _ := get(t, browser, p.announced.Link); status != http.StatusGone {
			t.Fatalf("the spent link: %d", status)
		}
		if refused, d := theOne(t, p, audit.AccessRefused); refused.Actor != audit.Anonymous || refused.From != "127.0.0.1" || d["code"] != "link_spent" {
			t.Errorf("the refusal: %+v %s", refused, refused.Detail)
		}
		if status, _ := send(t, browser, http.MethodPost, p.announced.Portal+"/admin/leave", ""); status != http.StatusOK {
			t.Fatalf("leaving: %d", status)
		}
		if left, d := theOne(t, p, audit.AccessLeft); left.Actor != entered.Actor || left.Subject != entered.Subject || d["actor_name"] != startName() {
			t.Errorf("leaving: %+v %s", left, left.Detail)
		}

		mustCommand(t, p, http.MethodPost, "/admin/link", nil, &g)
		mustCommand(t, p, http.MethodDelete, "/admin/credentials/all", nil, nil)
		if ended := recorded(t, p, audit.AccessEnded); len(ended) != 2 || ended[1].Subject != g.ID {
			t.Errorf("the end of all: %+v", ended)
		}
		withoutSecrets(t, p, g, p.announced.Link)
	})
}

// withoutSecrets reads the whole log for what opened something.
func withoutSecrets(t *testing.T, p *process, g Grant, link string) {
	t.Helper()
	for _, text := range []string{link, g.URL} {
		u, err := url.Parse(text)
		if err != nil || len(u.Query().Get("link")) < 20 {
			t.Fatalf("no link: %q, %v", text, err)
		}
		for _, r := range recorded(t, p, "") {
			if strings.Contains(fmt.Sprintf("%+v %s", r, r.Detail), strings.TrimPrefix(u.Query().Get("link"), "ghb_")) {
				t.Errorf("a secret is in %+v %s", r, r.Detail)
			}
		}
	}
}

// TestNobodyIsLetInUnrecorded takes the head from the log, which then takes no entry.
func TestNobodyIsLetInUnrecorded(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, change func(*Config)) {
		p := runAs(t, t.TempDir(), keepsLog, change)
		var before Grant
		mustCommand(t, p, http.MethodPost, "/admin/token", TokenRequest{Name: "before", Seconds: 3600}, &before)
		restore := breakLog(t, p)
		for path, body := range map[string]any{"/admin/token": TokenRequest{Name: "x", Seconds: 3600}, "/admin/link": nil} {
			err := command(t, p, http.MethodPost, path, body, nil)
			if problem, ok := errors.AsType[fault.Problem](err); !ok || problem.Status != http.StatusServiceUnavailable || problem.Code != "not_recorded" ||
				!strings.Contains(problem.Detail, "the audit log of notes") || !strings.Contains(problem.Detail, "Verify the log") {
				t.Errorf("%s: %v", path, err)
			}
		}
		browser := p.browser(t)
		if status, _ := get(t, browser, p.announced.Link); status != http.StatusServiceUnavailable {
			t.Errorf("the link opened: %d", status)
		}
		if status, _ := get(t, browser, p.announced.Portal+"/jobs"); status != http.StatusUnauthorized {
			t.Errorf("somebody is signed in: %d", status)
		}
		mustCommand(t, p, http.MethodDelete, "/admin/credentials/"+before.ID, nil, nil)
		mustCommand(t, p, http.MethodPost, "/backup", nil, nil)
		restore()
		if status, _ := get(t, browser, p.announced.Link); status != http.StatusOK {
			t.Errorf("the link was spent: %d", status)
		}
		var list []struct{ Name string }
		mustCommand(t, p, http.MethodGet, "/admin/credentials", nil, &list)
		if len(list) != 1 || list[0].Name != startName() {
			t.Errorf("what lives: %+v", list)
		}
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"a credential was ended and that was not recorded", before.ID, "action=backup.made"} {
			if !strings.Contains(p.log.String(), want) {
				t.Errorf("the log does not say %q", want)
			}
		}
	})
}

// breakLog makes the log take nothing, until restore is called.
func breakLog(t *testing.T, p *process) (restore func()) {
	t.Helper()
	var note string
	if err := p.env.DB.Read.QueryRowContext(t.Context(), `SELECT note FROM audit_head`).Scan(&note); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		err := p.env.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), `UPDATE audit_head SET note = $1`, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write("forged")
	return func() { write(note) }
}

func TestBackupsAreRecorded(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, change func(*Config)) {
		dir := t.TempDir()
		p := runAs(t, dir, keepsLog, change)
		files := map[string]string{}
		mustCommand(t, p, http.MethodPost, "/backup", nil, &files)
		made, detail := theOne(t, p, audit.BackupMade)
		if made.Actor != "local:"+startName() || made.Subject != filepath.Base(files["notes"]) || detail["asked"] != "command" {
			t.Errorf("by command: %+v %s", made, made.Detail)
		}
		// A file where the folder of backups belongs.
		backups := filepath.Join(dir, "backups", "notes")
		if err := errors.Join(os.Rename(backups, backups+".aside"), os.WriteFile(backups, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := command(t, p, http.MethodPost, "/backup", nil, nil); err == nil {
			t.Fatal("a backup was made")
		}
		if failed, d := theOne(t, p, audit.BackupFailed); failed.Subject != "notes" || d["asked"] != "command" || d["code"] == "" {
			t.Errorf("failed: %+v %s", failed, failed.Detail)
		}
		if err := errors.Join(os.Remove(backups), os.Rename(backups+".aside", backups), p.stop()); err != nil {
			t.Fatal(err)
		}
		// The next start has something to migrate: its backup is older than its log.
		upgraded := runAs(t, dir, func(d *Definition) {
			keepsLog(d)
			d.Migrations = fstest.MapFS{"0001_notes.sql": &fstest.MapFile{Data: []byte(notesMigration)},
				"0002_author.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE notes ADD COLUMN author TEXT;\n")}}
		}, func(c *Config) { c.Databases = p.options.Config.Databases })
		list := recorded(t, upgraded, audit.BackupMade)
		if len(list) != 2 || list[1].Actor != audit.System || texts(t, list[1])["asked"] != "upgrade" ||
			list[1].Subject != filepath.Base(backupsOf(t, dir)[1]) {
			t.Errorf("before the upgrade: %+v, files %v", list, backupsOf(t, dir))
		}
	})
}

func TestARestoreIsRecordedAtTheNextStart(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, change func(*Config)) {
		dir := t.TempDir()
		p := runAs(t, dir, keepsLog, change)
		files := map[string]string{}
		mustCommand(t, p, http.MethodPost, "/backup", nil, &files)
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		m, err := Restore(t.Context(), p.options, files["notes"], "", true)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // it is recorded once
			again := runAs(t, dir, keepsLog, func(c *Config) { c.Databases = p.options.Config.Databases })
			entry, detail := theOne(t, again, audit.BackupRestored)
			if entry.Actor != "local:"+startName() || entry.Subject != filepath.Base(files["notes"]) || detail["at"] == "" ||
				detail["backup_of"] != m.CreatedAt.Format(time.RFC3339) {
				t.Errorf("the restore: %+v %s", entry, entry.Detail)
			}
			if left, err := filepath.Glob(filepath.Join(dir, "notes", audit.NotesDir, "*")); err != nil || len(left) != 0 {
				t.Errorf("the notes stay: %v, %v", left, err)
			}
			if err := again.stop(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestARetriedJobIsRecorded(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, change func(*Config)) {
		p := runAs(t, t.TempDir(), keepsLog, change)
		err := p.env.DB.Group(t.Context(), func(tx *sql.Tx) error {
			return p.env.Jobs.Enqueue(t.Context(), tx, "fails", nil, jobs.EnqueueOptions{})
		})
		if err != nil {
			t.Fatal(err)
		}
		id := deadJob(t, p.env.DB)
		mustCommand(t, p, http.MethodPost, "/jobs/notes/"+id+"/retry", nil, nil)
		if entry, _ := theOne(t, p, audit.JobRetried); entry.Subject != id || entry.Actor != "local:"+startName() {
			t.Errorf("%+v", entry)
		}
		if err := command(t, p, http.MethodPost, "/jobs/notes/none/retry", nil, nil); err == nil {
			t.Error("a job that is not there was retried")
		}
		theOne(t, p, audit.JobRetried)
	})
}

func TestReloadAndStopAreRecorded(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, change func(*Config)) {
		dir := t.TempDir()
		p := runAs(t, dir, keepsLog, change)
		mustCommand(t, p, http.MethodPost, "/reload", nil, nil)
		for range 2 { // the second is taken when the first is done
			p.hangup <- syscall.SIGHUP
		}
		list := recorded(t, p, audit.ProcessReloaded)
		for i, how := range []string{"command", "signal"} {
			if len(list) <= i || list[i].Actor != "local:"+startName() || list[i].From != "local" || texts(t, list[i])["how"] != how {
				t.Fatalf("reloaded: %+v", list)
			}
		}
		mustCommand(t, p, http.MethodPost, "/stop", nil, nil)
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
		again := runAs(t, dir, keepsLog, func(c *Config) { c.Databases = p.options.Config.Databases })
		if entry, detail := theOne(t, again, audit.ProcessStopped); entry.Actor != "local:"+startName() || detail["how"] != "command" {
			t.Errorf("stopped: %+v %s", entry, entry.Detail)
		}
	})
}

// deadJob waits for the job that fails.
func deadJob(t *testing.T, d *db.DB) (id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		err := d.Read.QueryRowContext(ctx, `SELECT id FROM jobs WHERE kind = 'fails' AND state = 'dead'`).Scan(&id)
		if err == nil {
			return id
		}
		if !errors.Is(err, sql.ErrNoRows) {
			t.Fatal(err)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatal("the job did not fail")
		}
	}
}
