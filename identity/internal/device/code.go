package device

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strings"
)

const (
	// letters cannot be mistaken for each other and spell no words (RFC 8628, 6.1).
	letters = "BCDFGHJKLMNPQRSTVWXZ"
	// codeLen letters are 34 bits: enough beside the gate and the short life.
	codeLen = 8
	// maxTyped bounds what is read of what a person typed.
	maxTyped = 64
)

// newUserCode is a random code, without the dash that it is shown with.
func newUserCode() string {
	code := make([]byte, 0, codeLen)
	var random [1]byte
	for len(code) < codeLen {
		_, _ = rand.Read(random[:]) // never fails: it ends the process instead
		if n := int(random[0]); n < 256/len(letters)*len(letters) {
			code = append(code, letters[n%len(letters)])
		}
	}
	return string(code)
}

// shown is the code as people read it.
func shown(code string) string { return code[:codeLen/2] + "-" + code[codeLen/2:] }

// typed is the code in what a person typed, in any case and with any dashes and
// blanks; false when it cannot be one.
func typed(text string) (string, bool) {
	if len(text) > maxTyped {
		return "", false
	}
	code := strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' || r == '\u2010' || r == '\u2011' || r == '\u2013' || r == '\u00a0' || r == '\t' {
			return -1
		}
		return r
	}, strings.ToUpper(strings.TrimSpace(text)))
	if len(code) != codeLen || strings.Trim(code, letters) != "" {
		return "", false
	}
	return code, true
}

// userHash hides a code in the database: so short a text has no plain hash.
func (d *Desk) userHash(code string) []byte {
	m := hmac.New(sha256.New, d.key)
	m.Write([]byte(code))
	return m.Sum(nil)
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
