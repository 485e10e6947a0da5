package offline

import "guildhall/sdk/go/license/fingerprint"

// keyIDLength is how much of an install key's digest names it.
const keyIDLength = 16

// Recipient is who opens a confidential part.
type Recipient struct {
	// Node is the machine whose install key opens it; empty where a code does, and in a
	// licence that is bound to no machine.
	Node string
	// Key is the beginning of that key's digest, as the licence and the machine's request
	// have it under "install_key"; empty if the licence does not name the key.
	Key string
	// Code says that a code opens it.
	Code bool
}

// Recipients are those of the confidential parts, in their order. Nothing of what they
// hold is in it.
func (c *Claims) Recipients() []Recipient {
	var all []Recipient
	for _, s := range c.Sealed {
		all = append(all, Recipient{Node: s.Node, Key: c.Deployment.installKey(s.Node), Code: s.To == toCode})
	}
	return all
}

// installKey names the install key of a node.
func (d Deployment) installKey(node string) string {
	for _, n := range d.Nodes {
		if n.Name == node {
			digest := n.Components[fingerprint.InstallKey]
			return digest[:min(keyIDLength, len(digest))]
		}
	}
	return ""
}

// String is for people.
func (r Recipient) String() string {
	switch {
	case r.Code:
		return "sealed under a code"
	case r.Node == "":
		return "sealed to an install key"
	case r.Key == "":
		return "sealed to the install key of " + r.Node
	default:
		return "sealed to the install key of " + r.Node + " (" + r.Key + ")"
	}
}
