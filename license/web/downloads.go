package web

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/audit/logpage"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Downloads are a page of what went out for all cards.
type Downloads struct {
	Names
	Query ui.ListQuery
	Rows  []store.Download
	Total int
	// Accounts are the names of customers' accounts, by their ids.
	Accounts map[string]string
	Now      time.Time
}

// DownloadsPath is the list of the downloads of a file.
func DownloadsPath(file string) string { return "/downloads?file=" + url.QueryEscape(file) }

func (v Downloads) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "downloads", Caption: i18n.T(ctx, "license.nav.downloads"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.functions.at")}, {Label: i18n.T(ctx, "license.files.file")}, {Label: i18n.T(ctx, "license.card")}, {Label: i18n.T(ctx, "license.customer")},
			{Label: i18n.T(ctx, "license.downloads.by")}, {Label: i18n.T(ctx, "license.files.size"), Numeric: true}, {Label: i18n.T(ctx, "license.state")}},
		Filters: []ui.Filter{{Name: "file", Label: i18n.T(ctx, "license.files.file"), Type: "text"}, {Name: "prefix", Label: i18n.T(ctx, "license.cards.prefix"), Type: "text"},
			{Name: "customer", Label: i18n.T(ctx, "license.customer"), Type: "text"}, {Name: "product", Label: i18n.T(ctx, "license.product"), Options: productOptions(v.Products)},
			{Name: "from", Label: i18n.T(ctx, "license.mismatches.from"), Type: "date"}, {Name: "to", Label: i18n.T(ctx, "license.mismatches.to"), Type: "date"}},
		Empty: ui.Empty{Icon: "download", Title: i18n.T(ctx, "license.downloads.empty"), Text: i18n.T(ctx, "license.downloads.empty.text")}}
	for _, one := range v.Rows {
		d := details{all: one.Detail}
		t.Rows = append(t.Rows, ui.Row{ui.Time{At: one.At, Now: v.Now}, ui.Group{ui.Text(d.text("name")), ui.Muted(d.text("product") + " " + d.text("version"))},
			ui.Link{Label: one.Prefix + "-…", URL: CardPath(one.Card)}, customerLink(one), v.downloader(ctx, one), ui.Text(i18n.Bytes(ctx, int64(d.number("size")))), came(ctx, one)})
	}
	return t
}

func customerLink(d store.Download) templ.Component {
	if d.Customer == "" {
		return ui.Text("–")
	}
	return ui.Link{Label: d.CustomerName, URL: CustomerPath(d.Customer)}
}

// downloader is the machine's address, or the customer's account and from where it came.
func (v Downloads) downloader(ctx context.Context, d store.Download) templ.Component {
	ip := ui.Mono(cmp.Or(d.IP, "–"))
	if by, _ := d.Detail["by"].(string); by != "" {
		return ui.Group{ui.Text(i18n.T(ctx, "license.downloads.account", "Name", cmp.Or(v.Accounts[by], logpage.Called(ctx, by)))), ip}
	}
	return ip
}

// came says whether the end of the file was among what went out, and how much that was.
func came(ctx context.Context, d store.Download) templ.Component {
	told := details{all: d.Detail}
	sent := ui.Muted(i18n.T(ctx, "license.downloads.sent", "Text", i18n.Bytes(ctx, int64(told.number("bytes")))))
	if d.Detail["complete"] == true {
		return ui.Group{ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "license.downloads.complete")}, sent}
	}
	return ui.Group{ui.Badge{Tone: ui.Warn, Label: i18n.T(ctx, "license.downloads.part")}, sent}
}
