package profile

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"guildhall/platform/fault"
)

// maxCommonName is ub-common-name of RFC 5280; MaxNames bounds a certificate's
// size.
const (
	maxCommonName = 64
	MaxNames      = 100
)

// Request is what somebody asks a certificate for, as they wrote it.
type Request struct {
	CommonName string
	Names      []string
	// Lifetime is how long it shall live; zero takes the profile's default.
	Lifetime time.Duration
}

// Subject is whom a certificate will be for, checked.
type Subject struct {
	// CommonName is empty when no name fits into it.
	CommonName string
	Names      []Name
	Lifetime   time.Duration
}

// Check turns a request into a subject, or into a fault that names every field
// that is wrong and what to do about it.
func (s *Set) Check(p Profile, r Request) (Subject, error) {
	c := checker{set: s, profile: p}
	c.names(r.Names)
	c.commonName(strings.TrimSpace(r.CommonName))
	c.needs()
	c.lifetime(r.Lifetime)
	// One order for one set of names: equal requests have equal subjects.
	slices.SortFunc(c.subject.Names, func(a, b Name) int { return strings.Compare(a.String(), b.String()) })
	return c.subject, fault.Fields(c.wrong...)
}

type checker struct {
	set     *Set
	profile Profile
	subject Subject
	wrong   []fault.Field
}

func (c *checker) refuse(field, code, detail string) {
	c.wrong = append(c.wrong, fault.Field{Name: field, Code: code, Detail: detail})
}

func (c *checker) names(texts []string) {
	if len(texts) > MaxNames {
		c.refuse("sans", "too_many", fmt.Sprintf("%d names are too many. Give at most %d; use several certificates or a wildcard.", len(texts), MaxNames))
		return
	}
	for i, text := range texts {
		c.name(fmt.Sprintf("sans[%d]", i), text)
	}
}

func (c *checker) name(field, text string) {
	n, err := ParseName(text)
	if err == nil {
		err = c.allowed(n)
	}
	if err != nil {
		c.wrong = append(c.wrong, fault.Field{Name: field, Code: "invalid_name", Detail: sentence(err), Args: reasonOf(err)})
		return
	}
	if !slices.Contains(c.subject.Names, n) {
		c.subject.Names = append(c.subject.Names, n)
	}
}

func (c *checker) allowed(n Name) error {
	if p := c.profile; !slices.Contains(p.Kinds, n.Kind) {
		return refuse("kind", n.Value, "the profile %s takes no name of the kind %s (%s): choose another profile or leave the name out", p.Name, n.Kind, n.Value)
	}
	return c.within(n)
}

// within applies the rules that hold wherever a name stands.
func (c *checker) within(n Name) error {
	p := c.profile
	switch {
	case n.Wildcard() && !p.Wildcards:
		return refuse("wildcard", n.Value, "the profile %s takes no wildcard: name each host", p.Name)
	case n.Internal() && !p.Internal:
		return refuse("internal", n.Value, "names under %s belong to guildhall's services: a service gets its certificate by enrolment with a join token", InternalDomain)
	case p.Internal && !serviceName(n):
		return refuse("service", n.Value, "the profile %s is for names such as shop.%s: %q is none", p.Name, InternalDomain, n.Value)
	}
	return c.set.Policy.check(n)
}

// serviceName holds for one label directly under InternalDomain.
func serviceName(n Name) bool {
	label, ok := strings.CutSuffix(n.Value, "."+InternalDomain)
	return ok && !strings.Contains(label, ".")
}

// commonName puts the common name among the alternative names when it is one;
// without a common name the first name that fits becomes it.
func (c *checker) commonName(text string) {
	if text == "" {
		c.defaultCommonName()
		return
	}
	if strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
		c.refuse("common_name", "invalid", "The common name holds characters that cannot be shown. Leave them out.")
		return
	}
	n, err := ParseName(text)
	if c.profile.FreeSubject && !technical(text) && (err != nil || !slices.Contains(c.profile.Kinds, n.Kind) || n.Kind == DNS && !strings.Contains(n.Value, ".")) {
		c.freeCommonName(text, n, err)
		return
	}
	before := len(c.wrong)
	c.name("common_name", text)
	if len(c.wrong) > before {
		return
	}
	// Its place among the names does not matter; the name itself is canonical.
	if len(n.Value) <= maxCommonName {
		c.subject.CommonName = n.Value
	}
}

// technical says whether a free common name has the look of a name that the
// rules are for: a wildcard, or a host name with a final dot. Programs that read
// the common name would take "shop.example.com." for the host.
func technical(text string) bool {
	if strings.ContainsFunc(text, unicode.IsSpace) {
		return false
	}
	host := strings.TrimRight(text, ".")
	return strings.Contains(text, "*") || host != text && strings.Contains(host, ".")
}

// freeCommonName takes what is no alternative name. What reads as a host all the
// same must be one that is allowed: programs that look at the common name alone
// do not know the profile.
func (c *checker) freeCommonName(text string, n Name, unread error) {
	if unread == nil && strings.Contains(n.Host(), ".") {
		if err := c.within(n); err != nil {
			c.wrong = append(c.wrong, fault.Field{Name: "common_name", Code: "invalid_name", Detail: sentence(err), Args: reasonOf(err)})
			return
		}
	}
	if utf8.RuneCountInString(text) > maxCommonName {
		c.refuse("common_name", "too_long", fmt.Sprintf("The common name is longer than %d characters. Shorten it.", maxCommonName))
		return
	}
	c.subject.CommonName = text
}

func (c *checker) defaultCommonName() {
	for _, n := range c.subject.Names {
		if len(n.Value) <= maxCommonName && n.Kind != URI {
			c.subject.CommonName = n.Value
			return
		}
	}
}

func (c *checker) needs() {
	if len(c.wrong) > 0 {
		return
	}
	p := c.profile
	has := slices.ContainsFunc(c.subject.Names, func(n Name) bool { return n.Kind == p.Needs })
	switch {
	case p.Needs != "" && !has:
		c.refuse("sans", "required", fmt.Sprintf("The profile %s needs a name of the kind %s. Add one.", p.Name, p.Needs))
	case len(c.subject.Names) == 0 && (c.subject.CommonName == "" || !p.FreeSubject):
		c.refuse("common_name", "required", "There is no name to certify. Give a common name or alternative names.")
	}
}

func (c *checker) lifetime(asked time.Duration) {
	p := c.profile
	switch {
	case asked == 0:
		c.subject.Lifetime = p.Lifetime
	case asked < MinLifetime || asked > p.MaxLifetime:
		c.refuse("lifetime", "out_of_range", fmt.Sprintf("The profile %s takes a lifetime from %s to %s, not %s.",
			p.Name, Duration(MinLifetime), Duration(p.MaxLifetime), Duration(asked)))
	default:
		c.subject.Lifetime = asked
	}
}

// sentence makes a whole sentence of an error's text.
func sentence(err error) string {
	text := err.Error()
	r, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[size:] + "."
}
