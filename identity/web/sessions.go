package web

import (
	"context"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/identity/internal/session"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Sessions are the sessions of one account.
type Sessions struct {
	Query ui.ListQuery
	Rows  []session.Session
	Total int
	// This is the id of the reader's own, All how many there are.
	This string
	All  int
	Now  time.Time
}

func (v Sessions) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "sessions", Caption: i18n.T(ctx, "identity.nav.sessions"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.sessions.device"), Sort: "device"}, {Label: i18n.T(ctx, "identity.sessions.from"), Sort: "from"},
			{Label: i18n.T(ctx, "identity.sessions.begun"), Sort: "begun"}, {Label: i18n.T(ctx, "identity.sessions.seen"), Sort: "seen"},
			{Label: i18n.T(ctx, "identity.sessions.how")}, {Label: i18n.T(ctx, "web.table.actions"), Actions: true}},
		Empty: ui.Empty{Icon: "device", Title: i18n.T(ctx, "identity.sessions.empty")}}
	if v.All > 1 {
		t.Actions = []templ.Component{v.endOthers(ctx)}
	}
	for _, s := range v.Rows {
		t.Rows = append(t.Rows, v.row(ctx, s))
	}
	return t
}

func (v Sessions) row(ctx context.Context, s session.Session) ui.Row {
	device := Device(ctx, s.UserAgent)
	row := ui.Row{ui.Text(device), ui.Mono(s.From), ui.Time{At: s.MadeAt, Now: v.Now}, ui.Time{At: s.SeenAt, Now: v.Now}, ui.Text(methods(ctx, s.Methods))}
	if s.ID == v.This {
		row[0] = ui.Group{ui.Text(device), ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "identity.sessions.this")}}
		return append(row, ui.Text(""))
	}
	return append(row, ui.Confirm{ID: "end-" + s.ID, Open: ui.Button{Label: i18n.T(ctx, "identity.sessions.end") + "…", Small: true, Icon: "sign-out"},
		Title: i18n.T(ctx, "identity.sessions.end.title"), Text: i18n.T(ctx, "identity.sessions.end.text"),
		Lost:   []string{i18n.T(ctx, "identity.sessions.end.lost", "Device", device, "From", s.From)},
		Action: "/sessions/" + s.ID + "/end", Submit: i18n.T(ctx, "identity.sessions.end"), Danger: true})
}

func (v Sessions) endOthers(ctx context.Context) ui.Confirm {
	return ui.Confirm{ID: "end-others", Open: ui.Button{Label: i18n.T(ctx, "identity.sessions.others") + "…", Icon: "sign-out"},
		Title: i18n.T(ctx, "identity.sessions.others.title"), Text: i18n.T(ctx, "identity.sessions.others.text"),
		Lost:   []string{i18n.T(ctx, "identity.sessions.others.lost", "Number", v.All-1)},
		Action: "/sessions/end-others", Submit: i18n.T(ctx, "identity.sessions.others"), Danger: true}
}

func methods(ctx context.Context, list []string) string {
	names := make([]string, 0, len(list))
	for _, m := range list {
		if name, ok := i18n.Lookup(ctx, "identity.method."+m); ok {
			m = name
		}
		names = append(names, m)
	}
	return i18n.List(ctx, names)
}

// Device is what a reader calls the program that sent a User-Agent: enough to
// know one's own again, and no more than it says itself.
func Device(ctx context.Context, agent string) string {
	browser, system := find(agent, browsers), find(agent, systems)
	switch {
	case browser == "" && system == "":
		return i18n.T(ctx, "identity.device.unknown")
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return i18n.T(ctx, "identity.device.on", "Browser", browser, "System", system)
}

// Most browsers claim to be others too: the first that is found is the one.
var (
	browsers = [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Vivaldi", "Vivaldi"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox/", "Firefox"},
		{"FxiOS", "Firefox"}, {"HeadlessChrome", "Chromium"}, {"CriOS", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}}
	systems = [][2]string{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"}}
)

func find(agent string, known [][2]string) string {
	for _, k := range known {
		if strings.Contains(agent, k[0]) {
			return k[1]
		}
	}
	return ""
}
