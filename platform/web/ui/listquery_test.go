package ui

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func listOptions() ListOptions {
	return ListOptions{Sorts: []string{"name", "expires"}, Desc: true, Filters: []string{"status"}}
}

func parse(t interface{ Fatal(...any) }, address string) ListQuery {
	u, err := url.ParseRequestURI(address)
	if err != nil {
		t.Fatal(err)
	}
	return ParseList(u, listOptions())
}

func TestParseList(t *testing.T) {
	t.Parallel()
	type want struct {
		Q, Sort, Cursor, Status string
		Desc                    bool
		Page, Size              int
	}
	tests := map[string]want{
		"/c":                                  {Sort: "name", Desc: true, Page: 1, Size: 25},
		"/c?q=+a+b+&sort=expires&page=3":      {Q: "a b", Sort: "expires", Page: 3, Size: 25},
		"/c?sort=expires&dir=desc&size=100":   {Sort: "expires", Desc: true, Page: 1, Size: 100},
		"/c?sort=evil%27--&dir=up&page=-2":    {Sort: "name", Desc: true, Page: 1, Size: 25},
		"/c?page=99999999999999999999&size=7": {Sort: "name", Desc: true, Page: 1, Size: 25},
		"/c?page=4000000&cursor=abc":          {Sort: "name", Desc: true, Page: maxPage, Size: 25, Cursor: "abc"},
		"/c?q=%ff%00x&status=valid":           {Q: "x", Sort: "name", Desc: true, Page: 1, Size: 25, Status: "valid"},
		"/c?cursor=%ff":                       {Sort: "name", Desc: true, Page: 1, Size: 25},
	}
	for address, w := range tests {
		q := parse(t, address)
		got := want{q.Q, q.Sort, q.Cursor, q.Filter("status"), q.Desc, q.Page, q.Size}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("%s: %s", address, diff)
		}
	}
}

func TestListAddresses(t *testing.T) {
	t.Parallel()
	q := parse(t, "/c?q=x&other=1&other=2&page=3&sort=name&dir=asc&status=valid")
	tests := map[string]string{
		q.PageURL(4):                   "/c?dir=asc&other=1&other=2&page=4&q=x&sort=name&status=valid",
		q.PageURL(1):                   "/c?dir=asc&other=1&other=2&q=x&sort=name&status=valid",
		q.SortURL("name"):              "/c?dir=desc&other=1&other=2&q=x&sort=name&status=valid",
		q.SortURL("expires"):           "/c?dir=asc&other=1&other=2&q=x&sort=expires&status=valid",
		q.SizeURL(50):                  "/c?dir=asc&other=1&other=2&q=x&size=50&sort=name&status=valid",
		q.CursorURL("a/b"):             "/c?cursor=a%2Fb&dir=asc&other=1&other=2&q=x&sort=name&status=valid",
		q.FilterURL("status", "gone"):  "/c?dir=asc&other=1&other=2&q=x&sort=name&status=gone",
		q.ClearURL():                   "/c?dir=asc&other=1&other=2&sort=name",
		parse(t, "/c?q=x").ClearURL():  "/c",
		parse(t, "//e.vil").PageURL(2): "/e.vil?page=2",
	}
	for got, want := range tests {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	want := []Hidden{{"dir", "asc"}, {"other", "1"}, {"other", "2"}, {"sort", "name"}}
	if diff := cmp.Diff(want, q.kept()); diff != "" {
		t.Errorf("kept: %s", diff)
	}
}

// checkList holds for every address: the values are safe, and the addresses
// made from them lead where they say.
func checkList(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, u *url.URL) {
	o := listOptions()
	q := ParseList(u, o)
	switch {
	case !slices.Contains(o.Sorts, q.Sort), q.Page < 1, q.Page > maxPage, !slices.Contains([]int{25, 50, 100}, q.Size), q.Offset() < 0:
		t.Fatalf("unsafe: %+v", q)
	case !utf8.ValidString(q.Q), utf8.RuneCountInString(q.Q) > maxSearch, strings.Contains(q.Q, "\x00"), len(q.Cursor) > maxCursor:
		t.Fatalf("unsafe text: %+v", q)
	}
	next := q.PageURL(q.Page%maxPage + 1)
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") {
		t.Fatalf("%q leads to another host", next)
	}
	again, err := url.Parse(next)
	if err != nil {
		t.Fatalf("%q: %v", next, err)
	}
	p := ParseList(again, o)
	if p.Page != q.Page%maxPage+1 || p.Q != q.Q || p.Sort != q.Sort || p.Desc != q.Desc || p.Size != q.Size {
		t.Fatalf("%q reads %+v, made from %+v", next, p, q)
	}
}

func TestListQueryAnyAddress(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		v := url.Values{}
		for _, name := range []string{"q", "sort", "dir", "page", "size", "cursor", "status", "x"} {
			for _, value := range rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"expires", "desc", "3", "50", "-1"})), 0, 2).Draw(rt, name) {
				v.Add(name, value)
			}
		}
		checkList(rt, &url.URL{Path: rapid.String().Draw(rt, "path"), RawQuery: v.Encode()})
	})
}

func FuzzListQuery(f *testing.F) {
	f.Add("/c", "q=a&sort=name&dir=desc&page=2&size=50&cursor=x")
	f.Add("//evil", "page=9223372036854775808&%zz=1;q=2")
	f.Fuzz(func(t *testing.T, path, query string) {
		checkList(t, &url.URL{Path: path, RawQuery: query})
	})
}

func TestPageWindow(t *testing.T) {
	t.Parallel()
	tests := []struct {
		page, total int
		want        []int
	}{
		{1, 10, []int{1}},
		{1, 60, []int{1, 2, 3}},
		{1, 500, []int{1, 2, 0, 20}},
		{10, 500, []int{1, 0, 9, 10, 11, 0, 20}},
		{20, 500, []int{1, 0, 19, 20}},
		{3, 100_000_000, []int{1, 2, 3, 4, 0, 4_000_000}},
		{99_999, 100, []int{1, 0, 3, 4}},
	}
	for _, tc := range tests {
		p := Pagination{Query: ListQuery{Page: tc.page, Size: 25}, Total: tc.total}
		if diff := cmp.Diff(tc.want, p.window()); diff != "" {
			t.Errorf("page %d of %d: %s", tc.page, tc.total, diff)
		}
	}
}

func TestChartScale(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		values := rapid.SliceOf(rapid.Float64Range(0, 1e9)).Draw(rt, "values")
		data := make([]Datum, 0, len(values))
		for _, v := range values {
			data = append(data, Datum{Value: v})
		}
		s := scaleOf(data)
		for _, v := range values {
			if v > s.top*1.000001 || s.share(v) < 0 || s.share(v) > 1 {
				rt.Fatalf("%g is outside a scale up to %g", v, s.top)
			}
		}
	})
	for highest, want := range map[float64][]float64{1: {0, 1}, 3: {0, 2, 4}, 5: {0, 5}, 7: {0, 4, 8}, 50: {0, 25, 50}} {
		if diff := cmp.Diff(want, scaleOf([]Datum{{Value: highest}}).ticks); diff != "" {
			t.Errorf("up to %g: %s", highest, diff)
		}
	}
}
