package authorize

import (
	"net/url"

	"guildhall/identity/internal/oauth"
)

// Answer is what goes back to the application by the browser.
type Answer struct {
	RedirectURI string
	// Mode is one of oauth.Mode…
	Mode   string
	Values url.Values
}

// Location is where the browser goes with the answer. An answer by form_post has
// none: its Values are posted to the RedirectURI.
func (a Answer) Location() string {
	u, err := url.Parse(a.RedirectURI)
	if err != nil { // a registered address is one
		return ""
	}
	switch a.Mode {
	case oauth.ModeFormPost:
		return ""
	case oauth.ModeFragment:
		return u.String() + "#" + a.Values.Encode()
	}
	// What the application registered stays as it is, byte for byte.
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += a.Values.Encode()
	return u.String()
}

// Refused is an error that is answered to the application.
type Refused struct {
	Answer
	Reason *oauth.Error
}

// Error is the reason.
func (r *Refused) Error() string { return r.Reason.Error() }

// Unwrap returns the reason.
func (r *Refused) Unwrap() error { return r.Reason }

// answer is an answer to the request with its state, and with who answers
// (RFC 9207).
func (s *Service) answer(r *Request, values url.Values) Answer {
	if r.State != "" {
		values.Set("state", r.State)
	}
	values.Set("iss", s.o.Issuer)
	return Answer{RedirectURI: r.RedirectURI, Mode: r.Mode, Values: values}
}

func (s *Service) refuse(r *Request, reason *oauth.Error) *Refused {
	return &Refused{Answer: s.answer(r, reason.Values()), Reason: reason}
}
