package offline

import (
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"guildhall/sdk/go/license/fingerprint"
)

// Options is what a program says of itself, and whom it trusts.
type Options struct {
	// Keys are the issuer's public keys that are valid: the present one, those before
	// whose licences are still to be accepted, the next one.
	Keys []ed25519.PublicKey
	// Product is the program's.
	Product string
	// Version is the program's; needed where licences limit it.
	Version string
	// Module, if not empty, must be one of the licence's.
	Module string
	// Users, if not 0, is how many there are.
	Users int
	// Components are this machine's; needed where licences are bound to machines.
	Components fingerprint.Components
	// Now is the time: what package clock says, so that setting the clock back wins
	// nothing.
	Now time.Time
}

// Licence is a verified licence.
type Licence struct {
	Claims
	// KeyID is the key that signed it.
	KeyID string
	// Node is the node that this machine is; empty if the licence is bound to none.
	Node string
}

// Genuine is the licence in the text, if a trusted key signed it for the product,
// whether or not it is to be accepted here and now: for package clock, which needs to
// know when it was issued, and for telling whose licence is over. It needs the options'
// Keys and Product alone. Otherwise the error is an *Error.
func Genuine(text string, o Options) (*Licence, error) {
	t, err := parse(text)
	if err != nil {
		return nil, err
	}
	return t.open(o)
}

// Verify is the licence in the text, if it is to be accepted: genuine, for this
// program, on this machine, now. Otherwise the error is an *Error.
func Verify(text string, o Options) (*Licence, error) {
	l, err := Genuine(text, o)
	if err != nil {
		return nil, err
	}
	if err := l.InTime(o.Now); err != nil {
		return nil, err
	}
	if err := l.allows(o); err != nil {
		return nil, err
	}
	if err := l.bind(o); err != nil {
		return nil, err
	}
	return l, nil
}

// open is what a trusted key signed for the product.
func (t token) open(o Options) (*Licence, error) {
	id, err := t.keyID()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(o.Keys, func(k ed25519.PublicKey) bool { return KeyID(k) == id })
	if i < 0 {
		return nil, refuse(KeyUnknown, "The licence is signed by the key %s, which this program does not know. Ask for a licence for this version of the program, or update it.", id)
	}
	if !t.verifies(o.Product, o.Keys[i]) {
		return nil, t.unsigned(o.Product, o.Keys[i])
	}
	c, err := t.read()
	if err != nil {
		return nil, err
	}
	if found := c.Check(); len(found) > 0 {
		return nil, refuse(ClaimsWrong, "The licence is signed, but wrong: %s: %s Ask for another one.", found[0].Field, found[0].Detail)
	}
	if c.Product != o.Product {
		return nil, otherProduct(c.Product, o.Product)
	}
	return &Licence{Claims: c, KeyID: id}, nil
}

// unsigned is why a signature does not verify.
func (t token) unsigned(product string, key ed25519.PublicKey) error {
	if c, err := t.read(); err == nil && c.Product != product && t.verifies(c.Product, key) {
		return otherProduct(c.Product, product)
	}
	return refuse(SignatureWrong, "The licence was changed after it was signed, or was never signed. Use it as you got it.")
}

func otherProduct(is, want string) error {
	return refuse(ProductOther, "The licence is for %q; this program is %q.", is, want)
}

// read is the claims as they stand there.
func (t token) read() (Claims, error) {
	var c Claims
	if err := json.Unmarshal(t.claims, &c); err != nil {
		return Claims{}, refuse(Malformed, "What the licence says cannot be read: %v.", err)
	}
	if c.Version != Version {
		return Claims{}, refuse(VersionUnknown, "The licence is of version %d of the format; this program knows version %d. Update it.", c.Version, Version)
	}
	return c, nil
}

// InTime says whether the licence is valid at a time: for showing a licence that this
// machine is not to use. Verify does it among the rest. The error is an *Error.
func (l *Licence) InTime(now time.Time) error {
	from, to := l.Restrictions.ValidFrom, l.ExpiresAt
	if valid := l.Restrictions.ValidTo; !valid.IsZero() && valid.Before(to) {
		to = valid
	}
	switch {
	case now.IsZero():
		return refuse(NotSaid, "The program did not say what time it is.")
	case !now.Before(to):
		return refuse(Expired, "The licence expired on %s.", moment(to))
	case now.Before(from):
		return refuse(NotYetValid, "The licence is not valid before %s.", moment(from))
	default:
		return nil
	}
}

func (l *Licence) allows(o Options) error {
	versions := l.Deployment.ProductVersions
	switch limit := l.Restrictions.MaxUsers; {
	case versions != Versions{} && !releasePattern.MatchString(o.Version):
		return refuse(NotSaid, "The licence is for versions %s, and the program did not say its version in numbers (%q).", versions, o.Version)
	case versions != Versions{} && !versions.includes(o.Version):
		return refuse(ReleaseOutside, "The licence is for versions %s; this is version %s.", versions, o.Version)
	case o.Module != "" && !l.Has(o.Module):
		return refuse(ModuleMissing, "The licence does not include the module %q.", o.Module)
	case limit > 0 && o.Users > limit:
		return refuse(TooManyUsers, "The licence is for %d users, and there are %d.", limit, o.Users)
	default:
		return nil
	}
}

// bind finds the node that this machine is.
func (l *Licence) bind(o Options) error {
	nodes := l.Deployment.Nodes
	if len(nodes) == 0 {
		return nil
	}
	if len(o.Components) == 0 {
		return refuse(NotSaid, "The licence is bound to machines, and the program did not say which machine this is.")
	}
	var nearest string
	best := fingerprint.Match{Weight: -1}
	for _, n := range nodes {
		m := fingerprint.Compare(n.Components, o.Components, fingerprint.Rule{Share: l.Deployment.Match})
		if m.Same {
			l.Node = n.Name
			return nil
		}
		if m.Weight > best.Weight {
			nearest, best = n.Name, m
		}
	}
	return refuse(MachineOther, "This machine is not one of the licence's nodes: it shows %d of the %d points of the nearest, %q (changed: %s; missing: %s). Ask for a licence for this machine.",
		best.Weight, best.Of, nearest, list(best.Changed), list(best.Missing))
}

// Has says whether the licence includes a module.
func (l *Licence) Has(module string) bool { return slices.Contains(l.Modules, module) }

func list(names []string) string { return cmp.Or(strings.Join(names, ", "), "none") }

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
