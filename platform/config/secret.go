package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
)

// Mask stands for a secret wherever it is shown.
const Mask = "********"

// Secret is a text that no log, error, page or printed configuration shows.
// Every common way to print it gives the Mask. (An unexported field of another
// package is out of reach of its methods when fmt prints the struct around it.)
type Secret string

// Reveal is the secret itself, for the one place that uses it.
func (s Secret) Reveal() string { return string(s) }

// String is the Mask, or empty for an empty secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Mask
}

// Format prints the Mask for every verb, those that make no sense included:
// fmt would show the value itself beside its complaint.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		_, _ = fmt.Fprintf(f, "%q", s.String())
		return
	}
	_, _ = io.WriteString(f, s.String())
}

// LogValue is what slog writes.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is what encoders of JSON, YAML and XML write.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text as it is, but nothing with the Mask in it: that is
// what a printed configuration shows in the secret's place.
func (s *Secret) UnmarshalText(text []byte) error {
	if strings.Contains(string(text), Mask) {
		return fmt.Errorf("is the mask that a printed configuration shows; write the secret itself")
	}
	*s = Secret(text)
	return nil
}

// masked is what an operator is shown of a secret: of the address of a database or a server all
// but the password, since which database it is explains most surprises.
func masked(s Secret) string {
	u, err := url.Parse(s.Reveal())
	if err != nil || !slices.Contains([]string{"postgres", "postgresql", "sqlite", "redis", "rediss", "unix"}, u.Scheme) {
		return s.String()
	}
	for key := range u.Query() {
		if strings.Contains(strings.ToLower(key), "pass") {
			return s.String()
		}
	}
	if _, with := u.User.Password(); !with {
		return s.Reveal()
	}
	return strings.Replace(u.Redacted(), ":xxxxx@", ":"+Mask+"@", 1)
}
