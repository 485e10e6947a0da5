package e2e

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheLinesOfTheOpenIDGuideWork runs docs/guides/openid.md from top to bottom, in
// one shell, with a person who does what stands between the lines.
func TestTheLinesOfTheOpenIDGuideWork(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	anna := reads(t, s, "anna@example.com", "Anna Nowak")
	sh := s.shell(t)
	guide, err := os.ReadFile("../docs/guides/openid.md")
	if err != nil {
		t.Fatal(err)
	}
	var said string
	for i, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(guide), -1) {
		lines := block[1]
		switch {
		case strings.Contains(lines, "CODE=..."):
			code := s.allows(t, anna, said).url.Query().Get("code")
			lines = strings.Replace(lines, "CODE=...", "CODE="+code, 1)
		case strings.Contains(lines, "DEVICE="):
			s.allows(t, anna, said)
		}
		said = sh(lines)
		if i >= len(answers) {
			t.Fatalf("nobody knows what this should say:\n%s", lines)
		}
		for _, want := range answers[i] {
			if !regexp.MustCompile(want).MatchString(said) {
				t.Errorf("%s\nsays\n%s\nwithout %q", lines, said, want)
			}
		}
	}
}

// answers are what the blocks of lines in the guide say, one after another.
var answers = [][]string{
	{`^app_\w+\n\S{43}\n$`},
	{`"issuer":"https://identity\.`, `"mtls_endpoint_aliases"`},
	{`/oauth2/authorize\?`},
	{`"token_type":"Bearer"`, `"refresh_token":"`, `"id_token":"`},
	{`"email":"anna@example.com"`, `"name":"Anna Nowak"`},
	{`(?s)"active":true.*\{"active":false\}`},
	{`"scope":"orders.read"`},
	{`"user_code":"[A-Z]{4}-[A-Z]{4}"`},
	{`"access_token":"`, `"id_token":"`},
	{`"token_type":"Bearer"`, `"scope":"orders.read"`},
}

// address is what a browser is sent to.
var address = regexp.MustCompile(`https://[^"\s]*(/oauth2/authorize|/device)\?[^"\s]*`)

// allows opens the address that the last lines said, and allows what is asked there.
func (s *server) allows(t *testing.T, who *reader, said string) place {
	t.Helper()
	at, err := who.opens(t.Context(), address.FindString(said), "allow")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// shell is one in which guildhall and its addresses are as in the guides. It runs
// lines, of which none may fail, and returns what they said.
func (s *server) shell(t *testing.T) func(lines string) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(s.data, filepath.Join(dir, "guildhall-data")); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.addresses(t).HTTPS)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".curlrc"), []byte(`resolve = "*:`+port+`:127.0.0.1"`+"\nnoproxy = *\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-e")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"), "CURL_HOME="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	cmd.Stdout, cmd.Stderr = to, to
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = to.Close() // the shell has its own
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	heard := bufio.NewReader(out)
	return func(lines string) string {
		t.Helper()
		const end = "that was all"
		_, err := io.WriteString(in, strings.ReplaceAll(lines, ":8443", ":"+port)+"\necho '"+end+"'\n")
		var said strings.Builder
		for err == nil {
			var line string
			if line, err = heard.ReadString('\n'); line == end+"\n" {
				return said.String()
			}
			said.WriteString(line)
		}
		t.Fatalf("these lines failed (%v):\n%s\n%s", err, lines, &said)
		return ""
	}
}
