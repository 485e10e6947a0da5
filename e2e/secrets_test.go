package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guildhall/platform/guildtest"
	"guildhall/platform/session"
	"guildhall/sdk/go/ca"
)

const (
	databasePassword = "correct-horse-battery"
	filePassword     = "staple and nine more words"
	wrongSecret      = "ghb_NotASecretThatWasEverGiven"
)

// Whatever a process is given or makes that is secret is in no log, list or
// export, even at the most talkative level.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			address := strings.Replace(guildtest.Postgres(t), "postgres@", "postgres:"+databasePassword+"@", 1)
			config := onPostgres(t, address, "log:", "  level: debug", "  format: "+format, "ca:", "  keep_keys: true")
			s := start(t, t.TempDir(), "--config", config)
			secrets := s.useSecrets(t)
			told := map[string]string{"audit export": must(t, "ca", "audit", "export", "--data", s.data, "--config", config),
				"config print": must(t, "config", "print", "--config", config)}
			for _, command := range [][]string{{"status"}, {"jobs", "list"}, {"admin", "list"}, {"ca", "list"}, {"ca", "audit", "list"}, {"ca", "token", "list"}} {
				told[strings.Join(command, " ")] = must(t, append(command, "--json", "--data", s.data, "--config", config)...)
			}
			s.stop(t)
			told["log"] = s.log.String()
			told["what failing starts say"] = startsInVain(t, secrets["the join token"])
			if !strings.Contains(told["log"], "/api/v1/certificates") {
				t.Errorf("the log has no line of the requests:\n%s", told["log"])
			}
			for where, text := range told {
				for name, secret := range secrets {
					for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
						if strings.Contains(text, form) {
							t.Errorf("%s is in: %s", name, where)
						}
					}
				}
			}
		})
	}
}

// useSecrets uses one of each kind and returns them by name.
func (s *server) useSecrets(t *testing.T) map[string]string {
	t.Helper()
	token := strings.TrimSpace(must(t, "admin", "token", "--data", s.data))
	link := strings.TrimSpace(must(t, "admin", "link", "--data", s.data))
	client := s.browser(t)
	api := ca.New(ca.Options{URL: s.service("ca"), Token: token, HTTP: client})
	issued, err := api.Issue(t.Context(), ca.IssueRequest{CommonName: "kept.example.com", KeepKey: true})
	if err != nil {
		t.Fatal(err)
	}
	key := issued.PrivateKey
	for _, r := range []ca.PKCS12Request{{Password: filePassword}, {Password: filePassword, PrivateKey: key}} {
		if _, err := api.PKCS12(t.Context(), issued.Certificate.ID, r); err != nil {
			t.Error(err)
		}
	}
	if _, err := api.PKCS12(t.Context(), issued.Certificate.ID, ca.PKCS12Request{Password: filePassword, PrivateKey: key[:len(key)/2]}); err == nil {
		t.Error("half a key is taken")
	}
	if _, err := ca.New(ca.Options{URL: s.service("ca"), Token: wrongSecret, HTTP: client}).Tokens(t.Context()); err == nil {
		t.Error("a wrong token opens")
	}
	join, err := api.CreateToken(t.Context(), ca.TokenRequest{Service: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	_, linkSecret, _ := strings.Cut(link, "link=")
	parts := strings.Split(join.Text, ".")
	portal, ticket, service := enterAndLeave(t, client, s, link)
	return map[string]string{"the API token": token, "the link": linkSecret, "the portal's session": portal, "the ticket": ticket, "the service's session": service,
		"the key": strings.Split(key, "\n")[1], "the password of the file": filePassword, "the password of the database": databasePassword,
		"a wrong token": wrongSecret, "the join token": join.Text, "the join token's secret": parts[2]}
}

// enterAndLeave opens a link twice, goes on to a service by a ticket, looks at a page
// and leaves; it returns what was secret.
func enterAndLeave(t *testing.T, client *http.Client, s *server, link string) (portal, ticket, service string) {
	t.Helper()
	ask := func(method, address, secret string, want int) (cookie, to string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if secret != "" {
			r.Header.Set("Cookie", "__Host-guildhall-admin="+secret)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s %s: %s instead of %d", method, r.URL.Path, answer.Status, want)
		}
		for _, c := range answer.Cookies() {
			if c.Name == "__Host-guildhall-admin" {
				cookie = c.Value
			}
		}
		return cookie, answer.Header.Get("Location")
	}
	portal, _ = ask(http.MethodGet, link, "", http.StatusSeeOther)
	ask(http.MethodGet, link, "", http.StatusGone)
	_, way := ask(http.MethodGet, s.portal+session.PassPath("ca"), portal, http.StatusSeeOther)
	service, _ = ask(http.MethodGet, way, "", http.StatusSeeOther)
	ask(http.MethodGet, way, "", http.StatusGone)
	ask(http.MethodGet, s.service("ca")+"/certificates", service, http.StatusOK)
	ask(http.MethodPost, s.service("ca")+"/admin/leave", service, http.StatusSeeOther)
	on, err := url.Parse(way)
	if err != nil || portal == "" || service == "" || on.Query().Get("link") == "" {
		t.Fatalf("the link gave no sessions: %q, %q, %q, %v", portal, service, way, err)
	}
	return portal, on.Query().Get("link"), service
}

// startsInVain is what processes say whose database does not answer, whose
// address is no address, and whose configuration has an unknown key.
func startsInVain(t *testing.T, join string) string {
	t.Helper()
	var said strings.Builder
	for _, text := range []string{
		"databases:\n  default: postgres://postgres:" + databasePassword + "@127.0.0.1:1/none\npeers:\n  join_tokens:\n    ca: " + join,
		"databases:\n  default: postgres://postgres:" + databasePassword + "@127.0.0.1:port/none",
		"databases:\n  default: postgres://postgres:" + databasePassword + "@[::1/none",
		"databases:\n  defautl: postgres://postgres:" + databasePassword + "@127.0.0.1/none",
		"peers:\n  join_tokens:\n    - " + join,
		"peers:\n  join_tokens:\n    shop: ghj1 " + join,
	} {
		config := filepath.Join(t.TempDir(), "guildhall.yaml")
		if err := os.WriteFile(config, []byte("log:\n  level: debug\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"--data", t.TempDir(), "--config", config}
		out, errs, code := guildhall(t, append([]string{"serve", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--internal", "127.0.0.1:0"}, args...)...)
		if code == 0 {
			t.Errorf("it started with\n%s", text)
		}
		said.WriteString(out + errs)
		out, errs, _ = guildhall(t, "config", "check", "--config", config)
		said.WriteString(out + errs)
	}
	return said.String()
}
