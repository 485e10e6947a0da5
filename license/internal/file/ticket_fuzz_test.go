package file

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"guildhall/platform/fault"
)

// FuzzTicket reads whatever as a ticket: none is good but those that were made, and each
// of these in its one form.
func FuzzTicket(f *testing.F) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	d := &Desk{o: Options{Now: func() time.Time { return now }}, ticket: make([]byte, 32)}
	good, over := d.Ticket("fil_1", "ENVIRONMENT", now.Add(time.Hour)), d.Ticket("fil_1", "ENVIRONMENT", now)
	for _, text := range []string{"", good, over, good + "=", good[:len(good)-1], base64.RawURLEncoding.EncodeToString(make([]byte, 40))} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, environment, err := d.read(text)
		switch {
		case text == good:
			if err != nil || file != "fil_1" || environment != "ENVIRONMENT" {
				t.Fatalf("%q, %q, %v", file, environment, err)
			}
		case text == over:
			if !errors.Is(err, ErrTicketOver) {
				t.Fatal(err)
			}
		case !errors.Is(err, ErrTicket), fault.As(err).Kind != fault.Forbidden:
			t.Fatalf("%q opens %q for %q: %v", text, file, environment, err)
		}
	})
}
