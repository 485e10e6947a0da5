package directory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"guildhall/platform/fault"
)

// inChain is the matching rule of Active Directory that follows groups in groups.
const inChain = "1.2.840.113556.1.4.1941"

// groupsAtOnce bounds the length of a filter.
const groupsAtOnce = 50

// matched has Active Directory itself follow the groups. Whoever has one of them as
// his primary group is not among its members there, so he is asked for beside.
func (r *reader) matched(group *ldap.Entry) ([]Person, error) {
	dn := ldap.EscapeFilter(group.DN)
	inner, err := r.search(r.settings.BaseDN, ldap.ScopeWholeSubtree, "(&(objectCategory=group)(memberOf:"+inChain+":="+dn+"))", "objectSid")
	if err != nil {
		return nil, unread(err)
	}
	filters := []string{"(memberOf:" + inChain + ":=" + dn + ")"}
	for groups := range slices.Chunk(append(inner, group), groupsAtOnce) {
		filters = append(filters, primaryGroups(groups))
	}
	all := gathered{}
	for _, filter := range filters {
		entries, err := r.search(r.settings.BaseDN, ldap.ScopeWholeSubtree, "(&(objectCategory=person)(objectClass=user)"+filter+")", r.attributes()...)
		if err != nil {
			return nil, unread(err)
		}
		for _, e := range entries {
			p, err := r.person(e)
			if err != nil {
				return nil, err
			}
			all[p.Key] = p
		}
	}
	return all.sorted(), nil
}

// primaryGroups finds who has one of the groups as his primary group.
func primaryGroups(groups []*ldap.Entry) string {
	var b strings.Builder
	for _, g := range groups {
		if rid, ok := relativeID(g.GetEqualFoldRawAttributeValue("objectSid")); ok {
			b.WriteString("(primaryGroupID=" + strconv.FormatUint(uint64(rid), 10) + ")")
		}
	}
	return "(|" + b.String() + "(primaryGroupID=-1))" // an empty "or" is no filter for every server
}

// relativeID is the last number of a SID (MS-DTYP, 2.4.2.2).
func relativeID(sid []byte) (uint32, bool) {
	if len(sid) < 12 || len(sid)%4 != 0 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(sid[len(sid)-4:]), true
}

// gathered are people by their keys.
type gathered map[string]Person

// sorted are the people in the order of their DNs, so that a report reads well.
func (g gathered) sorted() []Person {
	all := make([]Person, 0, len(g))
	for _, p := range g {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Person) int {
		return strings.Compare(strings.ToLower(a.DN)+a.Key, strings.ToLower(b.DN)+b.Key)
	})
	return all
}

// unread is the error of a search.
func unread(err error) error {
	if _, known := errors.AsType[*fault.Error](err); known {
		return err
	}
	if ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultReferral) {
		return exactly(ErrNoBase, err)
	}
	return exactly(ErrRead, fmt.Errorf("search: %w", err))
}
