package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/signing"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Clients are the applications as administrators see them.
type Clients struct {
	Query ui.ListQuery
	Rows  []client.Client
	Total int
	Now   time.Time
}

func (v Clients) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "applications", Caption: i18n.T(ctx, "identity.clients"), Query: v.Query, Total: v.Total, Search: i18n.T(ctx, "identity.clients.search"),
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.clients.name")}, {Label: i18n.T(ctx, "identity.clients.kind")},
			{Label: i18n.T(ctx, "identity.users.state")}, {Label: i18n.T(ctx, "identity.users.created")}},
		Filters: []ui.Filter{{Name: "state", Label: i18n.T(ctx, "identity.users.state"), Options: []ui.Option{
			{Value: client.Active, Label: i18n.T(ctx, "identity.users.active")}, {Value: client.Disabled, Label: i18n.T(ctx, "identity.users.off")}}}},
		Empty: ui.Empty{Icon: "link", Title: i18n.T(ctx, "identity.clients.empty"), Text: i18n.T(ctx, "identity.clients.empty.text")}}
	for _, c := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: ApplicationName(ctx, &c), URL: "/admin/applications/" + c.ID}, ui.Text(i18n.T(ctx, "identity.clients.kind."+c.Kind)),
			clientBadges(ctx, &c), ui.Time{At: c.MadeAt, Now: v.Now}})
	}
	return t
}

// clientBadges are the state of an application, and what is dangerous about it.
func clientBadges(ctx context.Context, c *client.Client) ui.Group {
	state := ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "identity.users.active")}
	if !c.Active() {
		state = ui.Badge{Tone: ui.Bad, Label: i18n.T(ctx, "identity.users.off")}
	}
	if client.IsOwn(c.ID) {
		return ui.Group{state, ui.Badge{Label: i18n.T(ctx, "identity.clients.own")}}
	}
	if insecure(c) {
		return ui.Group{state, ui.Badge{Tone: ui.Warn, Label: i18n.T(ctx, "identity.clients.insecure")}}
	}
	return ui.Group{state}
}

// insecure says whether the application may use what OAuth 2.1 has removed. Our own
// is no danger: nobody can come to the token endpoint in its name.
func insecure(c *client.Client) bool {
	return !client.IsOwn(c.ID) && (c.Allows(oauth.GrantImplicit) || c.Allows(oauth.GrantPassword))
}

// Client is an application as administrators see it.
type Client struct {
	*client.Client
	// Path is where the page is, May says that the reader may change something.
	Path string
	May  bool
	Form *form.Form
}

func (v Client) terms(ctx context.Context) ui.Definitions {
	idle, whole := v.RefreshLives()
	list := ui.Definitions{{Name: "client_id", Value: ui.Mono(v.ID), Copy: v.ID},
		{Name: i18n.T(ctx, "identity.clients.method"), Value: ui.Mono(v.Method)}}
	for _, words := range []struct{ key, text string }{{"identity.clients.grants", i18n.List(ctx, v.GrantTypes)},
		{"identity.clients.scopes", v.Scopes.String()}, {"identity.clients.audiences", i18n.List(ctx, v.Audiences)}, {"identity.clients.resources", i18n.List(ctx, v.Resources)}} {
		if words.text != "" {
			list = append(list, ui.Term{Name: i18n.T(ctx, words.key), Value: ui.Mono(words.text)})
		}
	}
	list = append(list, ui.Term{Name: i18n.T(ctx, "identity.clients.access_life"), Value: ui.Text(i18n.Duration(ctx, v.AccessLife()))})
	if v.Allows(oauth.GrantRefresh) {
		list = append(list, ui.Term{Name: i18n.T(ctx, "identity.clients.refresh_life"),
			Value: ui.Text(i18n.T(ctx, "identity.clients.refresh_life.text", "Idle", i18n.Duration(ctx, idle), "Whole", i18n.Duration(ctx, whole)))})
	}
	return append(list, ui.Term{Name: i18n.T(ctx, "identity.users.created"), Value: ui.Time{At: v.MadeAt}},
		ui.Term{Name: i18n.T(ctx, "identity.clients.changed"), Value: ui.Time{At: v.ChangedAt}})
}

// visits says whether people come to the application by their browsers.
func (v Client) visits() bool {
	return v.Allows(oauth.GrantCode) || v.Allows(oauth.GrantImplicit)
}

// own says whether it is a part of the installation, which is read here alone.
func (v Client) own() bool { return client.IsOwn(v.ID) }

func (v Client) ask(ctx context.Context, action, key, icon string, danger bool) ui.Confirm {
	label := i18n.T(ctx, key)
	return ui.Confirm{ID: action, Open: ui.Button{Label: label + "…", Icon: icon}, Title: i18n.T(ctx, key+".title", "Name", v.Name),
		Text: i18n.T(ctx, key+".text"), Action: v.Path + "/" + action, Submit: label, Danger: danger}
}

