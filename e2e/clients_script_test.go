package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// line is what a script of e2e/clients says: that a flow needs its browser, or is done.
type line struct {
	ID            int    `json:"id"`
	Flow          string `json:"flow"`
	URL, Decision string
	Done          bool
	Failed        string
}

// node runs a script of e2e/clients by Node.
func (p parties) node(t *testing.T, who *reader, script string) {
	t.Helper()
	if _, err := os.Stat("clients/node_modules"); err != nil {
		t.Fatal("the clients are not installed: scripts/clients.sh does it")
	}
	p.script(t, who, "node", "--import", "./setup.mjs", script)
}

// python runs one by Debian's Python, whose packages it needs.
func (p parties) python(t *testing.T, who *reader, script string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", "import authlib, requests").CombinedOutput(); err != nil {
		t.Fatalf("Authlib is missing: apt-get install -y python3-authlib python3-requests\n%s", out)
	}
	p.script(t, who, "/usr/bin/python3", "-B", script)
}

// script runs a program in e2e/clients, whose flows become subtests. Each flow has a
// browser of its own, in which the person signs in where it is asked for.
func (p parties) script(t *testing.T, who *reader, program string, args ...string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, []byte(must(t, "ca", "root", "--data", p.data)), 0o600); err != nil {
		t.Fatal(err)
	}
	given, err := json.Marshal(map[string]any{"issuer": p.service("identity"), "back": backURL, "bye": byeURL, "applications": p.all,
		"acr": "aal1", "person": map[string]string{"name": "Anna Nowak", "email": who.email}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = "clients"
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+root, "REQUESTS_CA_BUNDLE="+root, "GUILDHALL_GIVEN="+string(given))
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.serve(t, who, in, out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s %v: %v\n%s", program, args, err, &said)
	}
}

// serve does what the flows of a script need a browser for, and reports them.
func (p parties) serve(t *testing.T, who *reader, in io.Writer, out io.Reader) {
	t.Helper()
	browsers := map[string]*reader{}
	var answering sync.WaitGroup
	var one sync.Mutex
	done := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Errorf("the script says %q: %v", lines.Text(), err)
			continue
		}
		if l.Done {
			done++
			t.Run(l.Flow, func(t *testing.T) {
				if l.Failed != "" {
					t.Error(l.Failed)
				}
			})
			continue
		}
		if browsers[l.Flow] == nil {
			browsers[l.Flow] = who.elsewhere(t, p.server)
		}
		browser := browsers[l.Flow]
		answering.Go(func() {
			at, err := browser.opens(t.Context(), l.URL, l.Decision)
			if err != nil {
				t.Errorf("%s: %v", l.Flow, err)
			}
			answer, _ := json.Marshal(map[string]any{"id": l.ID, "url": at.url.String(), "form": at.form.Encode()})
			one.Lock()
			defer one.Unlock()
			_, _ = in.Write(append(answer, '\n')) // a script that ended says so itself
		})
	}
	answering.Wait()
	if done == 0 {
		t.Error("the script ran no flow")
	}
}
