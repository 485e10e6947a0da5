package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"guildhall/platform/fault"
)

// prefix begins the name of every variable that may configure the process.
const prefix = "GUILDHALL_"

// maxFile bounds the file in bytes: whatever is larger is not a configuration.
const maxFile = 1 << 20

// ErrInvalid matches every error about what the file or the environment says.
// Its text has a line for each problem, which names the place, the key and the
// remedy; its Fields hold the same by key.
var ErrInvalid = fault.New(fault.Invalid, "invalid_config", "The configuration is wrong.")

// File is a configuration file with the environment that overrides it. It
// remembers where each decoded value came from. It is not safe for use by
// several goroutines.
type File struct {
	name    string     // as the user wrote it; "" when there is none
	root    *yaml.Node // the top-level mapping; nil when empty
	env     map[string]string
	sources map[string]source // by path
}

// source is where a decoded value came from, and its text at that time, by
// which Print knows what a flag changed afterwards.
type source struct {
	text string
	from string
}

// Load reads the file at path and keeps those of environ ("NAME=value", as in
// os.Environ) that may configure the process. An empty path stands for an
// empty file. It refuses what is not one YAML mapping without repeated keys;
// errors about the content match ErrInvalid.
func Load(path string, environ []string) (*File, error) {
	f := &File{name: path, env: map[string]string{}, sources: map[string]source{}}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, prefix) {
			f.env[name] = value
		}
	}
	if path == "" {
		return f, nil
	}
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	if err := f.parse(text); err != nil {
		return nil, err
	}
	return f, nil
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Invalid, "config_not_found", "read configuration: %w; create the file, or leave out --config to run with defaults", err)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	defer file.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, unreadable(err)
	}
	if len(text) > maxFile {
		return nil, fault.New(fault.Invalid, "config_unreadable", "read configuration: %s is larger than %s; is it the right file?", path, Size(maxFile))
	}
	return text, nil
}

func unreadable(err error) error {
	return fault.New(fault.Invalid, "config_unreadable", "read configuration: %w; check the path, the owner and the mode of the file", err)
}

// parse keeps the top-level mapping of the text after checking its shape.
func (f *File) parse(text []byte) error {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("start YAML loader: %w", err)
	}
	var document, more yaml.Node
	if err := loader.Load(&document); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return f.syntax(err)
	}
	if err := loader.Load(&more); err == nil {
		p := problems{file: f.name}
		p.at(more.Line, "", "several_documents", "a second YAML document begins here; keep one, without \"---\" between")
		return p.err()
	} else if !errors.Is(err, io.EOF) {
		return f.syntax(err)
	}
	return f.adopt(&document)
}

func (f *File) adopt(document *yaml.Node) error {
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return nil
	}
	root, p := document.Content[0], problems{file: f.name}
	if root.Kind != yaml.MappingNode {
		p.at(root.Line, "", "wrong_type", "the file must hold sections such as \"server:\", each with its keys indented below it")
		return p.err()
	}
	checkShape(&p, root, "")
	f.root = root
	return p.err()
}

// syntax turns an error of the YAML library into one of ours, with its place.
func (f *File) syntax(err error) error {
	p := problems{file: f.name}
	text, line := err.Error(), 0
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		text, line = e.Message, e.Mark.Line
	}
	p.at(line, "", "syntax", "this is not YAML: %s; mind indentation (spaces, not tabs), colons and quotes", text)
	return p.err()
}

// Check refuses the top-level keys of the file that are not known, and
// variables that miss a known section by a letter or two.
func (f *File) Check(known ...string) error {
	p := problems{file: f.name}
	for key := range f.pairs() {
		if !slices.Contains(known, key.Value) {
			p.at(key.Line, key.Value, "unknown_key", "unknown key %s; %s", key.Value, knownKeys(key.Value, known))
		}
	}
	for _, name := range f.variables(prefix) {
		section, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "_")
		if meant := Nearest(strings.ToLower(section), known); meant != "" && !f.ofSection(name, known) {
			p.add(name, "unknown_key", "environment variable %s: there is no section %s; did you mean %s? Rename or unset it",
				name, strings.ToLower(section), prefix+strings.ToUpper(meant)+"_...")
		}
	}
	return p.err()
}

// ofSection says whether the variable belongs to one of the sections.
func (f *File) ofSection(name string, sections []string) bool {
	return slices.ContainsFunc(sections, func(s string) bool {
		return strings.HasPrefix(name, variable(s)+"_")
	})
}

// pairs yields keys and values at the top of the file.
func (f *File) pairs() func(yield func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		if f.root == nil {
			return
		}
		for i := 0; i+1 < len(f.root.Content); i += 2 {
			if !yield(f.root.Content[i], f.root.Content[i+1]) {
				return
			}
		}
	}
}

// variables are the names in the environment that begin so, in order.
func (f *File) variables(prefix string) []string {
	var names []string
	for name := range f.env {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// variable is the name in the environment of a key's path.
func variable(path string) string {
	return prefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(path))
}
