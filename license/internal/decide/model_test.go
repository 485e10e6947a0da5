package decide_test

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"guildhall/license/internal/decide"
	"guildhall/license/internal/policy"
	"guildhall/sdk/go/license/fingerprint"
)

// draw makes a world of few values, so that they often meet.
func draw(r *rapid.T) *world {
	pick := func(label string, of ...int) int { return rapid.SampledFrom(of).Draw(r, label) }
	yes := func(label string) bool { return rapid.Bool().Draw(r, label) }
	mostly := func(label string) bool { return pick(label, 0, 1, 1, 1, 1, 1) == 1 }
	when := func(label string) time.Time {
		d := pick(label, 0, -400, -72, -24, -1, 1, 24, 72, 2400)
		if d == 0 {
			return time.Time{}
		}
		return start().Add(time.Duration(d) * time.Hour)
	}
	key := func(label string) []byte {
		return []byte(rapid.SampledFrom([]string{"", "key", "key", "key", "other"}).Draw(r, label))
	}
	ip := func(label string) netip.Addr {
		return address(rapid.SampledFrom([]string{"", "192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2%eth0", "2001:db8:1::1"}).Draw(r, label))
	}
	hardware := func(label string) fingerprint.Components {
		c := fingerprint.Components{}
		for _, name := range []string{"tpm", "disk", "mac", "mac#2", "dongle"} {
			if v := rapid.SampledFrom([]string{"", "a", "a", "a", "b"}).Draw(r, label+name); v != "" {
				c.Add(fingerprint.Kind(name), v)
			}
		}
		return c
	}
	w := &world{now: start(), policy: policy.Default()}
	w.card = decide.Card{Deleted: pick("deleted", 0, 0, 0, 0, 0, 0, 0, 1) == 1, Days: pick("days", 0, 1, 30), FixedEnd: when("fixed"),
		State: rapid.SampledFrom([]decide.State{decide.New, decide.New, decide.Active, decide.Active, decide.Active, decide.Suspended, decide.Revoked}).Draw(r, "state")}
	if w.card.State != decide.New {
		w.card.ExpiresAt = when("expires")
	}
	if yes("own modules") {
		w.card.Modules = []string{"base"}
	}
	if mostly("environment") {
		w.environment = &decide.Environment{Fingerprint: hardware("enrolled"), IP: ip("recorded"), DeviceKey: key("registered")}
	}
	p := &w.policy
	p.IP = rapid.SampledFrom([]policy.IPRule{policy.HWOrIP, policy.HW, policy.HWAndIP, policy.Score}).Draw(r, "rule")
	p.Time = policy.Time{Days: 365, GraceDays: pick("grace", 0, 2),
		Mode:    rapid.SampledFrom([]policy.Mode{policy.Days, policy.Until, policy.Subscription, policy.Trial}).Draw(r, "mode"),
		Expired: rapid.SampledFrom([]policy.Expired{policy.Refuse, policy.ReadOnly, policy.Run}).Draw(r, "expired")}
	p.Fingerprint.Share, p.Fingerprint.Learn = float64(pick("share", 25, 60, 100))/100, yes("learn")
	p.Proof, p.ActivateOnAny, p.Files = mostly("proof"), mostly("any"), yes("files")
	p.Modules = rapid.SampledFrom([][]string{nil, {"base", "report"}, {policy.Any}}).Draw(r, "modules")
	p.Functions = map[string]policy.Function{"price": {PerDay: pick("quota", 0, 5)}}
	p.ReadOnly = policy.Reserved{Functions: yes("functions go on"), Files: yes("files go on")}
	w.request = decide.Request{
		Call: rapid.SampledFrom([]decide.Call{decide.Activate, decide.Validate, decide.Heartbeat, decide.Open, decide.Function, decide.Files, decide.Time, "other"}).Draw(r, "call"),
		IP:   ip("ip"), Fingerprint: hardware("shown"), DeviceKey: key("key"), Proven: mostly("proven"),
		Function: rapid.SampledFrom([]string{"price", "price", "forecast"}).Draw(r, "function"), CalledToday: pick("calls", 0, 4, 5),
		Module: rapid.SampledFrom([]string{"", "", "base", "report"}).Draw(r, "module"), TrialUsed: yes("trial used")}
	return w
}

// naive is what a plain reader of the requirements makes of the world: every reason
// to refuse is looked at by itself, and the first in the order of the package counts.
type naive struct {
	*world
	end, graceEnd time.Time
	sameHW        bool
	sameIP        bool
}

