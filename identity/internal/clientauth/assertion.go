package clientauth

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/jws"
)

const (
	// AssertionLife is how far ahead an assertion may end: so long its id is kept.
	AssertionLife = 10 * time.Minute
	// skew is how far an application's clock may be ahead.
	skew = 30 * time.Second
	// maxJTI bounds "jti", in bytes.
	maxJTI = 256
)

// claims are those of an assertion: RFC 7523, 3.
type claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Expires   float64  `json:"exp"`
	NotBefore float64  `json:"nbf"`
	IssuedAt  float64  `json:"iat"`
	ID        string   `json:"jti"`
}

// audience is one text or a list of them: RFC 7519, 4.1.3.
type audience []string

// UnmarshalJSON reads both.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// subject is whom an assertion says that it is about. Nobody has checked that.
func subject(assertion string) (string, error) {
	if len(assertion) > jws.MaxBytes {
		return "", errors.New("the assertion is too long")
	}
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return "", errors.New("the assertion has not three parts")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var said claims
	if err := json.Unmarshal(payload, &said); err != nil {
		return "", err
	}
	if said.Subject == "" {
		return "", errors.New("the assertion has no sub")
	}
	return said.Subject, nil
}

// assertion checks an assertion of the application, whose id is used up by it.
func (d *Desk) assertion(ctx context.Context, c *client.Client, text string, audiences []string) (why string, err error) {
	said, why := verified(c, text)
	if why != "" {
		return why, nil
	}
	now := d.o.Now()
	ends := time.UnixMicro(int64(said.Expires * 1e6))
	switch {
	case said.Issuer != c.ID || said.Subject != c.ID:
		return "assertion_of_another", nil
	case !slices.ContainsFunc(said.Audience, func(a string) bool { return slices.Contains(audiences, a) }):
		return "assertion_for_another", nil
	case said.Expires < 0 || said.Expires > 1<<40 || !ends.After(now) || ends.After(now.Add(AssertionLife+skew)):
		return "assertion_time", nil
	case said.NotBefore > seconds(now.Add(skew)) || said.IssuedAt > seconds(now.Add(skew)):
		return "assertion_time", nil
	case said.ID == "" || len(said.ID) > maxJTI:
		return "assertion_id", nil
	}
	first, err := d.o.Once(ctx, "assertion\x00"+c.ID+"\x00"+said.ID, ends)
	return unless(first, "assertion_again"), err
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// verified are the claims of an assertion that a key of the application signed.
func verified(c *client.Client, text string) (said claims, why string) {
	token, err := jws.Parse(text)
	if err != nil {
		return said, "assertion_malformed"
	}
	for _, key := range keys(c) {
		if token.KeyID != "" && key.KeyID != "" && key.KeyID != token.KeyID || key.Use != "" && key.Use != "sig" {
			continue
		}
		if key.Algorithm != "" && !jws.Same(key.Algorithm, token.Algorithm) {
			continue
		}
		var try claims
		if token.Verify(key.Key, &try) == nil {
			return try, ""
		}
	}
	return said, "assertion_signature"
}

// keys are the application's registered ones; none for what cannot be read.
func keys(c *client.Client) []jose.JSONWebKey {
	var set jose.JSONWebKeySet
	if len(c.JWKS) == 0 || json.Unmarshal(c.JWKS, &set) != nil {
		return nil
	}
	return set.Keys
}
