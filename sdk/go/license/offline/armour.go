package offline

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"unicode"
)

const (
	begin = "BEGIN GUILDHALL LICENCE"
	end   = "END GUILDHALL LICENCE"
	// lineData and lineCheck are the characters of a line: base64 of the licence, and
	// of a check sum that finds the line which was damaged.
	lineData, lineCheck = 60, 4
	// dashes are what letter and chat programs make of hyphens, and the blanks between.
	dashes = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212 \n>|"
)

var (
	beginLine = regexp.MustCompile(`BEGIN\s+GUILDHALL\s+LICENCE`)
	endLine   = regexp.MustCompile(`END\s+GUILDHALL\s+LICENCE`)
	quoting   = regexp.MustCompile(`(?m)^[\s>|]+`)
)

// Armour is the licence for letters and chats: between a BEGIN and an END line, 64
// columns, without characters that such programs take for formatting.
func Armour(text string) (string, error) {
	t, err := parse(text)
	if err != nil {
		return "", err
	}
	raw := append([]byte{byte(len(t.footer))}, t.footer...) //nolint:gosec // split allows at most 255
	data := base64.StdEncoding.EncodeToString(append(append(raw, t.claims...), t.signature...))
	var b strings.Builder
	b.WriteString("-----" + begin + "-----\n")
	for n := 0; data != ""; n++ {
		line := data[:min(lineData, len(data))]
		data = data[len(line):]
		b.WriteString(line + checkSum(line, n, data == "") + "\n")
	}
	b.WriteString("-----" + end + "-----\n")
	return b.String(), nil
}

// checkSum is of a line, its number (from 0) and whether it is the last.
func checkSum(line string, n int, last bool) string {
	head := []byte{0, byte(n >> 8), byte(n)} //nolint:gosec // a licence has fewer than 65536 lines
	if last {
		head[0] = 1
	}
	sum := sha256.Sum256(append(head, line...))
	return base64.StdEncoding.EncodeToString(sum[:3])
}

// Plain is the licence as one line without blanks, whichever form it came in.
func Plain(text string) (string, error) {
	t, err := parse(text)
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

// parse reads a licence in either form, whatever blanks, line ends, quotation marks of
// answered letters and text around it.
func parse(text string) (token, error) {
	if len(text) > 2*maxToken {
		return token{}, refuse(Malformed, "This is no licence: it has more than %d bytes.", 2*maxToken)
	}
	text = blanks(text)
	from := beginLine.FindStringIndex(text)
	if from == nil {
		if endLine.MatchString(text) {
			return token{}, refuse(Malformed, "The beginning of the licence is missing: copy it with its line %q.", "-----"+begin+"-----")
		}
		return parseToken(strip(text))
	}
	rest := text[from[1]:]
	to := endLine.FindStringIndex(rest)
	if to == nil {
		return token{}, refuse(Malformed, "The licence is cut: copy it with its last line, %q.", "-----"+end+"-----")
	}
	return parseLines(strip(quoting.ReplaceAllString(strings.Trim(rest[:to[0]], dashes), "")))
}

// parseLines reads what is between BEGIN and END, white space already removed: where
// the lines ended does not matter, since each has its length.
func parseLines(text string) (token, error) {
	var data strings.Builder
	for n := 0; text != ""; n++ {
		line := text[:min(lineData+lineCheck, len(text))]
		text = text[len(line):]
		at := len(line) - lineCheck
		if at < lineCheck || checkSum(line[:at], n, text == "") != line[at:] {
			return token{}, refuse(Malformed, "The licence was damaged on its way: line %d of those between BEGIN and END is changed or missing. Copy it again, or ask for it as a file.", n+1)
		}
		data.WriteString(line[:at])
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(data.String())
	if err != nil || len(raw) == 0 || len(raw) < 1+int(raw[0]) {
		return token{}, refuse(Malformed, "There is no licence between the lines BEGIN and END.")
	}
	foot := 1 + int(raw[0])
	return split(raw[foot:], raw[1:foot])
}

// blanks makes every kind of blank one that regular expressions know, and removes what
// cannot be seen: zero-width characters, soft hyphens, byte order marks.
func blanks(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		default:
			return r
		}
	}, text)
}

// strip removes white space.
func strip(text string) string { return strings.Join(strings.Fields(text), "") }
