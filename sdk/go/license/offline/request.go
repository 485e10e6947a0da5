package offline

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"guildhall/sdk/go/license/fingerprint"
)

// maxRequest bounds a request, in bytes.
const maxRequest = 64 << 10

// Request is what a customer sends for a licence: who he is, what he wants, and his
// machines. It holds no secret.
type Request struct {
	// Version is 1.
	Version int      `json:"v"`
	Product string   `json:"product"`
	Company string   `json:"company"`
	Contact string   `json:"contact"`
	Modules []string `json:"modules"`
	// InstanceType is SingleNode or ThreeNodes, Users how many there will be.
	InstanceType int           `json:"instance_type"`
	Users        int           `json:"users"`
	Nodes        []RequestNode `json:"nodes"`
	// Nonce tells requests apart: 16 random bytes, base64url.
	Nonce  string    `json:"nonce"`
	MadeAt time.Time `json:"made_at"`
}

// RequestNode is a machine that asks: its public install key (base64url, empty if it
// has none) and the digests of its parts.
type RequestNode struct {
	Name       string                 `json:"name"`
	PublicKey  string                 `json:"public_key,omitempty"`
	Components fingerprint.Components `json:"components"`
}

// NewRequest is a request with what machines fill in; people fill in the rest.
func NewRequest(product string, now time.Time, nodes ...RequestNode) *Request {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce)
	r := &Request{Version: Version, Product: product, Modules: []string{}, Nodes: nodes, Nonce: encode(nonce), MadeAt: now.UTC().Truncate(time.Second)}
	if len(nodes) > 1 {
		r.InstanceType = ThreeNodes
	}
	return r
}

// ParseRequest reads a request. What it says is still to be checked. Fields that are
// not known are refused: a form that people fill in may have a mistyped name.
func ParseRequest(text []byte) (*Request, error) {
	if len(text) > maxRequest {
		return nil, refuse(RequestWrong, "The request has more than %d bytes.", maxRequest)
	}
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, refuse(RequestWrong, "This is no request as \"guildhall license request\" writes it, in JSON. A vendor takes YAML that somebody wrote, but only as a file of its own.")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var r Request
	if err := d.Decode(&r); err != nil {
		return nil, refuse(RequestWrong, "The request cannot be read: %v.", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, refuse(RequestWrong, "Something follows the request.")
	}
	return &r, nil
}

// Check is what is wrong with the request, by field; nothing if it can be issued.
func (r *Request) Check() []Problem {
	var p problems
	p.add(r.Version != Version, "v", "malformed", "The request is of version %d of the format, not %d.", r.Version, Version)
	p.name("product", r.Product, true)
	p.add(r.Product != "" && !productPattern.MatchString(r.Product), "product", "malformed", "A product's code is up to 40 small letters, digits and dashes, as its vendor says it.")
	p.name("company", r.Company, true)
	p.name("contact", r.Contact, true)
	p.modules(r.Modules)
	p.add(r.Users < 0, "users", "malformed", "There cannot be less than no users.")
	nonce, err := decode(r.Nonce)
	p.add(err != nil || len(nonce) != 16, "nonce", "malformed", "The nonce is 16 random bytes in base64url: 22 characters.")
	p.add(r.MadeAt.IsZero(), "made_at", "missing", "It is not said when the request was made.")
	p.instance("", r.InstanceType, len(r.Nodes), false)
	names, keys := map[string]bool{}, map[string]bool{}
	for i, n := range r.Nodes {
		field := fmt.Sprintf("nodes[%d]", i)
		p.node(field, n.Name, n.Components)
		_, err := parsePublic(n.PublicKey)
		p.add(n.PublicKey != "" && err != nil, field+".public_key", "malformed", "The public install key is 32 bytes in base64url: 43 characters.")
		p.add(names[n.Name], field+".name", "mismatch", "Two machines have the same name. Each needs its own.")
		p.add(n.PublicKey != "" && keys[n.PublicKey], field+".public_key", "mismatch", "Two machines have the same install key. Each makes its own.")
		names[n.Name], keys[n.PublicKey] = true, true
	}
	return p
}

// Join adds the machines of another request for the same product: each of three nodes
// makes its own.
func (r *Request) Join(other *Request) error {
	if other.Product != r.Product {
		return refuse(RequestWrong, "One request is for %q, the other for %q.", r.Product, other.Product)
	}
	r.Nodes = append(r.Nodes, other.Nodes...)
	if len(r.Nodes) > 1 {
		r.InstanceType = ThreeNodes
	}
	return nil
}

// Claims are what the request asks for. Whoever issues sets the id and the times, takes
// away what is not granted, and seals what is confidential.
func (r *Request) Claims() Claims {
	c := Claims{Product: r.Product, Licensee: Licensee{r.Company, r.Contact}, Modules: r.Modules, Deployment: Deployment{InstanceType: r.InstanceType}, Restrictions: Restrictions{MaxUsers: r.Users}}
	for _, n := range r.Nodes {
		c.Deployment.Nodes = append(c.Deployment.Nodes, Node{n.Name, n.Components})
	}
	return c
}
