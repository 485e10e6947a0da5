package manage

// Rules are what a policy says of its cards.
type Rules struct {
	V             int                     `json:"v" minimum:"1" maximum:"1" doc:"The version of this form."`
	Time          TimeRule                `json:"time"`
	IP            string                  `json:"ip_rule" enum:"hw_or_ip,hw,hw_and_ip,score" doc:"How the machine is recognised: hardware or address is the same; the hardware; both; or the address weighs like one more component."`
	Fingerprint   FingerprintRule         `json:"fingerprint"`
	Modules       []string                `json:"modules" nullable:"false" doc:"The parts of the product that may be used; * is all."`
	Functions     map[string]FunctionRule `json:"functions" doc:"The functions on the server that may be called."`
	Files         bool                    `json:"files" doc:"Whether files of releases may be downloaded."`
	Proof         bool                    `json:"proof" doc:"Whether each request must prove possession of the device key."`
	ActivateOnAny bool                    `json:"activate_on_any" doc:"Whether every call activates a card, not activate alone."`
	Lease         int                     `json:"lease_hours" doc:"How many hours a program may go on without the server."`
	Heartbeat     int                     `json:"heartbeat_seconds" doc:"Seconds between heartbeats; 0: none are asked for."`
	Rebind        RebindRule              `json:"rebind"`
	Alarms        AlarmRule               `json:"alarms"`
	ReadOnly      ReadOnlyRule            `json:"read_only"`
}

// TimeRule is how long a card is good.
type TimeRule struct {
	Mode      string `json:"mode" enum:"days,until,subscription,trial" doc:"days from the first use; until the card's fixed end; subscription: paid until the fixed end, or for the days; trial: days, once for a machine."`
	Days      int    `json:"days" doc:"Of a card that says none itself."`
	GraceDays int    `json:"grace_days" doc:"Days after the end in which everything still works."`
	Expired   string `json:"expired" enum:"refuse,read_only,run" doc:"What happens when the end and its grace are over."`
}

// FingerprintRule says when hardware is the same.
type FingerprintRule struct {
	Weights  map[string]int `json:"weights,omitempty" doc:"By kind of component; absent: the usual ones."`
	Share    float64        `json:"share" doc:"Share of the enrolled weight that must be shown again." example:"0.6"`
	Learn    bool           `json:"learn" doc:"Whether what is enrolled follows a machine that is recognised."`
	IPWeight int            `json:"ip_weight" doc:"What the address weighs under the rule score."`
}

// FunctionRule is what may be done with one function on the server.
type FunctionRule struct {
	PerDay int `json:"per_day" doc:"How often it may be called on a day (UTC); 0: without limit."`
}

// RebindRule bounds how often customers move a card to another machine by themselves.
type RebindRule struct {
	PerYear       int `json:"per_year" doc:"How often within 365 days; 0: never."`
	CooldownHours int `json:"cooldown_hours" doc:"Hours between two moves."`
}

// AlarmRule says when somebody should look at a card; 0: never.
type AlarmRule struct {
	Fingerprints int `json:"fingerprints" doc:"How many different ones within 30 days."`
	Mismatches   int `json:"mismatches" doc:"How many refused machines within a day."`
}

// ReadOnlyRule is what goes on for a card that is only good for reading.
type ReadOnlyRule struct {
	Functions bool `json:"functions"`
	Files     bool `json:"files"`
}

// DefaultRules are those of who decides nothing: a year from the first use, bound to
// hardware or address, with proof of possession.
func DefaultRules() Rules {
	return Rules{
		V:             1,
		Time:          TimeRule{Mode: "days", Days: 365, Expired: "refuse"},
		IP:            "hw_or_ip",
		Fingerprint:   FingerprintRule{Share: 0.6, Learn: true, IPWeight: 2},
		Modules:       []string{},
		Functions:     map[string]FunctionRule{},
		Proof:         true,
		ActivateOnAny: true,
		Lease:         72,
		Heartbeat:     900,
		Rebind:        RebindRule{PerYear: 2, CooldownHours: 24},
		Alarms:        AlarmRule{Fingerprints: 3, Mismatches: 5},
	}
}
