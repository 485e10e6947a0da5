package web

import (
	"context"
	"encoding/base64"
	"io"
	"maps"
	"slices"
	"strings"

	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
	"guildhall/sdk/go/license/fingerprint"
)

// Evidence is what a machine sent beside what is recorded.
type Evidence struct {
	Event store.Event
	// Recorded are the digests by component, IP the address, of the machine that the
	// card is bound to; empty: none is known.
	Recorded map[string]string
	IP       string
	// Key is the public key of the installation that the card is bound to; nil: none is
	// known.
	Key []byte
}

// Render writes the table, and folded all that was sent.
func (v Evidence) Render(ctx context.Context, w io.Writer) error { return evidence(v).Render(ctx, w) }

// part is one component on both sides.
type part struct {
	name, recorded, sent string
	result               ui.Badge
}

// parts compares the sides. Components of a kind may change their places.
func (v Evidence) parts(ctx context.Context) []part {
	shown := strs(v.Event.Detail["fingerprint"])
	has := func(side map[string]string, name, digest string) bool {
		for other, d := range side {
			if d == digest && fingerprint.Kind(other) == fingerprint.Kind(name) {
				return true
			}
		}
		return false
	}
	names := maps.Clone(shown)
	maps.Copy(names, v.Recorded)
	all := []part{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		p := part{name: partName(ctx, name), recorded: v.Recorded[name], sent: shown[name]}
		switch {
		case p.sent != "" && has(v.Recorded, name, p.sent), p.sent == "" && has(shown, name, p.recorded):
			p.result = ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "license.part.same")}
		case p.sent == "":
			p.result = ui.Badge{Tone: ui.Warn, Label: i18n.T(ctx, "license.part.missing")}
		case p.recorded == "":
			p.result = ui.Badge{Tone: ui.Neutral, Label: i18n.T(ctx, "license.part.more")}
		default:
			p.result = ui.Badge{Tone: ui.Bad, Label: i18n.T(ctx, "license.part.other")}
		}
		all = append(all, p)
	}
	if sent := sentKey(v.Event); sent != "" && len(v.Key) > 0 {
		all = append(all, compared(ctx, "license.part.device", base64.StdEncoding.EncodeToString(v.Key), sent))
	}
	if v.IP != "" || v.Event.IP != "" && len(v.Recorded) == 0 {
		all = append(all, compared(ctx, "license.cards.ip", v.IP, v.Event.IP))
	}
	return all
}

// compared is a part of which there is one on each side.
func compared(ctx context.Context, name, recorded, sent string) part {
	p := part{name: i18n.T(ctx, name), recorded: recorded, sent: sent, result: ui.Badge{Tone: ui.Bad, Label: i18n.T(ctx, "license.part.other")}}
	if recorded == sent {
		p.result = ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "license.part.same")}
	}
	return p
}

// sentKey is the public key of the installation that came, in base64; empty: it sent none.
func sentKey(e store.Event) string { return strs(e.Detail["device"])["sign"] }

// table is the comparison, a component a row.
func (v Evidence) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "sent-" + v.Event.ID, Caption: i18n.T(ctx, "license.part.compared"), Total: -1, Still: true,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.part")}, {Label: i18n.T(ctx, "license.part.recorded")}, {Label: i18n.T(ctx, "license.part.sent")}, {Label: i18n.T(ctx, "license.part.result")}}}
	for _, p := range v.parts(ctx) {
		t.Rows = append(t.Rows, ui.Row{ui.Text(p.name), ui.Mono(begins(p.recorded)), ui.Mono(begins(p.sent)), p.result})
	}
	return t
}

// partName is what people call a component: of "disk:2" the disk, and which.
func partName(ctx context.Context, name string) string {
	kind := fingerprint.Kind(name)
	return known(ctx, "license.part."+kind, kind) + name[len(kind):]
}

// partNames is what people call the components of a fingerprint.
func partNames(ctx context.Context, parts map[string]string) string {
	names := make([]string, 0, len(parts))
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		names = append(names, partName(ctx, part))
	}
	return strings.Join(names, ", ")
}

// begins is what of a digest fits a table.
func begins(digest string) string {
	const most = 16
	if len(digest) > most {
		return digest[:most] + "…"
	}
	return digest
}
