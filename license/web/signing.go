package web

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

// Signing is the signing keys of a product as their page shows them.
type Signing struct {
	store.Product
	Keys []store.SigningKey
	May  bool
	Now  time.Time
}

func (v Signing) path() string { return "/products/" + v.ID + "/signing" }

func (v Signing) has(state string) bool {
	for _, k := range v.Keys {
		if k.State == state {
			return true
		}
	}
	return false
}

func signingTone(state string) ui.Tone {
	switch state {
	case store.SigningCurrent:
		return ui.Good
	case store.SigningNext:
		return ui.Info
	case store.SigningRevoked:
		return ui.Bad
	}
	return ui.Neutral
}

func (v Signing) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "signing", Caption: i18n.T(ctx, "license.product.signing"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.id")}, {Label: i18n.T(ctx, "license.state")}, {Label: i18n.T(ctx, "license.releases.since")}, {Label: i18n.T(ctx, "license.made")}},
		Empty:   ui.Empty{Icon: "key", Title: i18n.T(ctx, "license.signing.empty"), Text: i18n.T(ctx, "license.signing.empty.text")}}
	if v.May {
		t.Columns = append(t.Columns, ui.Column{Label: i18n.T(ctx, "web.table.actions"), Actions: true})
	}
	for _, k := range v.Keys {
		row := ui.Row{ui.Mono(k.ID), ui.Badge{Tone: signingTone(k.State), Label: known(ctx, "license.signing."+k.State, k.State)}, ui.Time{At: k.Since, Now: v.Now}, ui.Time{At: k.MadeAt, Now: v.Now}}
		if v.May {
			row = append(row, v.retire(ctx, k))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// retire asks before a key is retired; the one that signs cannot be.
func (v Signing) retire(ctx context.Context, k store.SigningKey) templ.Component {
	if k.State != store.SigningNext && k.State != store.SigningOld {
		return ui.Text("")
	}
	label := i18n.T(ctx, "license.signing.retire")
	return ui.Confirm{ID: "retire-" + k.ID, Open: ui.Button{Label: label + "…", Small: true, Icon: "x"}, Title: i18n.T(ctx, "license.signing.retire.title", "ID", k.ID),
		Text: i18n.T(ctx, "license.signing.retire.text"), Fields: ui.Checkbox{Name: "stolen", Label: i18n.T(ctx, "license.signing.stolen")},
		Action: v.path() + "/retire", Hidden: []ui.Hidden{{Name: "key", Value: k.ID}}, Submit: label, Danger: true}
}

func (v Signing) rotate(ctx context.Context) templ.Component {
	label, text := i18n.T(ctx, "license.releases.rotate"), i18n.T(ctx, "license.signing.rotate.new")
	if v.has(store.SigningNext) {
		text = i18n.T(ctx, "license.signing.rotate.next")
	}
	return ui.Confirm{ID: "rotate-signing", Open: ui.Button{Label: label + "…", Icon: "refresh"}, Title: i18n.T(ctx, "license.signing.rotate.title"), Text: text,
		Action: v.path() + "/rotate", Submit: label}
}
