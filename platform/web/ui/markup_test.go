package ui_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/locales"
	"guildhall/platform/web/ui"
)

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	b, err := i18n.NewBundle(locales.FS())
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := c.Render(b.Context(t.Context(), "en"), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func has(t *testing.T, markup string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(markup, text) {
			t.Errorf("%s is not in:\n%s", text, markup)
		}
	}
}

func hasNot(t *testing.T, markup string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(markup, text) {
			t.Errorf("%s is in:\n%s", text, markup)
		}
	}
}

func list(t *testing.T, address string, rows, total int) ui.Table {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	table := ui.Table{ID: "things", Caption: "Things", Search: "Search things", Total: total,
		Query:   ui.ParseList(u, ui.ListOptions{Sorts: []string{"name"}, Filters: []string{"state"}}),
		Columns: []ui.Column{{Label: "Name", Sort: "name"}, {Label: "Size", Numeric: true}},
		Filters: []ui.Filter{{Name: "state", Label: "State", Options: []ui.Option{{Value: "good", Label: "Good"}}}},
		Empty:   ui.Empty{Title: "No things yet", Text: "Make one."}}
	for range rows {
		table.Rows = append(table.Rows, ui.Row{ui.Text("a <b>"), ui.Text("1")})
	}
	return table
}

func TestTable(t *testing.T) {
	t.Parallel()
	markup := render(t, list(t, "/things?q=x&state=good&sort=name&dir=desc&keep=1&page=2", 25, 60))
	has(t, markup,
		`aria-sort="descending"`, `href="/things?dir=asc&amp;keep=1&amp;q=x&amp;sort=name&amp;state=good"`,
		`scope="row"`, `a &lt;b&gt;`, `data-label="Size"`, `value="x"`, `<option value="good" selected>`,
		`<input type="hidden" name="keep" value="1" form="things-form">`, `<input type="hidden" name="dir" value="desc" form="things-form">`,
		`26–50 of 60`, `aria-current="page"`, `aria-label="Page 3"`, `role="search"`, `<span class="visually-hidden">Search things</span>`)
	hasNot(t, markup, `name="page"`, "No things yet")
}

func TestTableEmptyStates(t *testing.T) {
	t.Parallel()
	nothing := render(t, list(t, "/things", 0, 0))
	has(t, nothing, "No things yet", "Make one.")
	hasNot(t, nothing, "Nothing matches", "<table")
	for _, address := range []string{"/things?q=x", "/things?state=good", "/things?page=9"} {
		markup := render(t, list(t, address, 0, 0))
		has(t, markup, "Nothing matches", `href="/things"`)
		hasNot(t, markup, "No things yet")
	}
}

func TestTableByCursor(t *testing.T) {
	t.Parallel()
	table := list(t, "/things?cursor=abc", 3, -1)
	table.Next = "next/1"
	has(t, render(t, table), `href="/things"`, `href="/things?cursor=next%2F1"`)
}

func TestFieldSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	f := form.New("sans[0]", "typed")
	f.Fail(fault.Field{Name: "sans[0]", Code: "too_long", Detail: "detail", Args: map[string]any{"Count": 64}})
	f.Fail(fault.Field{Name: "odd", Code: "known_to_nobody", Detail: "The English detail."})
	markup := render(t, ui.Input{Form: f, Name: "sans[0]", Label: "Name", Hint: "A hint."})
	has(t, markup, `<label for="f-sans-0-">`, `id="f-sans-0-"`, `value="typed"`, `aria-invalid="true"`,
		`aria-describedby="f-sans-0--error f-sans-0--hint"`, `id="f-sans-0--error"`, "Use at most 64 characters.", "optional")
	summary := render(t, ui.Summary(f, map[string]string{"sans[0]": "Name"}))
	has(t, summary, "2 fields need your attention", `<a href="#f-sans-0-">Name: Use at most 64 characters.</a>`, "The English detail.", `role="alert"`)
}

func TestPasswordIsNeverPutBack(t *testing.T) {
	t.Parallel()
	markup := render(t, ui.Input{Form: form.New("pin", "planted"), Name: "pin", Label: "PIN", Type: "password"})
	hasNot(t, markup, "planted")
}

