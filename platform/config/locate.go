package config

import (
	"errors"
	"strings"

	"guildhall/platform/fault"
)

// Locate puts before each wrong field of a fault, named by its key's path, the
// place that its value came from. The result matches ErrInvalid and tells every
// field; an error without fields, and nil, come back as they are.
func (f *File) Locate(err error) error {
	fields := fieldsIn(err)
	if len(fields) == 0 || errors.Is(err, ErrInvalid) {
		return err
	}
	p := problems{file: f.name}
	for _, x := range fields {
		p.add(x.Name, x.Code, "%s%s: %s", f.place(x.Name), x.Name, x.Detail)
	}
	return p.err()
}

// place is where the value of a key, or else of the list or group that it is in,
// was set; empty when nobody did.
func (f *File) place(path string) string {
	for ; path != ""; path = path[:max(strings.LastIndexAny(path, ".["), 0)] {
		switch s := f.sources[path]; {
		case s.from == "" || s.from == "default":
		case strings.HasPrefix(s.from, prefix):
			return "environment variable " + s.from + ": "
		default:
			return s.from + ": "
		}
	}
	return ""
}

// fieldsIn are the fields of all faults that were joined into one error.
func fieldsIn(err error) (fields []fault.Field) {
	if e, ok := err.(interface{ Unwrap() []error }); ok {
		for _, part := range e.Unwrap() {
			fields = append(fields, fieldsIn(part)...)
		}
		return fields
	}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Fields
	}
	return nil
}
