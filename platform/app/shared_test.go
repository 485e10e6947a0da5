package app

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guildhall/platform/config"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/limit"
	"guildhall/platform/peer/peertest"
)

// While the server for shared state is away the process stays ready and limits by
// itself; the status, the portal for administrators and the metrics tell it.
func TestServerForSharedStateGoesAway(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t)
	p := run(t, t.TempDir(), func(c *Config) {
		c.Shared.URL, c.Shared.Timeout = config.Secret(r.URL("")), config.Duration(maxSharedTimeout)
	})
	control, err := Dial(t.Context(), p.options.Config.Server.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	status := func() (s Status) {
		t.Helper()
		if err := control.Do(t.Context(), http.MethodGet, "/status", nil, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	await := func(want string) {
		t.Helper()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for !strings.HasPrefix(status().Shared, want) {
			select {
			case <-t.Context().Done():
				t.Fatalf("still %q, want %q", status().Shared, want)
			case <-tick.C:
			}
		}
	}
	stranger, administrator := p.browser(t), p.browser(t)
	if code, body := get(t, administrator, p.announced.Link); code != http.StatusOK || strings.Contains(body, "counted by each process alone") {
		t.Fatalf("%d %s", code, body)
	}
	await("ok")
	r.Kill(t)
	await("The server for shared state does not work.")
	if s := status(); !s.OK() || !strings.Contains(s.Shared, "connect") {
		t.Errorf("the status: %+v", s)
	}
	code, body := get(t, stranger, p.announced.Portal+"/readyz")
	if code != http.StatusOK || !strings.Contains(body, errAlone.Detail) || strings.Contains(body, r.Socket()) {
		t.Errorf("/readyz: %d %s", code, body)
	}
	for who, c := range map[string]*http.Client{"administrator": administrator, "stranger": stranger} {
		code, body := get(t, c, p.announced.Portal+"/")
		if told := strings.Contains(body, "counted by each process alone"); code != http.StatusOK || told != (who == "administrator") {
			t.Errorf("the portal for the %s: %d, told %t", who, code, told)
		}
	}
	l := p.env.Limiter("test", limit.Options{Rate: 0.001, Burst: 2})
	for i, want := range []bool{true, true, false} {
		if _, ok := l.Allow(t.Context(), "k"); ok != want {
			t.Errorf("event %d: %t", i+1, ok)
		}
	}
	r.Start(t)
	await("ok")
	if code, body := get(t, administrator, p.announced.Portal+"/"); code != http.StatusOK || strings.Contains(body, "counted by each process alone") {
		t.Errorf("the portal after the return: %d", code)
	}
}

// Two processes count together, and apart from an installation of another domain
// on the same server.
func TestProcessesCountTogether(t *testing.T) {
	t.Parallel()
	r := guildtest.NewRedis(t)
	serve := func(domain string) limit.Limiter {
		p := run(t, t.TempDir(), func(c *Config) {
			c.Server.Domain, c.Shared.URL, c.Shared.Timeout = domain, config.Secret(r.URL("")), config.Duration(maxSharedTimeout)
		})
		return p.env.Limiter("test", limit.Options{Rate: 0.001, Burst: 2})
	}
	one, two, other := serve("guildhall.localhost"), serve("guildhall.localhost"), serve("other.localhost")
	for i, x := range []struct {
		l    limit.Limiter
		want bool
	}{{one, true}, {two, true}, {one, false}, {two, false}, {other, true}, {other, true}, {other, false}} {
		if _, ok := x.l.Allow(t.Context(), "k"); ok != x.want {
			t.Errorf("event %d: %t", i+1, ok)
		}
	}
}

// A command on data at rest serves nobody: it does not look for the server.
func TestOfflineCommandAsksNoServer(t *testing.T) {
	t.Parallel()
	authority, err := peertest.NewAuthority(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	served, err := open(t.Context(), options(t, dir, authority, io.Discard), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := served.close(); err != nil {
		t.Fatal(err)
	}
	o := options(t, dir, authority, io.Discard)
	o.Config.Shared.URL = "unix:///nowhere/sock"
	a, err := open(t.Context(), o, true)
	if err != nil {
		t.Fatal(err)
	}
	if a.shared != nil {
		t.Error("it is looked for")
	}
	if err := a.close(); err != nil {
		t.Error(err)
	}
}

func TestConfigCheckOfSharedState(t *testing.T) {
	t.Parallel()
	none := filepath.Join(t.TempDir(), "none.pem")
	if err := os.WriteFile(none, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, _ := selfSigned(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	for what, x := range map[string]struct {
		url, ca string
		timeout time.Duration
		key     string // what is refused; empty: nothing
	}{
		"nothing":                {"", "", 100 * time.Millisecond, ""},
		"plain":                  {"redis://:hunter2@db", "", time.Millisecond, ""},
		"TLS with a root":        {"rediss://:hunter2@db", root, 10 * time.Second, ""},
		"no address":             {"hunter2@db", "", time.Second, "shared.url"},
		"what is not ours to do": {"rediss://:hunter2@db?skip_verify=1", "", time.Second, "shared.url"},
		"a root without TLS":     {"redis://:hunter2@db", root, time.Second, "shared.url"},
		"no certificate":         {"rediss://:hunter2@db", none, time.Second, "shared.ca"},
		"no file":                {"rediss://:hunter2@db", "/nowhere", time.Second, "shared.ca"},
		"no time":                {"", "", 0, "shared.timeout"},
		"too much time":          {"", "", time.Minute, "shared.timeout"},
	} {
		c := DefaultConfig()
		c.Shared = SharedConfig{URL: config.Secret(x.url), CA: x.ca, Timeout: config.Duration(x.timeout)}
		err := c.Check()
		if err == nil {
			err = c.CheckFiles(time.Now())
		}
		got := ""
		if err != nil {
			got = fault.As(err).Fields[0].Name
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the password is told: %v", what, err)
			}
		}
		if got != x.key {
			t.Errorf("%s: %v, want %q to be refused", what, err, x.key)
		}
	}
}
