package directory

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// maxPeople bounds what a run reads.
const maxPeople = 100_000

// activeDirectory is the capability by which Active Directory is known.
const activeDirectory = "1.2.840.113556.1.4.800"

// Person is somebody in the directory.
type Person struct {
	// Key never changes: objectGUID in hexadecimal digits, or entryUUID.
	Key, DN string
	// Email, Name and Language may be empty.
	Email, Name, Language string
	// Enabled says that the directory lets him sign in.
	Enabled bool
}

// reader reads the members of the group.
type reader struct {
	*link
	pages  uint32
	ranges int
	now    time.Time
}

func (s *Service) reader(l *link) *reader {
	return &reader{link: l, pages: uint32(s.o.Pages), ranges: s.o.Ranges, now: s.now()} //nolint:gosec // a number of the program's own
}

// attributes are what is read of a person, and of a group to follow.
func (r *reader) attributes() []string {
	return []string{"objectClass", "objectGUID", "entryUUID", "cn", "displayName", "mail", "preferredLanguage", "userAccountControl", "accountExpires",
		"nsAccountLock", "pwdAccountLockedTime", r.memberAttribute("member"), "uniqueMember"}
}

// isActiveDirectory asks the server what it is.
func (r *reader) isActiveDirectory() (bool, error) {
	found, err := r.search("", ldap.ScopeBaseObject, "(objectClass=*)", "supportedCapabilities")
	if err != nil {
		return false, exactly(ErrRead, err)
	}
	return len(found) == 1 && slices.Contains(found[0].GetEqualFoldAttributeValues("supportedCapabilities"), activeDirectory), nil
}

// group is the group's entry.
func (r *reader) group() (*ldap.Entry, error) {
	e, err := r.entry(r.settings.GroupDN, "objectClass", "cn", "objectSid")
	if err != nil {
		return nil, exactly(ErrRead, err)
	}
	if e == nil {
		return nil, exactly(ErrNoGroup, fmt.Errorf("no entry %s", r.settings.GroupDN))
	}
	if !isGroup(e) {
		return nil, exactly(ErrNotGroup, fmt.Errorf("objectClass: %s", strings.Join(e.GetEqualFoldAttributeValues("objectClass"), ", ")))
	}
	return e, nil
}

func isGroup(e *ldap.Entry) bool {
	return slices.ContainsFunc(e.GetEqualFoldAttributeValues("objectClass"), func(class string) bool {
		return slices.Contains([]string{"group", "groupofnames", "groupofuniquenames"}, strings.ToLower(class))
	})
}

// people are the members of the group and of the groups in it, each once.
func (r *reader) people(group *ldap.Entry) ([]Person, error) {
	base, err := r.entry(r.settings.BaseDN, "objectClass")
	if err != nil {
		return nil, exactly(ErrRead, err)
	}
	if base == nil {
		return nil, exactly(ErrNoBase, fmt.Errorf("no entry %s", r.settings.BaseDN))
	}
	active, err := r.isActiveDirectory()
	if err != nil {
		return nil, err
	}
	if active {
		return r.matched(group)
	}
	return r.walked(group)
}

// person is what an entry says of somebody.
func (r *reader) person(e *ldap.Entry) (Person, error) {
	p := Person{DN: e.DN, Email: strings.TrimSpace(e.GetEqualFoldAttributeValue("mail")), Name: e.GetEqualFoldAttributeValue("displayName"),
		Language: e.GetEqualFoldAttributeValue("preferredLanguage"), Enabled: r.enabled(e), Key: e.GetEqualFoldAttributeValue("entryUUID")}
	if guid := e.GetEqualFoldRawAttributeValue("objectGUID"); len(guid) == 16 {
		p.Key = hex.EncodeToString(guid)
	}
	if p.Name == "" {
		p.Name = e.GetEqualFoldAttributeValue("cn")
	}
	if p.Key == "" {
		return Person{}, exactly(ErrNoKey, fmt.Errorf("entry %s", e.DN))
	}
	return p, nil
}

// accountDisabled is the bit of userAccountControl.
const accountDisabled = 2

func (r *reader) enabled(e *ldap.Entry) bool {
	control, err := strconv.ParseInt(e.GetEqualFoldAttributeValue("userAccountControl"), 10, 64)
	switch {
	case err == nil && control&accountDisabled != 0,
		expired(e.GetEqualFoldAttributeValue("accountExpires"), r.now),
		strings.EqualFold(e.GetEqualFoldAttributeValue("nsAccountLock"), "true"),
		// Locked for good by an administrator, as OpenLDAP's slapo-ppolicy says it.
		e.GetEqualFoldAttributeValue("pwdAccountLockedTime") == "000001010000Z":
		return false
	}
	return true
}

// expired reads a time of Windows: steps of 100 ns since 1601. 0 and the largest
// number mean never.
func expired(text string, now time.Time) bool {
	const unixEpoch = 11_644_473_600 // in seconds since 1601
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return false
	}
	return n/10_000_000-unixEpoch <= now.Unix()
}

// filterKey finds the entry of a key.
func filterKey(key string) string {
	guid, err := hex.DecodeString(key)
	if err != nil || len(guid) != 16 {
		return "(entryUUID=" + ldap.EscapeFilter(key) + ")"
	}
	var b strings.Builder
	for _, octet := range guid {
		fmt.Fprintf(&b, `\%02x`, octet)
	}
	return "(objectGUID=" + b.String() + ")"
}
