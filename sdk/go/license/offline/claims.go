package offline

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"guildhall/sdk/go/license/fingerprint"
)

const (
	// Version is the claims' own. Whatever a program must not pass over raises it.
	Version = 1
	// SingleNode is the type of an instance on one machine.
	SingleNode = 0
	// ThreeNodes is that of one on three.
	ThreeNodes = 1

	maxName, maxNote, maxModules, maxSecret = 200, 2000, 200, 4096
)

// Claims are what a licence says.
type Claims struct {
	// Version is set by Issue.
	Version int `json:"v"`
	// LicenseID is letters, digits, "-" and "_", at most 64.
	LicenseID string `json:"license_id"`
	Product   string `json:"product"`
	// IssuedAt and ExpiresAt are exact to a second. At ExpiresAt it is over.
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Licensee  Licensee  `json:"licensee"`
	// Modules are those that the licensee may use.
	Modules      []string     `json:"modules"`
	Deployment   Deployment   `json:"deployment"`
	Restrictions Restrictions `json:"restrictions"`
	// Sealed are confidential parts; SealTo and SealToCode write them.
	Sealed []Sealed `json:"sealed,omitempty"`
	Note   string   `json:"note,omitempty"`
}

// Licensee is who got the licence.
type Licensee struct {
	Company string `json:"company"`
	Contact string `json:"contact"`
}

// Deployment is where and in which versions the product may run.
type Deployment struct {
	// InstanceType is SingleNode or ThreeNodes.
	InstanceType int `json:"instance_type"`
	// Nodes are the machines; none binds the licence to no machine.
	Nodes []Node `json:"nodes,omitempty"`
	// Match is the share of a node's weight that a machine must show; 0 is
	// fingerprint.DefaultShare.
	Match           float64  `json:"match,omitempty"`
	ProductVersions Versions `json:"product_versions,omitzero"`
}

// has says whether there is a node of the name; a licence that is bound to none has one
// without name.
func (d Deployment) has(node string) bool {
	if len(d.Nodes) == 0 {
		return node == ""
	}
	return slices.ContainsFunc(d.Nodes, func(n Node) bool { return n.Name == node })
}

// KeyOnly are the names of the nodes that nothing but their install key identifies: whoever
// has the file of that key uses the licence on any machine.
func (d Deployment) KeyOnly() (names []string) {
	for _, n := range d.Nodes {
		rest := n.Components.Clone()
		maps.DeleteFunc(rest, func(name, _ string) bool { return fingerprint.Kind(name) == fingerprint.InstallKey })
		if len(rest) == 0 {
			names = append(names, n.Name)
		}
	}
	return names
}

// Node is a machine.
type Node struct {
	Name       string                 `json:"name"`
	Components fingerprint.Components `json:"components"`
}

// Versions are from From to To, both included: "2" as To includes 2.9.1. Empty is open.
type Versions struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Restrictions are further limits; what is zero does not limit.
type Restrictions struct {
	ValidFrom time.Time `json:"valid_from,omitzero"`
	ValidTo   time.Time `json:"valid_to,omitzero"`
	MaxUsers  int       `json:"max_users,omitempty"`
}

// Sealed is a confidential part of the licence.
type Sealed struct {
	// Node is whose; empty for a part under a code, which is for all nodes, and in a
	// licence that is bound to none.
	Node string `json:"node,omitempty"`
	// To is "install_key" or "code".
	To string `json:"to"`
	// Data is base64url.
	Data string `json:"data"`
}

