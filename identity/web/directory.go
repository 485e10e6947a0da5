package web

import (
	"context"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/identity/internal/directory"
	"guildhall/platform/i18n"
	"guildhall/platform/web"
	"guildhall/platform/web/ui"
)

// Directory is how the import is set up, and a page of its runs.
type Directory struct {
	State directory.State
	// Last is the newest run that was not dry; nil before the first.
	Last  *directory.Report
	Query ui.ListQuery
	Rows  []*directory.Report
	Total int
	// May says that the reader may change something.
	May bool
	Now time.Time
}

// DirectoryTest is what a test found.
type DirectoryTest struct{ Steps []directory.Step }

// DirectoryRun is a report.
type DirectoryRun struct {
	Report *directory.Report
	Query  ui.ListQuery
	Rows   []directory.Entry
	Total  int
	// May says that the reader may change something, On that the import can be switched
	// on now, Beyond that this run was stopped by the limit.
	May, On, Beyond bool
	Now             time.Time
}

// notice is what the reader should do or know first.
func (v Directory) notice(ctx context.Context) templ.Component {
	switch {
	case !v.State.SetUp:
		e := ui.Empty{Icon: "user", Title: i18n.T(ctx, "identity.directory.none"), Text: i18n.T(ctx, "identity.directory.none.text")}
		if v.May {
			e.Action = ui.Button{Label: i18n.T(ctx, "identity.directory.begin"), URL: "/admin/directory/settings", Icon: "plus", Primary: true}
		}
		return e
	case v.Last != nil && v.Last.Fault() != nil && v.State.Enabled:
		return ui.Alert{Tone: outcomeTone(v.Last.Outcome), Title: i18n.T(ctx, "identity.directory.trouble"), Text: faultText(ctx, v.Last.Fault()),
			Actions: []templ.Component{ui.Button{Label: i18n.T(ctx, "identity.directory.report"), URL: runPath(v.Last)}}}
	case v.State.Enabled && v.State.Asked:
		return ui.Alert{Tone: ui.Info, Text: i18n.T(ctx, "identity.directory.asked")}
	case !v.State.Tried:
		return ui.Alert{Tone: ui.Info, Text: i18n.T(ctx, "identity.directory.untried")}
	}
	return templ.NopComponent
}

func (v Directory) badge(ctx context.Context) ui.Badge {
	if v.State.Enabled {
		return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "identity.directory.state.on")}
	}
	return ui.Badge{Label: i18n.T(ctx, "identity.directory.state.off")}
}

func (v Directory) terms(ctx context.Context) ui.Definitions {
	s := v.State
	list := ui.Definitions{{Name: i18n.T(ctx, "identity.directory.servers"), Value: ui.Mono(strings.Join(s.Servers, " "))},
		{Name: i18n.T(ctx, "identity.directory.group_dn"), Value: ui.Mono(s.GroupDN)},
		{Name: i18n.T(ctx, "identity.directory.base_dn"), Value: ui.Mono(s.BaseDN)},
		{Name: i18n.T(ctx, "identity.directory.bind_dn"), Value: ui.Mono(s.BindDN)},
		{Name: i18n.T(ctx, "identity.directory.begins"), Value: ui.Text(v.begins(ctx))},
		{Name: i18n.T(ctx, "identity.directory.every"), Value: ui.Text(i18n.T(ctx, "identity.directory.every.minutes", "Count", s.Minutes))}}
	if s.Enabled {
		list = append(list, ui.Term{Name: i18n.T(ctx, "identity.directory.next"), Value: ui.Time{At: s.DueAt, Now: v.Now}})
	}
	if v.Last != nil {
		list = append(list, ui.Term{Name: i18n.T(ctx, "identity.directory.last"), Value: ui.Group{ui.Time{At: v.Last.StartedAt, Now: v.Now}, outcomeBadge(ctx, v.Last)}})
	}
	return list
}

// begins is how new people get in.
func (v Directory) begins(ctx context.Context) string {
	switch {
	case v.State.SignIn:
		return i18n.T(ctx, "identity.directory.sign_in")
	case v.State.Welcome == directory.WelcomeLink:
		return i18n.T(ctx, "identity.directory.welcome.link")
	}
	return i18n.T(ctx, "identity.directory.welcome.password")
}

