package web

import (
	"context"
	"slices"

	"guildhall/ca/internal/profile"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// The two ways to a certificate, as the page's address names them.
const (
	ByCSR  = "csr"
	ByMade = "made"
)

// Issue is the page that asks for a certificate.
type Issue struct {
	// Way is ByCSR or ByMade.
	Way      string
	Form     *form.Form
	Profiles []profile.Profile
	// KeepKeys offers to keep a CA-made key.
	KeepKeys bool
}

// IssueURL is the address of one way's form.
func IssueURL(way string) string {
	if way == ByMade {
		return "/certificates/new?key=made"
	}
	return "/certificates/new"
}

func (v Issue) tabs(ctx context.Context) ui.Tabs {
	return ui.Tabs{Label: i18n.T(ctx, "ca.issue.way"), Items: []ui.Tab{
		{Label: i18n.T(ctx, "ca.issue.csr"), URL: IssueURL(ByCSR), Active: v.Way == ByCSR},
		{Label: i18n.T(ctx, "ca.issue.made"), URL: IssueURL(ByMade), Active: v.Way == ByMade},
	}}
}

func (v Issue) profiles(ctx context.Context) []ui.Option {
	list := make([]ui.Option, 0, len(v.Profiles))
	for _, p := range v.usualFirst() {
		list = append(list, ui.Option{Value: p.Name, Label: ProfileName(ctx, p.Name),
			Hint: i18n.T(ctx, "ca.issue.bounds", "Use", known(ctx, "ca.profile."+p.Name+".hint", ""), "Default", Days(ctx, p.Lifetime), "Most", Days(ctx, p.MaxLifetime))})
	}
	return list
}

// usualFirst are the profiles with the one that most people want at the top.
func (v Issue) usualFirst() []profile.Profile {
	list := slices.Clone(v.Profiles)
	if i := slices.IndexFunc(list, func(p profile.Profile) bool { return p.Name == profile.Server }); i > 0 {
		return slices.Concat(list[i:i+1], list[:i], list[i+1:])
	}
	return list
}

func keyTypes() []ui.Option {
	var list []ui.Option
	for _, t := range profile.KeyTypes() {
		list = append(list, ui.Option{Value: string(t), Label: KeyName(string(t))})
	}
	return list
}

func lifetimeUnits(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: "days", Label: i18n.T(ctx, "ca.unit.days")}, {Value: "hours", Label: i18n.T(ctx, "ca.unit.hours")}}
}

func issueLabels(ctx context.Context) map[string]string {
	return map[string]string{"csr": i18n.T(ctx, "ca.issue.csr.text"), "csr_file": i18n.T(ctx, "ca.issue.csr.file"),
		"profile": i18n.T(ctx, "ca.col.profile"), "common_name": i18n.T(ctx, "ca.issue.cn"), "sans": i18n.T(ctx, "ca.issue.sans"),
		"lifetime": i18n.T(ctx, "ca.issue.lifetime"), "key_type": i18n.T(ctx, "ca.issue.keytype"), "keep_key": i18n.T(ctx, "ca.issue.keep"),
		"private_key": i18n.T(ctx, "ca.p12.key"), "password": i18n.T(ctx, "ca.p12.password"), "key": i18n.T(ctx, "ca.renew.key")}
}

func (v Issue) nameHint(ctx context.Context) string {
	if v.Way == ByCSR {
		return i18n.T(ctx, "ca.issue.cn.csr")
	}
	return i18n.T(ctx, "ca.issue.cn.hint")
}

func (v Issue) reuseHint(ctx context.Context) string {
	if v.Way == ByCSR {
		return i18n.T(ctx, "ca.issue.reuse.csr")
	}
	return i18n.T(ctx, "ca.issue.reuse.made")
}
