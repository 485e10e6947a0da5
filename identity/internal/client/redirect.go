package client

import (
	"slices"
	"strings"
)

// RedirectAllowed says whether the application registered the URI: the very same
// string. For a native application a registered URI on the loopback address
// matches with any port (RFC 8252, 7.3).
func (m *Metadata) RedirectAllowed(uri string) bool {
	if slices.Contains(m.RedirectURIs, uri) {
		return true
	}
	bare, ok := withoutPort(uri)
	return ok && m.Kind == Native && slices.ContainsFunc(m.RedirectURIs, func(registered string) bool {
		r, ok := withoutPort(registered)
		return ok && r == bare
	})
}

// PostLogoutAllowed says whether the browser may be sent to the URI after a
// sign-out; it matches as redirect URIs do.
func (m *Metadata) PostLogoutAllowed(uri string) bool {
	return (&Metadata{Kind: m.Kind, RedirectURIs: m.PostLogoutURIs}).RedirectAllowed(uri)
}

// withoutPort is an http URI on the loopback address without its port. It cuts
// the string and parses nothing, so that no two parsers can disagree.
func withoutPort(uri string) (string, bool) {
	for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
		rest, ok := strings.CutPrefix(uri, host)
		if !ok {
			continue
		}
		if port, found := strings.CutPrefix(rest, ":"); found {
			rest = strings.TrimLeft(port, "0123456789")
			if digits := len(port) - len(rest); digits < 1 || digits > 5 {
				return "", false
			}
		}
		return host + rest, rest == "" || rest[0] == '/' || rest[0] == '?'
	}
	return "", false
}