func readNaively(w *world) *naive {
	n := &naive{world: w, end: w.card.ExpiresAt}
	if w.card.State == decide.New {
		days := 365
		if w.card.Days != 0 {
			days = w.card.Days
		}
		counted := w.now.AddDate(0, 0, days)
		var candidates []time.Time
		switch w.policy.Time.Mode {
		case policy.Until:
			candidates = []time.Time{w.card.FixedEnd}
		case policy.Subscription:
			candidates = []time.Time{counted}
			if !w.card.FixedEnd.IsZero() {
				candidates = []time.Time{w.card.FixedEnd}
			}
		default:
			candidates = []time.Time{counted}
			if !w.card.FixedEnd.IsZero() {
				candidates = append(candidates, w.card.FixedEnd)
			}
		}
		n.end = slices.MinFunc(candidates, time.Time.Compare)
	}
	if !n.end.IsZero() {
		n.graceEnd = n.end.AddDate(0, 0, w.policy.Time.GraceDays)
	}
	if e := w.environment; e != nil {
		got, of := n.weight()
		share := int(w.policy.Fingerprint.Share*100 + 0.5)
		n.sameHW = of > 0 && got*100 >= share*of
		n.sameIP = place(e.IP) != "" && place(e.IP) == place(w.request.IP)
	}
	return n
}

// weight is that of the enrolled components that are shown, and of all of them.
func (n *naive) weight() (got, of int) {
	for kind, weight := range map[string]int{"tpm": 3, "disk": 2, "mac": 1} {
		for _, digest := range []string{"a", "b"} {
			if holds(n.environment.Fingerprint, kind, digest) {
				of += weight
				if holds(n.request.Fingerprint, kind, digest) {
					got += weight
				}
			}
		}
	}
	return got, of
}

func holds(c fingerprint.Components, kind, digest string) bool {
	return c[kind] == digest || c[kind+"#2"] == digest
}

// place tells the addresses apart that draw makes.
func place(ip netip.Addr) string {
	return map[string]string{"192.0.2.1": "A", "::ffff:192.0.2.1": "A", "192.0.2.2": "B", "2001:db8::1": "C", "2001:db8::2%eth0": "C",
		"2001:db8:1::1": "D"}[ip.String()]
}

// reasons are all codes that the request could be refused with, in their order.
func (n *naive) reasons() []decide.Code {
	var all []decide.Code
	when := func(condition bool, code decide.Code) {
		if condition {
			all = append(all, code)
		}
	}
	p, r, c := n.policy, n.request, n.card
	isNew, binds := c.State == decide.New, n.environment == nil
	when(r.Call == "other", decide.CallUnknown)
	when(c.Deleted, decide.CardUnknown)
	when(c.State == decide.Suspended, decide.CardSuspended)
	when(c.State == decide.Revoked, decide.CardRevoked)
	when(r.Call != decide.Activate && (isNew && !p.ActivateOnAny || binds && !isNew), decide.CardNotActive)
	when(isNew && p.Time.Mode == policy.Trial && r.TrialUsed, decide.TrialUsed)

	anyHW := slices.ContainsFunc(slices.Collect(maps.Keys(r.Fingerprint)), func(name string) bool { return name != "dongle" })
	when(!anyHW && (p.IP == policy.HW || p.IP == policy.HWAndIP), decide.FingerprintMissing)
	// Bound to what it shows, it must be the same when it shows that again.
	next := *n.world
	next.environment = &decide.Environment{Fingerprint: r.Fingerprint, IP: r.IP}
	lost := binds && !readNaively(&next).recognised()
	when(lost && !anyHW, decide.FingerprintMissing)
	when(lost, decide.AddressMissing)
	when(!binds && !n.recognised(), decide.EnvironmentMismatch)

	when(p.Proof && len(r.DeviceKey) == 0, decide.ProofMissing)
	when(p.Proof && !r.Proven, decide.ProofWrong)
	when(p.Proof && !binds && len(n.environment.DeviceKey) > 0 && string(r.DeviceKey) != string(n.environment.DeviceKey), decide.DeviceMismatch)

	over := !n.end.IsZero() && !n.end.After(n.now)
	dead := !n.end.IsZero() && !n.graceEnd.After(n.now)
	when(over && isNew, decide.CardExpired)
	when(dead && p.Time.Expired == policy.Refuse, decide.CardExpired)

	when(r.Module == "base" && c.Modules == nil && len(p.Modules) == 0, decide.ModuleNotAllowed)
	when(r.Module == "report" && (c.Modules != nil || len(p.Modules) == 0) && !slices.Contains(p.Modules, "*"), decide.ModuleNotAllowed)
	when(r.Module == "report" && c.Modules != nil, decide.ModuleNotAllowed)
	reading := dead && p.Time.Expired == policy.ReadOnly
	when(r.Call == decide.Function && r.Function == "forecast", decide.FunctionNotAllowed)
	when(r.Call == decide.Function && reading && !p.ReadOnly.Functions, decide.CardExpired)
	when(r.Call == decide.Function && p.Functions["price"].PerDay == 5 && r.CalledToday == 5, decide.FunctionQuota)
	when(r.Call == decide.Files && !p.Files, decide.FilesNotAllowed)
	when(r.Call == decide.Files && reading && !p.ReadOnly.Files, decide.CardExpired)
	return all
}

