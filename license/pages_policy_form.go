package license

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"guildhall/license/internal/policy"
	"guildhall/platform/fault"
	"guildhall/platform/web/form"
)

// policyForm is a policy as its form shows it, with further fields.
func policyForm(p policy.Policy, further ...string) *form.Form {
	return form.New(policyFields(p, further...)...)
}

// policyFields are the fields of that form, called as in the policy's JSON: name, value,
// name, value.
func policyFields(p policy.Policy, further ...string) []string {
	var weights, functions []string
	for _, kind := range slices.Sorted(maps.Keys(p.Fingerprint.Weights)) {
		weights = append(weights, fmt.Sprintf("%s %d", kind, p.Fingerprint.Weights[kind]))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Functions)) {
		functions = append(functions, fmt.Sprintf("%s %d", name, p.Functions[name].PerDay))
	}
	number, tick := strconv.Itoa, func(yes bool) string {
		if yes {
			return "on"
		}
		return ""
	}
	return append(further, "time.mode", string(p.Time.Mode), "time.days", number(p.Time.Days), "time.grace_days", number(p.Time.GraceDays),
		"time.expired", string(p.Time.Expired), "ip_rule", string(p.IP),
		"fingerprint.share", number(int(math.Round(100*p.Fingerprint.Share))), "fingerprint.learn", tick(p.Fingerprint.Learn),
		"fingerprint.ip_weight", number(p.Fingerprint.IPWeight), "fingerprint.weights", strings.Join(weights, "\n"),
		"modules", strings.Join(p.Modules, "\n"), "functions", strings.Join(functions, "\n"), "files", tick(p.Files), "proof", tick(p.Proof),
		"activate_on_any", tick(p.ActivateOnAny), "lease_hours", number(p.Lease), "heartbeat_seconds", number(p.Heartbeat),
		"rebind.per_year", number(p.Rebind.PerYear), "rebind.cooldown_hours", number(p.Rebind.CooldownHours),
		"alarms.fingerprints", number(p.Alarms.Fingerprints), "alarms.mismatches", number(p.Alarms.Mismatches),
		"read_only.functions", tick(p.ReadOnly.Functions), "read_only.files", tick(p.ReadOnly.Files))
}

// readPolicy is the policy that a form says. What is wrong in it stands in the form.
func readPolicy(f *form.Form) policy.Policy {
	number := func(name string) int {
		n, err := strconv.ParseInt(f.Text(name, form.Required), 10, 32)
		if err != nil && !errors.Is(err, strconv.ErrRange) { // whose nearest number Check refuses
			f.Fail(fault.Field{Name: name, Code: "license_whole", Detail: "Enter a whole number."})
		}
		return int(n)
	}
	p := policy.Policy{
		V: policy.Version,
		Time: policy.Time{Mode: policy.Mode(f.Value("time.mode")), Days: number("time.days"), GraceDays: number("time.grace_days"),
			Expired: policy.Expired(f.Value("time.expired"))},
		IP: policy.IPRule(f.Value("ip_rule")),
		Fingerprint: policy.Fingerprint{Weights: counts(f, "fingerprint.weights", weighed), Share: float64(f.Int("fingerprint.share", 10, 100)) / 100,
			Learn: f.Bool("fingerprint.learn"), IPWeight: number("fingerprint.ip_weight")},
		Modules: append([]string{}, f.Lines("modules", policy.MaxNames)...), Functions: map[string]policy.Function{},
		Files: f.Bool("files"), Proof: f.Bool("proof"), ActivateOnAny: f.Bool("activate_on_any"), Lease: number("lease_hours"), Heartbeat: number("heartbeat_seconds"),
		Rebind:   policy.Rebind{PerYear: number("rebind.per_year"), CooldownHours: number("rebind.cooldown_hours")},
		Alarms:   policy.Alarms{Fingerprints: number("alarms.fingerprints"), Mismatches: number("alarms.mismatches")},
		ReadOnly: policy.Reserved{Functions: f.Bool("read_only.functions"), Files: f.Bool("read_only.files")},
	}
	for name, n := range counts(f, "functions", limited) {
		p.Functions[name] = policy.Function{PerDay: n}
	}
	take(f, fault.Fields(p.Check()...))
	return p
}

// What is wrong with a line of counts: the example is of the field.
var (
	limited = fault.Field{Code: "license_line", Detail: "Write a name and a number on each line, such as export 100, or export 0 for no limit."}
	weighed = fault.Field{Code: "license_weight", Detail: "Write a kind of part and its weight on each line, such as disk 2."}
)

// counts reads lines of a name and a number; nil when there are none.
func counts(f *form.Form, field string, wrong fault.Field) map[string]int {
	var all map[string]int
	for _, line := range f.Lines(field, policy.MaxNames) {
		name, text, _ := strings.Cut(line, " ")
		n, err := strconv.Atoi(strings.TrimSpace(text))
		_, twice := all[name]
		switch {
		case err != nil:
			wrong.Name = field
			f.Fail(wrong)
			continue
		case twice:
			f.Fail(fault.Field{Name: field, Code: "license_twice", Detail: "One of these stands here twice. Take one away."})
		}
		if all == nil {
			all = map[string]int{}
		}
		all[name] = n
	}
	return all
}
