package e2e

import (
	"crypto/tls"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// opening is a line of the table in docs/guides/anonymous.md: what answers
// without a sign-in.
type opening struct {
	method, path string // a path that ends with "..." covers what is below
	host         string // "the bare domain", "every host", "any", "every service with an API" or a service
	plain        bool   // over plain HTTP too
}

func (o opening) covers(host, method, path string, plain bool) bool {
	if plain && !o.plain || o.method != method {
		return false
	}
	if !plain && !o.at(host) {
		return false
	}
	prefix, below := strings.CutSuffix(o.path, "...")
	return path == o.path || below && strings.HasPrefix(path, prefix)
}

// at says whether the host is one of those that the line is about.
func (o opening) at(host string) bool {
	switch o.host {
	case "the bare domain":
		return host == ""
	case "every service with an API":
		return host != ""
	}
	if strings.HasPrefix(o.host, "`") {
		return slices.Contains(strings.Split(o.host, ", "), "`"+host+"`")
	}
	return true
}

var spans = regexp.MustCompile("`(?:(GET|POST) )?(/[^`]*)`")

// openings reads the table.
func openings(t *testing.T) (all []opening) {
	t.Helper()
	text, err := os.ReadFile("../docs/guides/anonymous.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			continue
		}
		method := http.MethodGet
		for _, span := range spans.FindAllStringSubmatch(cells[1], -1) {
			if span[1] != "" {
				method = span[1]
			}
			all = append(all, opening{method, span[2], strings.TrimSpace(cells[2]), strings.HasPrefix(strings.TrimSpace(cells[3]), "yes")})
		}
	}
	if len(all) < 20 {
		t.Fatalf("the table has only %d paths", len(all))
	}
	return all
}

