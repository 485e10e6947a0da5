package audit

import "strings"

// masked stands where a secret would have been.
const masked = "[masked]"

// secretWords are the last words of names whose values are secrets: "password"
// and "join_token" are masked, "token_id" and "key_type" are not.
var secretWords = []string{"password", "passphrase", "secret", "token", "pin", "cookie", "authorization", "private_key", "key"}

// mask copies the detail with what looks like a secret replaced. It is a second
// line: callers do not pass secrets, and a log that cannot forget must not
// depend on that alone.
func mask(detail map[string]any) map[string]any {
	out := make(map[string]any, len(detail))
	for name, value := range detail {
		out[name] = maskValue(name, value)
	}
	return out
}

func maskValue(name string, value any) any {
	if secretName(name) {
		return masked
	}
	switch v := value.(type) {
	case map[string]any:
		return mask(v)
	case string:
		if strings.Contains(v, "PRIVATE KEY-----") {
			return masked
		}
	}
	return value
}

func secretName(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	for _, word := range secretWords {
		if name == word || strings.HasSuffix(name, "_"+word) {
			return true
		}
	}
	return false
}
