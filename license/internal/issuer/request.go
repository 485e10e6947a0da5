package issuer

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"guildhall/platform/fault"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
)

// MaxRequest bounds a request, in bytes.
const MaxRequest = 64 << 10

// mostNodes is how many an instance has at most.
const mostNodes = 3

// Request is what a customer asks for.
type Request struct {
	offline.Request
	// lines are where each field stands in the file; nil when there is none.
	lines map[string]int
}

// ParseRequest reads a request from the JSON that a machine made, or from YAML that
// somebody wrote: there version, nonce and time may be left out, and nodes may have
// identifiers as they are instead of digests. Without a nonce what it says makes one, so
// that the same file is the same request. An error has a field "request" for each
// mistake, with its line.
func ParseRequest(text []byte, now time.Time) (*Request, error) {
	root, err := document(text)
	if err != nil {
		return nil, err
	}
	r := &Request{Request: *offline.NewRequest("", now), lines: map[string]int{}}
	p := parser{lines: r.lines}
	instance := -1
	p.object(root, "", map[string]func(*yaml.Node, string){
		"v": p.whole(&r.Version), "product": p.text(&r.Product), "company": p.text(&r.Company), "contact": p.text(&r.Contact),
		"modules": p.texts(&r.Modules), "instance_type": p.whole(&instance), "users": p.whole(&r.Users), "nonce": p.text(&r.Nonce), "made_at": p.time(&r.MadeAt),
		"nodes": p.list(mostNodes, func(n *yaml.Node, path string) {
			var node offline.RequestNode
			identifiers := p.node(n, path, &node)
			r.Nodes = append(r.Nodes, node)
			p.digest(r, identifiers, path)
		}),
	})
	// The product may follow the nodes, and digests need it.
	for _, later := range p.later {
		later()
	}
	switch {
	case instance >= 0:
		r.InstanceType = instance
	case len(r.Nodes) > 1:
		r.InstanceType = offline.ThreeNodes
	}
	if err := fault.Fields(p.found...); err != nil {
		return nil, err
	}
	if _, told := r.lines["nonce"]; !told {
		r.Nonce = r.said()
	}
	return r, nil
}

// said is a nonce made of what a request asks for.
func (r *Request) said() string {
	asked := r.Request
	asked.Nonce, asked.MadeAt = "", time.Time{}
	text, _ := json.Marshal(asked) // texts and numbers
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// document is the one document of a text.
func document(text []byte) (*yaml.Node, error) {
	if len(text) > MaxRequest {
		return nil, unreadable(0, "The request has more than 65536 bytes.")
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var first, more yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		return nil, unreadable(0, "The request is empty.")
	case err != nil:
		return nil, notYAML(err)
	}
	switch err := loader.Load(&more); {
	case err == nil:
		return nil, unreadable(more.Line, "A second document begins here. Keep one request in a file.")
	case !errors.Is(err, io.EOF):
		return nil, notYAML(err)
	}
	if first.Kind != yaml.DocumentNode {
		return &first, nil
	}
	if len(first.Content) == 0 {
		return nil, unreadable(0, "The request is empty.")
	}
	return first.Content[0], nil
}

func unreadable(line int, detail string) error {
	return fault.Fields(fault.Field{Name: "request", Code: "request_unreadable", Args: map[string]any{"Line": line}, Detail: detail})
}

func notYAML(err error) error {
	line := 0
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		line = e.Mark.Line
	}
	return fault.Fields(mistake(line, "", "syntax", "this is neither JSON nor YAML: mind indentation (blanks, no tabs), colons and quotation marks."))
}

// node reads a machine, and returns its identifiers as they are by kind.
func (p *parser) node(n *yaml.Node, path string, into *offline.RequestNode) (identifiers map[string][]string) {
	into.Components = fingerprint.Components{}
	identifiers = map[string][]string{}
	p.object(n, path, map[string]func(*yaml.Node, string){
		"name": p.text(&into.Name), "public_key": p.text(&into.PublicKey),
		"components": p.pairs(func(name string, value *yaml.Node, path string) {
			var digest string
			p.text(&digest)(value, path)
			into.Components[name] = digest
		}),
		"identifiers": p.pairs(func(kind string, value *yaml.Node, path string) {
			var all []string
			p.texts(&all)(value, path)
			identifiers[kind] = all
		}),
	})
	return identifiers
}

// digest turns identifiers into components once the product is known.
func (p *parser) digest(r *Request, identifiers map[string][]string, path string) {
	components := r.Nodes[len(r.Nodes)-1].Components
	p.later = append(p.later, func() {
		for _, kind := range slices.Sorted(maps.Keys(identifiers)) {
			at := path + ".identifiers." + kind
			for i, value := range identifiers[kind] {
				one := at
				if listed := fmt.Sprintf("%s[%d]", at, i); p.lines[listed] != 0 {
					one = listed
				}
				p.identifier(one, kind, AddIdentifier(components, r.Product, kind, value))
			}
		}
	})
}

// identifier says what AddIdentifier found.
func (p *parser) identifier(at, kind, problem string) {
	switch problem {
	case UnknownKind:
		p.wrong(p.lines[at], at, problem, "there is no such kind of identifier; there are "+strings.Join(Kinds(), ", ")+".")
	case IdentifierForm:
		f := mistake(p.lines[at], at, problem, "this must look like "+fingerprint.Example(kind)+".")
		f.Args["Form"] = fingerprint.Example(kind)
		p.found = append(p.found, f)
	case NoIdentifier:
		p.wrong(p.lines[at], at, problem, "this tells no machine from another: it is empty, too long, a placeholder, or an address that was not given by a manufacturer.")
	}
}

// What is wrong with an identifier.
const (
	// UnknownKind says that the kind is none of Kinds.
	UnknownKind = "unknown_kind"
	// IdentifierForm says that it does not look like one of its kind.
	IdentifierForm = "identifier_form"
	// NoIdentifier says that it tells no machine from another.
	NoIdentifier = "no_identifier"
)

// Kinds are those of identifiers.
func Kinds() []string { return slices.Sorted(maps.Keys(fingerprint.Weights())) }

// AddIdentifier adds a part of a machine, as the machine tells it, to its components, or
// says what is wrong with it.
func AddIdentifier(c fingerprint.Components, product, kind, value string) (problem string) {
	digest, telling := fingerprint.Digest(product, kind, value)
	switch {
	case fingerprint.Weights()[kind] == 0:
		return UnknownKind
	case fingerprint.Example(kind) != "" && !fingerprint.WellFormed(kind, value):
		return IdentifierForm
	case !telling || !fingerprint.WellFormed(kind, value):
		return NoIdentifier
	}
	c.Add(kind, digest)
	return ""
}

// wrong is what the request's own rules say, each at its line, or at its field when
// there is no file.
func (r *Request) wrong(found []offline.Problem) error {
	var all []fault.Field
	for _, f := range found {
		if r.lines == nil {
			all = append(all, fault.Field{Name: f.Field, Code: "request_" + f.Code, Detail: f.Detail})
			continue
		}
		all = append(all, mistake(r.line(f.Field), f.Field, f.Code, f.Detail))
	}
	return fault.Fields(all...)
}

// line is where a field stands or, if it is missing, the group that it would be in.
func (r *Request) line(field string) int {
	for r.lines[field] == 0 && strings.ContainsAny(field, ".[") {
		field = field[:strings.LastIndexAny(field, ".[")]
	}
	return r.lines[field]
}
