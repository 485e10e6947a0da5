package config

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Section is a top-level key with a pointer to the struct behind it.
type Section struct {
	Key   string
	Value any
}

// Print writes the sections as YAML, secrets masked (of the address of a database
// or a server the password alone), with the place that each
// value came from as a comment: the file's line, a variable, "default", or
// "flag" for what was changed after Decode.
func (f *File) Print(w io.Writer, sections []Section) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range sections {
		v := reflect.Indirect(reflect.ValueOf(s.Value))
		if v.Kind() != reflect.Struct {
			return fmt.Errorf("print section %s: want a pointer to a struct, have %T", s.Key, s.Value)
		}
		root.Content = append(root.Content, text(s.Key), f.node(v, s.Key))
	}
	out, err := yaml.Dump(root, yaml.WithLineWidth(-1))
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_, err = w.Write(out)
	return err
}

func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	n.Style = 0
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// node is a value with the sources of what it holds.
func (f *File) node(v reflect.Value, path string) *yaml.Node {
	t := v.Type()
	var n *yaml.Node
	switch {
	case isScalar(t):
		n = scalarNode(v)
	case t.Kind() == reflect.Struct:
		return f.structNode(v, path)
	case t.Kind() == reflect.Map && v.Len() > 0:
		return f.mapNode(v, path)
	case t.Kind() == reflect.Map:
		n = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	case isScalar(t.Elem()):
		n = &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for i := range v.Len() {
			n.Content = append(n.Content, scalarNode(v.Index(i)))
		}
	default:
		n = &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			n.Content = append(n.Content, f.node(v.Index(i), fmt.Sprintf("%s[%d]", path, i)))
		}
		return n
	}
	n.LineComment = f.from(v, path)
	return n
}

func scalarNode(v reflect.Value) *yaml.Node {
	n := text(scalarText(v))
	if isSecret(v.Type()) {
		n = text(masked(Secret(v.String())))
	}
	if v.Kind() != reflect.String {
		n.Tag = "" // unquoted: numbers, true and false, and texts made of them
	}
	return n
}

func (f *File) structNode(v reflect.Value, path string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, field := range fieldsOf(v) {
		if !field.fromFile {
			n.Content = append(n.Content, text(field.key), f.node(field.value, under(path, field.key)))
		}
	}
	return n
}

func (f *File) mapNode(v reflect.Value, path string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		n.Content = append(n.Content, text(key.String()), f.node(v.MapIndex(key), under(path, key.String())))
	}
	return n
}

// from names the source of the value at a path.
func (f *File) from(v reflect.Value, path string) string {
	s, set := f.sources[path]
	switch {
	case !set:
		return "# default"
	case s.text != fingerprint(v):
		return "# flag"
	}
	return "# " + strings.Map(printable, s.from)
}

// printable keeps a file's name from ending the comment.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
		return '?'
	}
	return r
}
