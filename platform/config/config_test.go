package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/platform/config"
	"guildhall/platform/fault"
)

type sample struct {
	Addr     string          `yaml:"addr"`
	Port     uint16          `yaml:"port"`
	Ratio    float64         `yaml:"ratio"`
	On       bool            `yaml:"on"`
	Life     config.Duration `yaml:"life"`
	Body     config.Size     `yaml:"body"`
	Password config.Secret   `yaml:"password"`
	Names    []string        `yaml:"names"`
	TLS      struct {
		Cert string `yaml:"cert"`
	} `yaml:"tls"`
	URLs   map[string]string        `yaml:"urls"`
	Tokens map[string]config.Secret `yaml:"tokens"`
	Hosts  map[string][]string      `yaml:"hosts"`
	Rules  []rule                   `yaml:"rules"`
	Ours   string                   // no tag: not configured
}

type rule struct {
	Name string `yaml:"name"`
	Max  int    `yaml:"max"`
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "guildhall.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load decodes the section "s" of a file with this text.
func load(t *testing.T, text string, environ ...string) (sample, error) {
	t.Helper()
	s := sample{Addr: "default", Port: 1, Names: []string{"a"}}
	f, err := config.Load(write(t, text), environ)
	if err != nil {
		return s, err
	}
	if err := f.Check("s", "other"); err != nil {
		return s, err
	}
	return s, f.Decode("s", &s)
}

func TestDecodeFillsEveryKindOfField(t *testing.T) {
	t.Parallel()
	got, err := load(t, `
s:
  addr: 127.0.0.1:80
  port: 8443
  ratio: 0.5
  on: true
  life: 90d
  body: 16MiB
  password: "hunter2"
  names: [x, y]
  tls:
    cert: /c.pem
  urls:
    bank: https://bank
  tokens: {shop: tok}
  hosts: {ca: [a, b]}
  rules:
    - name: first
      max: 3
`)
	if err != nil {
		t.Fatal(err)
	}
	want := sample{Addr: "127.0.0.1:80", Port: 8443, Ratio: 0.5, On: true, Life: config.Duration(90 * 24 * time.Hour),
		Body: 16 << 20, Password: "hunter2", Names: []string{"x", "y"}, URLs: map[string]string{"bank": "https://bank"},
		Tokens: map[string]config.Secret{"shop": "tok"}, Hosts: map[string][]string{"ca": {"a", "b"}}, Rules: []rule{{"first", 3}}}
	want.TLS.Cert = "/c.pem"
	// cmp shows secrets by String, so they are compared by what they reveal.
	reveal := cmp.Transformer("reveal", config.Secret.Reveal)
	if diff := cmp.Diff(want, got, reveal); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultsStayWhereNothingIsSaid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "s:\n", "s: {}\n", "other:\n  x: 1\n", "---\ns:\n  tls:\n"} {
		got, err := load(t, text)
		if err != nil || got.Addr != "default" || got.Port != 1 || len(got.Names) != 1 {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
	f, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	s := sample{Addr: "default"}
	if err := f.Decode("s", &s); err != nil || s.Addr != "default" {
		t.Errorf("no file: got %+v, %v", s, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"unknown key":       {"s:\n  adr: x\n", []string{"yaml:2: unknown key s.adr", "known keys: addr, ", "did you mean addr?"}},
		"unknown nested":    {"s:\n  tls:\n    key: x\n", []string{"yaml:3: unknown key s.tls.key; known keys: cert"}},
		"unknown in list":   {"s:\n  rules:\n  - nam: x\n", []string{"yaml:3: unknown key s.rules[0].nam"}},
		"unknown section":   {"t:\n  a: 1\n", []string{"yaml:1: unknown key t; known keys: other, s"}},
		"all at once":       {"s:\n  a1: x\n  port: y\n", []string{"yaml:2: unknown key s.a1", "yaml:3: s.port"}},
		"not a number":      {"s:\n  port: many\n", []string{`yaml:2: s.port: "many" is not a whole number; write digits`}},
		"too large":         {"s:\n  port: 70000\n", []string{`s.port: "70000" is too large`}},
		"negative":          {"s:\n  port: -1\n", []string{`s.port: "-1" is not a whole number`}},
		"infinite":          {"s:\n  ratio: .inf\n", []string{"s.ratio", "is not a number"}},
		"not a bool":        {"s:\n  on: yes\n", []string{`s.on: "yes" is not a truth value; write true or false`}},
		"bool for text":     {"s:\n  addr: true\n", []string{"s.addr must be text", "in quotes"}},
		"not a duration":    {"s:\n  life: 90\n", []string{`s.life: "90" is not a duration; write a number and a unit`}},
		"not a size":        {"s:\n  body: 16Mi\n", []string{`s.body: "16Mi" is not a size`}},
		"group for value":   {"s:\n  addr:\n    a: b\n", []string{"yaml:3: s.addr must be one value, not a group of keys"}},
		"value for group":   {"s:\n  tls: x\n", []string{`yaml:2: s.tls must be a group of keys, indented below it, not the value "x"`}},
		"value for list":    {"s:\n  names: x\n", []string{"s.names must be a list, each item after a dash"}},
		"value for section": {"s: x\n", []string{"yaml:1: s must be a group of keys"}},
		"no value":          {"s:\n  addr:\n", []string{"yaml:2: s.addr has no value; write one, or remove the key"}},
		"duplicate":         {"s:\n  addr: a\n  addr: b\n", []string{"yaml:3: s.addr is set twice, first in line 2"}},
		"duplicate section": {"s:\n  addr: a\ns:\n  port: 3\n", []string{"yaml:3: s is set twice, first in line 1"}},
		"alias":             {"s:\n  addr: &x a\n  names: [*x]\n", []string{"yaml:2: s.addr uses a YAML anchor or alias"}},
		"merge key":         {"s:\n  <<: {addr: x}\n", []string{"yaml:2: s.\"<<\" is not a plain key"}},
		"two documents":     {"s:\n  addr: a\n---\ns: {}\n", []string{"a second YAML document"}},
		"not a mapping":     {"- s\n", []string{"yaml:1: the file must hold sections"}},
		"syntax":            {"s:\n  addr: [\n", []string{"yaml:", "this is not YAML", "mind indentation"}},
		"tab":               {"s:\n\taddr: a\n", []string{"yaml:2: this is not YAML"}},
		"masked secret":     {"s:\n  password: '********'\n", []string{"s.password is the mask", "write the secret itself"}},
		"secret twice":      {"s:\n  password: a\n  password_file: b\n", []string{"s.password and s.password_file are both set; keep one"}},
		"secret file":       {"s:\n  password_file: /nowhere/at/all\n", []string{"s.password_file: read secret", "no such file"}},
		"secret is a list":  {"s:\n  password: [hunter2]\n", []string{"s.password must be one value, not a list"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, c.text)
			if !errors.Is(err, config.ErrInvalid) || len(fault.As(err).Fields) == 0 {
				t.Fatalf("not an invalid configuration: %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q:\n%s", want, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error shows a secret: %s", err)
			}
		})
	}
}

func TestLoadOfAMissingFileSaysWhatToDo(t *testing.T) {
	t.Parallel()
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"), nil)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "create the file") {
		t.Errorf("got %v", err)
	}
}

func TestManyProblemsAreCut(t *testing.T) {
	t.Parallel()
	_, err := load(t, "s:\n"+manyKeys(40))
	if err == nil || strings.Count(err.Error(), "\n") > 21 || !strings.Contains(err.Error(), "more)") {
		t.Errorf("got %v", err)
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  k" + strings.Repeat("x", i+1) + ": 1\n")
	}
	return b.String()
}

func TestDecodeWantsAStruct(t *testing.T) {
	t.Parallel()
	f, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Decode("s", sample{}); err == nil {
		t.Error("a struct that is no pointer was taken")
	}
}
