package cardid

import (
	"strings"
	"unicode"

	"guildhall/platform/fault"
)

// Faults of what people type. Neither repeats it.
var (
	// ErrShape says that a text has not as many characters of the alphabet as an id.
	ErrShape = fault.New(fault.Invalid, "card_shape", "A card key has %d letters and digits.", Length)
	// ErrTypo says that a text has the shape of an id, and a mistake.
	ErrTypo = fault.New(fault.Invalid, "card_typo", "The card key has a mistake: a wrong character, or two that are swapped. Compare it with the original.")
)

// maxTyped bounds what is read of what a person typed, in bytes.
const maxTyped = 256

// Parse is the id that somebody typed, in any case, with any dashes and blanks, with I
// or L for 1 and O for 0. Else the error is ErrShape or ErrTypo.
func Parse(text string) (ID, error) {
	if len(text) > maxTyped {
		return "", fault.New(ErrShape.Kind, ErrShape.Code, "A card key has %d letters and digits, and this is far longer.", Length)
	}
	id := make([]byte, 0, Length)
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || r == '\u2212' || unicode.Is(unicode.Cf, r) {
			continue
		}
		c := character(r)
		if c == 0 {
			return "", fault.New(ErrShape.Kind, ErrShape.Code,
				"A card key has letters and digits alone, without U, and this has %q.", r).With(map[string]any{"Character": string(r)})
		}
		id = append(id, c)
	}
	switch {
	case len(id) != Length:
		return "", fault.New(ErrShape.Kind, ErrShape.Code,
			"A card key has %d letters and digits, and this has %d.", Length, len(id)).With(map[string]any{"Length": len(id)})
	case !good(id):
		return "", ErrTypo
	}
	return ID(id), nil
}

// character is the letter or digit of an id that is meant, or 0.
func character(r rune) byte {
	if r >= 'a' && r <= 'z' {
		r += 'A' - 'a'
	}
	switch r {
	case 'I', 'L':
		return '1'
	case 'O':
		return '0'
	}
	if i := strings.IndexRune(letters, r); i >= 0 {
		return letters[i]
	}
	return 0
}

// Canonical is the beginning of an id in capitals, as it is kept; what cannot stand in
// one is left out.
func Canonical(typed string) string {
	var b strings.Builder
	for _, r := range typed {
		if c := character(r); c != 0 {
			b.WriteByte(c)
		}
	}
	return b.String()
}
