package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guildhall/platform/config"
)

func TestEnvironmentOverridesTheFile(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := load(t, "s:\n  addr: file\n  names: [f]\n  urls: {ca: kept, bank: lost}\n  password: lost\n",
		"GUILDHALL_S_ADDR=env", "GUILDHALL_S_PORT=99", "GUILDHALL_S_LIFE=1d12h", "GUILDHALL_S_NAMES=x, y",
		"GUILDHALL_S_TLS_CERT=/c", "GUILDHALL_S_URLS_BANK=https://bank", "GUILDHALL_S_PASSWORD_FILE="+secret,
		"GUILDHALL_S_TOKENS_SHOP=tok", "GUILDHALL_S_HOSTS_CA=a,b", "GUILDHALL_S_TOKENS_CA_FILE="+secret, "PATH=/bin")
	if err != nil {
		t.Fatal(err)
	}
	if got.Addr != "env" || got.Port != 99 || got.Life.Std() != 36*time.Hour || strings.Join(got.Names, "|") != "x|y" || got.TLS.Cert != "/c" {
		t.Errorf("got %+v", got)
	}
	if got.URLs["bank"] != "https://bank" || got.URLs["ca"] != "kept" {
		t.Errorf("urls: %v", got.URLs)
	}
	if len(got.Hosts["ca"]) != 2 {
		t.Errorf("hosts: %v", got.Hosts)
	}
	if got.Password.Reveal() != "from a file" || got.Tokens["shop"].Reveal() != "tok" || got.Tokens["ca"].Reveal() != "from a file" {
		t.Error("a secret did not arrive")
	}
}

func TestEnvironmentRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		variables []string
		want      string
	}{
		"typed":          {[]string{"GUILDHALL_S_PORT=many"}, `environment variable GUILDHALL_S_PORT: "many" is not a whole number`},
		"typed list":     {[]string{"GUILDHALL_S_LIFE=x"}, "GUILDHALL_S_LIFE"},
		"unknown":        {[]string{"GUILDHALL_S_PROT=1"}, "GUILDHALL_S_PROT: no key has this name; known variables: "},
		"meant":          {[]string{"GUILDHALL_S_PROT=1"}, "did you mean GUILDHALL_S_PORT?"},
		"list of groups": {[]string{"GUILDHALL_S_RULES=x"}, "no key has this name"},
		"section":        {[]string{"GUILDHALL_OTER_X=1"}, "did you mean GUILDHALL_OTHER_...?"},
		"both":           {[]string{"GUILDHALL_S_PASSWORD=hunter2", "GUILDHALL_S_PASSWORD_FILE=x"}, "are both set; keep one"},
		"mask":           {[]string{"GUILDHALL_S_PASSWORD=********"}, "GUILDHALL_S_PASSWORD is the mask"},
		"secret file":    {[]string{"GUILDHALL_S_PASSWORD_FILE=/nowhere/at/all"}, "GUILDHALL_S_PASSWORD_FILE read secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, "", c.variables...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error lacks %q: %v", c.want, err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error shows a secret: %v", err)
			}
		})
	}
}

// Other software names variables after a service called guildhall
// (GUILDHALL_SERVICE_HOST, GUILDHALL_PORT_8443_TCP): they are no mistakes.
func TestVariablesOfNoSectionAreLeftAlone(t *testing.T) {
	t.Parallel()
	f, err := config.Load("", []string{"GUILDHALL_SERVICE_HOST=10.0.0.1", "GUILDHALL_PORT_8443_TCP=x", "GUILDHALL_CONFIG=y"})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check("server", "log", "databases", "backup", "admin", "peers", "ca"); err != nil {
		t.Error(err)
	}
}

func TestEmptyVariableIsAValue(t *testing.T) {
	t.Parallel()
	got, err := load(t, "s:\n  addr: file\n  names: [f]\n", "GUILDHALL_S_ADDR=", "GUILDHALL_S_NAMES=")
	if err != nil || got.Addr != "" || len(got.Names) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := config.Load("", []string{"GUILDHALL_", "=", "GUILDHALL"}); err != nil {
		t.Error(err)
	}
}
