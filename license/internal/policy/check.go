package policy

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"

	"guildhall/platform/fault"
	"guildhall/sdk/go/license/fingerprint"
)

// Bounds of what a policy says.
const (
	MaxDays      = 36500
	MaxGraceDays = 366
	MaxNames     = 200 // modules, functions
	MinShare     = 0.1
	maxWeight    = 100
	maxLease     = 24 * 366
	minHeartbeat = 10
	maxHeartbeat = 24 * 60 * 60
	maxCount     = 1_000_000
)

// nameForm is that of modules and functions.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ValidName says whether the text can be the name of a module or a function.
func ValidName(name string) bool { return nameForm.MatchString(name) }

// Check says what is wrong with the policy, by field of its JSON.
func (p Policy) Check() []fault.Field {
	c := checker{p: p}
	c.number("v", p.V, Version, Version)
	c.time()
	c.binding()
	c.names()
	c.number("lease_hours", p.Lease, 0, maxLease)
	if p.Heartbeat != 0 {
		c.number("heartbeat_seconds", p.Heartbeat, minHeartbeat, maxHeartbeat)
	}
	c.number("rebind.per_year", p.Rebind.PerYear, 0, maxCount)
	c.number("rebind.cooldown_hours", p.Rebind.CooldownHours, 0, 24*366)
	c.number("alarms.fingerprints", p.Alarms.Fingerprints, 0, maxCount)
	c.number("alarms.mismatches", p.Alarms.Mismatches, 0, maxCount)
	return c.wrong
}

// checker collects what is wrong with a policy.
type checker struct {
	p     Policy
	wrong []fault.Field
}

func (c *checker) add(field, code, format string, args ...any) {
	c.wrong = append(c.wrong, fault.Field{Name: field, Code: code, Detail: fmt.Sprintf(format, args...)})
}

func (c *checker) number(field string, n, least, most int) {
	if n >= least && n <= most {
		return
	}
	if least == most {
		c.add(field, "out_of_bounds", "This is %d.", least)
		return
	}
	c.wrong = append(c.wrong, fault.Field{Name: field, Code: "out_of_bounds", Detail: fmt.Sprintf("The number is from %d to %d.", least, most),
		Args: map[string]any{"Least": least, "Most": most}})
}

func (c *checker) time() {
	t := c.p.Time
	modes := []Mode{Days, Until, Subscription, Trial}
	if !slices.Contains(modes, t.Mode) {
		c.add("time.mode", "unknown", "The time mode is one of %v.", modes)
	}
	least := 1
	if t.Mode == Until {
		least = 0
	}
	c.number("time.days", t.Days, least, MaxDays)
	c.number("time.grace_days", t.GraceDays, 0, MaxGraceDays)
	if ends := []Expired{Refuse, ReadOnly, Run}; !slices.Contains(ends, t.Expired) {
		c.add("time.expired", "unknown", "What happens at the end is one of %v.", ends)
	}
	if t.Mode == Trial && t.Expired == Run {
		c.add("time.expired", "trial", "A trial that runs on after its end is no trial. Use refuse or read_only.")
	}
}

func (c *checker) binding() {
	rules := []IPRule{HWOrIP, HW, HWAndIP, Score}
	if !slices.Contains(rules, c.p.IP) {
		c.add("ip_rule", "unknown", "The rule is one of %v.", rules)
	}
	f := c.p.Fingerprint
	if math.IsNaN(f.Share) || f.Share < MinShare || f.Share > 1 {
		c.add("fingerprint.share", "out_of_bounds", "The share is from %v to 1.", MinShare)
	}
	least := 0
	if c.p.IP == Score {
		least = 1
	}
	c.number("fingerprint.ip_weight", f.IPWeight, least, maxWeight)
	if f.Weights == nil {
		return
	}
	if len(f.Weights) > fingerprint.MaxComponents {
		c.add("fingerprint.weights", "too_many", "There are more than %d.", fingerprint.MaxComponents)
		return
	}
	sum := 0
	for _, kind := range slices.Sorted(maps.Keys(f.Weights)) {
		if !fingerprint.ValidKind(kind) {
			c.add("fingerprint.weights", "name", "%.40q is no kind of component: use small letters, digits and _, such as %s.", kind, fingerprint.MAC)
			continue
		}
		c.number("fingerprint.weights."+kind, f.Weights[kind], 0, maxWeight)
		sum += f.Weights[kind]
	}
	if sum <= 0 {
		c.add("fingerprint.weights", "required", "Some kind of component must weigh something, or no machine is ever the same.")
	}
}

// CheckModules says what is wrong with a list of modules, by fields of the name
// "modules".
func CheckModules(modules []string) []fault.Field {
	c := checker{p: Policy{Modules: modules}}
	c.modules()
	return c.wrong
}

func (c *checker) modules() {
	for i, m := range c.p.Modules {
		field := fmt.Sprintf("modules[%d]", i)
		switch {
		case m != Any && !ValidName(m):
			c.add(field, "name", "%.80q is no name: use letters, digits, dots, dashes and _, at most 64.", m)
		case slices.Contains(c.p.Modules[:i], m):
			c.add(field, "twice", "This stands here already.")
		}
	}
	if len(c.p.Modules) > MaxNames {
		c.add("modules", "too_many", "There are more than %d.", MaxNames)
	}
}

func (c *checker) names() {
	c.modules()
	if len(c.p.Functions) > MaxNames {
		c.add("functions", "too_many", "There are more than %d.", MaxNames)
	}
	for _, name := range slices.Sorted(maps.Keys(c.p.Functions)) {
		if !ValidName(name) {
			c.add("functions", "name", "%.80q is no name: use letters, digits, dots, dashes and _, at most 64.", name)
			continue
		}
		c.number("functions."+name+".per_day", c.p.Functions[name].PerDay, 0, maxCount)
	}
}
