// Package python_test runs the tests of the SDK for Python, so that they are among all
// others.
package python_test

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"testing"
)

const python = "/usr/bin/python3" // that of the system has the system's packages

func TestPython(t *testing.T) {
	t.Parallel()
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

// TestTypes holds the package to its types, and to Python 3.9: mypy knows since when there
// is what of the language and of the standard library.
func TestTypes(t *testing.T) {
	t.Parallel()
	mypy, err := exec.LookPath("mypy")
	if err != nil {
		t.Fatal("there is no mypy: apt-get install mypy")
	}
	cache := t.TempDir()
	for _, platform := range []string{"linux", "win32", "darwin"} {
		args := []string{"--strict", "--python-executable", python, "--python-version", "3.9", "--platform", platform, "--cache-dir", cache, "guildhall_license"}
		if platform == "linux" {
			args = append(args, "tests", "../../examples/licensed-app-python/materials.py", "../../examples/licensed-app-python/pack.py")
		}
		if out, err := exec.CommandContext(t.Context(), mypy, args...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", platform, err, out)
		}
	}
}
