package password

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // the common passwords
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"guildhall/platform/fault"
)

// The bounds of a password, in characters.
const (
	Min = 10
	Max = 128
)

// slack is how many characters beside a guessable word make no good password:
// "password2026", "!!dragon123".
const slack = 5

// The 10,000 most common passwords, and of the next 39,000 those that are long
// enough to be taken otherwise: lower case, sorted, one a line. They are the list
// of @zxcvbn-ts/language-common 4.1.3 (npm), which is Dropbox's zxcvbn list, made
// of passwords that became public. MIT licence, see common.LICENSE.
//
//go:embed common.txt.gz
var commonFile []byte

// readCommon unpacks the list.
func readCommon() map[string]struct{} {
	words := make(map[string]struct{}, 12_000)
	lines, err := gzip.NewReader(bytes.NewReader(commonFile))
	if err != nil {
		panic(err) // only for a file that was damaged before the build
	}
	s := bufio.NewScanner(lines)
	for s.Scan() {
		words[s.Text()] = struct{}{}
	}
	if err := s.Err(); err != nil {
		panic(err)
	}
	return words
}

// Check is nil for a password that is not easily guessed, else a fault that
// stands beside the field: by its length, because it is or contains little more
// than a common password, or what everybody knows of its owner.
func (h *Hasher) Check(field, text, email, name string) error {
	code, detail := h.problem(text, email, name)
	if code == "" {
		return nil
	}
	f := fault.Field{Name: field, Code: code, Detail: detail}
	switch code {
	case "too_short":
		f.Args = map[string]any{"Count": Min}
	case "too_long":
		f.Args = map[string]any{"Count": Max}
	}
	return fault.Fields(f)
}

func (h *Hasher) problem(text, email, name string) (code, detail string) {
	if text == "" {
		return "required", "Fill in this field."
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return "not_text", "The text holds bytes that are no characters. Type it again."
	}
	text = norm.NFC.String(text)
	switch n := utf8.RuneCountInString(text); {
	case n < Min:
		return "too_short", fmt.Sprintf("Use at least %d characters.", Min)
	case n > Max:
		return "too_long", fmt.Sprintf("Use at most %d characters.", Max)
	}
	folded := fold(text)
	if h.isCommon(folded) {
		return "password_common", "This password is among those that are tried first. Choose another, such as a few words that do not belong together."
	}
	local, _, _ := strings.Cut(email, "@")
	for _, known := range append(strings.Fields(name), email, local, name) {
		if mostly(folded, fold(known)) {
			return "password_personal", "This password is your name or your e-mail address, or little more. Choose another."
		}
	}
	return "", ""
}

func fold(text string) string { return strings.ToLower(norm.NFKC.String(text)) }

// isCommon looks for the password, and for what is left of it without digits and
// signs around a word.
func (h *Hasher) isCommon(folded string) bool {
	if _, found := h.common()[folded]; found {
		return true
	}
	if distinct(folded) < 4 {
		return true
	}
	stem := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	if utf8.RuneCountInString(folded)-utf8.RuneCountInString(stem) > slack {
		return false
	}
	_, found := h.common()[stem]
	return found
}

func distinct(text string) int {
	seen := map[rune]struct{}{}
	for _, r := range text {
		seen[r] = struct{}{}
	}
	return len(seen)
}

// mostly says that the password is the known text with little else. Shorter ones
// are in many words.
func mostly(folded, known string) bool {
	if utf8.RuneCountInString(known) < 3 {
		return false
	}
	rest := strings.ReplaceAll(folded, known, "")
	return len(rest) < len(folded) && utf8.RuneCountInString(rest) <= slack
}
