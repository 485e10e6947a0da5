package decide

import (
	"slices"

	"guildhall/license/internal/policy"
	"guildhall/sdk/go/license/fingerprint"
)

// machine judges whether the request comes from where the card is bound to, and
// notes what of it is another by now.
func (c *caseFile) machine() Code {
	rule := c.policy.Fingerprint.Rule()
	shown := c.request.Fingerprint
	d, ip := &c.decision, plain(c.request.IP)
	d.Drift = NoDrift
	// A card is bound to nothing that would not be recognised next time.
	binds := c.environment == nil
	again := !binds || c.recognised(fingerprint.Compare(shown, shown, rule), ip.IsValid())
	weighs := rule.Weigh(shown) > 0
	switch needs := c.policy.IP == policy.HW || c.policy.IP == policy.HWAndIP; {
	case !weighs && (needs || !again):
		return FingerprintMissing
	case !again:
		return AddressMissing
	case binds:
		d.Changes.LearnFingerprint, d.Changes.SetIP = shown, ip
		return ""
	}
	known := c.environment
	match := fingerprint.Compare(known.Fingerprint, shown, rule)
	sameIP := SameIP(known.IP, ip)
	d.Changed = slices.Sorted(slices.Values(slices.Concat(match.Changed, match.Missing)))
	if !c.recognised(match, sameIP) {
		d.Mismatch = true
		return EnvironmentMismatch
	}
	switch {
	case !match.Same && (match.Of > 0 || weighs):
		d.Drift = HardwareDrift
	case !sameIP:
		d.Drift = IPDrift
	}
	switch learned, changed := fingerprint.Learn(known.Fingerprint, shown, rule); {
	case !match.Same && weighs: // the address vouched for other hardware
		d.Changes.LearnFingerprint = shown
	case changed && c.policy.Fingerprint.Learn:
		d.Changes.LearnFingerprint = learned
	}
	if ip.IsValid() && ip != known.IP {
		d.Changes.SetIP = ip
	}
	return ""
}

// recognised is the rule of the policy.
func (c *caseFile) recognised(m fingerprint.Match, sameIP bool) bool {
	switch f := c.policy.Fingerprint; c.policy.IP {
	case policy.HWOrIP:
		return m.Same || sameIP
	case policy.HW:
		return m.Same
	case policy.HWAndIP:
		return m.Same && sameIP
	case policy.Score:
		weight := m.Weight
		if sameIP {
			weight += f.IPWeight
		}
		return f.Rule().Enough(weight, m.Of+f.IPWeight)
	}
	return false
}
