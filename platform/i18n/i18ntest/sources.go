package i18ntest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// use is a key, or with a dot at its end the beginning of one, in a source.
type use struct{ where, key string }

func (u use) in(known map[string]message) bool {
	if !strings.HasSuffix(u.key, ".") {
		_, ok := known[u.key]
		return ok
	}
	for key := range known {
		if strings.HasPrefix(key, u.key) {
			return true
		}
	}
	return false
}

// scanner finds keys in lines: what is given to T or Lookup as a literal,
// whatever its prefix, and every other literal of three or more words that
// begins as a key of the catalogue does.
type scanner struct {
	given, literal *regexp.Regexp
	own            map[string]bool
}

// usedKeys finds the keys in the sources under dir.
func usedKeys(dir string, own map[string]bool) ([]use, error) {
	s := scanner{own: own,
		given:   regexp.MustCompile(`\b(?:T|Lookup)\([^",]*,\s*"([^"]+)"`),
		literal: regexp.MustCompile(`"([a-z0-9_-]+(?:\.[a-z0-9_-]+){2,}|[a-z0-9_-]+\.(?:[a-z0-9_-]+\.)+)"`)}
	var found []use
	tree := os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isSource(path) {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, key := range s.keys(line) {
				found = append(found, use{where: fmt.Sprintf("%s:%d", filepath.Join(dir, path), i+1), key: key})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read sources under %s: %w", dir, err)
	}
	return found, nil
}

// isSource leaves out what templ made of a .templ file, and tests.
func isSource(path string) bool {
	if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
		return false
	}
	return strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".templ")
}

func (s scanner) keys(line string) []string {
	if strings.HasPrefix(strings.TrimSpace(line), "//") {
		return nil
	}
	var keys []string
	for _, match := range s.given.FindAllStringSubmatch(line, -1) {
		keys = append(keys, match[1])
	}
	for _, match := range s.literal.FindAllStringSubmatch(line, -1) {
		if first, _, _ := strings.Cut(match[1], "."); s.own[first] {
			keys = append(keys, match[1])
		}
	}
	return keys
}
