package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// TypeAccess is the header "typ" of access tokens: RFC 9068.
	TypeAccess = "at+jwt"
	// Skew is how far the clock of whoever verifies may differ from identity's.
	Skew = 5 * time.Second
	// maxToken bounds an access token, in bytes.
	maxToken = 16 << 10
)

var (
	// ErrToken says that a token is to be refused: it is not identity's, or not for
	// this audience, or over. The text around it says which; keep it for the log.
	ErrToken = errors.New("the access token is refused")
	// ErrKey is an ErrToken whose key is not in the set: the set may be old.
	ErrKey = fmt.Errorf("%w: no key of the set signed it", ErrToken)
)

// Claims are what an access token says.
type Claims struct {
	Issuer string
	// Subject is the account ("usr_..."), or the application itself when it came
	// with its own credentials: then Grant is empty.
	Subject  string
	Audience []string
	// IssuedAt and ExpiresAt are exact to a second.
	IssuedAt, ExpiresAt time.Time
	// ID is the token's own, Client the application that got it.
	ID, Client string
	Scopes     []string
	// AuthTime is when the person last showed who it is, ACR how surely ("aal1",
	// "aal2") and AMR by what; zero and empty without a person.
	AuthTime time.Time
	ACR      string
	AMR      []string
	// Session is the person's session at identity ("ses_...") and Grant what the
	// token follows from ("gnt_..."); each may be empty.
	Session, Grant string
	// Roles are the person's roles, when the scope "roles" was granted.
	Roles []string
}

// claims are Claims on the wire.
type claims struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  []string        `json:"aud"` // identity always writes a list
	Expires   int64           `json:"exp"`
	IssuedAt  int64           `json:"iat"`
	NotBefore int64           `json:"nbf"`
	ID        string          `json:"jti"`
	Client    string          `json:"client_id"`
	Scope     string          `json:"scope"`
	AuthTime  int64           `json:"auth_time"`
	ACR       string          `json:"acr"`
	AMR       []string        `json:"amr"`
	Session   string          `json:"sid"`
	Grant     string          `json:"gid"`
	Roles     []string        `json:"roles"`
	Bound     json.RawMessage `json:"cnf"`
}

// Expected is what a token must say to be accepted.
type Expected struct {
	// Issuer is identity's public address, Audience the address that the caller
	// serves under.
	Issuer, Audience string
	Now              time.Time
}

// Access verifies an access token by the keys, without asking anybody: whether it
// was revoked it cannot tell. A token that is bound to a key (RFC 9449, RFC 8705) is
// refused, since whoever presents it here proved nothing.
func (k *KeySet) Access(token string, e Expected) (Claims, error) {
	if len(token) > maxToken {
		return Claims{}, fmt.Errorf("%w: it has more than %d bytes", ErrToken, maxToken)
	}
	payload, err := k.Open(token, TypeAccess)
	if err != nil {
		return Claims{}, err
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return Claims{}, fmt.Errorf("%w: its claims cannot be read: %w", ErrToken, err)
	}
	if err := c.check(e); err != nil {
		return Claims{}, err
	}
	return c.claims(), nil
}

func (c *claims) check(e Expected) error {
	now := e.Now.Unix()
	skew := int64(Skew / time.Second)
	switch {
	case e.Issuer == "" || c.Issuer != e.Issuer:
		return fmt.Errorf("%w: its issuer is %q", ErrToken, c.Issuer)
	case e.Audience == "" || !slices.Contains(c.Audience, e.Audience):
		return fmt.Errorf("%w: it is for %q", ErrToken, c.Audience)
	case now >= c.Expires+skew:
		return fmt.Errorf("%w: it is over", ErrToken)
	case max(c.NotBefore, c.IssuedAt) > now+skew:
		return fmt.Errorf("%w: it is from the future", ErrToken)
	case len(c.Bound) > 0:
		return fmt.Errorf("%w: it is bound to a key, and this is no place that asks for a proof", ErrToken)
	case c.ID == "" || c.Subject == "" || c.Client == "" || c.IssuedAt == 0:
		return fmt.Errorf("%w: it lacks claims of RFC 9068", ErrToken)
	}
	return nil
}

func (c *claims) claims() Claims {
	out := Claims{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(c.Expires, 0).UTC(),
		ID: c.ID, Client: c.Client, Scopes: strings.Fields(c.Scope), ACR: c.ACR, AMR: c.AMR, Session: c.Session, Grant: c.Grant, Roles: c.Roles}
	if c.AuthTime != 0 {
		out.AuthTime = time.Unix(c.AuthTime, 0).UTC()
	}
	return out
}
