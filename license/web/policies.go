package web

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/i18n"
	"guildhall/platform/web/form"
	"guildhall/platform/web/ui"
)

// Policies are a page of the list of policies.
type Policies struct {
	Query    ui.ListQuery
	Rows     []catalogue.Policy
	Total    int
	Products []store.Product
	May      bool
	Now      time.Time
}

func (v Policies) table(ctx context.Context) ui.Table {
	t := ui.Table{ID: "policies", Caption: i18n.T(ctx, "license.nav.policies"), Query: v.Query, Total: v.Total,
		Columns: []ui.Column{{Label: i18n.T(ctx, "license.name")}, {Label: i18n.T(ctx, "license.product")}, {Label: i18n.T(ctx, "license.policies.says")},
			{Label: i18n.T(ctx, "license.changed")}},
		Filters: []ui.Filter{{Name: "product", Label: i18n.T(ctx, "license.product"), Options: productOptions(v.Products)}},
		Empty:   ui.Empty{Icon: "shield", Title: i18n.T(ctx, "license.policies.empty"), Text: i18n.T(ctx, "license.policies.empty.text")}}
	switch {
	case len(v.Products) == 0:
		t.Empty = Names{}.begin(ctx, v.May)
	case v.May:
		t.Empty.Action = ui.Button{Label: i18n.T(ctx, "license.policies.new"), URL: "/policies/new", Icon: "plus"}
	}
	for _, one := range v.Rows {
		t.Rows = append(t.Rows, ui.Row{ui.Link{Label: one.Name, URL: "/policies/" + one.ID}, ui.Text(productName(v.Products, one.Product)),
			ui.Text(timeSentence(ctx, one.Rules.Time)), ui.Time{At: one.ChangedAt, Now: v.Now}})
	}
	return t
}

func productOptions(all []store.Product) []ui.Option {
	var list []ui.Option
	for _, one := range all {
		list = append(list, ui.Option{Value: one.ID, Label: one.Name})
	}
	return list
}

func productName(all []store.Product, id string) string {
	for _, one := range all {
		if one.ID == id {
			return one.Name
		}
	}
	return id
}

// Policy is a policy in its form; a new one has no id.
type Policy struct {
	catalogue.Policy
	Form *form.Form
	// Rules are what the form says.
	Rules policy.Policy
	// Product is whose policy it is, Products those that a new one can be for.
	Product  store.Product
	Products []store.Product
	May      bool
}

func (v Policy) action() string {
	if v.ID == "" {
		return "/policies/new"
	}
	return "/policies/" + v.ID
}

func (v Policy) submit(ctx context.Context) string {
	if v.ID == "" {
		return i18n.T(ctx, "license.policies.create")
	}
	return i18n.T(ctx, "license.save")
}

// sentences say the policy in plain words.
func sentences(ctx context.Context, p policy.Policy) []string {
	all := []string{timeSentence(ctx, p.Time)}
	if p.Time.GraceDays > 0 {
		all = append(all, i18n.T(ctx, "license.says.grace", "Count", p.Time.GraceDays))
	}
	all = append(all, known(ctx, "license.says.expired."+string(p.Time.Expired), ""),
		known(ctx, "license.says.ip."+string(p.IP), ""))
	if p.Proof {
		all = append(all, i18n.T(ctx, "license.says.proof"))
	}
	all = append(all, i18n.T(ctx, "license.says.lease", "Count", p.Lease))
	if p.Rebind.PerYear > 0 {
		all = append(all, i18n.T(ctx, "license.says.rebind", "Count", p.Rebind.PerYear))
	} else {
		all = append(all, i18n.T(ctx, "license.says.rebind.never"))
	}
	switch {
	case len(p.Modules) == 0:
		all = append(all, i18n.T(ctx, "license.says.modules.none"))
	case len(p.Modules) == 1 && p.Modules[0] == policy.Any:
		all = append(all, i18n.T(ctx, "license.says.modules.all"))
	default:
		all = append(all, i18n.T(ctx, "license.says.modules", "Modules", strings.Join(p.Modules, ", ")))
	}
	if p.Files {
		all = append(all, i18n.T(ctx, "license.says.files"))
	}
	if len(p.Functions) > 0 {
		all = append(all, i18n.T(ctx, "license.says.functions", "Functions", functionsIn(ctx, p.Functions)))
	}
	return all
}