func (v Directory) switchOff(ctx context.Context) ui.Confirm {
	return ui.Confirm{ID: "off", Open: ui.Button{Label: i18n.T(ctx, "identity.directory.off") + "…", Icon: "ban"}, Title: i18n.T(ctx, "identity.directory.off.title"),
		Text: i18n.T(ctx, "identity.directory.off.text"), Action: "/admin/directory/off", Submit: i18n.T(ctx, "identity.directory.off")}
}

func runPath(r *directory.Report) string { return "/admin/directory/runs/" + r.ID }

func (v Directory) runs(ctx context.Context) ui.Table {
	outcomes := ui.Filter{Name: "outcome", Label: i18n.T(ctx, "identity.directory.outcome")}
	for _, o := range directory.Outcomes() {
		outcomes.Options = append(outcomes.Options, ui.Option{Value: o, Label: outcomeName(ctx, o)})
	}
	t := ui.Table{ID: "runs", Caption: i18n.T(ctx, "identity.directory.runs"), Query: v.Query, Total: v.Total, Filters: []ui.Filter{outcomes},
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.directory.at")}, {Label: i18n.T(ctx, "identity.directory.outcome")}, {Label: i18n.T(ctx, "identity.directory.read"), Numeric: true},
			{Label: i18n.T(ctx, "identity.directory.added"), Numeric: true}, {Label: i18n.T(ctx, "identity.directory.changed"), Numeric: true},
			{Label: i18n.T(ctx, "identity.directory.disabled"), Numeric: true}, {Label: i18n.T(ctx, "identity.directory.enabled"), Numeric: true},
			{Label: i18n.T(ctx, "identity.directory.skipped"), Numeric: true}, {Label: i18n.T(ctx, "web.table.actions"), Actions: true}},
		Empty: ui.Empty{Icon: "log", Title: i18n.T(ctx, "identity.directory.runs.none"), Text: i18n.T(ctx, "identity.directory.runs.none.text")}}
	for _, r := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Time{At: r.StartedAt, Now: v.Now}, outcomeBadge(ctx, r), number(ctx, r.Read), number(ctx, r.Added), number(ctx, r.Changed),
			number(ctx, r.Disabled), number(ctx, r.Enabled), number(ctx, r.Skipped), ui.Button{Label: i18n.T(ctx, "identity.directory.report"), URL: runPath(r), Small: true}})
	}
	return t
}

func number(ctx context.Context, n int) ui.Text { return ui.Text(i18n.Number(ctx, int64(n))) }

func outcomeName(ctx context.Context, outcome string) string {
	switch outcome {
	case directory.Done:
		return i18n.T(ctx, "identity.directory.outcome.done")
	case directory.Stopped:
		return i18n.T(ctx, "identity.directory.outcome.stopped")
	case directory.Failed:
		return i18n.T(ctx, "identity.directory.outcome.failed")
	}
	return i18n.T(ctx, "identity.directory.outcome.running")
}

func outcomeTone(outcome string) ui.Tone {
	return map[string]ui.Tone{directory.Done: ui.Good, directory.Stopped: ui.Warn, directory.Failed: ui.Bad, directory.Running: ui.Info}[outcome]
}

func outcomeBadge(ctx context.Context, r *directory.Report) ui.Badge {
	b := ui.Badge{Tone: outcomeTone(r.Outcome), Label: outcomeName(ctx, r.Outcome)}
	if r.Dry {
		b.Label = i18n.T(ctx, "identity.directory.dry") + ": " + b.Label
	}
	return b
}

func faultText(ctx context.Context, err error) string { return web.FaultText(ctx, err) }

func (v DirectoryTest) good() bool {
	for _, s := range v.Steps {
		if !s.OK {
			return false
		}
	}
	return true
}

func stepName(ctx context.Context, name string) string {
	switch name {
	case directory.StepConnect:
		return i18n.T(ctx, "identity.directory.step.connect")
	case directory.StepTLS:
		return i18n.T(ctx, "identity.directory.step.tls")
	case directory.StepBind:
		return i18n.T(ctx, "identity.directory.step.bind")
	case directory.StepGroup:
		return i18n.T(ctx, "identity.directory.step.group")
	}
	return i18n.T(ctx, "identity.directory.step.members")
}

