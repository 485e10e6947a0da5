package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/platform/fault"
	"guildhall/platform/session"
)

// order has one member of each kind that a schema can bound.
type order struct {
	Name    string    `json:"common_name" maxLength:"2000" minLength:"3"`
	Count   int       `json:"count,omitempty" minimum:"2" maximum:"1000000"`
	Big     int64     `json:"big,omitempty"`
	Rate    float64   `json:"rate,omitempty" exclusiveMinimum:"0" exclusiveMaximum:"1.5"`
	Gift    bool      `json:"gift,omitempty"`
	Colour  string    `json:"colour,omitempty" enum:"red,green,blue"`
	Tags    []string  `json:"tags,omitempty" minItems:"2" maxItems:"3" nullable:"false"`
	Due     time.Time `json:"due,omitzero"`
	Day     string    `json:"day,omitempty" format:"date"`
	Hour    string    `json:"hour,omitempty" format:"time"`
	Mail    string    `json:"mail,omitempty" format:"email"`
	Host    string    `json:"host,omitempty" format:"hostname"`
	Address string    `json:"address,omitempty" format:"ip"`
	Link    string    `json:"link,omitempty" format:"uri"`
	Code    string    `json:"code,omitempty" pattern:"^[a-z]+$"`
	Lines   []line    `json:"lines,omitempty" nullable:"false"`
}

type line struct {
	Article string `json:"article"`
}

