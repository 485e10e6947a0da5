package mail

import (
	"context"
	"time"
)

// Message asks for a letter.
type Message struct {
	// To is the address, as ParseAddress takes it; Name the person's, or empty.
	// Whoever has not proved that the address is his must not choose Name: else
	// this installation writes his text to strangers.
	To, Name string
	// Language is the reader's, as i18n.Lang tells it; empty means that of the
	// installation, unknown English.
	Language string
	// Template names the letter: "identity.register".
	Template string
	// Data is what the template shows. To, Name, Product, Language and Subject
	// are set by Send.
	Data map[string]any
	// Until is when the letter is of no use any more, such as one with a code
	// that has run out: then it is not sent. Zero means never.
	Until time.Time
}

// Letter is a rendered message.
type Letter struct {
	// ID is the Message-ID without angle brackets. It never changes.
	ID string `json:"id"`
	// From is an address with or without a name; To is an address, ToName its
	// owner's name or empty.
	From   string `json:"from"`
	To     string `json:"to"`
	ToName string `json:"to_name,omitempty"`
	// Subject is one line. Text and HTML say the same.
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	At      time.Time `json:"at"`
}

// Sender delivers letters. An error that matches ErrRefused will come again for
// the same letter; every other one may pass.
type Sender interface {
	Send(ctx context.Context, l Letter) error
}
