package oauth

import (
	"slices"
	"strings"
)

// The scopes that identity answers; all but the last are OpenID Connect's.
const (
	ScopeOpenID  = "openid"
	ScopeProfile = "profile"
	ScopeEmail   = "email"
	ScopeOffline = "offline_access"
	// ScopeRoles is ours: what the person may do, for trusted applications alone.
	ScopeRoles = "roles"
)

// MaxScopes is how many scopes there are at once.
const MaxScopes = 50

const maxScopeBytes = 200

// Scopes are what a token is good for, each once, in the order asked for.
type Scopes []string

// ParseScopes reads the parameter "scope" (RFC 6749, 3.3). The error is
// InvalidScope.
func ParseScopes(text string) (Scopes, error) {
	var list Scopes
	for scope := range strings.SplitSeq(text, " ") {
		if scope == "" || slices.Contains(list, scope) {
			continue
		}
		if len(scope) > maxScopeBytes || strings.ContainsFunc(scope, func(c rune) bool { return c < '!' || c > '~' || c == '"' || c == '\\' }) {
			return nil, NewError(InvalidScope, "A scope has at most %d printable ASCII characters, without quotation mark and backslash.", maxScopeBytes)
		}
		if list = append(list, scope); len(list) > MaxScopes {
			return nil, NewError(InvalidScope, "More than %d scopes are asked for at once.", MaxScopes)
		}
	}
	return list, nil
}

// String joins the scopes by blanks, as the protocol writes them.
func (s Scopes) String() string { return strings.Join(s, " ") }

// Has says whether the scope is among them.
func (s Scopes) Has(scope string) bool { return slices.Contains(s, scope) }

// Beyond are the scopes that are not among allowed.
func (s Scopes) Beyond(allowed Scopes) Scopes {
	var more Scopes
	for _, scope := range s {
		if !allowed.Has(scope) {
			more = append(more, scope)
		}
	}
	return more
}

// Within are the scopes that are among allowed.
func (s Scopes) Within(allowed Scopes) Scopes { return s.Beyond(s.Beyond(allowed)) }

// Narrow is what is asked for when it is a part of what s allows, s itself when
// nothing is asked for. The error is InvalidScope.
func (s Scopes) Narrow(asked Scopes) (Scopes, error) {
	if len(asked) == 0 {
		return s, nil
	}
	if more := asked.Beyond(s); len(more) > 0 {
		return nil, NewError(InvalidScope, "Not granted: %s.", more)
	}
	return asked, nil
}
