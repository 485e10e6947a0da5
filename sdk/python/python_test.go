// Package python_test runs the tests of the SDK for Python, so that they are among all
// others.
package python_test

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestPython(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // that of the system has the system's packages
	if err := exec.CommandContext(t.Context(), python, "-c", "import cryptography").Run(); err != nil {
		t.Fatal("there is no Python with the package cryptography: apt-get install python3-cryptography")
	}
	// What this process has not seen does not count when go test asks what changed.
	for _, dir := range []string{".", "../vectors"} {
		if err := filepath.WalkDir(dir, func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
	}
	// -B leaves no compiled files between the sources.
	out, err := exec.CommandContext(t.Context(), python, "-B", "-m", "unittest", "discover", "-s", "tests", "-t", ".").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
