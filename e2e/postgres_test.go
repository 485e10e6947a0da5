package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"guildhall/platform/guildtest"
	"guildhall/sdk/go/ca"
)

// onPostgres writes a configuration whose databases are at url.
func onPostgres(t *testing.T, url string, more ...string) (config string) {
	t.Helper()
	config = filepath.Join(t.TempDir(), "guildhall.yaml")
	text := "databases:\n  default: " + url + "\n" + strings.Join(more, "\n") + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// PostgreSQL crashes and comes back while clients ask for certificates: the
// status says so meanwhile, the process goes on by itself, and what a client got
// is there.
func TestPostgreSQLGoesAway(t *testing.T) {
	t.Parallel()
	cluster := guildtest.NewCluster(t)
	config := onPostgres(t, cluster.Database(t))
	s := start(t, t.TempDir(), "--config", config)
	l := &load{}
	l.issue(t, s.api(t), 4, true)
	issued := func(n int) func() bool {
		return func() bool { held, _ := l.count(); return held >= n }
	}
	await(t, "20 certificates", issued(20))

	if err := cluster.Stop("immediate"); err != nil {
		t.Fatal(err)
	}
	await(t, "the status names the database", func() bool {
		out, _, code := guildhall(t, "status", "--data", s.data, "--config", config)
		return code == 4 && strings.Contains(out, "The database server does not answer")
	})
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "the status is good again", func() bool {
		_, _, code := guildhall(t, "status", "--data", s.data, "--config", config)
		return code == 0
	})
	held, _ := l.count()
	await(t, "certificates after the restart", issued(held+20))
	l.close()
	_, failed := l.count()
	t.Logf("%d requests failed meanwhile", failed)
	s.holds(t, l.serial, "--config", config)
}

// A backup of PostgreSQL put in place gives the same answers, there and in an
// empty database, and replaces data only by force.
func TestPostgreSQLBackup(t *testing.T) {
	t.Parallel()
	config := onPostgres(t, guildtest.Postgres(t))
	data := t.TempDir()
	s := start(t, data, "--config", config)
	with := func(args ...string) []string { return append(args, "--data", data, "--config", config) }
	must(t, with("ca", "issue", "--name", "kept.example.com", "--out", filepath.Join(t.TempDir(), "kept"))...)
	must(t, with("ca", "issue", "--name", "gone.example.com", "--out", filepath.Join(t.TempDir(), "gone"))...)
	must(t, with("ca", "revoke", s.serial(t, "gone.example.com"), "--reason", "superseded")...)
	before := s.listed(t, "--config", config)
	first, _, _ := strings.Cut(must(t, with("backup")...), "\n") // that of ca
	_, file, _ := strings.Cut(first, "  ")
	must(t, with("ca", "issue", "--name", "later.example.com", "--out", filepath.Join(t.TempDir(), "later"))...)
	later := s.listed(t, "--config", config)
	s.stop(t)

	if _, errs, code := guildhall(t, with("restore", file)...); code != 2 || !strings.Contains(errs, "--force") {
		t.Fatalf("restore over data: exit %d, %s", code, errs)
	}
	same(t, later, s.listed(t, "--config", config))
	must(t, with("restore", file, "--force")...)
	same(t, before, s.listed(t, "--config", config))

	other := onPostgres(t, guildtest.Postgres(t))
	moved := start(t, restored(t, file, other), "--config", other)
	same(t, before, moved.listed(t, "--config", other))
	moved.holds(t, nil, "--config", other)
}

// restored is a new data directory that holds the backup.
func restored(t *testing.T, file, config string) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	must(t, "restore", file, "--data", data, "--config", config)
	return data
}

// same compares two lists, but for certificates that the process needs itself.
func same(t *testing.T, want, got map[string]ca.Certificate) {
	t.Helper()
	if diff := cmp.Diff(users(want), users(got)); diff != "" {
		t.Errorf("the lists differ (- before, + after):\n%s", diff)
	}
}

func users(all map[string]ca.Certificate) map[string]ca.Certificate {
	some := map[string]ca.Certificate{}
	for serial, c := range all {
		if strings.HasSuffix(c.CommonName, ".example.com") {
			some[serial] = c
		}
	}
	return some
}
