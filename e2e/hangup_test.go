package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// SIGHUP is what service managers send for a reload: the process reads its
// configuration again, says what is wrong with it, and goes on.
func TestHangupReloads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "guildhall.yaml")
	level := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte("log: {level: "+text+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	level("info")
	s := start(t, filepath.Join(dir, "data"), "ca", "--config", file)
	for text, want := range map[string]string{"debug": "msg=reloaded", "loud": "not reloaded"} {
		level(text)
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		await(t, want, func() bool { return strings.Contains(s.log.String(), want) })
	}
	if !strings.Contains(s.log.String(), "log.level") {
		t.Errorf("the log does not name the wrong key: %s", s.log)
	}
	must(t, "status", "--data", s.data)
}
