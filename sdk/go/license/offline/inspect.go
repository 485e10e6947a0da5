package offline

import (
	"fmt"
	"strings"
)

// Unverified is what a text says of itself. Anybody can write such a text: it is for
// looking at, never for deciding.
type Unverified struct {
	KeyID  string
	Claims Claims
}

// Inspect reads a licence without verifying it.
func Inspect(text string) (*Unverified, error) {
	t, err := parse(text)
	if err != nil {
		return nil, err
	}
	id, err := t.keyID()
	if err != nil {
		return nil, err
	}
	c, err := t.read()
	if err != nil {
		return nil, err
	}
	return &Unverified{id, c}, nil
}

// String is for people, a line for each thing that the text says.
func (u *Unverified) String() string {
	c := u.Claims
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-14s%s\n", name, fmt.Sprintf(format, args...))
	}
	line("unverified", "the signature was not looked at")
	line("licence", "%q for %q, signed by key %q", c.LicenseID, c.Product, u.KeyID)
	line("licensee", "%q, %q", c.Licensee.Company, c.Licensee.Contact)
	line("issued", "%s", moment(c.IssuedAt))
	line("expires", "%s", moment(c.ExpiresAt))
	if r := c.Restrictions; !r.ValidFrom.IsZero() {
		line("valid from", "%s", moment(r.ValidFrom))
	}
	if r := c.Restrictions; !r.ValidTo.IsZero() {
		line("valid to", "%s", moment(r.ValidTo))
	}
	if v := c.Deployment.ProductVersions; v != (Versions{}) {
		line("versions", "%q", v.String())
	}
	line("modules", "%q", c.Modules)
	if users := c.Restrictions.MaxUsers; users > 0 {
		line("users", "%d", users)
	}
	if len(c.Deployment.Nodes) == 0 {
		line("nodes", "any machine")
	}
	for _, n := range c.Deployment.Nodes {
		line("node", "%q, %d identifiers", n.Name, len(n.Components))
	}
	if len(c.Sealed) == 0 {
		line("confidential", "none")
	}
	for _, r := range c.Recipients() {
		line("confidential", "%q", r)
	}
	if c.Note != "" {
		line("note", "%q", c.Note)
	}
	return b.String()
}
