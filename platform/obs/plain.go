package obs

import (
	"encoding"
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	"guildhall/platform/config"
)

// Bounds of a logged value: deeper or longer is cut.
const (
	maxDepth = 6
	maxItems = 50
)

// plain turns a value into one made of texts, numbers, lists and maps, in
// which no secret is left.
func plain(v any, depth int) (out any) {
	defer func() {
		if p := recover(); p != nil { // a method of the value: of a nil pointer, mostly
			out = fmt.Sprintf("!PANIC in %T", v)
		}
	}()
	if v == nil {
		return nil
	}
	if depth > maxDepth {
		return "..."
	}
	switch v := v.(type) {
	case config.Secret:
		return v.String()
	case slog.LogValuer:
		return resolved(slog.AnyValue(v).Resolve(), depth)
	case error:
		return scrub(v.Error())
	case fmt.Stringer:
		return scrub(v.String())
	case encoding.TextMarshaler:
		if text, err := v.MarshalText(); err == nil {
			return scrub(string(text))
		}
	}
	return reflected(reflect.ValueOf(v), depth)
}

// resolved is plain for what a LogValuer answered.
func resolved(v slog.Value, depth int) any {
	switch v.Kind() {
	case slog.KindGroup:
		m := map[string]any{}
		for _, a := range v.Group() {
			m[a.Key] = named(a.Key, func() any { return resolved(a.Value.Resolve(), depth+1) })
		}
		return m
	case slog.KindAny, slog.KindLogValuer:
		return plain(v.Any(), depth+1)
	case slog.KindString:
		return scrub(v.String())
	}
	return v.Any()
}

// named is the value unless its name says secret.
func named(name string, value func() any) any {
	if secretName(name) {
		return config.Mask
	}
	return value()
}

// reflected is plain by the kind of a value. Unexported fields are seen too, so
// that a Secret in one is masked where fmt would print it.
func reflected(v reflect.Value, depth int) any {
	if depth > maxDepth {
		return "..."
	}
	if pkg := v.Type().PkgPath(); pkg == "crypto" || strings.HasPrefix(pkg, "crypto/") {
		return "(" + v.Type().String() + ")" // keys above all
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return inner(v.Elem(), depth)
	case reflect.Struct:
		return structure(v, depth)
	case reflect.Map:
		return mapping(v, depth)
	case reflect.Slice, reflect.Array:
		return list(v, depth)
	case reflect.String:
		return scrub(v.String())
	}
	return scalar(v)
}

// inner is plain for a part: by its methods where they can be called.
func inner(v reflect.Value, depth int) any {
	if isSecret := v.Type() == reflect.TypeFor[config.Secret](); isSecret {
		return config.Secret(v.String()).String()
	}
	if v.CanInterface() {
		return plain(v.Interface(), depth+1)
	}
	return reflected(v, depth+1)
}

func structure(v reflect.Value, depth int) any {
	m := map[string]any{}
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag != "" && tag != "-" {
			name = tag
		}
		m[name] = named(name, func() any { return inner(v.Field(i), depth) })
	}
	return m
}

func mapping(v reflect.Value, depth int) any {
	m := map[string]any{}
	for keys := v.MapRange(); keys.Next() && len(m) < maxItems; {
		name := fmt.Sprint(inner(keys.Key(), depth))
		m[name] = named(name, func() any { return inner(keys.Value(), depth) })
	}
	return m
}

func list(v reflect.Value, depth int) any {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return fmt.Sprintf("(%d bytes)", v.Len())
	}
	var l []any
	for i := range min(v.Len(), maxItems) {
		l = append(l, inner(v.Index(i), depth))
	}
	return l
}

func scalar(v reflect.Value) any {
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.CanFloat():
		return fmt.Sprint(v.Float()) // JSON has no infinity
	case v.Kind() == reflect.Bool:
		return v.Bool()
	}
	return "(" + v.Type().String() + ")"
}
