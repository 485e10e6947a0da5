package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// tokenTimeout bounds a request for a token, maxGiven its answer in bytes.
	tokenTimeout = 30 * time.Second
	maxGiven     = 64 << 10
	// earlyMost is how long before its end a token is replaced, unless a tenth of its
	// life is less.
	earlyMost = time.Minute
)

// CredentialsOptions is what NewCredentials needs: Issuer, ClientID and Secret.
type CredentialsOptions struct {
	// Issuer is identity's public address, without final slash.
	Issuer string
	// ClientID and Secret are those of an application that may use client_credentials.
	ClientID, Secret string
	// Scopes are asked for; none are all that the application may.
	Scopes []string
	// Resource is what the tokens are for (RFC 8707); empty is identity itself.
	Resource string
	// HTTP asks for the tokens; nil is http.DefaultClient. Give one that trusts the
	// installation's root.
	HTTP *http.Client
	Now  func() time.Time
}

// Credentials gets access tokens for a program that acts for itself (RFC 6749, 4.4),
// and keeps each until shortly before it is over. It is safe for concurrent use: those
// who come while a token is got wait for it.
type Credentials struct {
	o    CredentialsOptions
	turn chan struct{} // held by whoever looks at what follows
	// token is given to those who come before fresh.
	token string
	fresh time.Time
}

// NewCredentials makes one. It asks for the first token when it is needed.
func NewCredentials(o CredentialsOptions) *Credentials {
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Credentials{o: o, turn: make(chan struct{}, 1)}
}

// TokenError is why identity gave no token: RFC 6749, 5.2.
type TokenError struct {
	// Status is that of the answer.
	Status int `json:"-"`
	// Code is "invalid_client", "invalid_scope" and so on; empty when the answer was
	// none of identity's.
	Code string `json:"error"`
	// Description says what was wrong.
	Description string `json:"error_description"`
}

// Error implements error.
func (e *TokenError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("identity answered %d instead of giving a token", e.Status)
	}
	return fmt.Sprintf("identity gives no token: %s: %s", e.Code, e.Description)
}

// Token is an access token that is good for a while. The error is a *TokenError, or
// why identity could not be asked.
func (c *Credentials) Token(ctx context.Context) (string, error) {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if c.token != "" && c.o.Now().Before(c.fresh) {
		return c.token, nil
	}
	asked := c.o.Now()
	given, err := c.ask(ctx)
	if err != nil {
		return "", err
	}
	life := time.Duration(given.ExpiresIn) * time.Second
	c.token, c.fresh = given.AccessToken, asked.Add(life-min(life/10, earlyMost))
	return c.token, nil
}

// Forget makes the next Token ask for another one: a service has refused this one.
// A token that was replaced already is no matter.
func (c *Credentials) Forget(token string) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if c.token == token {
		c.token = ""
	}
}

type givenToken struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"`
}

func (c *Credentials) ask(ctx context.Context) (*givenToken, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(c.o.Scopes) > 0 {
		form.Set("scope", strings.Join(c.o.Scopes, " "))
	}
	if c.o.Resource != "" {
		form.Set("resource", c.o.Resource)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.Issuer+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("ask identity for a token: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(c.o.ClientID), url.QueryEscape(c.o.Secret)) // RFC 6749, 2.3.1
	resp, err := c.o.HTTP.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask identity for a token: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxGiven))
	if err != nil {
		return nil, fmt.Errorf("read identity's token: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		e := &TokenError{}
		_ = json.Unmarshal(text, e) // what is no JSON, such as a proxy's page, has no code
		e.Status = resp.StatusCode
		return nil, e
	}
	var given givenToken
	if err := json.Unmarshal(text, &given); err != nil || given.AccessToken == "" || given.ExpiresIn <= 0 {
		return nil, &TokenError{Status: resp.StatusCode}
	}
	return &given, nil
}
