package fault_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"guildhall/platform/fault"
)

var errMissing = fault.New(fault.NotFound, "thing_not_found", "There is no such thing.")

func TestSentinelMatchesThroughWrapping(t *testing.T) {
	err := fmt.Errorf("load thing: %w", errMissing.With(map[string]any{"id": 7}))
	if !errors.Is(err, errMissing) {
		t.Fatal("a wrapped copy does not match its sentinel")
	}
	if errors.Is(err, fault.New(fault.NotFound, "other", "x")) {
		t.Fatal("another code matches")
	}
}

func TestNaming(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{
		"":                        "There is no such thing.",
		"a\"b\n":                  `There is no such thing: "a\"b\n".`,
		strings.Repeat("ż", 1000): `There is no such thing: "` + strings.Repeat("ż", 60) + `...".`,
	} {
		if got := errMissing.Naming(what); got.Detail != want || !errors.Is(got, errMissing) {
			t.Errorf("%q: %v", what, got)
		}
	}
}

func TestWriteHidesInternalText(t *testing.T) {
	w := httptest.NewRecorder()
	fault.Write(w, httptest.NewRequest(http.MethodGet, "/things/7", nil), errors.New("dial tcp: password=hunter2"))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "hunter2") {
		t.Fatalf("status %d, body %s", w.Code, w.Body)
	}
}

func TestWriteIsAProblemDocument(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "req_1")
	err := fault.New(fault.TooMany, "rate_limited", "Too many requests. Wait 2 seconds.").After(1200 * time.Millisecond)
	fault.Write(w, httptest.NewRequest(http.MethodGet, "/things", nil), err)
	var got fault.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Status != 429 || got.Code != "rate_limited" || got.Instance != "/things" || got.RequestID != "req_1" {
		t.Fatalf("got %+v", got)
	}
	if w.Header().Get("Retry-After") != "2" || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("headers %v", w.Header())
	}
}

func TestFields(t *testing.T) {
	if fault.Fields() != nil {
		t.Fatal("no fields must be no error")
	}
	err := fault.Fields(fault.Field{Name: "name", Code: "required", Detail: "Give a name."},
		fault.Field{Name: "days", Code: "too_large", Detail: "At most 90."})
	if got := fault.As(err); got.Kind != fault.Invalid || len(got.Fields) != 2 || got.Detail != "name: Give a name. (and 1 more)" {
		t.Fatalf("got %+v", got)
	}
}
