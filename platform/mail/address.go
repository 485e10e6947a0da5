package mail

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"guildhall/platform/fault"
)

// Limits of RFC 5321, section 4.5.3.1, in octets.
const (
	maxAddress = 254
	maxLocal   = 64
)

// ErrAddress says that a text is not an e-mail address that letters can go to.
var ErrAddress = fault.New(fault.Invalid, "mail_address", "This is not an e-mail address. Write one such as anna@example.com.")

// ParseAddress reads one bare address, such as "anna@example.com", and returns
// it without surrounding white space, otherwise as it was typed. Names, comments,
// quoted local parts, address literals and whatever is no host name are refused
// with ErrAddress. Other scripts are welcome on both sides (RFC 6531).
func ParseAddress(text string) (string, error) {
	text = strings.TrimSpace(text)
	local, domain, ok := cutLast(text)
	if !ok || len(text) > maxAddress || len(local) > maxLocal || !plain(text) {
		return "", ErrAddress
	}
	if _, err := asciiDomain(domain); err != nil {
		return "", ErrAddress
	}
	a, err := mail.ParseAddress(text)
	if err != nil || a.Address != text || a.Name != "" {
		return "", ErrAddress
	}
	return text, nil
}

// cutLast splits an address at its last @.
func cutLast(text string) (local, domain string, ok bool) {
	i := strings.LastIndexByte(text, '@')
	if i < 0 {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}

// plain says that the text has nothing that means something in a header or that
// nobody sees.
func plain(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if strings.ContainsRune(`"\<>()[],;:`, r) || !unicode.IsGraphic(r) || unicode.IsSpace(r) {
			return false
		}
	}
	return true
}

// asciiDomain is a host name as mail servers take it: "xn--..." for other scripts.
func asciiDomain(domain string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", err
	}
	if len(ascii) > 253 {
		return "", ErrAddress
	}
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || len(label) > 63 {
			return "", ErrAddress
		}
	}
	return ascii, nil
}