// A password can be looked at: the button is there for who has scripts, and sends
// nothing.
func TestPasswordCanBeShown(t *testing.T) {
	t.Parallel()
	markup := render(t, ui.Input{Form: form.New(), Name: "pin", Label: "PIN", Type: "password"})
	has(t, markup, `id="f-pin"`, `type="button" data-reveal="f-pin" data-hide="Hide password" aria-controls="f-pin" aria-label="Show password"`, "needs-script")
	hasNot(t, markup, "aria-pressed") // the label changes, and a pressed state beside it would say the opposite
	hasNot(t, render(t, ui.Input{Form: form.New(), Name: "pin", Label: "PIN"}), "data-reveal")
}

func TestTextAreaKeepsALeadingLine(t *testing.T) {
	t.Parallel()
	has(t, render(t, ui.TextArea{Form: form.New("a", "\n<x>"), Name: "a", Label: "A"}), ">\n\n&lt;x&gt;</textarea>")
}

func TestConfirmNamesWhatIsLost(t *testing.T) {
	t.Parallel()
	markup := render(t, ui.Confirm{ID: "drop", Open: ui.Button{Label: "Drop…", Danger: true}, Title: "Drop it?", Text: "For good.",
		Lost: []string{"12 files"}, Action: "/drop", Hidden: []ui.Hidden{{Name: "id", Value: "7"}}, Word: "drop", Submit: "Drop", Danger: true})
	has(t, markup, `href="#drop"`, `data-dialog="drop"`, `<dialog id="drop"`, `aria-labelledby="drop-title"`, "<li>12 files</li>",
		`<form method="post" action="/drop" novalidate>`, `name="id" value="7"`, "Type drop to confirm", `id="drop-confirm"`, `data-close`)
}

func TestUnsafeLinksAreCut(t *testing.T) {
	t.Parallel()
	for _, c := range []templ.Component{ui.Button{Label: "x", URL: "javascript:alert(1)"}, ui.Link{Label: "x", URL: "javascript:alert(1)"}} {
		hasNot(t, render(t, c), "javascript:")
	}
}

func TestShortKeepsTheWhole(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ż", 2000)
	has(t, render(t, ui.Short(long)), `title="`+long+`"`, ">"+long[:2*79]+"…<")
	if markup, whole := render(t, ui.Short(long[:2*80])), render(t, ui.Mono(long[:2*80])); markup != whole {
		t.Errorf("80 characters are cut: %s", markup)
	}
}

func TestIconButtonHasAName(t *testing.T) {
	t.Parallel()
	markup := render(t, ui.Button{Label: "Download", Icon: "download", IconOnly: true})
	has(t, markup, `aria-label="Download"`, `aria-hidden="true"`)
}

func TestEveryIconIsDrawn(t *testing.T) {
	t.Parallel()
	unknown := render(t, ui.Icon("no such icon"))
	for _, name := range ui.Icons() {
		if render(t, ui.Icon(name)) == unknown {
			t.Errorf("%s is not drawn", name)
		}
	}
}

func TestCharts(t *testing.T) {
	t.Parallel()
	data := []ui.Datum{{Label: "Mon", Value: 3}, {Label: "Tue", Value: 1234.5}, {Label: "Wed"}}
	for _, c := range []templ.Component{
		ui.BarChart{ID: "c", Title: "Load", Unit: "calls", Data: data},
		ui.LineChart{ID: "c", Title: "Load", Unit: "calls", Data: data},
		ui.Donut{ID: "c", Title: "Load", Unit: "calls", Data: data},
	} {
		markup := render(t, c)
		has(t, markup, `role="img"`, `aria-labelledby="c-title c-desc"`, "Mon 3, Tue 1,234.5, Wed 0", "<td class=\"num\">1,234.5</td>")
		hasNot(t, markup, "NaN", "Inf", " style=")
	}
	for _, c := range []templ.Component{ui.BarChart{ID: "c"}, ui.LineChart{ID: "c"}, ui.Donut{ID: "c"}, ui.LineChart{ID: "c", Data: data[:1]}} {
		hasNot(t, render(t, c), "NaN", "Inf")
	}
}
