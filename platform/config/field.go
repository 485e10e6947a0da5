package config

import (
	"encoding"
	"reflect"
	"strings"
)

// field is one key of a struct.
type field struct {
	key   string
	value reflect.Value
	// fromFile: the text names a file that holds the value, a Secret.
	fromFile bool
}

// fileSuffix ends the keys that name a file with a secret.
const fileSuffix = "_file"

// fieldsOf lists the keys of a struct in their order, and after each secret
// the key that names a file with it.
func fieldsOf(v reflect.Value) []field {
	var fields []field
	for i := range v.NumField() {
		key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		fields = append(fields, field{key: key, value: v.Field(i)})
		if isSecret(v.Field(i).Type()) {
			fields = append(fields, field{key: key + fileSuffix, value: v.Field(i), fromFile: true})
		}
	}
	return fields
}

func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

func isSecret(t reflect.Type) bool { return t == reflect.TypeFor[Secret]() }

// holdsSecret says whether a value of the type is, or is made of, secrets.
func holdsSecret(t reflect.Type) bool {
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		return holdsSecret(t.Elem())
	}
	return isSecret(t)
}

// isScalar says whether one text fills a value of the type.
func isScalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}
