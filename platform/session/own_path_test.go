package session_test

import (
	"net/url"
	"strings"
	"testing"

	"guildhall/platform/session"
)

func TestOwnPathByExample(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/": "/", "/security": "/security", "/sessions?sort=seen&dir=asc": "/sessions?sort=seen&dir=asc", "/a%20b": "/a%20b",
		"": "/", "security": "/", "//evil.test": "/", "///evil.test": "/", "/\\evil.test": "/", "\\\\evil.test": "/", "https://evil.test": "/",
		"https:evil.test": "/", "javascript:alert(1)": "/", "/\t/evil.test": "/", "/\n/evil.test": "/", " //evil.test": "/", "/ /evil.test": "/",
		"//evil.test/%2f..": "/", "/%2f/evil.test": "/", "/%zz": "/", "/ž": "/", "http://identity.test/": "/", "?x": "/", "/" + strings.Repeat("a", 2000): "/",
	} {
		if got := session.OwnPath(text); got != want {
			t.Errorf("%q leads to %q, want %q", text, got, want)
		}
	}
}

// No text leads a browser to another host, read as browsers read addresses.
func FuzzOwnPath(f *testing.F) {
	for _, text := range []string{"/", "//x", "/\\x", "/a?b#c", "/%2f/x", "https://x", "/\x00", "/;x", "/.//x", "/..//x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := session.OwnPath(text)
		base := &url.URL{Scheme: "https", Host: "identity.test"}
		to, err := base.Parse(got)
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || strings.ContainsAny(got, "\\\r\n\t") || strings.HasPrefix(got, "//") {
			t.Fatalf("%q leads to %q: %v %v", text, got, to, err)
		}
	})
}
