package oauth_test

import (
	"slices"
	"testing"

	"guildhall/identity/internal/oauth"
)

func FuzzParseScopes(f *testing.F) {
	for _, text := range []string{"", "openid", " openid  email openid ", "a\"b", "a\\b", "ä", "a\x00", "a\tb"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		scopes, err := oauth.ParseScopes(text)
		if err != nil {
			return
		}
		again, err := oauth.ParseScopes(scopes.String())
		if err != nil || !slices.Equal(scopes, again) {
			t.Errorf("%q is %q, and that %q, %v", text, scopes, again, err)
		}
	})
}
