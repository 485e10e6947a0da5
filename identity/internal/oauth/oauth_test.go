package oauth_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"guildhall/identity/internal/oauth"
)

func TestScopesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	one := rapid.StringMatching(`[!#-\[\]-~]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(one, 0, 20, rapid.ID[string]).Draw(t, "scopes")
		blank := strings.Repeat(" ", rapid.IntRange(1, 3).Draw(t, "blanks"))
		got, err := oauth.ParseScopes(blank + strings.Join(append(want, want...), blank) + blank)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		again, err := oauth.ParseScopes(got.String())
		if err != nil || !slices.Equal(again, want) {
			t.Fatalf("again: %q, %v", again, err)
		}
		part := got[:rapid.IntRange(0, len(got)).Draw(t, "part")]
		if narrow, err := got.Narrow(part); err != nil || len(part) > 0 && !slices.Equal(narrow, part) || len(part) == 0 && !slices.Equal(narrow, got) {
			t.Fatalf("narrowed to %q: %q, %v", part, narrow, err)
		}
	})
}

func TestBadScopes(t *testing.T) {
	t.Parallel()
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprint("s", i)
	}
	for _, text := range []string{`a"b`, `a\b`, "ą", "a\tb", "a\nb", "a\x7f", strings.Repeat("x", 201), strings.Join(many, " ")} {
		_, err := oauth.ParseScopes(text)
		if e, ours := oauth.AsError(err); ours || e.Code != oauth.InvalidScope {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := (oauth.Scopes{"openid"}).Narrow(oauth.Scopes{"openid", "email"}); err == nil || !strings.Contains(err.Error(), "email") {
		t.Errorf("more than was granted: %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	secret := errors.New("the disk is full")
	e, ours := oauth.AsError(fmt.Errorf("redeem: %w", secret))
	if !ours || e.Code != oauth.ServerError || strings.Contains(e.Values().Encode(), "disk") || !errors.Is(e, secret) {
		t.Errorf("a failure of ours: %+v", e)
	}
	told := oauth.NewError(oauth.InvalidGrant, "The code %q is \\ over — ask.", "x\ny")
	if e, ours := oauth.AsError(fmt.Errorf("redeem: %w", told)); ours || e != told {
		t.Errorf("the protocol's error: %+v", e)
	}
	for _, c := range told.Description {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			t.Errorf("%q is not allowed in %q", c, told.Description)
		}
	}
	if told.Values().Get("error") != "invalid_grant" || told.Values().Get("error_description") != told.Description {
		t.Errorf("values: %v", told.Values())
	}
}
