package app

import (
	"bytes"
	"encoding/json"
	"strings"
)

// notTwice is what is wrong with a member that is there twice: which one counts
// is different from one reader of JSON to the next.
const notTwice = "It is there more than once. Send it once."

// level is an object or array that has begun and not ended.
type level struct {
	array bool
	seen  map[string]bool // the names of an object's members so far
	last  string          // the newest of them
	named bool            // its value has not come yet
}

// repeatedMember names the first member of an object that comes twice in it,
// with the names of the objects around it. What is no JSON at all is for the
// decoder to refuse.
func repeatedMember(text []byte) (name string, found bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	var open []*level
	for {
		token, err := d.Token()
		if err != nil {
			return "", false
		}
		if member, ok := token.(string); ok && len(open) > 0 && open[len(open)-1].wantsName() {
			top := open[len(open)-1]
			if top.seen[member] {
				return pathOf(open[:len(open)-1], member), true
			}
			top.seen[member], top.last, top.named = true, member, true
			continue
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open = append(open, &level{array: token == json.Delim('['), seen: map[string]bool{}})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			open[len(open)-1].named = false
		}
	}
}

func (l *level) wantsName() bool { return !l.array && !l.named }

func pathOf(open []*level, member string) string {
	var path []string
	for _, l := range open {
		if !l.array {
			path = append(path, l.last)
		}
	}
	return strings.Join(append(path, member), ".")
}