// disable says what stops working when it is a part of the installation.
func (v Client) disable(ctx context.Context) ui.Confirm {
	c := v.ask(ctx, "disable", "identity.clients.disable", "ban", true)
	c.Title = i18n.T(ctx, "identity.clients.disable.title", "Name", ApplicationName(ctx, v.Client))
	switch {
	case v.ID == client.DirectID:
		c.Text = i18n.T(ctx, "identity.clients.disable.direct")
	case client.IsOwn(v.ID):
		c.Text = i18n.T(ctx, "identity.clients.disable.own")
	}
	return c
}

func (v Client) rotate(ctx context.Context) ui.Confirm {
	c := v.ask(ctx, "secret", "identity.clients.rotate", "refresh", false)
	c.Hidden = []ui.Hidden{once()}
	c.Fields = ui.Select{Form: form.New(), Name: "overlap", Label: i18n.T(ctx, "identity.clients.overlap"), Required: true, Options: []ui.Option{
		{Value: "7d", Label: i18n.T(ctx, "identity.clients.overlap.days", "Count", 7)}, {Value: "1d", Label: i18n.T(ctx, "identity.clients.overlap.days", "Count", 1)},
		{Value: "30d", Label: i18n.T(ctx, "identity.clients.overlap.days", "Count", 30)}, {Value: "0", Label: i18n.T(ctx, "identity.clients.overlap.none")},
		{Value: "compromised", Label: i18n.T(ctx, "identity.clients.overlap.compromised")}}}
	return c
}

func kinds(ctx context.Context) []ui.Option {
	var list []ui.Option
	for _, k := range client.Kinds() {
		list = append(list, ui.Option{Value: k, Label: i18n.T(ctx, "identity.clients.kind."+k), Hint: i18n.T(ctx, "identity.clients.kind."+k+".hint")})
	}
	return list
}

func clientLabels(ctx context.Context) map[string]string {
	return map[string]string{"kind": i18n.T(ctx, "identity.clients.kind"), "client_name": i18n.T(ctx, "identity.clients.name"),
		"redirect_uris": i18n.T(ctx, "identity.clients.redirects"), "post_logout_redirect_uris": i18n.T(ctx, "identity.clients.logouts"),
		"scopes": i18n.T(ctx, "identity.clients.scopes"), "audiences": i18n.T(ctx, "identity.clients.audiences"), "resources": i18n.T(ctx, "identity.clients.resources")}
}

// Keys are the keys that sign tokens.
type Keys struct {
	Query ui.ListQuery
	Rows  []signing.Key
	May   bool
	Now   time.Time
}

func (v Keys) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "keys", Caption: i18n.T(ctx, "identity.keys"), Query: v.Query, Total: len(v.Rows),
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.keys.id")}, {Label: i18n.T(ctx, "identity.keys.algorithm")}, {Label: i18n.T(ctx, "identity.users.state")},
			{Label: i18n.T(ctx, "identity.keys.from")}, {Label: i18n.T(ctx, "identity.keys.to")}, {Label: i18n.T(ctx, "identity.keys.gone")}},
		Empty: ui.Empty{Icon: "key", Title: i18n.T(ctx, "identity.keys.empty")}}
	for _, k := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Mono(k.ID), ui.Mono(k.Algorithm), keyBadge(ctx, k.State), ui.Time{At: k.From, Now: v.Now}, ui.Time{At: k.To, Now: v.Now}, ui.Time{At: k.Gone, Now: v.Now}})
	}
	if v.May {
		t.Actions = []templ.Component{keysAsk(ctx, "rotate", "refresh", false), keysAsk(ctx, "replace", "alert", true)}
	}
	return t
}

func keyBadge(ctx context.Context, s signing.State) ui.Badge {
	switch s {
	case signing.Signing:
		return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "identity.keys.signing")}
	case signing.Announced:
		return ui.Badge{Tone: ui.Info, Label: i18n.T(ctx, "identity.keys.announced")}
	}
	return ui.Badge{Label: i18n.T(ctx, "identity.keys.published")}
}

func keysAsk(ctx context.Context, how, icon string, danger bool) ui.Confirm {
	key := "identity.keys." + how
	label := i18n.T(ctx, key)
	return ui.Confirm{ID: how, Open: ui.Button{Label: label + "…", Icon: icon}, Title: i18n.T(ctx, key+".title"), Text: i18n.T(ctx, key+".text"),
		Action: "/admin/keys", Hidden: []ui.Hidden{{Name: "how", Value: how}}, Submit: label, Danger: danger}
}
