package config

import (
	"errors"
	"strings"

	"guildhall/platform/fault"
)

// Locate puts before each wrong field of a fault, named by its key's path, the
// place that its value came from. The result matches ErrInvalid and tells every
// field; an error without fields, and nil, come back as they are. Errors that match
// ErrInvalid say their places already. Of a key that one of them is about, nothing
// further is told: its value was not read.
func (f *File) Locate(err error) error {
	told, values := fieldsIn(err)
	_, joined := err.(interface{ Unwrap() []error })
	if len(told)+len(values) == 0 || !joined && errors.Is(err, ErrInvalid) {
		return err
	}
	p := problems{file: f.name}
	unread := map[string]bool{}
	for _, x := range told {
		unread[strings.TrimSuffix(x.Name, fileSuffix)] = true
		p.add(x.Name, x.Code, "%s", x.Detail)
	}
	for _, x := range values {
		if !unread[x.Name] {
			p.add(x.Name, x.Code, "%s%s: %s", f.place(x.Name), x.Name, x.Detail)
		}
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

// fieldsIn are the fields of all faults that were joined into one error: those whose
// text says the place, and those of values.
func fieldsIn(err error) (told, values []fault.Field) {
	if e, ok := err.(interface{ Unwrap() []error }); ok {
		for _, part := range e.Unwrap() {
			t, v := fieldsIn(part)
			told, values = append(told, t...), append(values, v...)
		}
		return told, values
	}
	e, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
		return nil, nil
	case errors.Is(e, ErrInvalid):
		return e.Fields, nil
	}
	return nil, e.Fields
}
