package offline

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

const (
	// codeBytes are random; with 12 bits of check sum they are codeLength characters.
	codeBytes  = 16
	codeLength = 28
	codeGroup  = 4
)

// crockford has no I, L, O and U.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

// formatCode is a code in seven groups of four: the random bytes and the first 12 bits
// of their SHA-256, which find nearly every typing error.
func formatCode(raw []byte) string {
	sum := sha256.Sum256(raw)
	return groups(crockford.WithPadding(base32.NoPadding).EncodeToString(append(append([]byte{}, raw...), sum[0], sum[1]&0xf0))[:codeLength])
}

// parseCode reads what a person typed: case, blanks and dashes do not matter, and
// letters that look like digits are taken for them.
func parseCode(typed string) ([]byte, error) {
	if len(typed) > 10*codeLength {
		return nil, refuse(CodeTypo, "This is no code: a code has %d characters.", codeLength)
	}
	text := strings.Map(func(r rune) rune {
		switch r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		case '-', ' ', '\t', '\r', '\n', '\u00a0', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014':
			return -1
		default:
			return r
		}
	}, strings.ToUpper(typed))
	if len(text) != codeLength {
		return nil, refuse(CodeTypo, "A code has %d characters; this has %d.", codeLength, len([]rune(text)))
	}
	raw, err := crockford.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || formatCode(raw[:codeBytes]) != groups(text) {
		return nil, refuse(CodeTypo, "The code is mistyped: compare it with the one that you got.")
	}
	return raw[:codeBytes], nil
}

func groups(text string) string {
	var out []string
	for ; text != ""; text = text[codeGroup:] {
		out = append(out, text[:codeGroup])
	}
	return strings.Join(out, "-")
}
