// Package policy says what a card is worth: how long it is good, how strictly it is
// bound to one machine, and what its holder may do. A policy is data, kept as JSON.
package policy

import (
	"time"

	"guildhall/sdk/go/license/fingerprint"
)

// Version is that of the JSON.
const Version = 1

// Mode says where the end of a card comes from.
type Mode string

// The time modes.
const (
	// Days counts from the first use. A fixed end of the card is the latest end.
	Days Mode = "days"
	// Until is the card's fixed end. A card without one never ends.
	Until Mode = "until"
	// Subscription is paid until the card's fixed end, or for the days from the first
	// use where the card has none; each payment moves the end.
	Subscription Mode = "subscription"
	// Trial is Days, once for a machine.
	Trial Mode = "trial"
)

// Expired says what a card still does when its end and its grace are over.
type Expired string

// What happens at the end.
const (
	Refuse   Expired = "refuse"    // nothing
	ReadOnly Expired = "read_only" // the program shows what there is; see Policy.ReadOnly
	Run      Expired = "run"       // the program runs on
)

// IPRule says how the machine that a card is bound to is recognised.
type IPRule string

// The rules of recognition.
const (
	HWOrIP  IPRule = "hw_or_ip"  // hardware or address is the same
	HW      IPRule = "hw"        // the hardware is
	HWAndIP IPRule = "hw_and_ip" // both are
	Score   IPRule = "score"     // the address weighs like one more component
)

// Policy is what the vendor decides for a kind of cards.
type Policy struct {
	V    int    `json:"v"`
	Time Time   `json:"time"`
	IP   IPRule `json:"ip_rule"`
	// Fingerprint says when hardware is the same.
	Fingerprint Fingerprint `json:"fingerprint"`
	// Modules are the parts of the product that its holder may use; Any is all.
	Modules []string `json:"modules"`
	// Functions are those on the server that its holder may call, by name.
	Functions map[string]Function `json:"functions"`
	// Files says whether its holder may download the files of releases.
	Files bool `json:"files"`
	// Proof demands that each request proves possession of the device key that was
	// registered when the card was bound.
	Proof bool `json:"proof"`
	// ActivateOnAny lets every call activate and bind a new card. One that was taken off
	// its machine is bound again by activate alone.
	ActivateOnAny bool `json:"activate_on_any"`
	// Lease is how many hours a program may go on without reaching the server.
	Lease int `json:"lease_hours"`
	// Heartbeat is how many seconds lie between two heartbeats; 0: none are asked for.
	Heartbeat int      `json:"heartbeat_seconds"`
	Rebind    Rebind   `json:"rebind"`
	Alarms    Alarms   `json:"alarms"`
	ReadOnly  Reserved `json:"read_only"`
}

// Any in Modules stands for all.
const Any = "*"

// Time is how long a card is good.
type Time struct {
	Mode Mode `json:"mode"`
	// Days of a card that says none itself, for all modes but Until.
	Days int `json:"days"`
	// GraceDays are those after the end in which everything still works.
	GraceDays int     `json:"grace_days"`
	Expired   Expired `json:"expired"`
}

// Fingerprint is the rule for hardware.
type Fingerprint struct {
	// Weights by kind of component; nil: those of fingerprint.Weights.
	Weights map[string]int `json:"weights,omitempty"`
	// Share of the enrolled weight that must be shown again.
	Share float64 `json:"share"`
	// Learn lets what is enrolled follow a machine that is recognised, one changed
	// component a request.
	Learn bool `json:"learn"`
	// IPWeight is what the address weighs under the rule Score.
	IPWeight int `json:"ip_weight"`
}

// Rule is how fingerprints are compared.
func (f Fingerprint) Rule() fingerprint.Rule {
	return fingerprint.Rule{Weights: f.Weights, Share: f.Share}
}

// Function is what a holder may do with one function on the server.
type Function struct {
	// PerDay is how often it may be called on a day (UTC); 0: without limit.
	PerDay int `json:"per_day"`
}

// Rebind bounds how often customers move a card to another machine by themselves.
type Rebind struct {
	// PerYear is how often within 365 days; 0: never.
	PerYear int `json:"per_year"`
	// CooldownHours must lie between two moves.
	CooldownHours int `json:"cooldown_hours"`
}

// Alarms say when somebody should look at a card; 0: never.
type Alarms struct {
	// Fingerprints is how many different ones a card shows within 30 days.
	Fingerprints int `json:"fingerprints"`
	// Mismatches is how many refused machines it meets within a day.
	Mismatches int `json:"mismatches"`
}

// Reserved is what goes on for a card that is only good for reading. Activating,
// validating, heartbeats, opening and the time always do.
type Reserved struct {
	Functions bool `json:"functions"`
	Files     bool `json:"files"`
}

// Default is the policy of who decides nothing: a year from the first use, bound to
// hardware or address, with proof of possession.
func Default() Policy {
	return Policy{
		V:             Version,
		Time:          Time{Mode: Days, Days: 365, Expired: Refuse},
		IP:            HWOrIP,
		Fingerprint:   Fingerprint{Share: fingerprint.DefaultShare, Learn: true, IPWeight: 2},
		Modules:       []string{},
		Functions:     map[string]Function{},
		Proof:         true,
		ActivateOnAny: true,
		Lease:         72,
		Heartbeat:     900,
		Rebind:        Rebind{PerYear: 2, CooldownHours: 24},
		Alarms:        Alarms{Fingerprints: 3, Mismatches: 5},
	}
}

// Grace is how long everything still works after the end.
func (t Time) Grace() time.Duration { return day(t.GraceDays) }

func day(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
