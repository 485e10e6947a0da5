package decide

import (
	"net/netip"
	"time"

	"guildhall/sdk/go/license/fingerprint"
)

// Verdict is the answer in a word.
type Verdict string

// The verdicts.
const (
	OK        Verdict = "ok"
	Activated Verdict = "activated" // ok, and the card's first use
	Refused   Verdict = "refused"
)

// Code says why. Codes are stable: clients and statistics go by them.
type Code string

// The codes of requests that are not refused.
const (
	// Fine says that there is nothing to say.
	Fine Code = "ok"
	// InGrace says that the card ended, and goes on until Decision.GraceUntil.
	InGrace Code = "in_grace"
	// ExpiredReadOnly says that the card ended, and the program only shows what there is.
	ExpiredReadOnly Code = "expired_read_only"
	// ExpiredRunning says that the card ended, and the program runs on.
	ExpiredRunning Code = "expired_running"
)

// The codes of refused requests.
const (
	// CardUnknown says that there is no such card. Decide says it of deleted ones alone;
	// of others the caller does.
	CardUnknown Code = "card_unknown"
	// CardSuspended says that the vendor stopped the card for now.
	CardSuspended Code = "card_suspended"
	// CardRevoked says that the vendor stopped the card for good.
	CardRevoked Code = "card_revoked"
	// CardExpired says that the card's end and its grace are over.
	CardExpired Code = "card_expired"
	// CardNotActive says that the card was never used, or was taken off its machine, and
	// that this call does not bind it. The client activates first.
	CardNotActive Code = "card_not_active"
	// EnvironmentMismatch says that the card is bound to another machine.
	EnvironmentMismatch Code = "environment_mismatch"
	// FingerprintMissing says that the rule needs hardware, or that there is not even an
	// address to bind the card to, and the request shows none that weighs anything.
	FingerprintMissing Code = "fingerprint_missing"
	// AddressMissing says that the card cannot be bound by the rule without an address.
	AddressMissing Code = "address_missing"
	// ProofMissing says that the request does not prove possession of a device key.
	ProofMissing Code = "proof_missing"
	// ProofWrong says that the proof is not good under the key that it names.
	ProofWrong Code = "proof_wrong"
	// DeviceMismatch says that the proof is good, and of another device key than the
	// registered one: a copy of the machine's fingerprint, or a new installation.
	DeviceMismatch Code = "device_mismatch"
	// TrialUsed says that this machine had a trial already.
	TrialUsed Code = "trial_used"
	// ModuleNotAllowed says that the module is not in the card.
	ModuleNotAllowed Code = "module_not_allowed"
	// FunctionNotAllowed says that the function is not in the policy.
	FunctionNotAllowed Code = "function_not_allowed"
	// FunctionQuota says that the function was called as often today as it may be.
	FunctionQuota Code = "function_quota"
	// FilesNotAllowed says that the policy gives no files.
	FilesNotAllowed Code = "files_not_allowed"
	// CallUnknown says that there is no such call.
	CallUnknown Code = "call_unknown"
)

// Mode is what the program may do.
type Mode string

// The modes; a refused request has none.
const (
	Run      Mode = "run"
	ReadOnly Mode = "read_only"
)

// Drift says what of a machine that was accepted is another than recorded. Never both
// are: then it is refused.
type Drift string

// The drifts.
const (
	NoDrift       Drift = "none"
	IPDrift       Drift = "ip"
	HardwareDrift Drift = "hardware"
)

// Decision is what a request gets.
type Decision struct {
	Verdict Verdict
	Code    Code
	Mode    Mode
	// ExpiresAt is the card's end, zero for never; GraceUntil is when its grace ends, and
	// is set when the card has an end. Of refused requests only CardExpired tells them.
	ExpiresAt, GraceUntil time.Time
	// Left is the time to the end, 0 when it is over or never comes: see ExpiresAt.
	Left time.Duration
	// LeaseUntil is until when the program may go on without the server; zero when the
	// request is refused.
	LeaseUntil time.Time
	Changes    Changes
	// Drift is that of an accepted request.
	Drift Drift
	// Mismatch says that another machine came with the card: everything that it sent is
	// to be kept.
	Mismatch bool
	// Changed are the names of the enrolled components that changed or are not shown,
	// also when the machine is the same.
	Changed []string
}

// Changes are what an accepted request changes; refused ones change nothing.
type Changes struct {
	// Activate makes the card active as of now.
	Activate bool
	// Bind makes the environment of the card, with what the other changes set.
	Bind bool
	// SetExpiry says that the card's end becomes Decision.ExpiresAt.
	SetExpiry bool
	// LearnFingerprint replaces the enrolled components; nil: they stay.
	LearnFingerprint fingerprint.Components
	// SetIP replaces the recorded address, without zone and not mapped; the zero value:
	// it stays.
	SetIP netip.Addr
	// SetDeviceKey registers a device key; nil: the registered one stays.
	SetDeviceKey []byte
	// Touch sets when the environment was last seen, and what it called.
	Touch bool
}

// OnlyTouch says that nothing else is changed.
func (c Changes) OnlyTouch() bool {
	return c.Touch && !c.Activate && !c.Bind && !c.SetExpiry && c.LearnFingerprint == nil && !c.SetIP.IsValid() && c.SetDeviceKey == nil
}
