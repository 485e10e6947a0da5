package obs

import (
	"regexp"
	"strings"

	"guildhall/platform/config"
)

// scrubber removes one shape of secret from a text. Its hint is a part that
// every such text has in lower case, so that most texts cost one search.
type scrubber struct {
	hint    string
	pattern *regexp.Regexp
	with    string
}

// pairNames are names before "=" or ":" whose value is secret.
const pairNames = `(?i)\b((?:[a-z0-9]+[_-])*(?:password|passwd|passphrase|secret|token|api_?key|client_secret|pin|otp|cookie))`

var scrubbers = []scrubber{
	{"private key", regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)`), config.Mask},
	{"://", regexp.MustCompile(`(://[^\s/:@?#]*):[^\s/]*@`), "$1:" + config.Mask + "@"},
	{"bearer ", regexp.MustCompile(`(?i)\b(bearer) [^\s"',;]+`), "$1 " + config.Mask},
	{"basic ", regexp.MustCompile(`(?i)\b(basic) [A-Za-z0-9+/_-]{8,}=*`), "$1 " + config.Mask},
	{"age-secret-key-", regexp.MustCompile(`(?i)AGE-SECRET-KEY-[A-Z0-9]+`), config.Mask},
	{"guildhall-key-", regexp.MustCompile(`(?i)(guildhall-key-1:[a-z]+):[A-Za-z0-9_-]+`), "$1:" + config.Mask},
	{"eyj", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`), config.Mask},
	{"=", regexp.MustCompile(pairNames + `=("[^"]*"|'[^']*'|[^\s&;,"']+)`), "$1=" + config.Mask},
	{`":`, regexp.MustCompile(pairNames + `"\s*:\s*"(?:[^"\\]|\\.)*"`), `$1":"` + config.Mask + `"`},
}

// scrub removes what has the shape of a secret from a text.
func scrub(text string) string {
	low := strings.ToLower(text)
	for _, s := range scrubbers {
		if strings.Contains(low, s.hint) {
			text = s.pattern.ReplaceAllString(text, s.with)
		}
	}
	return text
}
