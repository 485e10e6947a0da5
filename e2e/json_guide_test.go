package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheLinesOfTheJSONGuideWork runs docs/guides/json-sign-in.md from top to bottom,
// in one shell, with the code of the letter in its place.
func TestTheLinesOfTheJSONGuideWork(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	sh := s.shell(t)
	guide, err := os.ReadFile("../docs/guides/json-sign-in.md")
	if err != nil {
		t.Fatal(err)
	}
	says := [][]string{
		{`^$`},
		{`"email":"anna@example.com"`, `"name":"Anna Nowak"`},
		{`"access_token":"`, `"refresh_token":"`, `"expires_in":600`, `(?s)"id":"usr_.*"name":"Anna Nowak"`},
		{`"name":"Anna Maria Nowak"`, `"language":"pl"`},
		{`"access_token":"`},
		{`^204\n`, `"code":"invalid_token"`},
	}
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(string(guide), -1)
	if len(blocks) != len(says) {
		t.Fatalf("the guide has %d blocks of lines, and it is known of %d what they say", len(blocks), len(says))
	}
	for i, block := range blocks {
		lines := block[1]
		if strings.Contains(lines, "CODE=...") {
			code := person{typist{t: t}, s, map[string]bool{}}.code("anna@example.com", "your code")
			lines = strings.Replace(lines, "CODE=...", "CODE="+code, 1)
		}
		said := sh(lines)
		for _, want := range says[i] {
			if !regexp.MustCompile(want).MatchString(said) {
				t.Errorf("%s\nsays\n%s\nwithout %q", lines, said, want)
			}
		}
	}
}
