package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guildhall/platform/backup"
	"guildhall/platform/fault"
)

// crafted is a backup that somebody made by hand, with all sums right.
type crafted struct{ bytes.Buffer }

// part adds a file.
func (c *crafted) part(t testing.TB, h tar.Header, content io.Reader) {
	t.Helper()
	out := tar.NewWriter(c)
	h.Mode, h.Format = 0o600, tar.FormatPAX
	if err := out.WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, content); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}

func (c *crafted) manifest(t testing.TB, text []byte) {
	t.Helper()
	c.part(t, tar.Header{Typeflag: tar.TypeReg, Name: "manifest.json", Size: int64(len(text))}, bytes.NewReader(text))
}

// file seals it, with so many zeros behind its end.
func (c *crafted) file(t testing.TB, behind int64) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Extra = append([]byte{'G', 'H', sha256.Size, 0}, make([]byte, sha256.Size)...)
	if _, err := io.Copy(z, io.MultiReader(c, io.LimitReader(zeros{}, 1024+behind))); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(out.Bytes())
	copy(out.Bytes()[16:], sum[:])
	path := filepath.Join(t.TempDir(), "crafted.backup")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// members is a manifest of a database of SQLite with those members.
func members(t testing.TB, list ...backup.Member) []byte {
	t.Helper()
	text, err := json.Marshal(backup.Manifest{Format: 1, Service: "bank", Engine: "sqlite", CreatedAt: at, Members: list})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// refused restores what nobody should, and sees that nothing came of it.
func refused(t *testing.T, file, code, says string) {
	t.Helper()
	parent := t.TempDir()
	target := backup.Target{Service: "bank", Dir: filepath.Join(parent, "bank"), URL: "sqlite:" + filepath.Join(parent, "bank", "bank.db"), Migrations: schema(1), Note: note()}
	err := backup.Restore(t.Context(), file, target, false)
	if got := fault.As(err); err == nil || got.Code != code || !strings.Contains(got.Detail, says) {
		t.Errorf("got %v, want %s: %s", err, code, says)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestCraftedBackupDoesNotFillTheDisk(t *testing.T) {
	t.Parallel()
	sum := sha256.New()
	const size = 8 << 20
	if _, err := io.CopyN(sum, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	large := backup.Member{Name: "files/large", Size: 1 << 55, Mode: 0o600}
	honest := backup.Member{Name: "files/honest", Size: size, SHA256: hex.EncodeToString(sum.Sum(nil)), Mode: 0o600}
	entry := func(m backup.Member) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: m.Name, Size: m.Size} }
	for name, craft := range map[string]func(*crafted) (behind int64, code, says string){
		"more than there is room for": func(c *crafted) (int64, string, string) {
			c.manifest(t, members(t, large))
			return 0, "disk_full", "are free on the disk"
		},
		"more in sum than a number holds": func(c *crafted) (int64, string, string) {
			c.manifest(t, members(t, backup.Member{Name: "a", Size: 1 << 62}, backup.Member{Name: "b", Size: 1 << 62}))
			return 0, "backup_damaged", "impossible size"
		},
		"a file larger than the manifest says": func(c *crafted) (int64, string, string) {
			said := honest
			said.Size = 10
			c.manifest(t, members(t, said))
			c.part(t, entry(honest), io.LimitReader(zeros{}, size))
			return 0, "backup_damaged", "not where its manifest says"
		},
		"a file that is not in the manifest": func(c *crafted) (int64, string, string) {
			c.manifest(t, members(t))
			c.part(t, entry(honest), io.LimitReader(zeros{}, size))
			return 0, "backup_damaged", "holds more than its manifest names"
		},
		"zeros behind the end": func(c *crafted) (int64, string, string) {
			c.manifest(t, members(t, honest))
			c.part(t, entry(honest), io.LimitReader(zeros{}, size))
			return 64 << 20, "backup_damaged", "goes on behind its end"
		},
		"a hole": func(c *crafted) (int64, string, string) {
			said := honest
			said.Size = 64 << 20
			c.manifest(t, members(t, said))
			c.WriteString(sparse(t, said))
			return 0, "backup_damaged", "has holes"
		},
		"an impossible name": func(c *crafted) (int64, string, string) {
			said := honest
			said.Name = "../bank/escaped"
			c.manifest(t, members(t, said))
			return 0, "backup_damaged", "impossible file"
		},
	} {
		t.Run(name, func(t *testing.T) {
			var c crafted
			behind, code, says := craft(&c)
			refused(t, c.file(t, behind), code, says)
		})
	}
}

// sparse is an entry in GNU's format 1.0 for PAX, all of it a hole. archive/tar
// reads that, and does not write it.
func sparse(t *testing.T, m backup.Member) string {
	t.Helper()
	var records strings.Builder
	for _, r := range [][2]string{{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"}, {"GNU.sparse.name", m.Name}, {"GNU.sparse.realsize", fmt.Sprint(m.Size)}} {
		line := " " + r[0] + "=" + r[1] + "\n"
		n := len(line) + 2
		records.WriteString(fmt.Sprint(n) + line)
	}
	block := func(name string, kind byte, content string) string {
		h := make([]byte, 512)
		copy(h, name)
		copy(h[100:], "0000600\x000000000\x000000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00        ", len(content)))
		h[156] = kind
		copy(h[257:], "ustar\x0000")
		sum := 0
		for _, b := range h {
			sum += int(b)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		return string(h) + content + strings.Repeat("\x00", (512-len(content)%512)%512)
	}
	regions := "0\n"
	return block("PaxHeaders", 'x', records.String()) + block("GNUSparseFile.0/x", '0', regions+strings.Repeat("\x00", 512-len(regions)))
}

// FuzzRestore: whatever is sealed, what cannot be restored leaves nothing behind,
// and nothing is written anywhere else.
func FuzzRestore(f *testing.F) {
	f.Add([]byte(`{}`), "files/x", []byte("x"))
	f.Add(members(f, backup.Member{Name: "files/x", Size: 1, SHA256: hex.EncodeToString(sha256.New().Sum(nil)), Mode: 0o600}), "files/x", []byte("x"))
	f.Add(members(f, backup.Member{Name: "database/bank.db", Size: 0, SHA256: hex.EncodeToString(sha256.New().Sum(nil)), Mode: 0o600}), "database/bank.db", []byte(nil))
	f.Add(members(f, backup.Member{Name: "../x", Size: 1 << 60}), "../x", []byte("x"))
	f.Fuzz(func(t *testing.T, manifest []byte, name string, content []byte) {
		var c crafted
		c.manifest(t, manifest)
		if name != "" && !strings.ContainsRune(name, 0) {
			c.part(t, tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content))}, bytes.NewReader(content))
		}
		parent := t.TempDir()
		target := backup.Target{Service: "bank", Dir: filepath.Join(parent, "in", "bank"), URL: "sqlite:" + filepath.Join(parent, "in", "bank", "bank.db"), Migrations: schema(1), Note: note()}
		err := backup.Restore(t.Context(), c.file(t, 0), target, false)
		left, globbed := filepath.Glob(filepath.Join(parent, "*", "*"))
		if globbed != nil || len(left) > 1 || err != nil && len(left) != 0 {
			t.Errorf("restored with %v, left %v, %v", err, left, globbed)
		}
		if beside, err := os.ReadDir(parent); err != nil || len(beside) != 1 {
			t.Errorf("beside it: %v, %v", beside, errors.Unwrap(err))
		}
	})
}
