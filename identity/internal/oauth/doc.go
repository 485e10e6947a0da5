// Package oauth holds the words of OAuth 2.0 and OpenID Connect that the other
// packages share: errors, scopes, grant and response types.
package oauth
