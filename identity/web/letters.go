package web

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"guildhall/platform/i18n"
	"guildhall/platform/jobs"
	"guildhall/platform/mail"
	"guildhall/platform/web/ui"
)

// Letters are those that could not be sent, as administrators see them.
type Letters struct {
	Query ui.ListQuery
	Rows  []mail.Failed
	Total int
	// May says that the reader may have one sent again.
	May bool
	Now time.Time
}

func (v Letters) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "letters", Caption: i18n.T(ctx, "identity.letters"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.letters.letter")}, {Label: i18n.T(ctx, "identity.letters.state")},
			{Label: i18n.T(ctx, "identity.letters.attempts"), Numeric: true}, {Label: i18n.T(ctx, "identity.letters.queued")},
			{Label: i18n.T(ctx, "identity.letters.next")}, {Label: i18n.T(ctx, "identity.letters.error")}},
		Filters: []ui.Filter{{Name: "state", Label: i18n.T(ctx, "identity.letters.state"), Options: letterStates(ctx)}},
		Empty:   ui.Empty{Icon: "check", Title: i18n.T(ctx, "identity.letters.empty"), Text: i18n.T(ctx, "identity.letters.empty.text")}}
	if v.May {
		t.Columns = append(t.Columns, ui.Column{Label: i18n.T(ctx, "web.table.actions"), Actions: true})
	}
	for _, l := range v.Rows {
		row := ui.Row{ui.Text(LetterName(ctx, l.Template)), letterBadge(ctx, l.State), ui.Text(strconv.Itoa(l.Attempts)), ui.Time{At: l.Queued, Now: v.Now},
			v.next(ctx, l), ui.Muted(l.Error)}
		if v.May {
			row = append(row, v.retry(l))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// next is when the letter is tried again, or why it is not.
func (v Letters) next(ctx context.Context, l mail.Failed) templ.Component {
	switch {
	case l.State == jobs.Dead && l.Over(v.Now):
		return ui.Muted(i18n.T(ctx, "identity.letters.over"))
	case l.Next.IsZero():
		return ui.Muted("–")
	}
	return ui.Time{At: l.Next, Now: v.Now}
}

// retry is nothing where it would lead nowhere.
func (v Letters) retry(l mail.Failed) templ.Component {
	if l.State != jobs.Dead || l.Over(v.Now) {
		return ui.Text("")
	}
	return retryLetter(l.ID)
}

func letterStates(ctx context.Context) []ui.Option {
	var options []ui.Option
	for _, s := range []jobs.State{jobs.Waiting, jobs.Running, jobs.Dead} {
		options = append(options, ui.Option{Value: string(s), Label: letterState(ctx, s)})
	}
	return options
}

func letterState(ctx context.Context, s jobs.State) string {
	return i18n.T(ctx, "identity.letters.state."+string(s))
}

func letterBadge(ctx context.Context, s jobs.State) ui.Badge {
	tone := map[jobs.State]ui.Tone{jobs.Running: ui.Info, jobs.Waiting: ui.Warn, jobs.Dead: ui.Bad}[s]
	return ui.Badge{Tone: tone, Label: letterState(ctx, s)}
}

// LetterName is what a letter is about, by the name of its template.
func LetterName(ctx context.Context, template string) string {
	if template == "" { // an older version did not say
		return i18n.T(ctx, "identity.letters.unknown")
	}
	if name, ok := i18n.Lookup(ctx, "identity.letter."+strings.TrimPrefix(template, "identity.")); ok {
		return name
	}
	return template
}

// failedLetters leads to the letters that were given up.
func failedLetters(ctx context.Context, count int) ui.Alert {
	return ui.Alert{Tone: ui.Warn, Title: i18n.T(ctx, "identity.letters.failed", "Count", count), Text: i18n.T(ctx, "identity.letters.failed.text"),
		Actions: []templ.Component{ui.Button{Label: i18n.T(ctx, "identity.letters.failed.look"), URL: "/admin/letters?state=" + string(jobs.Dead), Small: true}}}
}
