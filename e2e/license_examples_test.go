package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheExamplesRun runs the licensed programs as their READMEs say: at first, again, and
// after their cards were revoked.
func TestTheExamplesRun(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for _, name := range []string{"licensed-app-python", "licensed-app-go"} {
		t.Run(name, func(t *testing.T) {
			work := filepath.Join(t.TempDir(), "work")
			said, err := example(t, s, name, work)
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			for _, want := range []string{"no licence yet", "activated good until", "says the server\n12.5 cm3 of copper weigh 112.00 g", "which does not matter before", "12.5 cm3 of gold weigh 241.25 g"} {
				if !strings.Contains(said, want) {
					t.Errorf("the first time it does not say %q:\n%s", want, said)
				}
			}
			if _, err := os.Stat(filepath.Join(work, "handshake.key")); err == nil {
				t.Error("the customer has the handshake key")
			}
			said, err = example(t, s, name, work)
			if err != nil || strings.Contains(said, "activate") || !strings.Contains(said, "says the server\n12.5 cm3 of copper weigh 112.00 g") {
				t.Errorf("the second time: %v\n%s", err, said)
			}
			must(t, "license", "card", "revoke", strings.TrimSpace(string(held(t, filepath.Join(work, "bought")))), "--reason", "test", "--data", s.data)
			said, err = example(t, s, name, work)
			if err == nil || !strings.Contains(said, "this licence is not good here") || !strings.Contains(said, "(card_revoked)") || strings.Contains(said, " weigh ") {
				t.Errorf("revoked: %v\n%s", err, said)
			}
		})
	}
}

// example runs an example in a directory of its own, and returns all that it says.
func example(t *testing.T, s *server, name, work string) (string, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join("..", "examples", name, "run"))
	cmd.Env = append(os.Environ(), "GUILDHALL="+path, "GUILDHALL_SERVER_DATA="+s.data, "WORK="+work)
	said, err := cmd.CombinedOutput()
	return string(said), err
}
