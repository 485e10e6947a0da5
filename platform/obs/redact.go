package obs

import (
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"guildhall/platform/config"
)

// redact is called by slog for every attribute that is no group.
func redact(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		if a.Value.Kind() == slog.KindTime {
			a.Value = slog.TimeValue(a.Value.Time().UTC())
		}
		return a
	}
	if secretName(a.Key) || slices.ContainsFunc(groups, secretName) {
		return slog.String(a.Key, config.Mask)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(scrub(a.Value.String()))
	case slog.KindAny:
		a.Value = slog.AnyValue(plain(a.Value.Any(), 0))
	}
	return a
}

// secretName says whether what has this name is secret: "password_hash",
// "X-Api-Key", "joinToken", but not "key_type" nor "public_key".
func secretName(name string) bool {
	parts := words(name)
	if slices.ContainsFunc(parts, secretWord) {
		return true
	}
	if len(parts) == 0 {
		return false
	}
	switch parts[len(parts)-1] {
	case "token", "tokens", "pin":
		return true
	case "key", "keys":
		return len(parts) == 1 || parts[len(parts)-2] != "public"
	}
	return false
}

// secretWord is a word that makes any name secret.
func secretWord(w string) bool {
	switch w {
	case "password", "passwords", "passwd", "passphrase", "pwd", "secret", "secrets", "credential", "credentials",
		"authorization", "cookie", "cookies", "apikey", "privatekey", "otp", "totp", "cvv", "cvc", "csrf":
		return true
	}
	return false
}

// words splits a name at punctuation and at capitals, in lower case.
func words(name string) []string {
	if !strings.ContainsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return []string{name} // as most names are
	}
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			b.WriteByte(' ')
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}
