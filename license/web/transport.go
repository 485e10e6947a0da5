package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Transport is the transport keys of a product as their page shows them.
type Transport struct {
	store.Product
	Keys []store.TransportKey
	May  bool
	Now  time.Time
}

func (v Transport) path() string { return "/products/" + v.ID + "/transport" }

// kinds are those of transport keys in the order of the page.
func (v Transport) kinds() []string {
	return []string{store.KeyKit, store.KeyPSK, store.KeyHPKE, store.KeyAnswer, store.KeyRoot}
}

func kindName(ctx context.Context, kind string) string {
	return known(ctx, "license.transport."+kind, kind)
}

// keys are those of a kind.
func (v Transport) keys(ctx context.Context, kind string) ui.Table {
	t := ui.Table{ID: "keys-" + kind, Caption: kindName(ctx, kind), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.id")}, {Label: i18n.T(ctx, "license.state")}, {Label: i18n.T(ctx, "license.releases.since")}, {Label: i18n.T(ctx, "license.transport.until")}},
		Empty:   ui.Empty{Icon: "clock", Title: i18n.T(ctx, "license.transport.none")}}
	ends := v.May && kind != store.KeyRoot
	t.Still = !ends
	if ends {
		t.Columns = append(t.Columns, ui.Column{Label: i18n.T(ctx, "web.table.actions"), Actions: true})
	}
	newest := v.newest(kind)
	for _, k := range v.Keys {
		if k.Kind != kind {
			continue
		}
		row := ui.Row{ui.Mono(k.ID), v.badge(ctx, k, newest), ui.Time{At: k.From}, v.until(ctx, k)}
		if ends {
			row = append(row, v.end(ctx, k))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// newest is the id of the key of a kind that is in use.
func (v Transport) newest(kind string) (id string) {
	var from time.Time
	for _, k := range v.Keys {
		if k.Kind == kind && !k.From.After(v.Now) && !k.From.Before(from) {
			id, from = k.ID, k.From
		}
	}
	return id
}

func (v Transport) badge(ctx context.Context, k store.TransportKey, newest string) ui.Badge {
	switch {
	case k.ID == newest:
		return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "license.transport.current")}
	case k.From.After(v.Now):
		return ui.Badge{Tone: ui.Info, Label: i18n.T(ctx, "license.transport.next")}
	}
	return ui.Badge{Label: i18n.T(ctx, "license.transport.before")}
}

func (v Transport) until(ctx context.Context, k store.TransportKey) templ.Component {
	switch {
	case k.Kind == store.KeyRoot:
		return ui.Muted("–")
	case k.To.IsZero():
		return ui.Muted(i18n.T(ctx, "license.transport.for_good"))
	}
	return ui.Time{At: k.To}
}

// rotate asks before another key of a kind is made; the root key stays.
func (v Transport) rotate(ctx context.Context, kind string) []templ.Component {
	if !v.May || kind == store.KeyRoot {
		return nil
	}
	label := i18n.T(ctx, "license.releases.rotate")
	return []templ.Component{ui.Confirm{ID: "rotate-" + kind, Open: ui.Button{Label: label + "…", Small: true, Icon: "refresh"},
		Title: i18n.T(ctx, "license.transport.rotate.title", "Kind", kindName(ctx, kind)), Text: known(ctx, "license.transport."+kind+".rotate", i18n.T(ctx, "license.transport.rotate.text")),
		Action: v.path() + "/rotate", Hidden: []ui.Hidden{{Name: "kind", Value: kind}}, Submit: label, Fields: endBefore(kind)}}
}

// end asks before a key is ended.
func (v Transport) end(ctx context.Context, k store.TransportKey) templ.Component {
	label := i18n.T(ctx, "license.transport.end")
	return ui.Confirm{ID: "end-" + k.ID, Open: ui.Button{Label: label + "…", Small: true, Icon: "x"}, Title: i18n.T(ctx, "license.transport.end.title", "ID", k.ID),
		Text: i18n.T(ctx, "license.transport.end.text"), Lost: []string{known(ctx, "license.transport."+k.Kind+".lost", kindName(ctx, k.Kind))},
		Action: v.path() + "/end", Hidden: []ui.Hidden{{Name: "key", Value: k.ID}}, Submit: label, Danger: true}
}