// functionsIn are functions with how often a day each may be called.
func functionsIn(ctx context.Context, all map[string]policy.Function) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if most := all[name].PerDay; most > 0 {
			name = i18n.T(ctx, "license.says.functions.daily", "Name", name, "Count", most)
		}
		names = append(names, name)
	}
	return i18n.List(ctx, names)
}

// timeSentence says how long a card is good.
func timeSentence(ctx context.Context, t policy.Time) string {
	switch t.Mode {
	case policy.Days:
		return i18n.T(ctx, "license.says.days", "Count", t.Days)
	case policy.Until:
		return i18n.T(ctx, "license.says.until")
	case policy.Subscription:
		return i18n.T(ctx, "license.says.subscription", "Count", t.Days)
	case policy.Trial:
		return i18n.T(ctx, "license.says.trial", "Count", t.Days)
	}
	return ""
}

func modes(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: string(policy.Days), Label: i18n.T(ctx, "license.mode.days"), Hint: i18n.T(ctx, "license.mode.days.hint")},
		{Value: string(policy.Until), Label: i18n.T(ctx, "license.mode.until"), Hint: i18n.T(ctx, "license.mode.until.hint")},
		{Value: string(policy.Subscription), Label: i18n.T(ctx, "license.mode.subscription"), Hint: i18n.T(ctx, "license.mode.subscription.hint")},
		{Value: string(policy.Trial), Label: i18n.T(ctx, "license.mode.trial"), Hint: i18n.T(ctx, "license.mode.trial.hint")}}
}

func endings(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: string(policy.Refuse), Label: i18n.T(ctx, "license.expired.refuse")}, {Value: string(policy.ReadOnly), Label: i18n.T(ctx, "license.expired.read_only")},
		{Value: string(policy.Run), Label: i18n.T(ctx, "license.expired.run")}}
}

func ipRules(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: string(policy.HWOrIP), Label: i18n.T(ctx, "license.ip.hw_or_ip"), Hint: i18n.T(ctx, "license.ip.hw_or_ip.hint")},
		{Value: string(policy.HW), Label: i18n.T(ctx, "license.ip.hw"), Hint: i18n.T(ctx, "license.ip.hw.hint")},
		{Value: string(policy.HWAndIP), Label: i18n.T(ctx, "license.ip.hw_and_ip"), Hint: i18n.T(ctx, "license.ip.hw_and_ip.hint")},
		{Value: string(policy.Score), Label: i18n.T(ctx, "license.ip.score"), Hint: i18n.T(ctx, "license.ip.score.hint")}}
}

func policyLabels(ctx context.Context) map[string]string {
	return map[string]string{"product": i18n.T(ctx, "license.product"), "name": i18n.T(ctx, "license.name"), "time.mode": i18n.T(ctx, "license.policy.mode"),
		"time.days": i18n.T(ctx, "license.policy.days"), "time.grace_days": i18n.T(ctx, "license.policy.grace"), "time.expired": i18n.T(ctx, "license.policy.expired"),
		"ip_rule": i18n.T(ctx, "license.policy.ip"), "fingerprint.share": i18n.T(ctx, "license.policy.share"), "fingerprint.weights": i18n.T(ctx, "license.policy.weights"),
		"fingerprint.ip_weight": i18n.T(ctx, "license.policy.ip_weight"), "modules": i18n.T(ctx, "license.policy.modules"), "functions": i18n.T(ctx, "license.policy.functions"),
		"lease_hours": i18n.T(ctx, "license.policy.lease"), "heartbeat_seconds": i18n.T(ctx, "license.policy.heartbeat"), "rebind.per_year": i18n.T(ctx, "license.policy.rebind"),
		"rebind.cooldown_hours": i18n.T(ctx, "license.policy.cooldown"), "alarms.fingerprints": i18n.T(ctx, "license.policy.alarm.fingerprints"),
		"alarms.mismatches": i18n.T(ctx, "license.policy.alarm.mismatches")}
}
