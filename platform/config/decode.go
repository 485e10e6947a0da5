package config

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder fills one section's struct.
type decoder struct {
	*File
	problems
	inFile map[string]bool // the secrets that the current layer has set
	used   map[string]bool // the variables that a field took
	names  []string        // the variables that a field would take
}

// Decode fills the struct that into points to with what the file and the
// environment say under the top-level key. What they leave out keeps its
// value. An error (ErrInvalid) tells every problem with its place, the key's
// path and the remedy; into may then be half filled.
func (f *File) Decode(key string, into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("decode section %s: want a pointer to a struct, have %T", key, into)
	}
	d := &decoder{File: f, problems: problems{file: f.name}, inFile: map[string]bool{}, used: map[string]bool{}}
	d.defaults(v.Elem(), key)
	for k, value := range f.pairs() {
		if k.Value == key {
			d.value(v.Elem(), value, key)
		}
	}
	d.environment(v.Elem(), key)
	return d.err()
}

// defaults remembers what the owner filled in.
func (d *decoder) defaults(v reflect.Value, path string) {
	for _, f := range fieldsOf(v) {
		at, t := under(path, f.key), f.value.Type()
		switch {
		case f.fromFile:
		case t.Kind() == reflect.Struct && !isScalar(t):
			d.defaults(f.value, at)
		case t.Kind() == reflect.Map && isScalar(t.Elem()) && f.value.Len() > 0:
			for _, key := range f.value.MapKeys() {
				d.record(f.value.MapIndex(key), under(at, key.String()), "default")
			}
		default:
			d.record(f.value, at, "default")
		}
	}
}

// value fills v with a node of the file.
func (d *decoder) value(v reflect.Value, n *yaml.Node, path string) {
	t := v.Type()
	switch {
	case isScalar(t):
		d.scalar(v, n, path)
	case t.Kind() == reflect.Struct && (n.Kind == yaml.MappingNode || isNull(n)):
		d.structure(v, n, path)
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && (n.Kind == yaml.MappingNode || isNull(n)):
		d.mapping(v, n, path)
	case t.Kind() == reflect.Slice && (n.Kind == yaml.SequenceNode || isNull(n)):
		d.list(v, n, path)
	default:
		d.at(n.Line, path, "wrong_type", "%s must be %s, not %s", path, wanted(t), what(n))
	}
}

func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "a group of keys, indented below it"
	case reflect.Slice:
		return "a list, each item after a dash"
	}
	return "of the type " + t.String() + ", which this program cannot read"
}

func (d *decoder) scalar(v reflect.Value, n *yaml.Node, path string) {
	switch {
	case n.Kind != yaml.ScalarNode:
		d.at(n.Line, path, "wrong_type", "%s must be one value, not %s", path, what(n))
		return
	case isNull(n):
		d.at(n.Line, path, "no_value", "%s has no value; write one, or remove the key for its default", path)
		return
	case v.Kind() == reflect.String && n.ShortTag() == "!!bool":
		d.at(n.Line, path, "wrong_type", "%s must be text, not a truth value; write it in quotes", path)
		return
	}
	if err := setScalar(v, n.Value); err != nil {
		d.at(n.Line, path, "wrong_type", "%s%s %v", path, valueOf(v.Type(), n.Value), err)
		return
	}
	d.record(v, path, d.name+":"+strconv.Itoa(n.Line))
}

// valueOf quotes a value for an error, unless it is secret.
func valueOf(t reflect.Type, value string) string {
	if isSecret(t) {
		return ""
	}
	return ": " + shown(value)
}

func (d *decoder) structure(v reflect.Value, n *yaml.Node, path string) {
	fields := fieldsOf(v)
next:
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := under(path, key.Value)
		for _, f := range fields {
			if f.key == key.Value {
				d.member(f, value, path)
				continue next
			}
		}
		d.at(key.Line, at, "unknown_key", "unknown key %s; %s", at, knownKeys(key.Value, keysOf(fields)))
	}
}

func (d *decoder) member(f field, n *yaml.Node, path string) {
	at := under(path, f.key)
	if !isSecret(f.value.Type()) {
		d.value(f.value, n, at)
		return
	}
	target := at
	if f.fromFile {
		target = strings.TrimSuffix(at, fileSuffix)
	}
	if d.inFile[target] {
		d.at(n.Line, at, "set_twice", "%s and %s are both set; keep one", target, target+fileSuffix)
		return
	}
	d.inFile[target] = true
	if !f.fromFile {
		d.value(f.value, n, at)
		return
	}
	var name string
	d.scalar(reflect.ValueOf(&name).Elem(), n, at)
	place := d.name + ":" + strconv.Itoa(n.Line)
	if err := readSecret(f.value, name); err != nil {
		d.at(n.Line, at, "unreadable", "%s: %v", at, err)
		return
	}
	d.record(f.value, target, place+" "+at)
}

// readSecret fills v with the text of the named file.
func readSecret(v reflect.Value, name string) error {
	if name == "" {
		return nil // already reported, or not set
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read secret: %w", err)
	}
	return setScalar(v, strings.TrimRight(string(text), "\r\n"))
}

func (d *decoder) mapping(v reflect.Value, n *yaml.Node, path string) {
	filled := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		f := field{key: name, value: reflect.New(v.Type().Elem()).Elem()}
		if isSecret(v.Type().Elem()) && strings.HasSuffix(name, fileSuffix) {
			name, f.fromFile = strings.TrimSuffix(name, fileSuffix), true
		}
		d.member(f, n.Content[i+1], path)
		filled.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), f.value)
	}
	v.Set(filled)
	d.record(v, path, d.name+":"+strconv.Itoa(n.Line))
}

func (d *decoder) list(v reflect.Value, n *yaml.Node, path string) {
	items := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(items.Index(i), item, path+"["+strconv.Itoa(i)+"]")
	}
	v.Set(items)
	d.record(v, path, d.name+":"+strconv.Itoa(n.Line))
}

// record remembers where a value came from.
func (d *decoder) record(v reflect.Value, path, from string) {
	d.sources[path] = source{text: fingerprint(v), from: from}
}

// fingerprint tells values apart; it is never shown.
func fingerprint(v reflect.Value) string {
	if isSecret(v.Type()) {
		return v.String()
	}
	if v.Kind() == reflect.Slice {
		var all []string
		for i := range v.Len() {
			all = append(all, fingerprint(v.Index(i)))
		}
		return strings.Join(all, "\x00")
	}
	if isScalar(v.Type()) {
		return scalarText(v)
	}
	return ""
}
