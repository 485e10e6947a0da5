package decide_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"guildhall/license/internal/decide"
	"guildhall/license/internal/policy"
	"guildhall/sdk/go/license/fingerprint"
)

// world is what one decision is about. A new one is an active card with 100 days left,
// whose machine comes again as it is recorded.
type world struct {
	card        decide.Card
	environment *decide.Environment
	policy      policy.Policy
	request     decide.Request
	now         time.Time
}

// step makes the world another.
type step func(w *world)

func start() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// machine weighs 3+2+2+2+1 = 10.
func machine() fingerprint.Components {
	return fingerprint.Components{"tpm": "t", "dmi_uuid": "d", "machine_id": "m", "disk": "k", "mac": "a"}
}

func newWorld() *world {
	ip, key := netip.MustParseAddr("192.0.2.10"), []byte("key")
	return &world{
		card:        decide.Card{State: decide.Active, ActivatedAt: start().Add(-265 * day), ExpiresAt: start().Add(100 * day)},
		environment: &decide.Environment{Fingerprint: machine(), IP: ip, DeviceKey: key},
		policy:      policy.Default(),
		request:     decide.Request{Call: decide.Validate, IP: ip, Fingerprint: machine(), DeviceKey: key, Proven: true},
		now:         start(),
	}
}

const day = 24 * time.Hour

func (w *world) decide() decide.Decision {
	return decide.Decide(w.card, w.environment, w.policy, w.request, w.now)
}

// The steps.

func fresh(w *world) {
	w.card, w.environment = decide.Card{State: decide.New}, nil
}
func unbound(w *world)              { w.environment = nil }
func deleted(w *world)              { w.card.Deleted = true }
func state(s decide.State) step     { return func(w *world) { w.card.State = s } }
func call(c decide.Call) step       { return func(w *world) { w.request.Call = c } }
func rule(r policy.IPRule) step     { return func(w *world) { w.policy.IP = r } }
func mode(m policy.Mode) step       { return func(w *world) { w.policy.Time.Mode = m } }
func expired(e policy.Expired) step { return func(w *world) { w.policy.Time.Expired = e } }
func grace(days int) step           { return func(w *world) { w.policy.Time.GraceDays = days } }
func days(n int) step               { return func(w *world) { w.card.Days = n } }
func fixed(d time.Duration) step    { return func(w *world) { w.card.FixedEnd = start().Add(d) } }
func ends(d time.Duration) step     { return func(w *world) { w.card.ExpiresAt = start().Add(d) } }
func endless(w *world)              { w.card.ExpiresAt = time.Time{} }
func onlyActivate(w *world)         { w.policy.ActivateOnAny = false }
func noLearning(w *world)           { w.policy.Fingerprint.Learn = false }
func share(s float64) step          { return func(w *world) { w.policy.Fingerprint.Share = s } }
func from(ip string) step           { return func(w *world) { w.request.IP = address(ip) } }
func recorded(ip string) step       { return func(w *world) { w.environment.IP = address(ip) } }
func noProof(w *world)              { w.request.DeviceKey, w.request.Proven = nil, false }
func badProof(w *world)             { w.request.Proven = false }
func otherKey(w *world)             { w.request.DeviceKey = []byte("other") }
func proofOff(w *world)             { w.policy.Proof = false }
func noKey(w *world)                { w.environment.DeviceKey = nil }
func trialUsed(w *world)            { w.request.TrialUsed = true }
func module(name string) step       { return func(w *world) { w.request.Module = name } }
func modules(names ...string) step  { return func(w *world) { w.policy.Modules = names } }
func own(names ...string) step {
	return func(w *world) { w.card.Modules = append([]string{}, names...) }
}
func files(w *world)           { w.request.Call, w.policy.Files = decide.Files, true }
func lease(hours int) step     { return func(w *world) { w.policy.Lease = hours } }
func nothingShown(w *world)    { w.request.Fingerprint = nil }
func nothingEnrolled(w *world) { w.environment.Fingerprint = nil }

// function calls one that may be called so often a day, after so many calls.
func function(perDay, before int) step {
	return func(w *world) {
		w.request.Call, w.request.Function, w.request.CalledToday = decide.Function, "price", before
		w.policy.Functions = map[string]policy.Function{"price": {PerDay: perDay}}
	}
}

// other shows another component under each name.
func other(names ...string) step {
	return func(w *world) {
		for _, name := range names {
			w.request.Fingerprint[name] = "other"
		}
	}
}

func lacks(names ...string) step {
	return func(w *world) {
		for _, name := range names {
			delete(w.request.Fingerprint, name)
		}
	}
}

// stranger is another machine altogether.
func stranger(w *world) { other("tpm", "dmi_uuid", "machine_id", "disk", "mac")(w) }

func address(ip string) netip.Addr {
	if ip == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(ip)
}

// told is the decision in words: verdict, code, mode, and what is not as it is when a
// machine comes again as it is recorded. Times are counted from the start.
func told(d decide.Decision) string {
	words := []string{string(d.Verdict), string(d.Code)}
	add := func(says bool, format string, args ...any) {
		if says {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(d.Mode != decide.Run && d.Mode != "", "mode=%s", d.Mode)
	add(d.Drift != decide.NoDrift, "drift=%s", d.Drift)
	add(d.Mismatch, "mismatch")
	add(len(d.Changed) > 0, "changed=%s", strings.Join(d.Changed, ","))
	c := d.Changes
	add(c.Activate, "activate")
	add(c.Bind, "bind")
	add(c.SetExpiry, "expiry")
	add(c.LearnFingerprint != nil, "learn=%s", parts(c.LearnFingerprint))
	add(c.SetIP.IsValid(), "ip=%s", c.SetIP)
	add(c.SetDeviceKey != nil, "key=%s", c.SetDeviceKey)
	add(d.Verdict != decide.Refused && !c.Touch, "untouched")
	add(d.Verdict == decide.Refused && c.Touch, "touched")
	if d.Verdict != decide.Refused {
		add(d.ExpiresAt.IsZero(), "endless")
		add(!d.ExpiresAt.IsZero() && !d.ExpiresAt.Equal(start().Add(100*day)), "ends=%s", since(d.ExpiresAt))
		add(!d.LeaseUntil.Equal(start().Add(3*day)), "lease=%s", since(d.LeaseUntil))
	}
	add(!d.GraceUntil.Equal(d.ExpiresAt), "grace=%s", since(d.GraceUntil))
	return strings.Join(words, " ")
}

func since(t time.Time) string { return fmt.Sprintf("%gd", t.Sub(start()).Hours()/24) }

// parts names the machine as "machine", and of others each component.
func parts(c fingerprint.Components) string {
	if maps.Equal(c, machine()) {
		return "machine"
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		if c[name] != machine()[name] {
			words = append(words, name+":"+c[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(machine())) {
		if c[name] == "" {
			words = append(words, "-"+name)
		}
	}
	return strings.Join(words, ",")
}
