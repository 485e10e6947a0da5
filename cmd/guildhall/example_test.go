package main

import (
	"regexp"
	"strings"
	"testing"

	"guildhall/platform/app"
	"guildhall/platform/config"
)

// printed is the effective configuration that a file leads to, with sources.
func printed(t *testing.T, path string) string {
	t.Helper()
	file, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &settings{file: file, config: app.DefaultConfig(), defs: services()}
	var known []string
	for _, section := range s.sections() {
		if err := file.Decode(section.Key, section.Value); err != nil {
			t.Fatal(err)
		}
		known = append(known, section.Key)
	}
	if err := file.Check(known...); err != nil {
		t.Fatal(err)
	}
	if err := s.config.Check(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := file.Print(&out, s.sections()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestExampleHasEveryKeyWithItsDefault(t *testing.T) {
	t.Parallel()
	example := printed(t, "../../guildhall.example.yaml")
	for line := range strings.Lines(example) {
		if strings.HasSuffix(line, "# default\n") {
			t.Errorf("guildhall.example.yaml lacks a key: %s", strings.TrimSpace(line))
		}
	}
	sources := regexp.MustCompile(`(?m) #.*$`)
	if got, want := sources.ReplaceAllString(example, ""), sources.ReplaceAllString(printed(t, ""), ""); got != want {
		t.Errorf("the example says\n%s\nthe defaults are\n%s", got, want)
	}
}
