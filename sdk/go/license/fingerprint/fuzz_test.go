package fingerprint

import (
	"encoding/json"
	"os"
	"testing"
)

// FuzzWindows and FuzzDarwin read whatever as what the system's programs print: what
// becomes of it the server takes.
func FuzzWindows(f *testing.F) {
	for _, r := range recorded(f).Windows {
		f.Add(bytesOf(r.Printed))
	}
	f.Fuzz(func(t *testing.T, printed []byte) { taken(t, windowsParts(printed)) })
}

func FuzzDarwin(f *testing.F) {
	for _, r := range recorded(f).Darwin {
		f.Add(bytesOf(r.Board), bytesOf(r.Ports), bytesOf(r.Disks))
	}
	f.Fuzz(func(t *testing.T, board, ports, disks []byte) { taken(t, darwinParts(board, ports, disks)) })
}

func recorded(f *testing.F) (all recordings) {
	f.Helper()
	text, err := os.ReadFile("../../../vectors/machines.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		f.Fatal(err)
	}
	return all
}

func taken(t *testing.T, parts []part) {
	t.Helper()
	c := Components{}
	for _, p := range parts {
		if digest, ok := Digest("acme", p.kind, p.value); ok {
			c.Add(p.kind, digest)
		}
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	if !Compare(c, c, Rule{}).Same && len(c) > 0 && (Rule{}).Weigh(c) > 0 {
		t.Fatalf("%v is another machine than itself", c)
	}
}
