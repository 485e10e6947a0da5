package config

import (
	"bytes"
	"errors"
	"maps"
	"reflect"
	"testing"
)

type fuzzed struct {
	Text  string            `yaml:"text"`
	Count int               `yaml:"count"`
	Ratio float32           `yaml:"ratio"`
	On    bool              `yaml:"on"`
	Life  Duration          `yaml:"life"`
	Body  Size              `yaml:"body"`
	Names []string          `yaml:"names"`
	URLs  map[string]string `yaml:"urls"`
	Inner struct {
		Rules []struct {
			Name string `yaml:"name"`
		} `yaml:"rules"`
	} `yaml:"inner"`
}

// FuzzConfig: whatever the bytes, reading them ends in a value or in an
// ErrInvalid; and what is printed of the value reads back as the same.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("s:\n  text: a\n  count: 3\n  life: 90d\n  body: 1MiB\n  names: [a, b]\n"))
	f.Add([]byte("s:\n  urls: {a: b}\n  inner:\n    rules:\n    - name: |\n        x\n        y\n"))
	f.Add([]byte("s: &a {text: \"\\u2028\\0\"}\nt: *a\n---\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		value, ok := decodeFuzzed(t, data)
		if !ok {
			return
		}
		var out bytes.Buffer
		file := &File{sources: map[string]source{}}
		if err := file.Print(&out, []Section{{"s", &value}}); err != nil {
			t.Fatalf("print: %v", err)
		}
		again, ok := decodeFuzzed(t, out.Bytes())
		if !ok || !same(value, again) {
			t.Fatalf("read\n%q\nprinted\n%s\nread back %+v, want %+v", data, out.String(), again, value)
		}
	})
}

// same takes an empty list or map for an absent one.
func same(a, b fuzzed) bool {
	if len(a.Names) == 0 && len(b.Names) == 0 {
		a.Names, b.Names = nil, nil
	}
	if len(a.Inner.Rules) == 0 && len(b.Inner.Rules) == 0 {
		a.Inner.Rules, b.Inner.Rules = nil, nil
	}
	urls := maps.Equal(a.URLs, b.URLs)
	a.URLs, b.URLs = nil, nil
	return urls && reflect.DeepEqual(a, b)
}

func decodeFuzzed(t *testing.T, data []byte) (v fuzzed, ok bool) {
	file := &File{name: "guildhall.yaml", env: map[string]string{}, sources: map[string]source{}}
	err := file.parse(data)
	if err == nil {
		err = file.Decode("s", &v)
	}
	if err != nil && !errors.Is(err, ErrInvalid) {
		t.Fatalf("not an ErrInvalid: %v", err)
	}
	return v, err == nil
}