type ordersInput struct {
	Limit int       `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Gift  bool      `query:"gift"`
	Rate  float64   `query:"rate"`
	Sort  string    `query:"sort" enum:"name,due"`
	Since time.Time `query:"since"`
	Shop  string    `query:"shop" required:"true"`
}

func ordersAPI(log io.Writer) http.Handler {
	mux := http.NewServeMux()
	api := NewAPI(mux, "orders", "test", "https://orders.example.test", slog.New(slog.NewTextHandler(log, nil)))
	huma.Register(api, huma.Operation{OperationID: "order", Method: http.MethodPost, Path: "/orders", MaxBodyBytes: 8 << 10, BodyReadTimeout: time.Minute},
		func(context.Context, *struct{ Body order }) (*struct{}, error) { return nil, nil })
	huma.Register(api, huma.Operation{OperationID: "orders", Method: http.MethodGet, Path: "/orders"},
		func(context.Context, *ordersInput) (*struct{}, error) { return nil, nil })
	huma.Register(api, huma.Operation{OperationID: "nothing", Method: http.MethodGet, Path: "/nothing"},
		func(context.Context, *struct{}) (*struct{}, error) { return nil, errors.New("password hunter2") })
	return mux
}

// tell sends a request as an administrator and reads the problem it is answered.
func tell(t *testing.T, h http.Handler, r *http.Request) (int, fault.Problem) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(session.With(r.Context(), session.Principal{ID: "test", Roles: []string{session.Everything}})))
	var p fault.Problem
	if w.Code >= 400 {
		if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%s: %d as %s", r.URL, w.Code, ct)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Errorf("%s: %v in %s", r.URL, err, w.Body)
		}
	}
	return w.Code, p
}

func ordering(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/orders", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

const fields = "address, big, code, colour, common_name, count, day, due, gift, host, hour, lines, link, mail, rate, tags"

func TestEachWrongFieldIsNamedWithItsRemedy(t *testing.T) {
	t.Parallel()
	h := ordersAPI(io.Discard)
	for body, want := range map[string]fault.Field{
		`{}`: {Name: "common_name", Code: "required", Detail: "Give a value."},
		`{"common_name":"` + strings.Repeat("ł", 2500) + `"}`: {Name: "common_name", Code: "too_long", Detail: "It is 2,500 characters long; at most 2,000 are allowed."},
		`{"common_name":"a"}`:                                        {Name: "common_name", Code: "too_short", Detail: "It is 1 character long; at least 3 are allowed."},
		`{"common_name":7}`:                                          {Name: "common_name", Code: "wrong_type", Detail: "It is a number; write text, in double quotation marks."},
		`{"common_name":null}`:                                       {Name: "common_name", Code: "wrong_type", Detail: "It is null; write text, in double quotation marks."},
		`{"common_name":"abc","comon_nam":1}`:                        {Name: "comon_nam", Code: "unknown", Detail: `There is no field "comon_nam"; did you mean "common_name"? Known fields: ` + fields + "."},
		`{"common_name":"abc","zzz":1}`:                              {Name: "zzz", Code: "unknown", Detail: `There is no field "zzz". Known fields: ` + fields + "."},
		`{"common_name":"abc","a.b":1}`:                              {Name: "a.b", Code: "unknown", Detail: `There is no field "a.b". Known fields: ` + fields + "."},
		`{"common_name":"abc","lines":[{"articl":1,"article":"x"}]}`: {Name: "articl", Code: "unknown", Detail: `There is no field "articl"; did you mean "article"? Known fields: article.`},
		`{"common_name":"abc","lines":[{"article":"x"},{}]}`:         {Name: "lines[1].article", Code: "required", Detail: "Give a value."},
		`{"common_name":"abc","count":"2"}`:                          {Name: "count", Code: "wrong_type", Detail: "It is text; write a whole number."},
		`{"common_name":"abc","count":2.5}`:                          {Name: "count", Code: "wrong_type", Detail: "It is a number; write a whole number."},
		`{"common_name":"abc","count":1}`:                            {Name: "count", Code: "out_of_range", Detail: "It is 1; at least 2 is allowed."},
		`{"common_name":"abc","count":2000000}`:                      {Name: "count", Code: "out_of_range", Detail: "It is 2,000,000; at most 1,000,000 is allowed."},
		`{"common_name":"abc","rate":1.5}`:                           {Name: "rate", Code: "out_of_range", Detail: "It is 1.5; less than 1.5 is allowed."},
		`{"common_name":"abc","rate":-1234.5}`:                       {Name: "rate", Code: "out_of_range", Detail: "It is -1,234.5; more than 0 is allowed."},
		`{"common_name":"abc","rate":[]}`:                            {Name: "rate", Code: "wrong_type", Detail: "It is a list; write a number."},
		`{"common_name":"abc","gift":"yes"}`:                         {Name: "gift", Code: "wrong_type", Detail: "It is text; write true or false."},
		`{"common_name":"abc","colour":"grene"}`:                     {Name: "colour", Code: "not_allowed", Detail: `"grene" is not known here. Use one of: red, green, blue.`},
		`{"common_name":"abc","colour":"greem"}`:                     {Name: "colour", Code: "not_allowed", Detail: `"greem" is not known here; did you mean "green"? Use one of: red, green, blue.`},
		`{"common_name":"abc","tags":"a"}`:                           {Name: "tags", Code: "wrong_type", Detail: "It is text; write a list, in square brackets."},
		`{"common_name":"abc","tags":["a"]}`:                         {Name: "tags", Code: "too_few", Detail: "It has 1 entry; at least 2 are allowed."},
		`{"common_name":"abc","tags":["a","b","c","d"]}`:             {Name: "tags", Code: "too_many", Detail: "It has 4 entries; at most 3 are allowed."},
		`{"common_name":"abc","tags":["a",{}]}`:                      {Name: "tags[1]", Code: "wrong_type", Detail: "It is an object; write text, in double quotation marks."},
		`{"common_name":"abc","due":"soon"}`:                         {Name: "due", Code: "invalid_format", Detail: formatMoment},
		`{"common_name":"abc","day":"soon"}`:                         {Name: "day", Code: "invalid_format", Detail: "It is not a day. Write one such as 2026-01-31."},
		`{"common_name":"abc","hour":"soon"}`:                        {Name: "hour", Code: "invalid_format", Detail: "It is not a time of day. Write one such as 23:59:00."},
		`{"common_name":"abc","mail":"soon"}`:                        {Name: "mail", Code: "invalid_format", Detail: "It is not an e-mail address. Write one such as jan@example.com."},
		`{"common_name":"abc","host":"a b"}`:                         {Name: "host", Code: "invalid_format", Detail: "It is not a host name. Write one such as shop.example.com."},
		`{"common_name":"abc","address":"a b"}`:                      {Name: "address", Code: "invalid_format", Detail: "It is not an IP address. Write one such as 10.0.0.1 or 2001:db8::1."},
		`{"common_name":"abc","link":"http://a b"}`:                  {Name: "link", Code: "invalid_format", Detail: "It is not a URI. Write one such as https://example.com/."},
		`{"common_name":"abc","code":"7"}`:                           {Name: "code", Code: "invalid_format", Detail: "It does not have the form that is wanted here, the regular expression ^[a-z]+$."},
		`[]`:                                                         {Name: "body", Code: "wrong_type", Detail: "It is a list; write a JSON object, in braces."},
		`{"common_name":"a\u0000bc"}`:                                {Name: "common_name", Code: "not_text", Detail: notText},
		"{\"common_name\":\"a\xffbc\"}":                              {Name: "common_name", Code: "not_text", Detail: notText},
		`{"common_name":"abc","tags":["a","\u0000"]}`:                {Name: "tags[1]", Code: "not_text", Detail: notText},
		`{"common_name":"abc","a\u0000":1}`:                          {Name: "body", Code: "not_text", Detail: notText},
	} {
		status, p := tell(t, h, ordering(body))
		if status != http.StatusUnprocessableEntity || p.Code != "invalid_fields" || len(p.Errors) != 1 {
			t.Errorf("%.60s: %d %+v", body, status, p)
			continue
		}
		got := p.Errors[0]
		got.Args = nil
		if got.Name != want.Name || got.Code != want.Code || got.Detail != want.Detail || !strings.HasSuffix(p.Detail, want.Detail) {
			t.Errorf("%.60s:\n%+v, %q, want\n%+v", body, got, p.Detail, want)
		}
	}
}

func TestTextThatOnlyLooksLikeNULPasses(t *testing.T) {
	t.Parallel()
	if status, p := tell(t, ordersAPI(io.Discard), ordering(`{"common_name":"a\\u0000 ł \ufffd"}`)); status != http.StatusNoContent {
		t.Errorf("%d %+v", status, p)
	}
}

func TestDetailNamesTheFieldAndCountsTheOthers(t *testing.T) {
	t.Parallel()
	h := ordersAPI(io.Discard)
	_, p := tell(t, h, ordering(`{"b":1,"a":2,"gift":7}`))
	if len(p.Errors) != 4 || p.Errors[0].Name != "a" || p.Errors[1].Name != "b" ||
		!strings.HasPrefix(p.Detail, `There is no field "a". Known`) || !strings.HasSuffix(p.Detail, " (and 3 more)") {
		t.Errorf("%+v", p)
	}
	_, p = tell(t, h, ordering(`{"gift":7}`))
	if p.Detail != "common_name: Give a value. (and 1 more)" {
		t.Errorf("%q", p.Detail)
	}
	_, p = tell(t, h, ordering(`{"common_name":"abc","tags":[`+strings.Repeat("1,", 1000)+`1]}`))
	if len(p.Errors) != maxFields || !strings.HasSuffix(p.Detail, " (and 1001 more)") {
		t.Errorf("%d fields, %q", len(p.Errors), p.Detail)
	}
}

func TestParametersAreNamedToo(t *testing.T) {
	t.Parallel()
	h := ordersAPI(io.Discard)
	const known = "gift, limit, rate, shop, since, sort"
	for query, want := range map[string]fault.Field{
		"":                     {Name: "shop", Code: "required", Detail: "Give a value."},
		"shop=a&limi=3":        {Name: "limi", Code: "unknown", Detail: `There is no query parameter "limi"; did you mean "limit"? Known query parameters: ` + known + "."},
		"shop=a&limit=x":       {Name: "limit", Code: "wrong_type", Detail: "It is not a whole number. Write one such as 50, in digits."},
		"shop=a&limit=501":     {Name: "limit", Code: "out_of_range", Detail: "It is 501; at most 500 is allowed."},
		"shop=a&limit=-1":      {Name: "limit", Code: "out_of_range", Detail: "It is -1; at least 1 is allowed."},
		"shop=a&gift=yes":      {Name: "gift", Code: "wrong_type", Detail: "It is neither true nor false. Write one of the two."},
		"shop=a&rate=x":        {Name: "rate", Code: "wrong_type", Detail: "It is not a number. Write one such as 2.5."},
		"shop=a&sort=nme":      {Name: "sort", Code: "not_allowed", Detail: `"nme" is not known here; did you mean "name"? Use one of: name, due.`},
		"shop=a&since=tuesday": {Name: "since", Code: "invalid_format", Detail: formatMoment},
		"shop=a%00":            {Name: "shop", Code: "not_text", Detail: notText},
		"shop=%ff":             {Name: "shop", Code: "not_text", Detail: notText},
	} {
		status, p := tell(t, h, httptest.NewRequest(http.MethodGet, "/orders?"+query, nil))
		if status != http.StatusUnprocessableEntity || len(p.Errors) != 1 || p.Errors[0].Name != want.Name || p.Errors[0].Code != want.Code || p.Errors[0].Detail != want.Detail {
			t.Errorf("%s: %d %+v, want %+v", query, status, p, want)
		}
	}
	if _, p := tell(t, h, httptest.NewRequest(http.MethodGet, "/nothing?x=1", nil)); p.Detail != `There is no query parameter "x"; leave it out, there are none here.` {
		t.Errorf("%+v", p)
	}
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := ordersAPI(io.Discard)
	form := httptest.NewRequest(http.MethodPost, "/orders", strings.NewReader(`{"common_name":"abc"}`))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	broken := ordering("")
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"common`), failing{errors.New("chunk ends too early")}))
	late := ordering("")
	late.Body = io.NopCloser(failing{timeout{}})
	bounded := ordering("")
	bounded.Body = http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader(strings.Repeat("x", 100))), 10)
	for name, c := range map[string]struct {
		request      *http.Request
		status       int
		code, detail string
	}{
		"empty": {ordering(""), 400, "malformed_body", "The request has no body. Send a JSON object, and the header Content-Type: application/json."},
		"cut off": {ordering("{\n \"common_name\": \"abc\""), 400, "malformed_body",
			"The body is not JSON: line 2, character 21: unexpected end of JSON input. Check the quotation marks, commas and brackets there."},
		"a comma": {ordering("{\n \"common_name\": \"łódź\",}"), 400, "malformed_body",
			"The body is not JSON: line 2, character 24: invalid character '}' looking for beginning of object key string. Check the quotation marks, commas and brackets there."},
		"a form":     {form, 415, "wrong_content_type", `The body was sent as "application/x-www-form-urlencoded". Send JSON, and the header Content-Type: application/json.`},
		"large":      {ordering(`"` + strings.Repeat("x", 8<<10) + `"`), 413, "too_large", "The body of the request is too large: this address takes less than 8,192 bytes. Send less."},
		"bounded":    {bounded, 413, "too_large", "The request is larger than 10 bytes. Send less."},
		"broken off": {broken, 400, "malformed_body", "The body of the request broke off before its end. Send it again."},
		"late":       {late, 408, "body_timeout", "The body of the request did not arrive in time. Send it again, without a pause."},
		"too many digits": {ordering(`{"common_name":"abc","due":"2026-01-31T12:00:00Z","big":100000000000000000000}`), 422, "invalid_fields",
			"The value of big does not fit; it is too large or has too many digits."},
	} {
		status, p := tell(t, h, c.request)
		if status != c.status || p.Status != c.status || p.Code != c.code || p.Detail != c.detail {
			t.Errorf("%s: %d %+v", name, status, p)
		}
	}
}

