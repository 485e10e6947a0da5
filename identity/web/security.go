package web

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/a-h/templ"

	"guildhall/identity/internal/factor"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

func onOff(ctx context.Context, on bool) templ.Component {
	if on {
		return ui.Badge{Tone: ui.Good, Label: i18n.T(ctx, "identity.security.on")}
	}
	return ui.Badge{Label: i18n.T(ctx, "identity.security.off")}
}

func (v Security) totpText(ctx context.Context) string {
	if v.Factors.TOTP {
		return i18n.T(ctx, "identity.totp.since", "At", v.Factors.TOTPSince)
	}
	return i18n.T(ctx, "identity.totp.text")
}

func (v Security) removeTOTP(ctx context.Context) ui.Confirm {
	return ui.Confirm{ID: "remove-authenticator", Open: ui.Button{Label: i18n.T(ctx, "identity.totp.remove") + "…", Icon: "trash"},
		Title: i18n.T(ctx, "identity.totp.remove.title"), Text: i18n.T(ctx, "identity.totp.remove.text"),
		Lost:   []string{i18n.T(ctx, "identity.totp.remove.lost"), i18n.T(ctx, "identity.totp.remove.recovery")},
		Action: "/security/authenticator/remove", Submit: i18n.T(ctx, "identity.totp.remove"), Danger: true}
}

func (v Security) recoveryBadge(ctx context.Context) templ.Component {
	if !v.Factors.Any() || v.Factors.Recovery == 0 {
		return ui.Badge{Label: i18n.T(ctx, "identity.recovery.none")}
	}
	tone := ui.Good
	if v.Factors.Recovery <= 3 {
		tone = ui.Warn
	}
	return ui.Badge{Tone: tone, Label: i18n.T(ctx, "identity.recovery.left", "Left", v.Factors.Recovery, "All", factor.RecoveryCodes)}
}

func (v Security) recoveryText(ctx context.Context) string {
	if v.Factors.Any() {
		return i18n.T(ctx, "identity.recovery.text")
	}
	return i18n.T(ctx, "identity.recovery.text") + " " + i18n.T(ctx, "identity.recovery.later")
}

func (v Security) moreRecovery(ctx context.Context) ui.Confirm {
	return ui.Confirm{ID: "recovery", Open: ui.Button{Label: i18n.T(ctx, "identity.recovery.again") + "…", Icon: "refresh"},
		Title: i18n.T(ctx, "identity.recovery.again.title"), Text: i18n.T(ctx, "identity.recovery.again.text"),
		Lost:   []string{i18n.T(ctx, "identity.recovery.again.lost", "Left", v.Factors.Recovery)},
		Action: "/security/recovery", Hidden: []ui.Hidden{{Name: "as", Value: v.As}}, Submit: i18n.T(ctx, "identity.recovery.again"), Danger: true}
}

// passkeys is the whole list, which has neither search nor pages: there are
// factor.MaxPasskeys at most.
func (v Security) passkeys(ctx context.Context) ui.Table {
	t := ui.Table{ID: "passkeys", Caption: i18n.T(ctx, "identity.passkeys"), Total: -1,
		Columns: []ui.Column{{Label: i18n.T(ctx, "identity.passkeys.name")}, {Label: i18n.T(ctx, "identity.passkeys.made")},
			{Label: i18n.T(ctx, "identity.passkeys.used")}, {Label: i18n.T(ctx, "web.table.actions"), Actions: true}},
		Empty: ui.Empty{Icon: "key", Title: i18n.T(ctx, "identity.passkeys.empty"), Text: i18n.T(ctx, "identity.passkeys.empty.text")}}
	for _, k := range v.Passkeys {
		t.Rows = append(t.Rows, v.passkey(ctx, k))
	}
	return t
}

func (v Security) passkey(ctx context.Context, k factor.Passkey) ui.Row {
	var used templ.Component = ui.Muted(i18n.T(ctx, "identity.passkeys.never"))
	if !k.UsedAt.IsZero() {
		used = ui.Time{At: k.UsedAt, Now: v.Now}
	}
	return ui.Row{ui.Text(k.Name), ui.Time{At: k.MadeAt, Now: v.Now}, used, ui.Group{
		ui.Button{Label: i18n.T(ctx, "identity.passkeys.rename"), URL: "/security/passkeys/" + k.ID, Small: true, Quiet: true},
		ui.Confirm{ID: "remove-" + k.ID, Open: ui.Button{Label: i18n.T(ctx, "identity.passkeys.remove") + "…", Small: true, Icon: "trash"},
			Title: i18n.T(ctx, "identity.passkeys.remove.title", "Name", k.Name), Text: i18n.T(ctx, "identity.passkeys.remove.text"),
			Lost:   []string{i18n.T(ctx, "identity.passkeys.remove.lost", "Name", k.Name), i18n.T(ctx, "identity.passkeys.remove.recovery")},
			Action: "/security/passkeys/" + k.ID + "/remove", Submit: i18n.T(ctx, "identity.passkeys.remove"), Danger: true}}}
}

// picture is an SVG document as the address of an image.
func picture(svg string) string {
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg))
}

func lines(list []string) string { return strings.Join(list, "\n") }
