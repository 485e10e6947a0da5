package web

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Functions are the functions of a product as their page shows them.
type Functions struct {
	store.Product
	Rows []store.Function
	// Upload is what was typed to upload one.
	Upload *form.Form
	May    bool
	Now    time.Time
}

func (v Functions) path() string { return "/products/" + v.ID + "/functions" }

func (v Functions) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "functions", Caption: i18n.T(ctx, "license.product.functions"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.name")}, {Label: i18n.T(ctx, "license.state")}, {Label: i18n.T(ctx, "license.functions.version"), Numeric: true},
			{Label: i18n.T(ctx, "license.functions.time"), Numeric: true}, {Label: i18n.T(ctx, "license.functions.memory"), Numeric: true}, {Label: i18n.T(ctx, "license.made")}},
		Empty: ui.Empty{Icon: "code", Title: i18n.T(ctx, "license.functions.empty"), Text: i18n.T(ctx, "license.functions.empty.text")}}
	for _, f := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Group{ui.Link{Label: f.Name, URL: v.path() + "/" + f.Name}, ui.Muted(f.Note)}, functionBadge(ctx, f), ui.Text(i18n.Number(ctx, int(f.Current))),
			ui.Text(i18n.Number(ctx, int(f.TimeMS))), ui.Text(i18n.Number(ctx, int(f.MemoryMiB))), ui.Time{At: f.MadeAt, Now: v.Now}})
	}
	return t
}

func functionBadge(ctx context.Context, f store.Function) ui.Badge {
	if f.Enabled {
		return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "license.functions.on")}
	}
	return ui.Badge{Tone: ui.Warn, Label: i18n.T(ctx, "license.functions.off")}
}

func functionLabels(ctx context.Context) map[string]string {
	return map[string]string{"name": i18n.T(ctx, "license.name"), "note": i18n.T(ctx, "license.note"), "module": i18n.T(ctx, "license.functions.module"),
		"time_ms": i18n.T(ctx, "license.functions.time"), "memory_mib": i18n.T(ctx, "license.functions.memory"), "output_bytes": i18n.T(ctx, "license.functions.output")}
}

// Function is a function as its page shows it.
type Function struct {
	Product store.Product
	store.Function
	Versions []store.FunctionVersion
	// Failures are for those who may change it.
	Failures []store.FunctionFailure
	Change   *form.Form
	May      bool
	Now      time.Time
}

func (v Function) path() string { return "/products/" + v.Product.ID + "/functions/" + v.Name }

// Actions switch the function on and off, remove it, and upload its next version.
func (v Function) Actions(ctx context.Context) []templ.Component {
	if !v.May {
		return nil
	}
	next := ui.Button{Label: i18n.T(ctx, "license.functions.next"), URL: "/products/" + v.Product.ID + "/functions?name=" + v.Name + "#upload", Icon: "plus", Primary: true}
	remove := ui.Confirm{ID: "remove", Open: ui.Button{Label: i18n.T(ctx, "license.functions.remove") + "…", Icon: "x"}, Title: i18n.T(ctx, "license.functions.remove.title", "Name", v.Name),
		Text: i18n.T(ctx, "license.functions.remove.text"), Action: v.path() + "/remove", Submit: i18n.T(ctx, "license.functions.remove"), Danger: true}
	if !v.Enabled {
		return []templ.Component{next, enableFunction(v), remove}
	}
	return []templ.Component{next, ui.Confirm{ID: "disable", Open: ui.Button{Label: i18n.T(ctx, "license.functions.disable") + "…"}, Title: i18n.T(ctx, "license.functions.disable.title", "Name", v.Name),
		Text: i18n.T(ctx, "license.functions.disable.text"), Action: v.path() + "/disable", Submit: i18n.T(ctx, "license.functions.disable")}, remove}
}