func stepBadge(ctx context.Context, s directory.Step) ui.Badge {
	switch {
	case s.OK:
		return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "identity.directory.step.ok")}
	case s.Err != nil:
		return ui.Badge{Tone: ui.Bad, Label: i18n.T(ctx, "identity.directory.outcome.failed")}
	}
	return ui.Badge{Label: i18n.T(ctx, "identity.directory.step.not")}
}

func stepFound(ctx context.Context, s directory.Step) string {
	f := s.Facts
	switch s.Name {
	case directory.StepConnect:
		return i18n.T(ctx, "identity.directory.found.connect", "Address", f.Address)
	case directory.StepTLS:
		if f.Plain {
			return i18n.T(ctx, "identity.directory.found.plain")
		}
		return i18n.T(ctx, "identity.directory.found.tls", "Protocol", f.Protocol, "Name", f.Subject, "Until", f.Until)
	case directory.StepBind:
		return i18n.T(ctx, "identity.directory.found.bind", "Name", f.BindDN)
	case directory.StepGroup:
		return i18n.T(ctx, "identity.directory.found.group", "Name", f.Group)
	}
	return i18n.T(ctx, "identity.directory.found.members", "People", f.People, "Off", f.Off, "NoEmail", f.NoEmail)
}

func (v DirectoryRun) terms(ctx context.Context) ui.Definitions {
	r := v.Report
	list := ui.Definitions{{Name: i18n.T(ctx, "identity.directory.at"), Value: ui.Time{At: r.StartedAt, Now: v.Now}},
		{Name: i18n.T(ctx, "identity.directory.by"), Value: ui.Text(v.by(ctx))}}
	for _, n := range []struct {
		name  string
		count int
	}{{i18n.T(ctx, "identity.directory.read"), r.Read}, {i18n.T(ctx, "identity.directory.ignored"), r.Ignored}, {i18n.T(ctx, "identity.directory.added"), r.Added},
		{i18n.T(ctx, "identity.directory.changed"), r.Changed}, {i18n.T(ctx, "identity.directory.disabled"), r.Disabled},
		{i18n.T(ctx, "identity.directory.enabled"), r.Enabled}, {i18n.T(ctx, "identity.directory.skipped"), r.Skipped}} {
		list = append(list, ui.Term{Name: n.name, Value: number(ctx, n.count)})
	}
	return list
}

func (v DirectoryRun) by(ctx context.Context) string {
	switch by := v.Report.By; {
	case by.Name != "":
		return by.Name
	case by.Actor != "":
		return by.Actor
	}
	return i18n.T(ctx, "identity.directory.by.schedule")
}

func (v DirectoryRun) beyond(ctx context.Context) ui.Confirm {
	return ui.Confirm{ID: "beyond", Open: ui.Button{Label: i18n.T(ctx, "identity.directory.beyond") + "…", Icon: "alert", Danger: true},
		Title: i18n.T(ctx, "identity.directory.beyond.title"), Text: i18n.T(ctx, "identity.directory.beyond.text"),
		Lost:   []string{i18n.T(ctx, "identity.directory.beyond.lost", "Count", v.Report.Disabled)},
		Action: "/admin/directory/run", Hidden: []ui.Hidden{{Name: "beyond", Value: "on"}}, Submit: i18n.T(ctx, "identity.directory.beyond"), Danger: true}
}

func (v DirectoryRun) table(ctx context.Context) ui.Table {
	whats := ui.Filter{Name: "what", Label: i18n.T(ctx, "identity.directory.what")}
	for _, what := range Whats() {
		whats.Options = append(whats.Options, ui.Option{Value: what, Label: whatName(ctx, what)})
	}
	t := ui.Table{ID: "entries", Caption: i18n.T(ctx, "identity.directory.entries"), Query: v.Query, Total: v.Total, Search: i18n.T(ctx, "identity.directory.search"), Filters: []ui.Filter{whats},
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.directory.what")}, {Label: i18n.T(ctx, "identity.field.name")}, {Label: i18n.T(ctx, "identity.field.email")},
			{Label: i18n.T(ctx, "identity.directory.why")}, {Label: "DN"}},
		Empty: ui.Empty{Icon: "check", Title: i18n.T(ctx, "identity.directory.entries.none")}}
	for _, e := range v.Rows {
		var name templ.Component = ui.Text(e.Name)
		if e.Account != "" {
			name = ui.Link{Label: e.Name, URL: "/admin/users/" + e.Account}
		}
		t.Rows = append(t.Rows, ui.Row{ui.Badge{Tone: whatTone(e.What), Label: whatName(ctx, e.What)}, name, ui.Text(e.Email), ui.Text(whys(ctx, e.Why)), ui.Mono(e.DN)})
	}
	return t
}