func TestWhatIsOursIsInTheLogAlone(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	status, p := tell(t, ordersAPI(&log), httptest.NewRequest(http.MethodGet, "/nothing", nil))
	if status != 500 || p.Code != "internal" || strings.Contains(p.Detail, "hunter2") || !strings.Contains(log.String(), "hunter2") {
		t.Errorf("%d %+v, log %s", status, p, log.String())
	}
}

// The time for the body is over once it is read: an operation may take longer.
func TestTheTimeOfABodyDoesNotEndItsRequest(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	api := NewAPI(mux, "slow", "test", "https://slow.example.test", slog.New(slog.DiscardHandler))
	const bound = 20 * time.Millisecond
	huma.Register(api, huma.Operation{OperationID: "slow", Method: http.MethodPost, Path: "/slow", BodyReadTimeout: bound, Metadata: map[string]any{Public: true}},
		func(ctx context.Context, _ *struct{ Body line }) (*struct{}, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(10 * bound):
				return nil, nil
			}
		})
	server := httptest.NewServer(mux)
	defer server.Close()
	if status, text := send(t, server.Client(), http.MethodPost, server.URL+"/slow", `{"article":"x"}`); status != http.StatusNoContent {
		t.Errorf("%d %s", status, text)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestAPIChallengesWhoIsUnknown(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	ordersAPI(io.Discard).ServeHTTP(w, ordering(`{"common_name":"a\u0000"}`))
	if got := w.Header().Get("WWW-Authenticate"); w.Code != http.StatusUnauthorized || got != `Bearer realm="guildhall"` {
		t.Errorf("%d, WWW-Authenticate %q, %s", w.Code, got, w.Body)
	}
}
