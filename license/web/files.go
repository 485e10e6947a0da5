package web

import (
	"context"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Files are the files of a release as its page shows them.
type Files struct {
	Product store.Product
	Release store.Release
	Rows    []store.File
	// Upload is what was typed for a new one, and Most bounds it in bytes.
	Upload *form.Form
	Most   int64
	May    bool
	Now    time.Time
}

// ReleasePath is the page of a release's files.
func ReleasePath(r store.Release) string {
	return "/products/" + r.Product + "/releases/" + url.PathEscape(r.Version)
}

func (v Files) path() string { return ReleasePath(v.Release) }

func (v Files) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "files", Caption: i18n.T(ctx, "license.files"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.name")}, {Label: i18n.T(ctx, "license.files.size"), Numeric: true}, {Label: "SHA-256"}, {Label: i18n.T(ctx, "license.made")},
			{Label: i18n.T(ctx, "web.table.actions"), Actions: true}},
		Empty: ui.Empty{Icon: "file", Title: i18n.T(ctx, "license.files.empty"), Text: i18n.T(ctx, "license.files.empty.text")}}
	for _, f := range v.Rows {
		actions := ui.Group{ui.Button{Label: i18n.T(ctx, "license.nav.downloads"), URL: DownloadsPath(f.ID), Small: true}}
		if v.May {
			actions = append(actions, v.remove(ctx, f))
		}
		t.Rows = append(t.Rows, ui.Row{ui.Group{ui.Text(f.Name), ui.Muted(f.Note)}, ui.Text(i18n.Bytes(ctx, f.Size)), ui.Mono(f.SHA256), ui.Time{At: f.MadeAt, Now: v.Now}, actions})
	}
	return t
}

func (v Files) remove(ctx context.Context, f store.File) templ.Component {
	label := i18n.T(ctx, "license.files.remove")
	return ui.Confirm{ID: "remove-" + f.ID, Open: ui.Button{Label: label + "…", Small: true, Icon: "trash"},
		Title: i18n.T(ctx, "license.files.remove.title", "Name", f.Name), Text: i18n.T(ctx, "license.files.remove.text"),
		Action: v.path() + "/files/" + f.ID + "/remove", Submit: label, Danger: true}
}

func fileLabels(ctx context.Context) map[string]string {
	return map[string]string{"file": i18n.T(ctx, "license.files.file"), "note": i18n.T(ctx, "license.note")}
}
