// Package form reads what a person typed: typed values with errors that stand
// beside their fields, and everything typed put back when something is wrong.
//
//	f, err := form.Read(r)                  // malformed or too large: a fault
//	name := f.Text("name", form.Required, form.Max(64))
//	days := f.Int("days", 1, 90)
//	if err := f.Err(); err != nil { ... }   // render the page again with f
//
// The components of package ui take the *Form and show values and errors. A
// nil *Form is an empty one.
package form

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"guildhall/platform/fault"
)

// Form is one submitted or prefilled form.
type Form struct {
	values url.Values
	errors []fault.Field
}

// Read takes the body's fields (not the URL's query). The error is a fault:
// malformed_form, or too_large from the body limit.
func Read(r *http.Request) (*Form, error) {
	if err := r.ParseForm(); err != nil {
		if e := fault.As(err); e.Kind == fault.TooLarge {
			return nil, e
		}
		return nil, fault.New(fault.Malformed, "malformed_form",
			"The form could not be read. Open the page again and send it once more.").Because(err)
	}
	return &Form{values: r.PostForm}, nil
}

// New is a form filled with what pairs say: name, value, name, value.
func New(pairs ...string) *Form {
	f := &Form{values: url.Values{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.values.Add(pairs[i], pairs[i+1])
	}
	return f
}

// Value is what was typed or prefilled, as it is.
func (f *Form) Value(name string) string {
	if f == nil {
		return ""
	}
	return f.values.Get(name)
}

// Has says whether value is among those chosen for name.
func (f *Form) Has(name, value string) bool {
	return f != nil && slices.Contains(f.values[name], value)
}

// All are the values of a field that may have several, such as ticked boxes.
func (f *Form) All(name string) []string {
	if f == nil {
		return nil
	}
	return f.values[name]
}

// Problem is what is wrong with a field; the zero Field when nothing is.
func (f *Form) Problem(name string) fault.Field {
	if f != nil {
		for _, e := range f.errors {
			if e.Name == name {
				return e
			}
		}
	}
	return fault.Field{}
}

// Problems lists what is wrong, in the order it was found.
func (f *Form) Problems() []fault.Field {
	if f == nil {
		return nil
	}
	return f.errors
}

// Fail adds an error; a field keeps its first one.
func (f *Form) Fail(e fault.Field) {
	if f.Problem(e.Name).Code == "" {
		f.errors = append(f.errors, e)
	}
}

// Err is nil, or the fault invalid_fields with every error.
func (f *Form) Err() error { return fault.Fields(f.errors...) }

// Take adds the field errors that err carries and says whether it had any. An
// err without fields is not the form's: show it as a page.
func (f *Form) Take(err error) bool {
	fields := fault.As(err).Fields
	for _, e := range fields {
		f.Fail(e)
	}
	return len(fields) > 0
}

// Text is the field's text without surrounding space. Rules other than
// Required let an empty text pass.
func (f *Form) Text(name string, rules ...Rule) string {
	value := strings.TrimSpace(f.Value(name))
	f.check(name, value, append([]Rule{readable}, rules...))
	return value
}

// Secret is Text as typed, spaces included, and is forgotten: it is not put
// back into the page.
func (f *Form) Secret(name string, rules ...Rule) string {
	value := f.Value(name)
	f.values.Del(name)
	f.check(name, value, rules)
	return value
}

func (f *Form) check(name, value string, rules []Rule) {
	for _, rule := range rules {
		if e := rule(value); e.Code != "" {
			e.Name = name
			f.Fail(e)
			return
		}
	}
}

// Int is a whole number from lo to hi; 0 with an error when it is not one.
func (f *Form) Int(name string, lo, hi int64) int64 {
	n, err := strconv.ParseInt(f.Text(name, Required), 10, 64)
	if err != nil || n < lo || n > hi {
		f.Fail(fault.Field{Name: name, Code: "out_of_range", Args: map[string]any{"Min": lo, "Max": hi},
			Detail: fmt.Sprintf("Enter a whole number from %d to %d.", lo, hi)})
		return 0
	}
	return n
}

// Choice is one of allowed; "" with an error when it is not.
func (f *Form) Choice(name string, allowed ...string) string {
	value := f.Text(name, Required)
	if !slices.Contains(allowed, value) {
		f.Fail(fault.Field{Name: name, Code: "not_offered", Detail: "Choose one of: " + strings.Join(allowed, ", ") + "."})
		return ""
	}
	return value
}

// Bool says whether a checkbox is ticked.
func (f *Form) Bool(name string) bool { return f.Value(name) != "" }

// Date is a day as browsers send it (2006-01-02), at midnight UTC; the zero
// time when the field is empty, and with an error when it is no date.
func (f *Form) Date(name string) time.Time {
	value := f.Text(name)
	if value == "" {
		return time.Time{}
	}
	day, err := time.Parse(time.DateOnly, value)
	if err != nil {
		f.Fail(fault.Field{Name: name, Code: "no_date", Detail: "Enter a date as year-month-day, such as 2030-12-31."})
	}
	return day
}

// Lines is a text area's lines without surrounding space and empty ones; more
// than limit is an error.
func (f *Form) Lines(name string, limit int) []string {
	var lines []string
	for line := range strings.Lines(f.Text(name)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) > limit {
		f.Fail(fault.Field{Name: name, Code: "too_many_lines", Args: map[string]any{"Count": limit},
			Detail: fmt.Sprintf("Enter at most %d lines.", limit)})
		return nil
	}
	return lines
}

func readable(value string) fault.Field {
	if utf8.ValidString(value) && !strings.ContainsRune(value, 0) {
		return fault.Field{}
	}
	return fault.Field{Code: "not_text", Detail: "The text holds bytes that are no characters. Type it again."}
}
