package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"guildhall/platform/config"
	"guildhall/platform/fault"
)

// maxFields bounds the wrong fields that one answer lists.
const maxFields = 20

// apiErrors turns what huma refuses into problem documents.
type apiErrors struct{ schemas huma.Registry }

// problem is the refusal e of a request to op, naming every wrong field.
func (x apiErrors) problem(op *huma.Operation, e *huma.ErrorModel) fault.Problem {
	p := fault.Problem{Type: "about:blank", Title: http.StatusText(e.Status), Status: e.Status, Code: "invalid_fields", Detail: sentence(e.Detail)}
	for _, d := range e.Errors {
		p.Errors = append(p.Errors, x.field(op, d))
	}
	switch e.Status {
	case http.StatusUnsupportedMediaType:
		p.Code = "wrong_content_type"
	case http.StatusBadRequest:
		p.Code, p.Errors = "malformed_body", []fault.Field{unreadBody(e.Errors)}
	case http.StatusInternalServerError:
		return fault.ProblemOf(errUnexpected)
	}
	if len(p.Errors) == 0 {
		if e.Status != http.StatusUnsupportedMediaType {
			p.Code = "invalid_request"
		}
		return p
	}
	return summed(p)
}

// unreadBody says why a body could not be read at all.
func unreadBody(details []*huma.ErrorDetail) fault.Field {
	if len(details) == 0 {
		return fault.Field{Name: "body", Code: "required", Detail: "The request has no body. Send a JSON object, and the header Content-Type: application/json."}
	}
	text, _ := details[0].Value.(string)
	return fault.Field{Name: "body", Code: "malformed", Detail: notJSON(text)}
}

// notJSON says where a text stops being JSON, by line and character from 1.
func notJSON(text string) string {
	wrong, ok := errors.AsType[*json.SyntaxError](json.Unmarshal([]byte(text), new(any)))
	if !ok {
		return "The body cannot be read as JSON."
	}
	before := text[:wrong.Offset]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("The body is not JSON: line %d, character %d: %v. Check the quotation marks, commas and brackets there.", line, column, wrong)
}

// summed puts misspelt names first, because they are the reason for what is
// missing, and makes the detail of the first field.
func summed(p fault.Problem) fault.Problem {
	slices.SortStableFunc(p.Errors, func(a, b fault.Field) int {
		if a.Code == unknown && b.Code == unknown {
			return strings.Compare(a.Name, b.Name)
		}
		return strings.Compare(spelling(a), spelling(b))
	})
	first, more := p.Errors[0], len(p.Errors)-1
	p.Detail = first.Detail
	if first.Code != unknown && first.Name != "body" {
		p.Detail = first.Name + ": " + first.Detail
	}
	if more > 0 {
		p.Detail += fmt.Sprintf(" (and %d more)", more)
	}
	p.Errors = p.Errors[:min(len(p.Errors), maxFields)]
	return p
}

func spelling(f fault.Field) string {
	if f.Code == unknown {
		return "a"
	}
	return "b"
}

// unknown is the code of a name that there is not.
const unknown = "unknown"

// field says what is wrong with one field, named as the caller wrote it.
func (x apiErrors) field(op *huma.Operation, d *huma.ErrorDetail) fault.Field {
	where, name, _ := strings.Cut(d.Location, ".")
	if name == "" {
		name = where
	}
	switch d.Message {
	case unknownParameter:
		return misspelt("query parameter", name, parameters(op))
	case validation.MsgUnexpectedProperty:
		name, known := x.members(op, name)
		return misspelt("field", name, known)
	}
	for _, w := range wordings() {
		if operand, ok := w.matches(d.Message); ok {
			if w.message == validation.MsgExpectedRequiredProperty { // huma reports a missing member at the object that lacks it
				name = strings.TrimPrefix(name+"."+operand, "body.")
			}
			return fault.Field{Name: name, Code: w.code, Detail: w.say(operand, d.Value)}
		}
	}
	return fault.Field{Name: name, Code: "invalid", Detail: sentence(d.Message)}
}

// misspelt names what does not exist, what may have been meant, and what exists.
func misspelt(kind, name string, known []string) fault.Field {
	name = shortened(name)
	f := fault.Field{Name: name, Code: unknown, Detail: fmt.Sprintf("There is no %s %q", kind, name)}
	if len(known) == 0 {
		f.Detail += "; leave it out, there are none here."
		return f
	}
	if meant := config.Nearest(name, known); meant != "" {
		f.Detail += fmt.Sprintf("; did you mean %q? ", meant)
	} else {
		f.Detail += ". "
	}
	f.Detail += "Known " + kind + "s: " + strings.Join(known, ", ") + "."
	return f
}

// parameters are the names that may stand in the query.
func parameters(op *huma.Operation) []string {
	var known []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			known = append(known, p.Name)
		}
	}
	slices.Sort(known)
	return known
}

// members follows a path into the body's schema up to the name that is not
// there, and lists those that are.
func (x apiErrors) members(op *huma.Operation, path string) (name string, known []string) {
	s := op.RequestBody.Content["application/json"].Schema
	for {
		for s.Ref != "" {
			s = x.schemas.SchemaFromRef(s.Ref)
		}
		if s.Items != nil {
			_, path, _ = strings.Cut(path, "]")
			path, s = strings.TrimPrefix(path, "."), s.Items
			continue
		}
		known = nil
		var next *huma.Schema
		for name, member := range s.Properties {
			known = append(known, name)
			if rest, ok := strings.CutPrefix(path, name); ok && rest != "" && strings.ContainsAny(rest[:1], ".[") {
				path, next = strings.TrimPrefix(rest, "."), member
			}
		}
		if next == nil {
			slices.Sort(known)
			return path, known
		}
		s = next
	}
}

// sentence gives huma's rarer messages the form of ours.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func shortened(text string) string {
	const most = 40
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}
