package logout

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/signing"
)

// maxParams bounds the parameters of a request, in bytes; maxState what goes
// through the browser of them.
const (
	maxParams = 20 << 10
	maxState  = 2000
)

// Wrong says what was wrong with a request.
type Wrong string

// What can be wrong.
const (
	WrongRequest Wrong = "request" // a parameter is there twice, or it is too long
	WrongHint    Wrong = "hint"    // id_token_hint is no ID token of ours, or another application's
	WrongClient  Wrong = "client"  // the application is unknown or disabled, or not named
	WrongAddress Wrong = "address" // post_logout_redirect_uri is not registered
	WrongOver    Wrong = "over"    // it came too late, or was not sealed here
)

// Request is what an application asks for that sends a browser to sign out.
type Request struct {
	// Client is who asks; nil when it did not say.
	Client *client.Client
	// Account and Session are those of the ID token that it showed; empty without
	// one. Whose session this is need not be asked.
	Account, Session string
	// RedirectURI is where the browser goes afterwards, with the State; empty: it
	// stays here.
	RedirectURI, State string
	// Locales are the languages that the application wants, the best first.
	Locales []string
	// Wrong is empty, or what was wrong. Then nothing of the request is used but
	// its Locales.
	Wrong Wrong
}

// Location is where the browser goes back to, with the state; empty: nowhere.
func (r *Request) Location() string {
	if r.RedirectURI == "" || r.State == "" {
		return r.RedirectURI
	}
	// What the application registered stays as it is, byte for byte.
	glue := "?"
	if strings.Contains(r.RedirectURI, "?") {
		glue = "&"
	}
	return r.RedirectURI + glue + url.Values{"state": {r.State}}.Encode()
}

// Believed says whether the application has shown that it knows this session, so
// that the person need not be asked.
func (r *Request) Believed(account, session string) bool {
	return r.Wrong == "" && session != "" && r.Account == account && r.Session == session
}

// Read reads the parameters of a request. The error is ours alone; what is wrong
// with the request stands in it.
func (d *Desk) Read(ctx context.Context, params url.Values) (Request, error) {
	r := Request{Locales: strings.Fields(params.Get("ui_locales"))}
	wrong, err := d.read(ctx, &r, params)
	if err != nil || wrong != "" {
		return Request{Locales: r.Locales, Wrong: wrong}, err
	}
	return r, nil
}

func (d *Desk) read(ctx context.Context, r *Request, params url.Values) (Wrong, error) {
	if !once(params) || len(params.Get("state")) > maxState {
		return WrongRequest, nil
	}
	id := params.Get("client_id")
	if hint := params.Get("id_token_hint"); hint != "" {
		said, err := d.hint(ctx, hint)
		if errors.Is(err, signing.ErrToken) || err == nil && id != "" && id != said.Client {
			return WrongHint, nil
		}
		if err != nil {
			return "", err
		}
		id, r.Account, r.Session = said.Client, said.Account, said.Session
	}
	r.RedirectURI, r.State = params.Get("post_logout_redirect_uri"), params.Get("state")
	return d.vouch(ctx, r, id)
}

// vouch finds the client of a request, and looks whether its address is good.
func (d *Desk) vouch(ctx context.Context, r *Request, id string) (Wrong, error) {
	if id == "" && r.RedirectURI == "" {
		return "", nil
	}
	c, err := d.o.Clients.Get(ctx, id)
	if errors.Is(err, client.ErrNotFound) || err == nil && !c.Active() {
		return WrongClient, nil
	}
	if err != nil {
		return "", err
	}
	r.Client = &c
	if r.RedirectURI != "" && !c.PostLogoutAllowed(r.RedirectURI) {
		return WrongAddress, nil
	}
	return "", nil
}

// once says whether each parameter is there at most once, and all are of a
// bearable size.
func once(params url.Values) bool {
	size := 0
	for name, values := range params {
		if len(values) > 1 {
			return false
		}
		size += len(name) + len(values[0])
	}
	return size <= maxParams
}

// hinted is what an ID token says of a session.
type hinted struct {
	Issuer  string `json:"iss"`
	Client  string `json:"aud"`
	Account string `json:"sub"`
	Session string `json:"sid"`
}

// hint reads an ID token of ours, or returns signing.ErrToken. It may be over: an
// application that sends somebody away has long used it.
func (d *Desk) hint(ctx context.Context, token string) (said hinted, err error) {
	t, err := d.o.Minter.Signing.Verify(ctx, token)
	if err != nil {
		return hinted{}, err
	}
	if t.Type != mint.TypeID || json.Unmarshal(t.Payload, &said) != nil || said.Issuer != d.o.Minter.Issuer || said.Client == "" || said.Account == "" {
		return hinted{}, signing.ErrToken
	}
	return said, nil
}
