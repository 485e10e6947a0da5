package fingerprint

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Digest is the component that a part of the machine makes for a product:
// base64url(HMAC-SHA256(product, kind || 0 || normalised value)). It is false for a
// value that tells no machine from another: empty, all zeros or all F, a
// manufacturer's placeholder, and the address of a network card that was not given
// by its manufacturer. Name numbers do not enter it.
func Digest(product, kind, value string) (string, bool) {
	value = normal(kind, value)
	if value == "" || placeholder(value) || kind == MAC && !universal(value) {
		return "", false
	}
	m := hmac.New(sha256.New, []byte(product))
	m.Write([]byte(kind + "\x00" + value))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)), true
}

// normal is the value without ASCII blanks and control characters, its ASCII letters
// small. Of UUIDs, machine ids and network addresses only letters and digits stay.
func normal(kind, value string) string {
	alone := kind == MAC || kind == DMIUUID || kind == MachineID
	return strings.Map(func(r rune) rune {
		switch {
		case r <= ' ' || r == 0x7f:
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case alone && strings.ContainsRune("-:.{}", r):
			return -1
		}
		return r
	}, value)
}

// placeholders are what manufacturers leave in, as normal makes it of any kind and
// without punctuation.
const placeholders = "|tobefilledbyoem|defaultstring|default|none|null|nil|unknown|undefined|empty|invalid|oem|uninitialized" +
	"|n/a|na|notapplicable|notspecified|notavailable|notpresent|serial|serialnumber|systemserialnumber|systemproductname" +
	"|baseboardserialnumber|chassisserialnumber|assettag|0123456789|123456789|1234567890|12345678" +
	"|03000200040005000006000700080009|00020003000400050006000700080009|12345678123412341234123456789abc|"

// placeholder says whether a normalised value stands in place of one. Its dashes,
// colons, dots and underscores do not count. One character over and over is none,
// whatever it is.
func placeholder(value string) bool {
	bare := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-:._", r) {
			return -1
		}
		return r
	}, value)
	first, _ := utf8.DecodeRuneInString(bare)
	return strings.Trim(bare, string(first)) == "" || strings.Contains(placeholders, "|"+bare+"|")
}

// universal says whether a normalised network address was given by a manufacturer:
// neither locally administered, as virtual and hidden ones are, nor for a group.
func universal(mac string) bool {
	return len(mac) == 12 && strings.Trim(mac, "0123456789abcdef") == "" && strings.Contains("048c", mac[1:2])
}
