package form_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"guildhall/platform/fault"
	"guildhall/platform/web/form"
)

func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/x?name=query", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func read(t *testing.T, values url.Values) *form.Form {
	t.Helper()
	f, err := form.Read(post(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestReadsWhatIsRight(t *testing.T) {
	t.Parallel()
	f := read(t, url.Values{"name": {" a b "}, "days": {"30"}, "profile": {"server"}, "on": {"on"}, "from": {"2030-12-31"},
		"sans": {"a\r\n\r\n b \nc"}, "pin": {" 12 "}})
	got := []any{f.Text("name", form.Required, form.Max(3)), f.Int("days", 1, 90), f.Choice("profile", "client", "server"), f.Bool("on"), f.Bool("off"),
		f.Date("from").Format("20060102"), f.Lines("sans", 3), f.Secret("pin", form.Max(4)), f.Value("pin"), f.Date("none").IsZero()}
	want := []any{"a b", int64(30), "server", true, false, "20301231", []string{"a", "b", "c"}, " 12 ", "", true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := f.Err(); err != nil {
		t.Error(err)
	}
}

func TestNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	f := read(t, url.Values{"long": {"żółć!"}, "days": {"91"}, "word": {"x1"}, "profile": {"root"},
		"from": {"2030-02-31"}, "sans": {"a\nb\nc"}, "bytes": {"\xff"}, "zero": {"a\x00"}})
	f.Text("name", form.Required)
	f.Text("long", form.Max(4))
	f.Int("days", 1, 90)
	f.Int("word", 1, 90)
	f.Choice("profile", "client", "server")
	f.Date("from")
	f.Lines("sans", 2)
	f.Text("bytes")
	f.Text("zero")
	want := map[string]string{"name": "required", "long": "too_long", "days": "out_of_range",
		"word": "out_of_range", "profile": "not_offered", "from": "no_date", "sans": "too_many_lines", "bytes": "not_text", "zero": "not_text"}
	got := map[string]string{}
	for _, e := range f.Problems() {
		got[e.Name] = e.Code
		if e.Detail == "" {
			t.Errorf("%s says nothing", e.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if f.Value("long") != "żółć!" {
		t.Errorf("what was typed is gone: %q", f.Value("long"))
	}
	if e := fault.As(f.Err()); e.Kind != fault.Invalid || len(e.Fields) != len(want) {
		t.Errorf("Err is %+v", e)
	}
}

func TestEmptyPassesAllButRequired(t *testing.T) {
	t.Parallel()
	f := read(t, url.Values{})
	f.Text("a", form.Max(4))
	if err := f.Err(); err != nil {
		t.Error(err)
	}
}

func TestTakesFieldErrorsOnly(t *testing.T) {
	t.Parallel()
	f := form.New("name", "x")
	if f.Take(errors.New("disk full")) || f.Err() != nil {
		t.Error("an error without fields became the form's")
	}
	if !f.Take(fault.Fields(fault.Field{Name: "name", Code: "taken", Detail: "Choose another."})) || f.Problem("name").Code != "taken" {
		t.Error("the field error is lost")
	}
	f.Fail(fault.Field{Name: "name", Code: "later"})
	if got := f.Problem("name").Code; got != "taken" {
		t.Errorf("the first error gave way to %q", got)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	if _, err := form.Read(post("a=%zz")); fault.As(err).Code != "malformed_form" {
		t.Errorf("malformed body: %v", err)
	}
	r := post("a=" + strings.Repeat("x", 100))
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 10)
	if _, err := form.Read(r); fault.As(err).Kind != fault.TooLarge {
		t.Errorf("large body: %v", err)
	}
	f, err := form.Read(post(""))
	if err != nil || f.Value("name") != "" {
		t.Errorf("the URL's query was read as a field: %q, %v", f.Value("name"), err)
	}
}

func TestNilFormIsEmpty(t *testing.T) {
	t.Parallel()
	var f *form.Form
	if f.Value("a") != "" || f.Has("a", "") || f.Problem("a").Code != "" || f.Problems() != nil {
		t.Error("a nil form is not empty")
	}
}
