package directory

import (
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// walked follows the groups entry by entry, as any LDAP server lets one. Members
// outside the base DN, and those that are gone, are left out.
func (r *reader) walked(group *ldap.Entry) ([]Person, error) {
	base, err := ldap.ParseDN(r.settings.BaseDN)
	if err != nil {
		return nil, exactly(ErrNoBase, err)
	}
	all, seen := gathered{}, map[string]bool{}
	for waiting := []string{group.DN}; len(waiting) > 0; {
		dn := waiting[0]
		waiting = waiting[1:]
		if seen[strings.ToLower(dn)] {
			continue
		}
		if seen[strings.ToLower(dn)] = true; len(seen) > maxPeople {
			return nil, ErrMany
		}
		e, err := r.entry(dn, r.attributes()...)
		if err != nil {
			return nil, unread(err)
		}
		if e == nil {
			continue
		}
		if isGroup(e) {
			members, err := r.members(e)
			if err != nil {
				return nil, unread(err)
			}
			waiting = append(waiting, members...)
			continue
		}
		parsed, err := ldap.ParseDN(e.DN)
		if err != nil || !base.AncestorOfFold(parsed) {
			continue
		}
		p, err := r.person(e)
		if err != nil {
			return nil, err
		}
		all[p.Key] = p
	}
	return all.sorted(), nil
}

// members are the DNs that a group lists.
func (r *reader) members(group *ldap.Entry) ([]string, error) {
	members, err := r.values(group, "member")
	if err != nil {
		return nil, err
	}
	unique, err := r.values(group, "uniqueMember")
	return append(members, unique...), err
}
