// Package i18ntest proves a catalogue complete.
package i18ntest

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"guildhall/platform/i18n"
	"guildhall/platform/web/locales"
)

// Check fails the test for everything wrong with a catalogue: a key, a
// placeholder or a plural form that one language lacks, and a key used in the
// .go or .templ sources under sourceDirs that no catalogue has. Sources may use
// the keys of the design system too.
func Check(t *testing.T, catalogue fs.FS, sourceDirs ...string) {
	t.Helper()
	problems, err := Problems(catalogue, sourceDirs...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

// Problems is what Check reports, sorted.
func Problems(catalogue fs.FS, sourceDirs ...string) ([]string, error) {
	own, err := read(catalogue)
	if err != nil {
		return nil, err
	}
	found := compare(own)
	known := maps.Clone(own[0].messages)
	for _, shared := range []fs.FS{i18n.Locales(), locales.FS()} {
		c, err := read(shared)
		if err != nil {
			return nil, err
		}
		maps.Copy(known, c[0].messages)
	}
	for _, dir := range sourceDirs {
		used, err := usedKeys(dir, prefixes(own[0].messages))
		if err != nil {
			return nil, err
		}
		for _, u := range used {
			if !u.in(known) {
				found = append(found, fmt.Sprintf("%s: no catalogue has the key %q", u.where, u.key))
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

// message is a text's plural forms; a plain text has one, under "".
type message map[string]string

type catalog struct {
	language i18n.Language
	messages map[string]message
}

func read(catalogue fs.FS) ([]catalog, error) {
	var all []catalog
	for _, l := range i18n.Languages() {
		text, err := i18n.ReadCatalogue(catalogue, l)
		if err != nil {
			return nil, err
		}
		raw := map[string]json.RawMessage{}
		if err := json.Unmarshal(text, &raw); err != nil {
			return nil, fmt.Errorf("parse %s.json: %w", l.File, err)
		}
		c := catalog{language: l, messages: map[string]message{}}
		for key, value := range raw {
			m := message{}
			var plain string
			if json.Unmarshal(value, &plain) == nil {
				m[""] = plain
			} else if err := json.Unmarshal(value, &m); err != nil {
				return nil, fmt.Errorf("%s.json: %s: want a string or an object of plural forms: %w", l.File, key, err)
			}
			c.messages[key] = m
		}
		all = append(all, c)
	}
	return all, nil
}

// compare holds every language against the first.
func compare(all []catalog) []string {
	var found []string
	for _, c := range all {
		for key, m := range c.messages {
			found = append(found, c.flaws(key, m)...)
			if _, ok := all[0].messages[key]; !ok {
				found = append(found, fmt.Sprintf("%s.json: %s is not in %s.json", c.language.File, key, all[0].language.File))
			}
		}
		for key, want := range all[0].messages {
			m, ok := c.messages[key]
			if !ok {
				found = append(found, fmt.Sprintf("%s.json: %s is missing", c.language.File, key))
				continue
			}
			if w, g := want.placeholders(), m.placeholders(); !slices.Equal(w, g) {
				found = append(found, fmt.Sprintf("%s.json: %s has the placeholders %v, want %v", c.language.File, key, g, w))
			}
			if (len(want[""]) > 0) != (len(m[""]) > 0) {
				found = append(found, fmt.Sprintf("%s.json: %s has plural forms in one language and none in another", c.language.File, key))
			}
		}
	}
	return found
}

// flaws are an empty text and a missing or needless plural form (CLDR).
func (c catalog) flaws(key string, m message) []string {
	var found []string
	for form, text := range m {
		if strings.TrimSpace(text) == "" {
			found = append(found, fmt.Sprintf("%s.json: %s %s is empty", c.language.File, key, form))
		}
	}
	if _, plain := m[""]; plain {
		return found
	}
	want := map[string][]string{"en": {"one", "other"}, "zh": {"other"}, "pl": {"few", "many", "one", "other"}}[c.language.File]
	if forms := slices.Sorted(maps.Keys(m)); !slices.Equal(forms, want) {
		found = append(found, fmt.Sprintf("%s.json: %s has the plural forms %v, want %v", c.language.File, key, forms, want))
	}
	return found
}

func (m message) placeholders() []string {
	placeholder := regexp.MustCompile(`{{\s*\.(\w+)\s*}}`)
	names := map[string]bool{}
	for _, text := range m {
		for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
			names[match[1]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// prefixes are the first words of keys: "ca" of "ca.issue.title".
func prefixes(messages map[string]message) map[string]bool {
	found := map[string]bool{}
	for key := range messages {
		first, _, _ := strings.Cut(key, ".")
		found[first] = true
	}
	return found
}
