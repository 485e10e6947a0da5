package policy_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/license/internal/policy"
	"guildhall/platform/fault"
)

func TestDefaultIsGoodAndStaysAsItIsKept(t *testing.T) {
	t.Parallel()
	p := policy.Default()
	if wrong := p.Check(); len(wrong) > 0 {
		t.Error(wrong)
	}
	text, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	const kept = `{"v":1,"time":{"mode":"days","days":365,"grace_days":0,"expired":"refuse"},"ip_rule":"hw_or_ip",` +
		`"fingerprint":{"share":0.6,"learn":true,"ip_weight":2},"modules":[],"functions":{},"files":false,"proof":true,"activate_on_any":true,` +
		`"lease_hours":72,"heartbeat_seconds":900,"rebind":{"per_year":2,"cooldown_hours":24},"alarms":{"fingerprints":3,"mismatches":5},` +
		`"read_only":{"functions":false,"files":false}}`
	if diff := cmp.Diff(kept, string(text)); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{kept, "{}", `{"v":1}`} {
		if got, err := policy.Parse([]byte(text)); err != nil || !cmp.Equal(got, p) {
			t.Errorf("%s: %v\n%s", text, err, cmp.Diff(p, got))
		}
	}
}

func TestParseTakesWhatIsSaid(t *testing.T) {
	t.Parallel()
	got, err := policy.Parse([]byte(`{"v":1,"time":{"mode":"trial","days":14},"ip_rule":"score","proof":false,"fingerprint":{"weights":{"tpm":5}},
		"modules":["*"],"functions":{"price":{"per_day":100},"forecast":{}},"files":true}`))
	want := policy.Default()
	want.Time.Mode, want.Time.Days = policy.Trial, 14
	want.IP, want.Proof, want.Files = policy.Score, false, true
	want.Fingerprint.Weights = map[string]int{"tpm": 5}
	want.Modules, want.Functions = []string{"*"}, map[string]policy.Function{"price": {PerDay: 100}, "forecast": {}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	if rule := got.Fingerprint.Rule(); rule.Share != 0.6 || rule.Weights["tpm"] != 5 {
		t.Errorf("%+v", rule)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":       {"", policy.ErrMalformed},
		"a list":        {"[]", policy.ErrMalformed},
		"null":          {"null", policy.ErrMalformed},
		"unknown":       {`{"v":1,"grace":3}`, policy.ErrMalformed},
		"unknown below": {`{"v":1,"time":{"weeks":3}}`, policy.ErrMalformed},
		"fraction":      {`{"v":1,"time":{"days":1.5}}`, policy.ErrMalformed},
		"two":           {`{"v":1} {"v":1}`, policy.ErrMalformed},
		"rubbish after": {`{"v":1}x`, policy.ErrMalformed},
		"later version": {`{"v":2}`, fault.Fields(fault.Field{})},
		"wrong field":   {`{"v":1,"time":{"mode":"weeks"}}`, fault.Fields(fault.Field{})},
	} {
		if got, err := policy.Parse([]byte(c.text)); !errors.Is(err, c.want) || !cmp.Equal(got, policy.Policy{}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckNamesEachField(t *testing.T) {
	t.Parallel()
	many := func(n int) (names []string, functions map[string]policy.Function) {
		functions = map[string]policy.Function{}
		for i := range n {
			name := fmt.Sprint("f", i)
			names, functions[name] = append(names, name), policy.Function{}
		}
		return names, functions
	}
	for name, c := range map[string]struct {
		change func(p *policy.Policy)
		want   string // field and code; empty: it is good
	}{
		"no version":            {func(p *policy.Policy) { p.V = 0 }, "v out_of_bounds"},
		"later version":         {func(p *policy.Policy) { p.V = 2 }, "v out_of_bounds"},
		"no mode":               {func(p *policy.Policy) { p.Time.Mode = "" }, "time.mode unknown"},
		"no days":               {func(p *policy.Policy) { p.Time.Days = 0 }, "time.days out_of_bounds"},
		"negative days":         {func(p *policy.Policy) { p.Time.Mode, p.Time.Days = policy.Until, -1 }, "time.days out_of_bounds"},
		"until without days":    {func(p *policy.Policy) { p.Time.Mode, p.Time.Days = policy.Until, 0 }, ""},
		"trial without days":    {func(p *policy.Policy) { p.Time.Mode, p.Time.Days = policy.Trial, 0 }, "time.days out_of_bounds"},
		"a century":             {func(p *policy.Policy) { p.Time.Days = policy.MaxDays }, ""},
		"more than a century":   {func(p *policy.Policy) { p.Time.Days = policy.MaxDays + 1 }, "time.days out_of_bounds"},
		"negative grace":        {func(p *policy.Policy) { p.Time.GraceDays = -1 }, "time.grace_days out_of_bounds"},
		"long grace":            {func(p *policy.Policy) { p.Time.GraceDays = 367 }, "time.grace_days out_of_bounds"},
		"unknown end":           {func(p *policy.Policy) { p.Time.Expired = "stop" }, "time.expired unknown"},
		"endless trial":         {func(p *policy.Policy) { p.Time.Mode, p.Time.Expired = policy.Trial, policy.Run }, "time.expired trial"},
		"readable trial":        {func(p *policy.Policy) { p.Time.Mode, p.Time.Expired = policy.Trial, policy.ReadOnly }, ""},
		"no rule":               {func(p *policy.Policy) { p.IP = "" }, "ip_rule unknown"},
		"no share":              {func(p *policy.Policy) { p.Fingerprint.Share = 0 }, "fingerprint.share out_of_bounds"},
		"share over one":        {func(p *policy.Policy) { p.Fingerprint.Share = 1.01 }, "fingerprint.share out_of_bounds"},
		"share without number":  {func(p *policy.Policy) { p.Fingerprint.Share = math.NaN() }, "fingerprint.share out_of_bounds"},
		"all of it":             {func(p *policy.Policy) { p.Fingerprint.Share = 1 }, ""},
		"score without address": {func(p *policy.Policy) { p.IP, p.Fingerprint.IPWeight = policy.Score, 0 }, "fingerprint.ip_weight out_of_bounds"},
		"address of no weight":  {func(p *policy.Policy) { p.Fingerprint.IPWeight = 0 }, ""},
		"heavy address":         {func(p *policy.Policy) { p.Fingerprint.IPWeight = 101 }, "fingerprint.ip_weight out_of_bounds"},
		"weightless":            {func(p *policy.Policy) { p.Fingerprint.Weights = map[string]int{"mac": 0} }, "fingerprint.weights required"},
		"no kinds":              {func(p *policy.Policy) { p.Fingerprint.Weights = map[string]int{} }, "fingerprint.weights required"},
		"own kind":              {func(p *policy.Policy) { p.Fingerprint.Weights = map[string]int{"dongle": 9} }, ""},
		"negative weight":       {func(p *policy.Policy) { p.Fingerprint.Weights = map[string]int{"tpm": 3, "mac": -1} }, "fingerprint.weights.mac out_of_bounds"},
		"kind with number":      {func(p *policy.Policy) { p.Fingerprint.Weights = map[string]int{"tpm": 3, "mac#2": 1} }, "fingerprint.weights name"},
		"module":                {func(p *policy.Policy) { p.Modules = []string{"base", "report.pdf", "A-1_x"} }, ""},
		"module of blanks":      {func(p *policy.Policy) { p.Modules = []string{"base", " "} }, "modules[1] name"},
		"module of length":      {func(p *policy.Policy) { p.Modules = []string{strings.Repeat("m", 65)} }, "modules[0] name"},
		"module twice":          {func(p *policy.Policy) { p.Modules = []string{"a", "b", "a"} }, "modules[2] twice"},
		"many modules":          {func(p *policy.Policy) { p.Modules, _ = many(policy.MaxNames + 1) }, "modules too_many"},
		"many functions":        {func(p *policy.Policy) { _, p.Functions = many(policy.MaxNames + 1) }, "functions too_many"},
		"as many as may be":     {func(p *policy.Policy) { p.Modules, p.Functions = many(policy.MaxNames) }, ""},
		"function of path":      {func(p *policy.Policy) { p.Functions = map[string]policy.Function{"../x": {}} }, "functions name"},
		"negative quota":        {func(p *policy.Policy) { p.Functions = map[string]policy.Function{"x": {PerDay: -1}} }, "functions.x.per_day out_of_bounds"},
		"no lease":              {func(p *policy.Policy) { p.Lease = 0 }, ""},
		"negative lease":        {func(p *policy.Policy) { p.Lease = -1 }, "lease_hours out_of_bounds"},
		"long lease":            {func(p *policy.Policy) { p.Lease = 9000 }, "lease_hours out_of_bounds"},
		"no heartbeat":          {func(p *policy.Policy) { p.Heartbeat = 0 }, ""},
		"quick heartbeat":       {func(p *policy.Policy) { p.Heartbeat = 9 }, "heartbeat_seconds out_of_bounds"},
		"slow heartbeat":        {func(p *policy.Policy) { p.Heartbeat = 86401 }, "heartbeat_seconds out_of_bounds"},
		"negative rebinds":      {func(p *policy.Policy) { p.Rebind.PerYear = -1 }, "rebind.per_year out_of_bounds"},
		"negative cool-down":    {func(p *policy.Policy) { p.Rebind.CooldownHours = -1 }, "rebind.cooldown_hours out_of_bounds"},
		"negative fingerprints": {func(p *policy.Policy) { p.Alarms.Fingerprints = -1 }, "alarms.fingerprints out_of_bounds"},
		"negative mismatches":   {func(p *policy.Policy) { p.Alarms.Mismatches = -1 }, "alarms.mismatches out_of_bounds"},
		"weights of thousands": {func(p *policy.Policy) {
			p.Fingerprint.Weights = map[string]int{}
			for i := range 33 {
				p.Fingerprint.Weights[fmt.Sprint("k", i)] = 1
			}
		}, "fingerprint.weights too_many"},
	} {
		p := policy.Default()
		c.change(&p)
		var got []string
		for _, f := range p.Check() {
			got = append(got, f.Name+" "+f.Code)
			if f.Detail == "" {
				t.Errorf("%s: %s says nothing", name, f.Name)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q and not %q", name, got, c.want)
		}
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 12, 24, 15, 4, 5, 0, time.UTC)
	after := func(days int) time.Time { return first.Add(time.Duration(days) * 24 * time.Hour) }
	none := time.Time{}
	for name, c := range map[string]struct {
		mode  policy.Mode
		days  int
		fixed time.Time
		want  time.Time
	}{
		"days of the policy":               {policy.Days, 0, none, after(30)},
		"days of the card":                 {policy.Days, 10, none, after(10)},
		"days under a late end":            {policy.Days, 0, after(31), after(30)},
		"days over an early end":           {policy.Days, 0, after(29), after(29)},
		"days over a past end":             {policy.Days, 0, after(-1), after(-1)},
		"trial":                            {policy.Trial, 0, none, after(30)},
		"trial of the card":                {policy.Trial, 7, none, after(7)},
		"trial over an early end":          {policy.Trial, 0, after(2), after(2)},
		"until":                            {policy.Until, 0, after(400), after(400)},
		"until whatever the days":          {policy.Until, 3, after(400), after(400)},
		"until never":                      {policy.Until, 3, none, none},
		"subscription":                     {policy.Subscription, 0, none, after(30)},
		"subscription of the card":         {policy.Subscription, 90, none, after(90)},
		"subscription that is paid":        {policy.Subscription, 0, after(365), after(365)},
		"subscription that is not":         {policy.Subscription, 90, after(-3), after(-3)},
		"negative days are the policy's":   {policy.Days, -5, none, after(30)},
		"no time is long enough to escape": {policy.Days, policy.MaxDays, none, after(policy.MaxDays)},
	} {
		got := policy.Time{Mode: c.mode, Days: 30}.End(first, c.days, c.fixed)
		if !got.Equal(c.want) {
			t.Errorf("%s: %s and not %s", name, got, c.want)
		}
	}
	// A policy that Check refuses makes cards that are over at once, not endless ones.
	if got := (policy.Time{Mode: policy.Days}).End(first, 0, none); !got.Equal(first) {
		t.Errorf("without days: %s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"v":1}`))
	f.Add([]byte(`{"v":1,"time":{"mode":"until","days":0,"grace_days":7,"expired":"read_only"},"fingerprint":{"weights":{"tpm":3},"share":1}}`))
	f.Add([]byte(`{"v":1,"fingerprint":{"share":1e400}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := policy.Parse(text)
		if err != nil {
			return
		}
		kept, err := p.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := policy.Parse(kept); err != nil || !cmp.Equal(again, p) {
			t.Errorf("%s was kept as %s: %v\n%s", text, kept, err, cmp.Diff(p, again))
		}
	})
}