var route = regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) (/.*)$`)

// routes are the patterns in the source of everything that serves HTTP: all
// pages, and what is meant for the control socket alone.
func routes(t *testing.T) (all [][2]string) {
	t.Helper()
	for _, root := range []string{"../ca", "../identity", "../license", "../platform"} {
		err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, _ := strconv.Unquote(lit.Value)
					if m := route.FindStringSubmatch(text); m != nil {
						all = append(all, [2]string{m[1], m[2]})
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// operations are those of the description of a service's API.
func operations(t *testing.T, s *server, client *http.Client, service string) (all [][2]string) {
	t.Helper()
	answer, err := client.Get(s.service(service) + "/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var description struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&description); err != nil {
		t.Fatal(err)
	}
	for path, methods := range description.Paths {
		for method := range methods {
			if method != "parameters" {
				all = append(all, [2]string{strings.ToUpper(method), path})
			}
		}
	}
	if len(all) < 15 {
		t.Fatalf("the description has only %d operations", len(all))
	}
	return all
}

var wildcard = regexp.MustCompile(`\{[^}]*\}`)

// Nobody without a sign-in reaches more than the guide says, and everything that
// it says.
func TestAnonymousVisitor(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	client := s.browser(t)
	table, at := openings(t), s.addresses(t)
	tried := slices.Concat(routes(t), operations(t, s, client, "ca"), operations(t, s, client, "identity"), operations(t, s, client, "license"))
	for _, o := range table {
		tried = append(tried, [2]string{o.method, strings.TrimSuffix(o.path, "...")})
	}
	tried = append(tried, [2]string{"GET", "/nothing"}, [2]string{"GET", "/api/v1/nothing"})
	for _, one := range tried {
		method, path := one[0], strings.ReplaceAll(wildcard.ReplaceAllString(one[1], "1"), "//", "/")
		for _, host := range []string{"", "ca", "identity", "license"} {
			base := s.portal
			if host != "" {
				base = s.service(host)
			}
			allowed := slices.ContainsFunc(table, func(o opening) bool { return o.covers(host, method, path, false) })
			visitHTTPS(t, client, method, base+path, allowed)
			plain := slices.ContainsFunc(table, func(o opening) bool { return o.covers(host, method, path, true) })
			visitPlain(t, client, method, strings.TrimPrefix(base, "https://"), "http://"+at.HTTP+path, plain)
		}
	}
}

func visitAs(t *testing.T, client *http.Client, method, host, url string) *http.Response {
	t.Helper()
	body := ""
	if method != http.MethodGet {
		body = "{}"
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Host = host
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil { // else the connection is not used again
		t.Fatal(err)
	}
	return answer
}

// toSignIn is where those are sent who are not signed in.
var toSignIn = regexp.MustCompile(`^(/sign-in|/session/start\?return_to=)`)

func visitHTTPS(t *testing.T, client *http.Client, method, url string, allowed bool) {
	t.Helper()
	answer := visitAs(t, client, method, "", url)
	code := answer.StatusCode
	refused := slices.Contains([]int{401, 403, 404, 405}, code) || code == 303 && toSignIn.MatchString(answer.Header.Get("Location"))
	switch {
	case !allowed && !refused:
		t.Errorf("%s %s: answers %d to anybody, and docs/guides/anonymous.md does not say so", method, url, code)
	case allowed && refused && !mayRefuse(url):
		t.Errorf("%s %s: answers %d, and docs/guides/anonymous.md says that anybody may", method, url, code)
	}
}

// mayRefuse holds for what is open and has nothing under the name tried: a link
// without a secret, a folder, a session to end, the second step without the first,
// a request that nobody has made, files without a ticket.
func mayRefuse(url string) bool {
	return slices.ContainsFunc([]string{"/admin/enter", "/static/", "/sign-out", "/session/end", "/pictures/", "/pictures/1", "/session/callback", "/sign-in/second-factor",
		"/oauth2/userinfo", "/oauth2/authorize/", "/oauth2/authorize/1", "/license/v1/files"}, func(end string) bool { return strings.HasSuffix(url, end) })
}

func visitPlain(t *testing.T, client *http.Client, method, host, url string, allowed bool) {
	t.Helper()
	answer := visitAs(t, client, method, host, url)
	code := answer.StatusCode
	to := answer.Header.Get("Location")
	redirected := (code == 302 || code == 308) && strings.HasPrefix(to, "https://")
	refused := redirected || slices.Contains([]int{401, 403, 404, 405}, code)
	if allowed == refused && (redirected || !allowed || !mayRefuse(url)) {
		t.Errorf("%s %s over plain HTTP: answers %d (%s); whether docs/guides/anonymous.md allows it: %t", method, url, code, to, allowed)
	}
}

// The internal listener wants a client certificate under every name but that
// for enrolment, which serves nothing else.
func TestAnonymousOnTheInternalListener(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	at := s.addresses(t).Internal
	for _, name := range []string{"ca.guildhall.internal", "other.guildhall.internal", ""} {
		if answer, err := internal(t, name).Get("https://" + at + "/metrics"); err == nil {
			t.Errorf("under the name %q: %s", name, answer.Status)
			_ = answer.Body.Close()
		}
	}
	enrol := internal(t, "enrol.guildhall.internal")
	for host, want := range map[string][]int{"enrol.guildhall.internal": {404, 405}, "ca.guildhall.internal": {403, 404, 421}} {
		for _, path := range []string{"/metrics", "/healthz", "/readyz", "/peer/v1/follow", "/peer/v1/renew"} {
			if code := visitAs(t, enrol, http.MethodGet, host, "https://"+at+path).StatusCode; !slices.Contains(want, code) {
				t.Errorf("GET %s as %s without a certificate: %d", path, host, code)
			}
		}
	}
	if code := visitAs(t, enrol, http.MethodPost, "enrol.guildhall.internal", "https://"+at+"/peer/v1/enrol").StatusCode; code < 400 || code >= 500 || code == http.StatusNotFound {
		t.Errorf("POST /peer/v1/enrol without a token: %d", code)
	}
}

// internal is a client that calls a name and has no certificate.
func internal(t *testing.T, name string) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{ServerName: name, InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: patience}
}
