package e2e

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"guildhall/platform/guildtest"
)

// Two processes on one database and one server for shared state: who has used up
// the limit at one is refused by the other too. While the server is away each limits
// by itself, stays ready, and its status tells why; the password is told nowhere.
func TestNodesShareTheAnonymousLimit(t *testing.T) {
	t.Parallel()
	const burst = 12
	r := guildtest.NewRedis(t, "--requirepass", "hunter2")
	config := onPostgres(t, guildtest.Postgres(t),
		"limits: {anonymous: 0.0001, burst: 12, exempt: [127.0.0.1/32]}", // one in three hours: nothing comes back while this runs
		"shared: {url: 'unix://:hunter2@"+r.Socket()+"', timeout: 10s}")
	one := start(t, t.TempDir(), "--config", config)
	two := start(t, secondNode(t, one.data), "--config", config)
	// The processes call themselves, too: a visitor has an address of its own.
	dial := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 77)}}).DialContext
	visitor := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: patience}
	// served counts the answers of n requests to each.
	served := func(n int, nodes ...*server) (count int) {
		t.Helper()
		for range n {
			for _, s := range nodes {
				answer, err := visitor.Get("http://" + s.addresses(t).HTTP + "/ca/root.pem")
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
				switch answer.StatusCode {
				case http.StatusOK:
					count++
				case http.StatusTooManyRequests:
				default:
					t.Fatal(answer.Status)
				}
			}
		}
		return count
	}
	if got := served(burst, one, two); got != burst {
		t.Errorf("both served %d requests of one address, want %d", got, burst)
	}
	says := func(s *server, want string) func() bool {
		return func() bool {
			out, _, code := guildhall(t, "status", "--data", s.data, "--config", config)
			return code == 0 && strings.Contains(out, want)
		}
	}
	await(t, "the status of the first", says(one, "shared    ok"))
	r.Kill(t)
	for _, s := range []*server{one, two} {
		await(t, "the status tells that the server is away", says(s, "shared    The server for shared state does not work."))
		// It remembers the half that it has served itself.
		if got := served(burst, s); got != burst/2 {
			t.Errorf("a node by itself served %d more, want %d", got, burst/2)
		}
	}
	r.Start(t)
	for _, s := range []*server{one, two} {
		await(t, "the status is good again", says(s, "shared    ok"))
		if log := s.log.String(); strings.Contains(log, "hunter2") || strings.Count(log, "the server for shared state does not work") != 1 ||
			strings.Count(log, "the server for shared state works again") != 1 {
			t.Errorf("the log:\n%s", log)
		}
	}
	if out := must(t, "config", "print", "--config", config); strings.Contains(out, "hunter2") || !strings.Contains(out, "unix://:********@"+r.Socket()) {
		t.Errorf("config print:\n%s", out)
	}
}