func (v Function) terms(ctx context.Context) ui.Definitions {
	return ui.Definitions{{Name: i18n.T(ctx, "license.state"), Value: functionBadge(ctx, v.Function)}, {Name: i18n.T(ctx, "license.functions.version"), Value: ui.Text(i18n.Number(ctx, int(v.Current)))},
		{Name: i18n.T(ctx, "license.functions.time"), Value: ui.Text(i18n.Number(ctx, int(v.TimeMS)))}, {Name: i18n.T(ctx, "license.functions.memory"), Value: ui.Text(i18n.Number(ctx, int(v.MemoryMiB)))},
		{Name: i18n.T(ctx, "license.functions.output"), Value: ui.Text(i18n.Number(ctx, int(v.OutputBytes)))}, {Name: i18n.T(ctx, "license.made"), Value: ui.Time{At: v.MadeAt}}}
}

func (v Function) versions(ctx context.Context) ui.Table {
	t := ui.Table{ID: "versions", Caption: i18n.T(ctx, "license.functions.versions"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.functions.version")}, {Label: "SHA-256"}, {Label: i18n.T(ctx, "license.functions.size"), Numeric: true}, {Label: i18n.T(ctx, "license.made")}}}
	if v.May {
		t.Columns = append(t.Columns, ui.Column{Label: i18n.T(ctx, "web.table.actions"), Actions: true})
	}
	for _, one := range v.Versions {
		number := i18n.Number(ctx, int(one.Version))
		row := ui.Row{ui.Group{ui.Text(number), ui.Muted(one.Note)}, ui.Mono(hex.EncodeToString(one.Hash[:8]) + "…"), ui.Text(i18n.Number(ctx, int(one.Size))), ui.Time{At: one.MadeAt, Now: v.Now}}
		switch {
		case one.Version == v.Current:
			row[0] = ui.Group{ui.Text(number), ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "license.functions.runs")}, ui.Muted(one.Note)}
			if v.May {
				row = append(row, ui.Text(""))
			}
		case v.May:
			row = append(row, ui.Confirm{ID: "use-" + strconv.FormatInt(one.Version, 10), Open: ui.Button{Label: i18n.T(ctx, "license.functions.use") + "…", Small: true},
				Title: i18n.T(ctx, "license.functions.use.title", "Version", number), Text: i18n.T(ctx, "license.functions.use.text"), Action: v.path() + "/use",
				Hidden: []ui.Hidden{{Name: "version", Value: strconv.FormatInt(one.Version, 10)}}, Submit: i18n.T(ctx, "license.functions.use")})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (v Function) failures(ctx context.Context) ui.Table {
	t := ui.Table{ID: "failures", Caption: i18n.T(ctx, "license.functions.failures"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.functions.at")}, {Label: i18n.T(ctx, "license.functions.code")}, {Label: i18n.T(ctx, "license.functions.version"), Numeric: true},
			{Label: i18n.T(ctx, "license.functions.card")}, {Label: i18n.T(ctx, "license.functions.reason")}},
		Empty: ui.Empty{Icon: "check", Title: i18n.T(ctx, "license.functions.failures.none")}}
	for _, f := range v.Failures {
		code := f.Code
		if f.Exit != 0 {
			code += " " + strconv.FormatInt(f.Exit, 10)
		}
		t.Rows = append(t.Rows, ui.Row{ui.Time{At: f.At, Now: v.Now}, ui.Mono(code), ui.Text(i18n.Number(ctx, int(f.Version))), ui.Link{Label: f.Prefix + "-…", URL: CardPath(f.Card)}, failureReason(ctx, f)})
	}
	return t
}

// failureReason tells the server's words from those of the function.
func failureReason(ctx context.Context, f store.FunctionFailure) (all ui.Group) {
	if f.Cause != "" {
		all = append(all, ui.Muted(i18n.T(ctx, "license.functions.cause")), ui.Mono(f.Cause))
	}
	if f.Log != "" {
		all = append(all, ui.Muted(i18n.T(ctx, "license.functions.log")), ui.Mono(f.Log))
	}
	return all
}
