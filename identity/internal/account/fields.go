package account

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/mail"
)

// maxName is the most characters of a name.
const maxName = 64

// Themes are what a profile's theme can be.
func Themes() []string { return []string{"auto", "light", "dark"} }

// fields gathers what is wrong with a request.
type fields []fault.Field

func (f *fields) add(name, code, detail string) {
	*f = append(*f, fault.Field{Name: name, Code: code, Detail: detail})
}

// join adds the fields of err; an err without fields is returned.
func (f *fields) join(err error) error {
	if err == nil {
		return nil
	}
	more := fault.As(err).Fields
	if len(more) == 0 {
		return err
	}
	*f = append(*f, more...)
	return nil
}

func (f *fields) err() error { return fault.Fields(*f...) }

// email is the address as typed and its key.
func (f *fields) email(text string) (email, key string) {
	email, err := mail.ParseAddress(text)
	if err != nil {
		f.add("email", "mail_address", "This is not an e-mail address. Write one such as anna@example.com.")
		return "", ""
	}
	return email, EmailKey(email)
}

// EmailKey is what makes two spellings of an address one.
func EmailKey(email string) string {
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(email)))
}

// name is a person's name as it is kept.
func (f *fields) name(text string) string {
	name := strings.Join(strings.Fields(norm.NFC.String(text)), " ")
	switch {
	case name == "":
		f.add("name", "required", "Fill in this field.")
	case utf8.RuneCountInString(name) > maxName:
		*f = append(*f, fault.Field{Name: "name", Code: "too_long", Args: map[string]any{"Count": maxName}, Detail: "Use at most 64 characters."})
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\u200d' && r != '\u200c' }):
		f.add("name", "not_text", "The text holds characters that nobody sees. Type it again.")
	}
	return name
}

// language is one that pages speak; the nearest to none is English.
func (f *fields) language(text string) string {
	languages := i18n.Languages()
	if text == "" {
		return languages[0].Code
	}
	if !slices.ContainsFunc(languages, func(l i18n.Language) bool { return l.Code == text }) {
		f.add("language", "not_offered", "Choose one of: "+i18n.Codes()+".")
	}
	return text
}

func (f *fields) theme(text string) string {
	if !slices.Contains(Themes(), text) {
		f.add("theme", "not_offered", "Choose one of: "+strings.Join(Themes(), ", ")+".")
	}
	return text
}

// HideEmail shows enough of an address for its owner to know it: "a***@example.com".
func HideEmail(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	_, size := utf8.DecodeRuneInString(local)
	if !ok || size == 0 {
		return "***"
	}
	return local[:size] + "***@" + domain
}
