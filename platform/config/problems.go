package config

import (
	"fmt"
	"strconv"
	"strings"

	"guildhall/platform/fault"
)

// maxProblems bounds how many are told: after that many, one look at the
// documentation helps more than another line.
const maxProblems = 20

// problems collects what is wrong, so that one run tells everything.
type problems struct {
	file   string
	lines  []string
	fields []fault.Field
	more   int
}

// at adds a problem at a line of the file; line 0 is the file as a whole.
func (p *problems) at(line int, key, code, format string, args ...any) {
	place := p.file
	if line > 0 {
		place += ":" + strconv.Itoa(line)
	}
	p.add(key, code, "%s: %s", place, fmt.Sprintf(format, args...))
}

// add adds a problem whose text says itself where it is.
func (p *problems) add(key, code, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	p.fields = append(p.fields, fault.Field{Name: key, Code: code, Detail: text})
	if len(p.lines) == maxProblems {
		p.more++
		return
	}
	p.lines = append(p.lines, text)
}

// err is nil when nothing was added.
func (p *problems) err() error {
	if len(p.lines) == 0 {
		return nil
	}
	e := *ErrInvalid
	e.Detail = strings.Join(p.lines, "\n")
	if p.more > 0 {
		e.Detail += fmt.Sprintf("\n(and %d more)", p.more)
	}
	e.Fields = p.fields
	return &e
}

// shown quotes a value for an error, cut to a readable length.
func shown(value string) string {
	const most = 40
	if r := []rune(value); len(r) > most {
		value = string(r[:most]) + "..."
	}
	return strconv.Quote(value)
}
