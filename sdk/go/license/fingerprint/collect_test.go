package fingerprint

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recordings are what machines said, and what the SDKs of all languages make of it.
type recordings struct {
	Linux []struct {
		made
		Files map[string]string `json:"files"`
		Root  bool              `json:"root"`
	} `json:"linux"`
	Windows []struct {
		made
		Printed string `json:"printed"`
	} `json:"windows"`
	Darwin []struct {
		made
		Board string `json:"board"`
		Ports string `json:"ports"`
		Disks string `json:"disks"`
	} `json:"darwin"`
}

// made is what becomes of a recording.
type made struct {
	Name       string      `json:"name"`
	Parts      [][2]string `json:"parts"`
	Components Components  `json:"components"`
}

func TestRecordingsOfMachines(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../vectors/machines.json")
	if err != nil {
		t.Fatal(err)
	}
	var all recordings
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, r := range all.Linux {
		r.check(t, linuxParts(tree(t, r.Files), r.Root))
	}
	for _, r := range all.Windows {
		r.check(t, windowsParts(bytesOf(r.Printed)))
	}
	for _, r := range all.Darwin {
		r.check(t, darwinParts(bytesOf(r.Board), bytesOf(r.Ports), bytesOf(r.Disks)))
	}
}

func (m made) check(t *testing.T, got []part) {
	t.Helper()
	var texts [][2]string
	c := Components{}
	for _, p := range got {
		texts = append(texts, [2]string{p.kind, string([]rune(p.value))}) // U+FFFD for what is no UTF-8
		if digest, ok := Digest("acme", p.kind, p.value); ok {
			c.Add(p.kind, digest)
		}
	}
	if !slices.Equal(texts, m.Parts) {
		t.Errorf("%s: parts\ngot  %q\nwant %q", m.Name, texts, m.Parts)
	}
	if !maps.Equal(c, m.Components) {
		t.Errorf("%s: components\ngot  %v\nwant %v", m.Name, c, m.Components)
	}
}

// bytesOf makes a byte of each character.
func bytesOf(text string) []byte {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		b = append(b, byte(r)) // the recordings have no others
	}
	return b
}

// tree makes files below a directory; a text that begins with -> is a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) { // a link before what is behind it
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, link := strings.CutPrefix(files[name], "->"); link {
			target = filepath.Join(root, target)
			if err = os.MkdirAll(target, 0o750); err == nil {
				err = os.Symlink(target, path)
			}
		} else {
			err = os.WriteFile(path, bytesOf(files[name]), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestAnInstallKeyIsAPartEverywhere(t *testing.T) {
	t.Parallel()
	c := Collect(t.Context(), "acme", Sources{InstallKey: "q7-_Xy"})
	if want, _ := Digest("acme", InstallKey, "q7-_Xy"); c[InstallKey] != want {
		t.Errorf("the install key is missing: %v", c)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
