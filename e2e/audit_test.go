package e2e

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"guildhall/platform/guildtest"
)

// tampering is what somebody with the database in hand does to the log.
type tampering struct {
	name, query string
	// says is what a verification names, rests what it does as long as nothing goes
	// on writing: each start appends.
	says  []string
	rests string
	// head tells that the log cannot be continued.
	head bool
}

var tamperings = []tampering{
	{name: "changed", query: `UPDATE audit_entries SET subject = 'other.example.com' WHERE seq = 2`, says: []string{"changed row 2"}},
	{name: "removed", query: `DELETE FROM audit_entries WHERE seq = 2`, says: []string{"removed row 2"}},
	{name: "inserted", query: `INSERT INTO audit_entries (seq, at, actor, action, subject, from_ip, detail, leaf_hash, tree_hashes, seal)
		SELECT 1000000, at, actor, action, 'never.example.com', from_ip, detail, leaf_hash, tree_hashes, seal FROM audit_entries WHERE seq = 2`,
		says: []string{"inserted row 1000000"}},
	{name: "cut off", query: `DELETE FROM audit_entries WHERE seq >= 2`, says: []string{"rows 2 to "}, rests: "truncated rows 2 to "},
	{name: "head forged", query: `UPDATE audit_head SET note = replace(note, 'audit', 'other')`, says: []string{"bad_head"}, head: true},
	{name: "head removed", query: `DELETE FROM audit_head`, says: []string{"bad_head", "missing"}, head: true},
	{name: "wiped", query: `DELETE FROM audit_entries; DELETE FROM audit_head`, says: []string{"bad_head", "missing"}, head: true},
}

// What somebody does to the audit log in the database shows in a verification,
// whether the process runs or not.
func TestTamperedAuditLog(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		data := t.TempDir()
		tamper(t, data, "sqlite", filepath.Join(data, "ca", "ca.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := guildtest.Postgres(t)
		// The service's tables are in the schema of its name.
		tamper(t, t.TempDir(), "pgx", url+"&search_path=ca", "--config", onPostgres(t, url))
	})
}

// An installation may get another domain: its log goes on.
func TestAuditLogOutlivesTheDomain(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	start(t, data).stop(t)
	s := start(t, data, "--domain", "guild.example.com")
	must(t, "status", "--data", data)
	must(t, "ca", "issue", "--data", data, "--name", "www.example.com", "--out", filepath.Join(t.TempDir(), "www"))
	must(t, "ca", "audit", "verify", "--data", data)
	s.stop(t)
	must(t, "ca", "audit", "verify", "--data", data)
}

func tamper(t *testing.T, data, driver, source string, config ...string) {
	t.Helper()
	s := start(t, data, config...)
	must(t, append([]string{"ca", "issue", "--data", data, "--name", "www.example.com", "--out", filepath.Join(t.TempDir(), "www")}, config...)...)
	s.stop(t)
	pool, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	undo := remember(t, pool)
	for _, c := range tamperings {
		t.Run(c.name, func(t *testing.T) {
			run(t, pool, c.query)
			c.shows(t, data, config, c.rests)
			s := start(t, data, config...)
			c.shows(t, data, config)
			if c.head {
				refusesToRecord(t, data, config)
			}
			s.stop(t)
			undo(t)
			must(t, append([]string{"ca", "audit", "verify", "--data", data}, config...)...)
		})
	}
}

// shows checks that the verification answers no and names the row, and says more.
func (c tampering) shows(t *testing.T, data string, config []string, more ...string) {
	t.Helper()
	out, errs, code := guildhall(t, append([]string{"ca", "audit", "verify", "--data", data}, config...)...)
	if code != 4 || !strings.Contains(out, "TAMPERED") {
		t.Errorf("audit verify: exit %d\n%s%s", code, out, errs)
	}
	for _, text := range append(more, c.says...) {
		if !strings.Contains(out, text) {
			t.Errorf("audit verify does not say %q:\n%s", text, out)
		}
	}
}

// refusesToRecord checks that the process says what is wrong, and does nothing
// that it would have to record.
func refusesToRecord(t *testing.T, data string, config []string) {
	t.Helper()
	out, _, code := guildhall(t, append([]string{"status", "--data", data}, config...)...)
	if code != 4 || !strings.Contains(out, "log was tampered with") {
		t.Errorf("status: exit %d\n%s", code, out)
	}
	folder := filepath.Join(t.TempDir(), "refused")
	_, errs, code := guildhall(t, append([]string{"ca", "issue", "--data", data, "--name", "refused.example.com", "--out", folder}, config...)...)
	if code != 1 || !strings.Contains(errs, "log was tampered with") {
		t.Errorf("ca issue: exit %d, %s", code, errs)
	}
	if out := must(t, append([]string{"ca", "list", "--data", data}, config...)...); strings.Contains(out, "refused.example.com") {
		t.Errorf("a certificate without a record is listed:\n%s", out)
	}
}

func run(t *testing.T, pool *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := pool.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// remember reads the log's tables; undo puts them back.
func remember(t *testing.T, pool *sql.DB) (undo func(t *testing.T)) {
	t.Helper()
	tables := map[string][][]any{"audit_entries": nil, "audit_head": nil}
	for name := range tables {
		tables[name] = contents(t, pool, name)
	}
	return func(t *testing.T) {
		t.Helper()
		for name, rows := range tables {
			run(t, pool, "DELETE FROM "+name)
			for _, row := range rows {
				var marks []string
				for i := range row {
					marks = append(marks, fmt.Sprintf("$%d", i+1))
				}
				run(t, pool, "INSERT INTO "+name+" VALUES ("+strings.Join(marks, ", ")+")", row...)
			}
		}
	}
}

func contents(t *testing.T, pool *sql.DB, table string) (all [][]any) {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i := range row {
			if b, ok := row[i].([]byte); ok && b == nil { // empty: no column takes NULL
				row[i] = []byte{}
			}
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
