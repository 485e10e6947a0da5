package directory

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// search asks page after page; each page has a control of its own. Referrals to
// other servers are not followed.
func (r *reader) search(base string, scope int, filter string, attributes ...string) (all []*ldap.Entry, err error) {
	var cookie []byte
	for {
		paging := ldap.NewControlPaging(r.pages)
		paging.SetCookie(cookie)
		q := ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
		if scope != ldap.ScopeBaseObject {
			q.Controls = []ldap.Control{paging}
		}
		page, err := r.Search(q)
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Entries...); len(all) > maxPeople {
			return nil, ErrMany
		}
		answered, ok := ldap.FindControl(page.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if !ok || len(answered.Cookie) == 0 {
			return all, nil
		}
		cookie = answered.Cookie
	}
}

// entry is the entry with the DN, or nil when there is none.
func (r *reader) entry(dn string, attributes ...string) (*ldap.Entry, error) {
	found, err := r.search(dn, ldap.ScopeBaseObject, "(objectClass=*)", attributes...)
	if ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultReferral, ldap.LDAPResultInvalidDNSyntax) || err == nil && len(found) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// memberAttribute asks for the first values of an attribute, where Ranges is set.
func (r *reader) memberAttribute(name string) string {
	if r.ranges == 0 {
		return name
	}
	return fmt.Sprintf("%s;range=0-%d", name, r.ranges-1)
}

// values are all values of an attribute, of which a server may give some at a time:
// "member;range=0-1499", and "member;range=1500-*" at the end.
func (r *reader) values(e *ldap.Entry, name string) ([]string, error) {
	all := e.GetEqualFoldAttributeValues(name)
	for {
		got, last, err := rangeOf(e, name)
		if err != nil || got == nil {
			return all, err
		}
		if all = append(all, got.Values...); len(all) > maxPeople {
			return nil, ErrMany
		}
		if last < 0 {
			return all, nil
		}
		next := fmt.Sprintf("%s;range=%d-*", name, last+1)
		if r.ranges > 0 {
			next = fmt.Sprintf("%s;range=%d-%d", name, last+1, last+r.ranges)
		}
		if e, err = r.entry(e.DN, next); err != nil || e == nil {
			return nil, errors.Join(errors.New("the entry went away while it was read"), err)
		}
	}
}

// rangeOf is the attribute that holds some of the values, nil when there is none,
// and the number of its last value; -1 when no more follow.
func rangeOf(e *ldap.Entry, name string) (_ *ldap.EntryAttribute, last int, err error) {
	for _, a := range e.Attributes {
		begin, text, ok := strings.Cut(strings.ToLower(a.Name), ";range=")
		if !ok || begin != strings.ToLower(name) {
			continue
		}
		_, end, _ := strings.Cut(text, "-")
		if end == "*" {
			return a, -1, nil
		}
		last, err = strconv.Atoi(end)
		if err != nil || last < 0 || len(a.Values) == 0 {
			return nil, 0, fmt.Errorf("the server gives values in a range that cannot be read: %q", a.Name)
		}
		return a, last, nil
	}
	return nil, 0, nil
}
