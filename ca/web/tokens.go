package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/ca/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// The states of a join token.
const (
	TokenUsable    = "usable"
	TokenUsed      = "used"
	TokenWithdrawn = "withdrawn"
	TokenExpired   = "expired"
)

// TokenState is the state of a token at now.
func TokenState(t *store.Token, now time.Time) string {
	switch {
	case !t.UsedAt.IsZero():
		return TokenUsed
	case !t.WithdrawnAt.IsZero():
		return TokenWithdrawn
	case now.After(t.ExpiresAt):
		return TokenExpired
	}
	return TokenUsable
}

// Tokens is one page of the join tokens, and the form that makes one.
type Tokens struct {
	Query ui.ListQuery
	Rows  []*store.Token
	Total int
	Now   time.Time
	Form  *form.Form
	// ConfirmURL is where the reader has to show who he is before he may make one;
	// empty: he did a moment ago.
	ConfirmURL string
}

// NewToken is a token at the one moment at which its text is known.
type NewToken struct {
	Token *store.Token
	Text  string
	// Config is what the other host's configuration needs.
	Config string
}

func tokenStateName(ctx context.Context, state string) string {
	switch state {
	case TokenUsable:
		return i18n.T(ctx, "ca.tokens.usable")
	case TokenUsed:
		return i18n.T(ctx, "ca.tokens.used")
	case TokenWithdrawn:
		return i18n.T(ctx, "ca.tokens.withdrawn")
	}
	return i18n.T(ctx, "ca.tokens.expired")
}

func tokenBadge(ctx context.Context, state string) templ.Component {
	tone := map[string]ui.Tone{TokenUsable: ui.Good, TokenUsed: ui.Info}[state]
	return ui.Badge{Tone: tone, Label: tokenStateName(ctx, state)}
}

func (v Tokens) table(ctx context.Context) templ.Component {
	states := ui.Filter{Name: "state", Label: i18n.T(ctx, "ca.col.state")}
	for _, s := range []string{TokenUsable, TokenUsed, TokenExpired, TokenWithdrawn} {
		states.Options = append(states.Options, ui.Option{Value: s, Label: tokenStateName(ctx, s)})
	}
	t := ui.Table{ID: "tokens", Caption: i18n.T(ctx, "ca.nav.tokens"), Query: v.Query, Total: v.Total,
		Search: i18n.T(ctx, "ca.tokens.search"), Filters: []ui.Filter{states},
		Columns: []ui.Column{{Label: i18n.T(ctx, "ca.tokens.service"), Sort: "service"}, {Label: i18n.T(ctx, "ca.col.state")},
			{Label: i18n.T(ctx, "ca.tokens.made"), Sort: "made"}, {Label: i18n.T(ctx, "ca.col.expires"), Sort: "expires"},
			{Label: i18n.T(ctx, "ca.tokens.outcome")}, {Label: i18n.T(ctx, "web.table.actions"), Actions: true}},
		Empty: ui.Empty{Icon: "ticket", Title: i18n.T(ctx, "ca.tokens.empty"), Text: i18n.T(ctx, "ca.tokens.empty.text")}}
	for _, token := range v.Rows {
		t.Rows = append(t.Rows, v.row(ctx, token))
	}
	return t
}

func (v Tokens) row(ctx context.Context, t *store.Token) ui.Row {
	state := TokenState(t, v.Now)
	row := ui.Row{ui.Text(t.Service), tokenBadge(ctx, state), ui.Group{ui.Time{At: t.MadeAt, Now: v.Now}, ui.Muted(ActorName(ctx, t.MadeBy))},
		ui.Time{At: t.ExpiresAt, Now: v.Now}}
	switch state {
	case TokenUsed:
		row = append(row, ui.Group{ui.Time{At: t.UsedAt, Now: v.Now}, ui.Link{Label: i18n.T(ctx, "ca.tokens.certificate"), URL: "/certificates/" + t.UsedFor}})
	case TokenWithdrawn:
		row = append(row, ui.Group{ui.Time{At: t.WithdrawnAt, Now: v.Now}, ui.Muted(ActorName(ctx, t.WithdrawnBy))})
	default:
		row = append(row, ui.Muted("–"))
	}
	if state != TokenUsable {
		return append(row, ui.Text(""))
	}
	return append(row, ui.Confirm{ID: "withdraw-" + t.ID, Open: ui.Button{Label: i18n.T(ctx, "ca.tokens.withdraw") + "…", Small: true, Icon: "ban"},
		Title: i18n.T(ctx, "ca.tokens.withdraw.title", "Service", t.Service), Text: i18n.T(ctx, "ca.tokens.withdraw.text"),
		Lost:   []string{i18n.T(ctx, "ca.tokens.withdraw.lost", "Service", t.Service, "ID", t.ID)},
		Action: "/tokens/" + t.ID + "/withdraw", Submit: i18n.T(ctx, "ca.tokens.withdraw"), Danger: true})
}

// tokenLives are the lengths of life that the form offers.
func tokenLives(ctx context.Context) []ui.Option {
	var list []ui.Option
	for _, d := range TokenLives() {
		list = append(list, ui.Option{Value: d.String(), Label: Days(ctx, d)})
	}
	return list
}

// TokenLives are the lengths of life that a new token can have.
func TokenLives() []time.Duration {
	return []time.Duration{15 * time.Minute, time.Hour, 8 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}
}
