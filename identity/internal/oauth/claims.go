package oauth

import (
	"encoding/json"
	"slices"
)

const (
	maxClaimsBytes = 4096
	maxClaims      = 50
)

// Claims are what a client asks for by the parameter "claims": OpenID Connect
// Core, 5.5.
type Claims struct {
	UserInfo map[string]*Claim `json:"userinfo,omitempty"`
	IDToken  map[string]*Claim `json:"id_token,omitempty"`
}

// Claim says how one is asked for; nil is voluntary, whatever its value.
type Claim struct {
	Essential bool  `json:"essential,omitempty"`
	Value     any   `json:"value,omitempty"`
	Values    []any `json:"values,omitempty"`
}

// ParseClaims reads the parameter; an empty text asks for nothing. The error is
// InvalidRequest.
func ParseClaims(text string) (Claims, error) {
	var c Claims
	if text == "" {
		return c, nil
	}
	if len(text) > maxClaimsBytes {
		return c, NewError(InvalidRequest, "The parameter claims is longer than %d bytes.", maxClaimsBytes)
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Claims{}, NewError(InvalidRequest, "The parameter claims is not the JSON object of OpenID Connect Core, 5.5.").Because(err)
	}
	if len(c.UserInfo)+len(c.IDToken) > maxClaims {
		return Claims{}, NewError(InvalidRequest, "The parameter claims asks for more than %d.", maxClaims)
	}
	return c, nil
}

// Demands says whether the claim must have one of the values that are asked for
// to be of use, and which they are. None: nothing is demanded.
func (c *Claim) Demands() []string {
	if c == nil || !c.Essential {
		return nil
	}
	return c.Wanted()
}

// Wanted are the texts that the claim should be one of.
func (c *Claim) Wanted() []string {
	if c == nil {
		return nil
	}
	var list []string
	for _, v := range append([]any{c.Value}, c.Values...) {
		if text, ok := v.(string); ok && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return list
}
