package main

import (
	"fmt"
	"strings"
	"unicode"
)

// visible shows what would steer a terminal, and what would turn a line around:
// much of what is printed was typed by others, and refused names stand in the
// audit log as they came.
func visible(text string) string { return escape(text, "\n\t") }

// oneLine is visible for a text that must not begin another line.
func oneLine(text string) string { return escape(text, "") }

func escape(text, but string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case strings.ContainsRune(but, r):
			b.WriteRune(r)
		case unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
