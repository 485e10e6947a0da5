package authorize

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"guildhall/identity/internal/oauth"
)

// The values of the parameter "prompt" (OpenID Connect Core, 3.1.2.1).
const (
	promptNone    = "none"
	promptLogin   = "login"
	promptConsent = "consent"
	promptSelect  = "select_account"
)

// unlimited is MaxAge when nothing was said of it.
const unlimited = -1

// Request is an authorization request that was read and found good.
type Request struct {
	// ID is where it waits; empty before.
	ID           string `json:"-"`
	Client       string `json:"-"`
	ResponseType string `json:"response_type"`
	RedirectURI  string `json:"redirect_uri"`
	// GivenURI says that the request named it, so that the token request has to.
	GivenURI bool         `json:"given_uri,omitempty"`
	Mode     string       `json:"mode"`
	State    string       `json:"state,omitempty"`
	Scopes   oauth.Scopes `json:"scopes,omitempty"`
	Nonce    string       `json:"nonce,omitempty"`
	// Challenge is of the method S256; empty: none.
	Challenge string   `json:"challenge,omitempty"`
	Prompt    []string `json:"prompt,omitempty"`
	// MaxAge is in seconds, or unlimited.
	MaxAge    int64           `json:"max_age"`
	ACR       []string        `json:"acr,omitempty"`
	LoginHint string          `json:"login_hint,omitempty"`
	Locales   []string        `json:"locales,omitempty"`
	Audiences []string        `json:"audiences,omitempty"`
	Claims    json.RawMessage `json:"claims,omitempty"`
	JKT       string          `json:"jkt,omitempty"`
	// Subject is the account that it is about, by id_token_hint or claims; empty:
	// any.
	Subject string `json:"subject,omitempty"`
	// Demanded are the levels of which the ID token must have one.
	Demanded []string `json:"demanded,omitempty"`
	// Chosen is the account that its person chose to go on with.
	Chosen string `json:"chosen,omitempty"`
	// MadeAt is when the browser came with it.
	MadeAt time.Time `json:"-"`
}

func (r *Request) prompts(value string) bool { return slices.Contains(r.Prompt, value) }

// code says whether the answer is to carry a code; else it carries the tokens.
func (r *Request) code() bool { return r.ResponseType == oauth.ResponseCode }

// has says whether a word is among those of the response type.
func (r *Request) has(word string) bool {
	return slices.Contains(strings.Fields(r.ResponseType), word)
}

// strong says whether a password alone is not what was asked for.
func strong(acr []string) bool {
	return slices.Contains(acr, oauth.ACRStrong) && !slices.Contains(acr, oauth.ACRPassword)
}
