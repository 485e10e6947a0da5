package client

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// uriCharacters are those of RFC 3986 without "#", and without "*", which some
// readers take for a wildcard.
var uriCharacters = regexp.MustCompile(`^[A-Za-z0-9._~:/?\[\]@!$&'()+,;=%-]*$`)

// checkURI says what is wrong with an address that tokens or codes are sent to;
// empty: nothing. The URI must look the same to every parser, so what some of
// them read in another way is refused.
func checkURI(uri, kind string, development bool) string {
	switch {
	case uri == "":
		return "The URI is empty."
	case len(uri) > maxURI:
		return fmt.Sprintf("The URI has more than %d characters.", maxURI)
	case strings.Contains(uri, "#"):
		return "A fragment (#) cannot stand here."
	case strings.Contains(uri, "*"):
		return "There are no wildcards. Name every URI."
	case !uriCharacters.MatchString(uri):
		return "The URI has characters that do not belong in one. Write them as %XX."
	}
	u, err := url.Parse(uri)
	if err != nil {
		return "This is no URI."
	}
	scheme, rest, _ := strings.Cut(uri, ":")
	switch {
	case !u.IsAbs():
		return "The URI is not absolute: it needs scheme and host, as in https://shop.example.org/back."
	case u.Scheme != scheme:
		return "The scheme is written in lower case."
	case u.Opaque != "" || !strings.HasPrefix(rest, "/"):
		return "After the scheme comes //host/path, or /path with a scheme of one's own."
	case strings.Contains(u.Host, "@") || u.User != nil:
		return "User name and password cannot stand here."
	}
	if why := checkPath(u); why != "" {
		return why
	}
	if scheme != "https" && scheme != "http" {
		return checkOwnScheme(u, kind)
	}
	if why := checkHost(u); why != "" {
		return why
	}
	if scheme == "http" && !plainAllowed(uri, u.Hostname(), kind, development) {
		return "The URI must begin with https://. Only native applications come back by http, to http://127.0.0.1/ or http://[::1]/."
	}
	return ""
}

// plainAllowed says whether the address is on this machine and http is good for
// it. "localhost" may be looked up elsewhere, so it is for development alone.
func plainAllowed(uri, host, kind string, development bool) bool {
	if _, loopback := withoutPort(uri); loopback {
		return kind == Native || development
	}
	return development && (host == "localhost" || strings.HasSuffix(host, ".localhost"))
}

func checkPath(u *url.URL) string {
	const steps = "The path must not have the steps . and .., also not as %2e."
	for step := range strings.SplitSeq(u.Path, "/") {
		if step == "." || step == ".." {
			return steps
		}
	}
	encoded := strings.ToLower(u.EscapedPath())
	for _, odd := range []string{"%2f", "%5c", "%25", "%2e"} {
		if strings.Contains(encoded, odd) {
			return "The path must not have encoded slashes, backslashes, dots and percent signs: programs read them in different ways."
		}
	}
	if strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "The path must not have control characters."
	}
	return ""
}

// label is a part of a host name.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// number is what browsers take for a part of an IPv4 address.
var number = regexp.MustCompile(`^([0-9]+|0x[0-9a-f]*)$`)

func checkHost(u *url.URL) string {
	const why = "The host is a name in lower case or an IP address as it is usually written, and a port after it a number from 1 to 65535."
	host := u.Hostname()
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || port[0] == '0' {
			return why
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return why
	}
	if strings.HasPrefix(u.Host, "[") {
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() || a.Zone() != "" || a.Is4In6() || a.String() != host {
			return why
		}
		return ""
	}
	labels := strings.Split(host, ".")
	if len(host) > maxNames || slices.ContainsFunc(labels, func(l string) bool { return !label.MatchString(l) }) {
		return why
	}
	if number.MatchString(labels[len(labels)-1]) {
		if a, err := netip.ParseAddr(host); err != nil || a.String() != host {
			return why
		}
	}
	return ""
}

// ownScheme is a private-use scheme: a domain name turned round (RFC 8252, 7.1).
var ownScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`)

func checkOwnScheme(u *url.URL, kind string) string {
	switch {
	case kind != Native:
		return "The URI must begin with https://. Schemes of their own are for native applications."
	case !ownScheme.MatchString(u.Scheme):
		return "A scheme of one's own is a domain name turned round, as in org.example.shop:/back."
	case u.Port() != "" || u.Host != "" && strings.ContainsFunc(u.Host, func(r rune) bool { return !hostCharacter(r) }):
		return "The part after // is a simple name."
	case u.Host == "" && u.Path == "":
		return "After the scheme comes a path, as in org.example.shop:/back."
	}
	return ""
}

func hostCharacter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.'
}

// answers are the parameters that the provider adds to a redirect URI.
var answers = []string{"code", "state", "iss", "error", "error_description", "error_uri", "response", "session_state",
	"access_token", "token_type", "expires_in", "id_token", "scope", "logout_token"}

// checkAnswers refuses parameters that an answer would be mistaken for.
func checkAnswers(uri string) string {
	_, query, _ := strings.Cut(uri, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return "The part after ? is not name=value, joined by &."
	}
	for _, name := range answers {
		if values.Has(name) {
			return fmt.Sprintf("The parameter %q is one that the answer brings. Leave it out.", name)
		}
	}
	return ""
}