// Whats are what can become of somebody.
func Whats() []string {
	return []string{directory.Added, directory.Changed, directory.Disabled, directory.Enabled, directory.Skipped}
}

func whatTone(what string) ui.Tone {
	return map[string]ui.Tone{directory.Added: ui.Good, directory.Enabled: ui.Good, directory.Changed: ui.Info, directory.Disabled: ui.Bad, directory.Skipped: ui.Warn}[what]
}

func whatName(ctx context.Context, what string) string {
	switch what {
	case directory.Added:
		return i18n.T(ctx, "identity.directory.added")
	case directory.Changed:
		return i18n.T(ctx, "identity.directory.changed")
	case directory.Disabled:
		return i18n.T(ctx, "identity.directory.disabled")
	case directory.Enabled:
		return i18n.T(ctx, "identity.directory.enabled")
	}
	return i18n.T(ctx, "identity.directory.skipped")
}

func whys(ctx context.Context, codes []string) string {
	names := map[string]string{directory.WhyEmail: i18n.T(ctx, "identity.directory.why.email"), directory.WhyName: i18n.T(ctx, "identity.directory.why.name"),
		directory.WhyMoved: i18n.T(ctx, "identity.directory.why.moved"), directory.WhyRemoved: i18n.T(ctx, "identity.directory.why.removed"),
		directory.WhyDisabled: i18n.T(ctx, "identity.directory.why.disabled"), directory.WhyNoEmail: i18n.T(ctx, "identity.directory.why.no_email"),
		directory.WhyBadEmail: i18n.T(ctx, "identity.directory.why.bad_email"), directory.WhyTaken: i18n.T(ctx, "identity.directory.why.email_taken"),
		directory.WhyTwice: i18n.T(ctx, "identity.directory.why.email_twice"), directory.WhyLastAdmin: i18n.T(ctx, "identity.directory.why.last_admin"),
		directory.WhyDisabledHere: i18n.T(ctx, "identity.directory.why.disabled_here"), directory.WhyDeletedHere: i18n.T(ctx, "identity.directory.why.deleted_here")}
	var said []string
	for _, code := range codes {
		said = append(said, names[code])
	}
	return strings.Join(said, "; ")
}

func directoryLabels(ctx context.Context) map[string]string {
	return map[string]string{"servers": i18n.T(ctx, "identity.directory.servers"), "plain": i18n.T(ctx, "identity.directory.plain"), "trust": i18n.T(ctx, "identity.directory.trust"),
		"ca": i18n.T(ctx, "identity.directory.ca"), "bind_dn": i18n.T(ctx, "identity.directory.bind_dn"), "password": i18n.T(ctx, "identity.directory.password"),
		"base_dn": i18n.T(ctx, "identity.directory.base_dn"), "group_dn": i18n.T(ctx, "identity.directory.group_dn"), "minutes": i18n.T(ctx, "identity.directory.minutes"),
		"limit": i18n.T(ctx, "identity.directory.limit"), "welcome": i18n.T(ctx, "identity.directory.welcome"), "language": i18n.T(ctx, "identity.field.language")}
}

func directoryTrusts(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: directory.TrustKnown, Label: i18n.T(ctx, "identity.directory.trust.known")}, {Value: directory.TrustGiven, Label: i18n.T(ctx, "identity.directory.trust.given")}}
}

func directoryWelcomes(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: directory.WelcomePassword, Label: i18n.T(ctx, "identity.directory.welcome.password"), Hint: i18n.T(ctx, "identity.directory.welcome.password.hint")},
		{Value: directory.WelcomeLink, Label: i18n.T(ctx, "identity.directory.welcome.link"), Hint: i18n.T(ctx, "identity.directory.welcome.link.hint")}}
}

func (v DirectorySettings) passwordHint(ctx context.Context) string {
	if v.Kept {
		return i18n.T(ctx, "identity.directory.password.kept")
	}
	return i18n.T(ctx, "identity.directory.password.hint")
}