func (n *naive) recognised() bool {
	got, of := n.weight()
	if n.sameIP {
		got += 2
	}
	return map[policy.IPRule]bool{
		policy.HWOrIP:  n.sameHW || n.sameIP,
		policy.HW:      n.sameHW,
		policy.HWAndIP: n.sameHW && n.sameIP,
		policy.Score:   got*100 >= int(n.policy.Fingerprint.Share*100+0.5)*(of+2),
	}[n.policy.IP]
}

func TestDecideIsAsItsModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := draw(r)
		n, d := readNaively(w), w.decide()
		reasons := n.reasons()
		if len(reasons) > 0 {
			if d.Verdict != decide.Refused || d.Code != reasons[0] {
				r.Fatalf("%s, and the model refuses with %v", told(d), reasons)
			}
			if !reflect.DeepEqual(d.Changes, decide.Changes{}) || d.Mode != "" || !d.LeaseUntil.IsZero() || d.Drift != decide.NoDrift {
				r.Fatalf("a refused request has %+v", d)
			}
			if mismatch := d.Code == decide.EnvironmentMismatch || d.Code == decide.DeviceMismatch; d.Mismatch != mismatch {
				r.Fatalf("%s: mismatch %v", d.Code, d.Mismatch)
			}
			return
		}
		n.checkAccepted(r, d)
	})
}

func (n *naive) checkAccepted(r *rapid.T, d decide.Decision) {
	verdict := map[bool]decide.Verdict{true: decide.Activated, false: decide.OK}[n.card.State == decide.New]
	code, mode := decide.Fine, decide.Run
	if !n.end.IsZero() && !n.end.After(n.now) {
		code = decide.InGrace
		if !n.graceEnd.After(n.now) {
			code = map[policy.Expired]decide.Code{policy.Run: decide.ExpiredRunning, policy.ReadOnly: decide.ExpiredReadOnly}[n.policy.Time.Expired]
		}
	}
	if code == decide.ExpiredReadOnly {
		mode = decide.ReadOnly
	}
	if d.Verdict != verdict || d.Code != code || d.Mode != mode || !d.ExpiresAt.Equal(n.end) || !d.GraceUntil.Equal(n.graceEnd) || d.Mismatch {
		r.Fatalf("%s until %s, and the model says %s %s %s until %s", told(d), d.ExpiresAt, verdict, code, mode, n.end)
	}
	c := d.Changes
	if c.Activate != (verdict == decide.Activated) || c.SetExpiry != c.Activate || c.Bind != (n.environment == nil) || !c.Touch {
		r.Fatalf("%s", told(d))
	}
	drift := decide.NoDrift
	if n.environment != nil {
		_, of := n.weight()
		weighs := (fingerprint.Rule{}).Weigh(n.request.Fingerprint) > 0
		switch {
		case n.sameHW && !n.sameIP:
			drift = decide.IPDrift
		case !n.sameHW && (of > 0 || weighs):
			drift = decide.HardwareDrift
		}
	}
	if d.Drift != drift {
		r.Fatalf("the drift is %s, and the model's %s", d.Drift, drift)
	}
}

// What is accepted is accepted again once its changes are made, with nothing left to
// change after as many times as components can change; and nobody else's is touched.
func TestAcceptedRequestsSettle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := draw(r)
		shown, key := maps.Clone(w.request.Fingerprint), slices.Clone(w.request.DeviceKey)
		d := w.decide()
		if d.Verdict == decide.Refused {
			return
		}
		for range fingerprint.MaxComponents {
			w.apply(d.Changes, d.ExpiresAt)
			d = w.decide()
			if d.Verdict != decide.OK {
				r.Fatalf("refused after it was accepted: %s", told(d))
			}
			if d.Drift == decide.HardwareDrift && (fingerprint.Rule{}).Weigh(shown) > 0 || d.Drift == decide.IPDrift && w.request.IP.IsValid() {
				r.Fatalf("it drifts for ever: %s", told(d))
			}
		}
		if c := d.Changes; c.LearnFingerprint != nil || c.SetIP.IsValid() || c.SetDeviceKey != nil || c.Bind || c.Activate || c.SetExpiry {
			r.Fatalf("it changes for ever: %s", told(d))
		}
		if !maps.Equal(shown, w.request.Fingerprint) || !slices.Equal(key, w.request.DeviceKey) {
			r.Fatal("the request was changed")
		}
	})
}

// apply does what the store does.
func (w *world) apply(c decide.Changes, expires time.Time) {
	if c.Activate {
		w.card.State, w.card.ActivatedAt = decide.Active, w.now
	}
	if c.SetExpiry {
		w.card.ExpiresAt = expires
	}
	if c.Bind {
		w.environment = &decide.Environment{}
	}
	if c.LearnFingerprint != nil {
		w.environment.Fingerprint = maps.Clone(c.LearnFingerprint)
	}
	if c.SetIP.IsValid() {
		w.environment.IP = c.SetIP
	}
	if c.SetDeviceKey != nil {
		w.environment.DeviceKey = slices.Clone(c.SetDeviceKey)
	}
}
