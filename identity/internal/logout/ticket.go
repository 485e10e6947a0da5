package logout

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
)

const (
	// ticketLife is how long a person may think about it.
	ticketLife = 10 * time.Minute
	ticketName = "logout request"
)

// ticket is a request on its way through the browser.
type ticket struct {
	Client      string    `json:"client,omitempty"`
	Account     string    `json:"account,omitempty"`
	Session     string    `json:"session,omitempty"`
	RedirectURI string    `json:"uri,omitempty"`
	State       string    `json:"state,omitempty"`
	Locales     []string  `json:"locales,omitempty"`
	Wrong       Wrong     `json:"wrong,omitempty"`
	Until       time.Time `json:"until"`
}

// Seal is the request as a text that only Open reads. The application's ID token is
// not in it, so that it stays out of addresses.
func (d *Desk) Seal(r Request) (string, error) {
	t := ticket{Account: r.Account, Session: r.Session, RedirectURI: r.RedirectURI, State: r.State, Locales: r.Locales, Wrong: r.Wrong,
		Until: d.o.Now().Add(ticketLife)}
	if r.Client != nil {
		t.Client = r.Client.ID
	}
	text, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("write a logout request: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(d.o.Key.Seal(ticketName, text)), nil
}

// Open is the request that Seal wrote. Its application is looked at anew.
func (d *Desk) Open(ctx context.Context, text string) (Request, error) {
	t, good := d.open(text)
	if !good {
		return Request{Locales: t.Locales, Wrong: WrongOver}, nil
	}
	r := Request{Account: t.Account, Session: t.Session, RedirectURI: t.RedirectURI, State: t.State, Locales: t.Locales}
	wrong, err := t.Wrong, error(nil)
	if wrong == "" {
		wrong, err = d.vouch(ctx, &r, t.Client)
	}
	if err != nil || wrong != "" {
		return Request{Locales: t.Locales, Wrong: wrong}, err
	}
	return r, nil
}

// open is the ticket, if it was sealed here and its time is not over.
func (d *Desk) open(text string) (t ticket, good bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ticket{}, false
	}
	plain, err := d.o.Key.Open(ticketName, sealed)
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return ticket{}, false
	}
	return t, d.o.Now().Before(t.Until)
}
