package decide

import (
	"bytes"
	"slices"
	"time"

	"guildhall/license/internal/policy"
)

// Decide says what the request gets. The environment is nil for a card that is bound
// to none.
func Decide(card Card, environment *Environment, p policy.Policy, r Request, now time.Time) Decision {
	c := &caseFile{card: card, environment: environment, policy: p, request: r, now: now}
	if code := c.first(c.state, c.activation, c.machine, c.proof, c.end, c.allowed); code != "" {
		return c.refuse(code)
	}
	return c.accept()
}

// Download says whether a file may be downloaded with a ticket that the environment of the
// card got before: empty, or why not. The machine showed itself then.
func Download(card Card, environment *Environment, p policy.Policy, now time.Time) Code {
	if environment == nil {
		return CardNotActive
	}
	c := &caseFile{card: card, environment: environment, policy: p, request: Request{Call: Files}, now: now}
	return c.first(c.state, c.activation, c.end, c.allowed)
}

// OwnDownload says whether the customer may download files for a card, bound or not: empty,
// or why not. A card that was not used yet is judged as if it were used now.
func OwnDownload(card Card, p policy.Policy, now time.Time) Code {
	c := &caseFile{card: card, policy: p, request: Request{Call: Files}, now: now}
	c.use()
	return c.first(c.state, c.end, c.allowed)
}

// caseFile is one request on its way to a decision. Each step returns a code to
// refuse it.
type caseFile struct {
	card        Card
	environment *Environment
	policy      policy.Policy
	request     Request
	now         time.Time
	decision    Decision
}

// first is the first code to refuse it.
func (c *caseFile) first(judges ...func() Code) Code {
	for _, judge := range judges {
		if code := judge(); code != "" {
			return code
		}
	}
	return ""
}

// state is the first step.
func (c *caseFile) state() Code {
	switch {
	case !slices.Contains([]Call{Activate, Validate, Heartbeat, Open, Function, Files, Time}, c.request.Call):
		return CallUnknown
	case c.card.Deleted:
		return CardUnknown
	case c.card.State == Suspended:
		return CardSuspended
	case c.card.State != New && c.card.State != Active:
		return CardRevoked // and nothing that is unknown is good
	}
	return ""
}

// activation says whether the card is used for the first time, or bound again, and
// where its end is.
func (c *caseFile) activation() Code {
	change := &c.decision.Changes
	change.Bind = c.environment == nil
	c.use()
	switch {
	case c.request.Call == Activate:
	case change.Activate && !c.policy.ActivateOnAny:
		return CardNotActive
	case change.Bind && !change.Activate: // or the program on the machine that it was taken off would take it back
		return CardNotActive
	}
	switch {
	case change.Activate && c.policy.Time.Mode == policy.Trial && c.request.TrialUsed:
		return TrialUsed
	}
	return ""
}

// use says where the end of the card is, which its first use sets.
func (c *caseFile) use() {
	change := &c.decision.Changes
	change.Activate = c.card.State == New
	c.decision.ExpiresAt = c.card.ExpiresAt
	if change.Activate {
		change.SetExpiry = true
		c.decision.ExpiresAt = c.policy.Time.End(c.now, c.card.Days, c.card.FixedEnd)
	}
	if !c.decision.ExpiresAt.IsZero() {
		c.decision.GraceUntil = c.decision.ExpiresAt.Add(c.policy.Time.Grace())
		c.decision.Left = max(c.decision.ExpiresAt.Sub(c.now), 0)
	}
}

// proof judges the device key.
func (c *caseFile) proof() Code {
	r, known := c.request, []byte(nil)
	if c.environment != nil {
		known = c.environment.DeviceKey
	}
	other := !bytes.Equal(known, r.DeviceKey)
	switch {
	case c.policy.Proof && len(r.DeviceKey) == 0:
		return ProofMissing
	case c.policy.Proof && !r.Proven:
		return ProofWrong
	case len(r.DeviceKey) == 0 || !r.Proven:
		return "" // nobody asked
	case c.policy.Proof && len(known) > 0 && other:
		c.decision.Mismatch = true
		return DeviceMismatch
	}
	if other {
		c.decision.Changes.SetDeviceKey = r.DeviceKey
	}
	return ""
}

// end judges the time. A card whose end came before its first use is never used.
func (c *caseFile) end() Code {
	d, t := &c.decision, c.policy.Time
	d.Mode, d.Code = Run, Fine
	if d.ExpiresAt.IsZero() || c.now.Before(d.ExpiresAt) {
		return ""
	}
	switch {
	case d.Changes.Activate:
		return CardExpired
	case c.now.Before(d.GraceUntil):
		d.Code = InGrace
	case t.Expired == policy.Run:
		d.Code = ExpiredRunning
	case t.Expired == policy.ReadOnly:
		d.Code, d.Mode = ExpiredReadOnly, ReadOnly
	default:
		return CardExpired
	}
	return ""
}

// allowed judges what the policy gives.
func (c *caseFile) allowed() Code {
	p, r := c.policy, c.request
	modules := p.Modules
	if c.card.Modules != nil {
		modules = c.card.Modules
	}
	if r.Module != "" && !slices.Contains(modules, r.Module) && !slices.Contains(modules, policy.Any) {
		return ModuleNotAllowed
	}
	reading := c.decision.Mode == ReadOnly
	switch r.Call {
	case Function:
		f, ok := p.Functions[r.Function]
		switch {
		case !ok:
			return FunctionNotAllowed
		case reading && !p.ReadOnly.Functions:
			return CardExpired
		case f.PerDay > 0 && r.CalledToday >= f.PerDay:
			return FunctionQuota
		}
	case Files:
		switch {
		case !p.Files:
			return FilesNotAllowed
		case reading && !p.ReadOnly.Files:
			return CardExpired
		}
	}
	return ""
}

func (c *caseFile) accept() Decision {
	d := c.decision
	d.Verdict, d.Changes.Touch = OK, true
	if d.Changes.Activate {
		d.Verdict = Activated
	}
	d.LeaseUntil = c.lease()
	return d
}

// lease is as long as the policy says, and no longer than what the program may do now.
func (c *caseFile) lease() time.Time {
	d := c.decision
	until := c.now.Add(time.Duration(c.policy.Lease) * time.Hour)
	if stop := d.GraceUntil; !stop.IsZero() && c.policy.Time.Expired != policy.Run && c.now.Before(stop) && stop.Before(until) {
		return stop
	}
	return until
}

// refuse is the answer without changes, which tells the end only where it is the
// reason: a stranger has no business with it.
func (c *caseFile) refuse(code Code) Decision {
	d := c.decision
	d.Verdict, d.Code, d.Mode, d.Changes = Refused, code, "", Changes{}
	d.Drift = NoDrift
	if code != CardExpired {
		d.ExpiresAt, d.GraceUntil, d.Left = time.Time{}, time.Time{}, 0
	}
	return d
}
