package catalogue

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"guildhall/platform/fault"
	"guildhall/platform/mail"
)

// Bounds in characters.
const (
	maxName = 100
	maxNote = 2000
)

var (
	codeForm = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$`)
	// versionForm is what limits of versions in licences can name, too.
	versionForm = regexp.MustCompile(`^v?[0-9]{1,9}(?:\.[0-9]{1,9}){0,3}(?:[-+][A-Za-z0-9.+_-]{0,23})?$`)
)

// fields collects what is wrong with what was typed.
type fields []fault.Field

func (f *fields) refuse(name, code, detail string) {
	*f = append(*f, fault.Field{Name: name, Code: code, Detail: detail})
}

// line is a text of one line that must be there.
func (f *fields) line(name, value string) string {
	value = strings.Join(strings.Fields(norm.NFC.String(value)), " ")
	if value == "" {
		f.refuse(name, "required", "Fill in this field.")
	}
	f.text(name, value, maxName)
	return value
}

// note is a text that may have several lines, or be missing.
func (f *fields) note(value string) string {
	value = strings.TrimSpace(norm.NFC.String(strings.ReplaceAll(value, "\r\n", "\n")))
	f.text("note", value, maxNote)
	return value
}

func (f *fields) text(name, value string, most int) {
	switch {
	case utf8.RuneCountInString(value) > most:
		*f = append(*f, fault.Field{Name: name, Code: "too_long", Args: map[string]any{"Count": most}, Detail: fmt.Sprintf("It is longer than %d characters.", most)})
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' }):
		f.refuse(name, "not_text", "The text holds characters that nobody sees. Type it again.")
	}
}

func (f *fields) form(name, value string, form *regexp.Regexp, detail string) {
	switch {
	case value == "":
		f.refuse(name, "required", "Fill in this field.")
	case !form.MatchString(value):
		f.refuse(name, "form", detail)
	}
}

func (f *fields) email(name, value string) string {
	value = strings.TrimSpace(value)
	if _, err := mail.ParseAddress(value); value != "" && err != nil {
		f.refuse(name, "email", "This is no e-mail address.")
	}
	return value
}

// key is what makes two spellings one name.
func key(name string) string { return strings.ToLower(norm.NFKC.String(name)) }

// Note is a note as it is kept, or what is wrong with it.
func Note(value string) (string, error) {
	var f fields
	value = f.note(value)
	return value, fault.Fields(f...)
}
