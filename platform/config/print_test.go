package config_test

import (
	"strings"
	"testing"

	"guildhall/platform/config"
)

func TestPrintShowsTheAddressOfADatabase(t *testing.T) {
	t.Parallel()
	for secret, want := range map[string]string{
		"postgres://ca:hunter2@db.example.com:5432/ca?sslmode=verify-full": "postgres://ca:********@db.example.com:5432/ca?sslmode=verify-full",
		"postgresql://ca:@db/ca":               "postgresql://ca:********@db/ca",
		"postgres://ca@db/ca":                  "postgres://ca@db/ca",
		"sqlite:/var/lib/ca.db":                "sqlite:/var/lib/ca.db",
		"redis://:hunter2@db:6379/0":           "redis://:********@db:6379/0",
		"rediss://u:hunter2@db":                "rediss://u:********@db",
		"unix://u:hunter2@/run/redis.sock":     "unix://u:********@/run/redis.sock",
		"unix:///run/redis.sock?db=1":          "unix:///run/redis.sock?db=1",
		"postgres://ca@db/ca?password=hunter2": "'********'",
		"postgres://ca:hunter2@db:x/ca":        "'********'",
		"https://ca:hunter2@db/ca":             "'********'",
		"host=db user=ca password=hunter2":     "'********'",
		"postgres://ca:xxxxx@db/:xxxxx@":       "postgres://ca:********@db/:xxxxx@",
		"POSTGRES://ca:hunter2@db/ca":          "postgres://ca:********@db/ca",
	} {
		f, err := config.Load("", nil)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		s := struct {
			Default config.Secret `yaml:"default"`
		}{config.Secret(secret)}
		if err := f.Print(&out, []config.Section{{Key: "s", Value: &s}}); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != "s:\n  default: "+want+" # default\n" {
			t.Errorf("%s is shown as %s", secret, got)
		}
	}
	var s config.Secret
	if err := s.UnmarshalText([]byte("postgres://ca:********@db/ca")); err == nil {
		t.Error("a masked address is taken for an address")
	}
}

func TestPrintMasksSecretsAndNamesSources(t *testing.T) {
	t.Parallel()
	path := write(t, "s:\n  addr: 'file: x # y'\n  password: hunter2\n  tokens:\n    shop: hunter3\n  rules:\n  - name: r\n  urls: {}\n  hosts: {b: [x], a: []}\n")
	f, err := config.Load(path, []string{"GUILDHALL_S_LIFE=90d", "GUILDHALL_S_NAMES=a,true"})
	if err != nil {
		t.Fatal(err)
	}
	s := sample{Port: 7}
	if err := f.Decode("s", &s); err != nil {
		t.Fatal(err)
	}
	s.Port = 8 // as a flag would
	var out strings.Builder
	if err := f.Print(&out, []config.Section{{Key: "s", Value: &s}}); err != nil {
		t.Fatal(err)
	}
	want := `s:
  addr: 'file: x # y' # FILE:2
  port: 8 # flag
  ratio: 0 # default
  on: false # default
  life: 90d # GUILDHALL_S_LIFE
  body: 0 # default
  password: '********' # FILE:3
  names: [a, 'true'] # GUILDHALL_S_NAMES
  tls:
    cert: '' # default
  urls: {} # FILE:8
  tokens:
    shop: '********' # FILE:5
  hosts:
    a: [] # FILE:9
    b: [x] # FILE:9
  rules:
  - name: r # FILE:7
    max: 0 # default
`
	if got := strings.ReplaceAll(out.String(), path, "FILE"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