var (
	productPattern = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$`)
	idPattern      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	releasePattern = regexp.MustCompile(`^v?[0-9]{1,9}(\.[0-9]{1,9}){0,3}([-+].{0,64})?$`)
)

// Check is what is wrong with the claims, nothing if they can be issued.
func (c *Claims) Check() []Problem {
	var p problems
	p.add(!idPattern.MatchString(c.LicenseID), "license_id", "malformed", "A licence's id is 1 to 64 letters, digits, - and _.")
	p.name("product", c.Product, true)
	p.add(c.IssuedAt.IsZero(), "issued_at", "missing", "It is not said when the licence is issued.")
	p.add(!c.ExpiresAt.After(c.IssuedAt), "expires_at", "mismatch", "The licence would be over before it is issued.")
	p.name("licensee.company", c.Licensee.Company, true)
	p.name("licensee.contact", c.Licensee.Contact, false)
	p.modules(c.Modules)
	p.add(len(c.Note) > maxNote, "note", "malformed", "A note has at most %d bytes.", maxNote)
	r := c.Restrictions
	p.add(!r.ValidFrom.IsZero() && !r.ValidTo.IsZero() && !r.ValidTo.After(r.ValidFrom), "restrictions.valid_to", "mismatch", "The time of use would end before it begins.")
	p.add(r.MaxUsers < 0, "restrictions.max_users", "malformed", "There cannot be less than no users.")
	p.deployment(c.Deployment)
	for i, s := range c.Sealed {
		field := fmt.Sprintf("sealed[%d]", i)
		data, err := decode(s.Data)
		p.add(s.To == toInstallKey && !c.Deployment.has(s.Node), field+".node", "mismatch", "The part is sealed to %q, which is none of the nodes.", s.Node)
		p.add(s.To != toInstallKey && s.To != toCode, field+".to", "malformed", "A part is sealed to an install key (%s) or under a code (%s).", toInstallKey, toCode)
		p.add(err != nil || len(data) == 0 || len(data) > maxSecret+128, field+".data", "malformed", "The sealed part is no base64url, or too long.")
	}
	return p
}

func (p *problems) deployment(d Deployment) {
	p.add(d.Match < 0 || d.Match > 1, "deployment.match", "malformed", "The share that must agree is between 0 and 1.")
	p.release("deployment.product_versions.from", d.ProductVersions.From)
	p.release("deployment.product_versions.to", d.ProductVersions.To)
	v := d.ProductVersions
	p.add(v.From != "" && !v.includes(v.From), "deployment.product_versions.to", "mismatch", "No version is from %s and up to %s.", v.From, v.To)
	p.instance("deployment.", d.InstanceType, len(d.Nodes), true)
	names := map[string]bool{}
	for i, n := range d.Nodes {
		field := fmt.Sprintf("deployment.nodes[%d]", i)
		p.node(field, n.Name, n.Components)
		p.add(names[n.Name], field+".name", "mismatch", "Two nodes have the same name.")
		names[n.Name] = true
	}
}

func (p *problems) release(field, version string) {
	p.add(version != "" && !releasePattern.MatchString(version), field, "malformed", "A version is numbers with points between them, such as 2.4.1.")
}

func (p *problems) instance(prefix string, instance, nodes int, mayBeNone bool) {
	want, known := map[int]int{SingleNode: 1, ThreeNodes: 3}[instance]
	p.add(!known, prefix+"instance_type", "malformed", "instance_type is 0 (one machine) or 1 (three machines), not %d.", instance)
	p.add(known && nodes != want && (nodes != 0 || !mayBeNone), prefix+"nodes", "mismatch", "instance_type %d is for %d of them, and %d are named.", instance, want, nodes)
}

func (p *problems) node(field, name string, components fingerprint.Components) {
	p.name(field+".name", name, true)
	err := components.Check()
	p.add(err != nil, field+".components", "malformed", "What identifies the machine is wrong: %v.", err)
	p.add(fingerprint.Rule{}.Weigh(components) == 0, field+".components", "missing", "Nothing here tells the machine from another.")
}

func (p *problems) modules(modules []string) {
	p.add(len(modules) > maxModules, "modules", "too_many", "There are at most %d modules.", maxModules)
	for i, m := range modules {
		p.name(fmt.Sprintf("modules[%d]", i), m, true)
	}
}

func (p *problems) name(field, text string, needed bool) {
	p.add(needed && strings.TrimSpace(text) == "", field, "missing", "This is needed.")
	p.add(len(text) > maxName || strings.ContainsFunc(text, unicode.IsControl), field, "malformed", "This is text of one line and at most %d bytes.", maxName)
}

// exact makes times what the text says: UTC, to a second.
func (c Claims) exact() Claims {
	for _, t := range []*time.Time{&c.IssuedAt, &c.ExpiresAt, &c.Restrictions.ValidFrom, &c.Restrictions.ValidTo} {
		*t = t.UTC().Truncate(time.Second)
	}
	return c
}
