package ui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of what a list's address may ask for.
const (
	maxSearch = 200 // characters
	maxPage   = 100_000
	maxCursor = 512 // bytes
)

// ListOptions says what a list offers.
type ListOptions struct {
	// Sorts are the columns it can be sorted by; the first is the default.
	Sorts []string
	// Desc makes the default order descending.
	Desc bool
	// Size is the default number of rows on a page; 0 means 25.
	Size int
	// Sizes are the numbers of rows to choose from; nil means 25, 50 and 100.
	Sizes []int
	// Filters are the further parameters that the list understands.
	Filters []string
}

// ListQuery is what a list's address asks for: ?q=, sort=, dir=, page= or
// cursor=, size= and filters. Every value is safe to use: what the address
// says wrongly is read as the default. Parameters of others are kept in the
// addresses that it makes.
type ListQuery struct {
	// Q is the search text, trimmed.
	Q string
	// Sort is one of ListOptions.Sorts.
	Sort string
	// Desc says that the order is descending.
	Desc bool
	// Page counts from 1.
	Page int
	// Size is the number of rows on a page.
	Size int
	// Cursor is the opaque place after which the page begins; "" is the start.
	Cursor string

	options ListOptions
	path    string
	values  url.Values
}

// ParseList reads a list's address.
func ParseList(u *url.URL, o ListOptions) ListQuery {
	if o.Size == 0 {
		o.Size = 25
	}
	if o.Sizes == nil {
		o.Sizes = []int{25, 50, 100}
	}
	v := u.Query()
	q := ListQuery{Q: searchText(v.Get("q")), Page: 1, Size: o.Size, options: o, path: u.EscapedPath(), values: v}
	q.Sort, q.Desc = sortOf(v, o)
	if n, err := strconv.Atoi(v.Get("page")); err == nil && n >= 1 {
		q.Page = min(n, maxPage)
	}
	if n, err := strconv.Atoi(v.Get("size")); err == nil && slices.Contains(o.Sizes, n) {
		q.Size = n
	}
	if c := v.Get("cursor"); len(c) <= maxCursor && utf8.ValidString(c) {
		q.Cursor = c
	}
	return q
}

func searchText(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", ""))
	if r := []rune(s); len(r) > maxSearch {
		s = strings.TrimSpace(string(r[:maxSearch]))
	}
	return s
}

func sortOf(v url.Values, o ListOptions) (column string, desc bool) {
	if len(o.Sorts) > 0 {
		column, desc = o.Sorts[0], o.Desc
	}
	if s := v.Get("sort"); slices.Contains(o.Sorts, s) {
		column, desc = s, false
	}
	switch v.Get("dir") {
	case "asc":
		desc = false
	case "desc":
		desc = true
	}
	return column, desc
}

// Offset is how many rows come before this page.
func (q ListQuery) Offset() int { return (q.Page - 1) * q.Size }

// Filter is the value of one of ListOptions.Filters.
func (q ListQuery) Filter(name string) string { return searchText(q.values.Get(name)) }

// Narrowed says whether a search or a filter hides rows.
func (q ListQuery) Narrowed() bool {
	return q.Q != "" || slices.ContainsFunc(q.options.Filters, func(f string) bool { return q.Filter(f) != "" })
}

// with makes the address with parameters changed: name, value, name, value. An
// empty value removes the parameter.
func (q ListQuery) with(pairs ...string) string {
	v := url.Values{}
	for name, values := range q.values {
		v[name] = slices.Clone(values)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v.Del(pairs[i]); pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return q.start()
	}
	return q.start() + "?" + v.Encode()
}

// start is the list's path. A path that begins with two slashes would name
// another host.
func (q ListQuery) start() string { return "/" + strings.TrimLeft(q.path, "/") }

// Query is what the address asks for, to be read by ParseList again.
func (q ListQuery) Query() string { return q.values.Encode() }

// PageURL is the address of page n.
func (q ListQuery) PageURL(n int) string {
	if n <= 1 {
		return q.with("page", "", "cursor", "")
	}
	return q.with("page", strconv.Itoa(n), "cursor", "")
}

// CursorURL is the address of the page that begins after cursor.
func (q ListQuery) CursorURL(cursor string) string { return q.with("page", "", "cursor", cursor) }

// SizeURL is the address of the first page with n rows a page.
func (q ListQuery) SizeURL(n int) string {
	return q.with("page", "", "cursor", "", "size", strconv.Itoa(n))
}

// SortURL is the address sorted by column: ascending first, the other way when
// it is sorted by column already.
func (q ListQuery) SortURL(column string) string {
	dir := "asc"
	if q.Sort == column && !q.Desc {
		dir = "desc"
	}
	return q.with("page", "", "cursor", "", "sort", column, "dir", dir)
}

// FilterURL is the first page with one filter set; "" removes it.
func (q ListQuery) FilterURL(name, value string) string {
	return q.with("page", "", "cursor", "", name, value)
}

// ClearURL is the address without search and filters.
func (q ListQuery) ClearURL() string {
	pairs := []string{"q", "", "page", "", "cursor", ""}
	for _, f := range q.options.Filters {
		pairs = append(pairs, f, "")
	}
	return q.with(pairs...)
}

// kept are the parameters that a search form sends along, in stable order:
// everything but the search, the filters and the place.
func (q ListQuery) kept() []Hidden {
	var hidden []Hidden
	for name, values := range q.values {
		if slices.Contains([]string{"q", "page", "cursor"}, name) || slices.Contains(q.options.Filters, name) {
			continue
		}
		for _, value := range values {
			hidden = append(hidden, Hidden{Name: name, Value: value})
		}
	}
	slices.SortStableFunc(hidden, func(a, b Hidden) int { return strings.Compare(a.Name, b.Name) })
	return hidden
}
