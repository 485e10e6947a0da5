package issuer_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"guildhall/license/internal/issuer"
	"guildhall/platform/fault"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
)

var now = time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)

func TestARequestThatAMachineMade(t *testing.T) {
	t.Parallel()
	digest, _ := fingerprint.Digest("mill", fingerprint.MachineID, "7c1f5e0a9d2b4c6e8f0a1b2c3d4e5f60")
	want := offline.NewRequest("mill", now, offline.RequestNode{Name: "plant", Components: fingerprint.Components{"machine_id": digest}})
	want.Company, want.Contact, want.Modules = "Żuraw", "anna", []string{"a", "b"}
	text, err := json.Marshal(want)
	must(t, err)
	got, err := issuer.ParseRequest(text, now.Add(time.Hour))
	must(t, err)
	again, err := json.Marshal(got)
	must(t, err)
	if string(again) != string(text) || len(got.Check()) > 0 {
		t.Errorf("read as %s, written as %s: %v", again, text, got.Check())
	}
}

func TestARequestThatSomebodyWrote(t *testing.T) {
	t.Parallel()
	got, err := issuer.ParseRequest([]byte(strings.Replace(written, "    public_key: KEY\n", "", 1)+"contact:\n"), now)
	if codes(err) != "request request_line_twice" {
		t.Fatalf("%+v, %v", got, err)
	}
	got, err = issuer.ParseRequest([]byte(strings.Replace(written, "    public_key: KEY\n", "", 1)), now)
	must(t, err)
	digest, _ := fingerprint.Digest("mill", fingerprint.MAC, "00:1b:44:11:3a:b8")
	if got.Nodes[0].Components["mac#2"] != digest || len(got.Nodes[0].Components) != 3 || got.Users != 20 || len(got.Check()) > 0 || !got.MadeAt.Equal(now) {
		t.Errorf("%+v: %v", got, got.Check())
	}
}

func TestMistakesInARequestHaveTheirLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		code string
		line int
	}{
		"product: mill\nfirm: A\n":             {"request_line_unknown_field", 2},
		"product: mill\nproduct: loom\n":       {"request_line_twice", 2},
		"product: [mill]\n":                    {"request_line_wrong_type", 1},
		"product: &a mill\ncompany: *a\n":      {"request_line_wrong_type", 1},
		"a: b\n c: d\n":                        {"request_line_syntax", 2},
		"- a\n":                                {"request_line_wrong_type", 1},
		"users: many\n":                        {"request_line_no_number", 1},
		"users: -1\n":                          {"request_line_no_number", 1},
		"made_at: yesterday\n":                 {"request_line_no_time", 1},
		"nodes: plant\n":                       {"request_line_wrong_type", 1},
		"nodes:\n  - name: a\n    serial: b\n": {"request_line_unknown_field", 3},
		"product: mill\nnodes:\n  - identifiers:\n      wifi: a\n":                                                        {"request_line_unknown_kind", 4},
		"product: mill\nnodes:\n  - identifiers:\n      mac: none\n":                                                      {"request_line_identifier_form", 4},
		"product: mill\nnodes:\n  - identifiers:\n      machine_id: xyz\n":                                                {"request_line_identifier_form", 4},
		"product: mill\nnodes:\n  - identifiers:\n      mac:\n        - 00:1b:44:11:3a:b7\n        - 02:1b:44:11:3a:b7\n": {"request_line_no_identifier", 6},
		"nodes:\n" + strings.Repeat("  - name: a\n", 10):                                                                  {"request_line_too_many", 5},
		"":                                       {"request_unreadable", 0},
		"product: mill\n---\nproduct: mill\n":    {"request_unreadable", 2},
		strings.Repeat("#", issuer.MaxRequest+1): {"request_unreadable", 0},
	} {
		r, err := issuer.ParseRequest([]byte(text), now)
		f := fault.As(err)
		if r != nil || len(f.Fields) == 0 || f.Fields[0].Code != want.code || f.Fields[0].Args["Line"] != want.line || !strings.HasSuffix(f.Fields[0].Detail, ".") {
			t.Errorf("%.80q: %+v, want %v", text, f, want)
		}
	}
}

// Whatever is sent: it is read, or each mistake has a field, and what passes its check
// can be sealed to and makes good claims.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(written))
	f.Add([]byte(`{"v":1,"nodes":[{"components":{"mac":"x"}}],"nonce":"AA"}`))
	f.Add([]byte("a: &b [*b]"))
	f.Add([]byte("nodes: [{identifiers: {mac: [1, 2], disk: ~}}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := issuer.ParseRequest(text, now)
		if err != nil {
			if len(fault.As(err).Fields) == 0 {
				t.Fatal(err)
			}
			return
		}
		if len(r.Check()) > 0 {
			return
		}
		c := r.Claims()
		c.LicenseID, c.IssuedAt, c.ExpiresAt = "lic_1", now, now.AddDate(1, 0, 0)
		if found := c.Check(); len(found) > 0 {
			t.Fatal(found)
		}
	})
}
