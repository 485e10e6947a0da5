package app

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestRepeatedMember(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1,"a":2}`:                     "a",
		`{"a":"a","b":"a"}`:                 "",
		`{"a":{"b":1},"b":{"b":2}}`:         "",
		`{"a":{"b":[{"c":1},{"c":1}]}}`:     "",
		`{"a":{"b":[1,{"c":1,"c":{}}]}}`:    "a.b.c",
		`[{"a":{}, "b":[], "\u0061":null}]`: "a",
		`["a","a"]`:                         "",
		`{"a":["a","a"],"a":[]}`:            "a",
		`{"a":1,`:                           "",
		`{"a":1,"a"`:                        "a",
		`}`:                                 "",
		``:                                  "",
		strings.Repeat(`[`, 100_000):        "",
	} {
		if got, found := repeatedMember([]byte(text)); got != want || found != (want != "") {
			t.Errorf("%.60s: %q, %v; want %q", text, got, found, want)
		}
	}
}

func FuzzRepeatedMember(f *testing.F) {
	f.Add(`{"a":{"b":[1,{"c":1,"c":{}}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, found := repeatedMember([]byte(text)); !found || !json.Valid([]byte(text)) {
			return
		}
		// Without its second coming the same text would be shorter when written again.
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, found := repeatedMember(again); found {
			t.Errorf("%q: what a map holds is there twice", text)
		}
	})
}

func TestAMemberThatIsThereTwiceIsRefused(t *testing.T) {
	t.Parallel()
	status, p := tell(t, ordersAPI(io.Discard), ordering(`{"common_name":"abc","common_name":"abd","due":"2026-01-31T12:00:00Z"}`))
	if status != http.StatusUnprocessableEntity || p.Code != "invalid_fields" || len(p.Errors) != 1 || p.Errors[0].Name != "common_name" ||
		p.Errors[0].Code != "duplicate" || p.Detail != "common_name: "+notTwice {
		t.Errorf("%d %+v", status, p)
	}
}
