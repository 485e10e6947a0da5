package ui

// Tone is the meaning that a colour carries. It never stands alone: every
// component that takes one also shows a word or an icon.
type Tone string

// The tones. The accent is none of them: it belongs to the brand and to the
// primary action.
const (
	Neutral Tone = ""
	Good    Tone = "good"
	Warn    Tone = "warn"
	Bad     Tone = "bad"
	Info    Tone = "info"
)

func (t Tone) class() string {
	if t == Neutral {
		return "neutral"
	}
	return string(t)
}

func (t Tone) icon() string {
	switch t {
	case Good:
		return "check"
	case Warn, Bad:
		return "alert"
	}
	return "info"
}

// role makes screen readers speak errors at once and notices in their turn.
func (t Tone) role() string {
	if t == Bad {
		return "alert"
	}
	return "status"
}

// Flash is a message shown once, at the top of the next page.
type Flash struct {
	Tone Tone   `json:"t"`
	Text string `json:"m"`
}
