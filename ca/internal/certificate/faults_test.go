package certificate_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/platform/db"
	"guildhall/platform/guildtest"
)

// On a full disk the answer says so, and there is no half of a certificate: the
// record, its audit entry and the count agree.
func TestDiskFull(t *testing.T) {
	guildtest.OnSmallDisk(t, 6<<20, func(t *testing.T, dir string) {
		url := "sqlite:" + filepath.Join(dir, "ca.db")
		w := catest.New(t, guildtest.Open(t, url, migrations), catest.Options{Dir: t.TempDir()})
		csr := catest.CSR(t, catest.NewKey(t), "a.example.com")
		var issued int64
		var err error
		for err == nil {
			if _, err = w.Service.Issue(t.Context(), certificate.IssueRequest{CSR: csr, By: catest.Admin}); err == nil {
				issued++
			}
		}
		if !errors.Is(err, db.ErrDiskFull) || issued < 100 {
			t.Fatalf("after %d certificates: %v", issued, err)
		}
		agrees(t, w, issued)
	})
}

// agrees checks that there are so many certificates, and an entry of each.
func agrees(t *testing.T, w *catest.World, issued int64) {
	t.Helper()
	counts, err := w.Store.Counts(t.Context(), time.Now())
	must(t, err)
	report, err := w.Audit.Verify(t.Context())
	must(t, err)
	if counts.Valid != issued || report.Rows != issued || !report.OK() {
		t.Errorf("%d were handed out, %d are recorded, %d are in the audit log: %v", issued, counts.Valid, report.Rows, report.Problems)
	}
}

// PostgreSQL restarts while certificates are issued: some requests may fail, the
// authority goes on by itself, and nothing is half there.
func TestPostgreSQLRestarts(t *testing.T) {
	t.Parallel()
	cluster := guildtest.NewCluster(t)
	w := catest.New(t, guildtest.Open(t, cluster.Database(t), migrations), catest.Options{})
	csr := catest.CSR(t, catest.NewKey(t), "a.example.com")
	var issued, unknown atomic.Int64
	var after atomic.Bool // the server is back
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for late := 0; late < 20; {
				back := after.Load()
				_, err := w.Service.Issue(t.Context(), certificate.IssueRequest{CSR: csr, By: catest.Admin})
				switch {
				case err == nil:
					issued.Add(1)
				case errors.Is(err, db.ErrCommitUnknown):
					unknown.Add(1)
				}
				if back && err == nil {
					late++
				}
			}
		})
	}
	must(t, cluster.Stop("immediate"))
	must(t, cluster.Start())
	after.Store(true)
	wg.Wait()
	counts, err := w.Store.Counts(t.Context(), time.Now())
	must(t, err)
	if n := counts.Valid - issued.Load(); n < 0 || n > unknown.Load() {
		t.Errorf("%d were handed out, %d are recorded, of %d it was not known", issued.Load(), counts.Valid, unknown.Load())
	}
	agrees(t, w, counts.Valid)
}

// No secret of the authority lies in its database in plain.
func TestDatabaseHoldsNoSecret(t *testing.T) {
	t.Parallel()
	url := guildtest.SQLite(t)
	d := guildtest.Open(t, url, migrations)
	w := catest.New(t, d, catest.Options{KeepKeys: true})
	issued := w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com", KeepKey: true})
	text, _, err := w.Tokens.Create(t.Context(), "shop", time.Hour, catest.Admin)
	must(t, err)
	for name, secret := range map[string]string{
		"the kept key":    string(pemBytes(t, issued.KeyPEM)[40:72]),
		"the status key":  string(w.Keys.Status().Seed()),
		"the audit key":   string(w.Keys.Audit().Seed()),
		"the join secret": strings.Split(text.Text(), ".")[2],
	} {
		for _, file := range []string{d.Path, d.Path + "-wal"} {
			data, err := os.ReadFile(file)
			must(t, err)
			if strings.Contains(string(data), secret) {
				t.Errorf("%s is in %s", name, filepath.Base(file))
			}
		}
	}
}
