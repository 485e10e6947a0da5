package issuer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"guildhall/platform/fault"
)

// maxEntries is more than any list or group of a request has.
const maxEntries = 256

// parser reads the fields of a request one by one, so that each mistake has its line.
type parser struct {
	lines map[string]int
	found []fault.Field
	// later is what is done when all fields were read.
	later []func()
}

func (p *parser) wrong(line int, path, code, detail string) {
	if len(p.found) < maxEntries {
		p.found = append(p.found, mistake(line, path, code, detail))
	}
}

// mistake is one of the file: its code has the same sentence with line and field.
func mistake(line int, path, code, detail string) fault.Field {
	where := fmt.Sprintf("Line %d", max(line, 1))
	if path != "" {
		where += ", " + path
	}
	return fault.Field{Name: "request", Code: "request_line_" + code, Args: map[string]any{"Line": max(line, 1), "Field": path}, Detail: where + ": " + detail}
}

// object reads a group of fields; one that is not known is mistyped.
func (p *parser) object(n *yaml.Node, path string, fields map[string]func(*yaml.Node, string)) {
	p.entries(n, path, func(key, value *yaml.Node, at string) {
		read, known := fields[key.Value]
		if !known {
			p.wrong(key.Line, at, "unknown_field", "there is no such field; there are "+strings.Join(slices.Sorted(maps.Keys(fields)), ", ")+".")
			return
		}
		if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!null" { // as if it were not there
			read(value, at)
		}
	})
}

// pairs reads a group whose names are free.
func (p *parser) pairs(read func(name string, value *yaml.Node, path string)) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		p.entries(n, path, func(key, value *yaml.Node, at string) { read(key.Value, value, at) })
	}
}

func (p *parser) entries(n *yaml.Node, path string, entry func(key, value *yaml.Node, at string)) {
	p.lines[path] = n.Line
	if n.Kind != yaml.MappingNode || n.Anchor != "" {
		p.wrong(n.Line, path, "wrong_type", "this must be a group of fields, each with a colon and its value.")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		switch {
		case key.Kind != yaml.ScalarNode || key.Anchor != "" || len(key.Value) > 100:
			p.wrong(key.Line, path, "wrong_type", "the name of a field must be a word.")
		case i/2 >= maxEntries:
			p.wrong(key.Line, path, "too_many", "there are too many of these.")
			return
		case seen[key.Value]:
			p.wrong(key.Line, at, "twice", "this stands here twice. Keep one.")
		default:
			seen[key.Value], p.lines[at] = true, key.Line
			entry(key, value, at)
		}
	}
}

// list reads up to most entries.
func (p *parser) list(most int, read func(*yaml.Node, string)) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if n.Kind != yaml.SequenceNode || n.Anchor != "" {
			p.wrong(n.Line, path, "wrong_type", "this must be a list: each entry in a line of its own that begins with a dash.")
			return
		}
		for i, one := range n.Content {
			at := path + "[" + strconv.Itoa(i) + "]"
			if i >= most {
				p.wrong(one.Line, at, "too_many", fmt.Sprintf("there are at most %d of these.", most))
				return
			}
			p.lines[at] = one.Line
			read(one, at)
		}
	}
}

// scalar is the text of a single value as it stands there: digits may be a name.
func (p *parser) scalar(n *yaml.Node, path string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Anchor != "" {
		p.wrong(n.Line, path, "wrong_type", "this must be a single value, without YAML anchors.")
		return "", false
	}
	return n.Value, true
}

func (p *parser) text(into *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		if text, ok := p.scalar(n, path); ok {
			*into = text
		}
	}
}

// texts reads a list of texts, or one text as a list of one.
func (p *parser) texts(into *[]string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		*into = []string{}
		one := func(n *yaml.Node, path string) {
			if text, ok := p.scalar(n, path); ok {
				*into = append(*into, text)
			}
		}
		if n.Kind == yaml.ScalarNode {
			one(n, path)
			return
		}
		p.list(maxEntries, one)(n, path)
	}
}

func (p *parser) whole(into *int) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		text, ok := p.scalar(n, path)
		if !ok {
			return
		}
		number, err := strconv.ParseInt(text, 10, 32)
		if err != nil || number < 0 {
			p.wrong(n.Line, path, "no_number", "this must be a whole number from 0 on.")
			return
		}
		*into = int(number)
	}
}

func (p *parser) time(into *time.Time) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		text, ok := p.scalar(n, path)
		if !ok {
			return
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			p.wrong(n.Line, path, "no_time", "this must be a time such as 2027-01-31T12:00:00Z.")
			return
		}
		*into = at
	}
}
