package guildtest

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// Again is a command that runs the calling test once more, in a child process
// whose environment has env in addition: the test asks os.Getenv which of the
// two it is. For what cannot be shown inside one process, such as kill -9.
func Again(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.count=1", "-test.v") //nolint:gosec // ourselves
	cmd.Env = append(os.Environ(), env...)
	return cmd
}
