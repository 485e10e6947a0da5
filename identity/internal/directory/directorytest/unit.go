package directorytest

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
)

// The flags of userAccountControl that tests use.
const (
	Normal   = "512"
	Disabled = "514"
)

// Unit is an organizational unit of a test's own, with a group.
type Unit struct {
	*ldap.Conn
	Samba *Samba
	// DN is the unit's, Group the group's.
	DN, Group string
	// Mark begins the names that are unique in the domain.
	Mark string
	t    testing.TB
}

// Unit makes an organizational unit with an empty group "Staff".
func (s *Samba) Unit(t testing.TB) *Unit {
	t.Helper()
	u := &Unit{Samba: s, Mark: "u" + strings.ToLower(rand.Text()[:8]), t: t, Conn: s.admin(t)}
	u.DN = "OU=" + u.Mark + "," + BaseDN
	u.add(u.DN, "objectClass", "organizationalUnit")
	u.Group = u.NewGroup("Staff")
	return u
}

// admin is a connection of the domain's administrator.
func (s *Samba) admin(t testing.TB) *ldap.Conn {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(s.CA))
	conn, err := ldap.DialURL("ldaps://"+s.Address, ldap.DialWithTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.Bind(AdminDN, Password); err != nil {
		t.Fatal(err)
	}
	return conn
}

// add makes an entry of name, value, name, value.
func (u *Unit) add(dn string, pairs ...string) {
	u.t.Helper()
	q := ldap.NewAddRequest(dn, nil)
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Attribute(pairs[i], []string{pairs[i+1]})
	}
	if err := u.Add(q); err != nil {
		u.t.Fatalf("add %s: %v", dn, err)
	}
}

// NewGroup makes a group in the unit.
func (u *Unit) NewGroup(name string) (dn string) {
	u.t.Helper()
	dn = "CN=" + name + "," + u.DN
	u.add(dn, "objectClass", "group", "sAMAccountName", u.Mark+"-"+name)
	return dn
}

// NewUser makes somebody with the address name@unit.example.com and a password, in no
// group.
func (u *Unit) NewUser(name, password string) (dn string) {
	u.t.Helper()
	dn = "CN=" + name + "," + u.DN
	u.add(dn, "objectClass", "user", "sAMAccountName", u.Mark+name, "userPrincipalName", u.Mark+name+"@"+Domain, "displayName", strings.ToUpper(name[:1])+name[1:]+" Example",
		"mail", u.Email(name), "unicodePwd", quoted(password), "userAccountControl", Normal)
	return dn
}

// Email is the address of NewUser.
func (u *Unit) Email(name string) string { return name + "@" + u.Mark + ".example.com" }

// Join makes somebody a member of a group.
func (u *Unit) Join(group string, members ...string) {
	u.t.Helper()
	q := ldap.NewModifyRequest(group, nil)
	q.Add("member", members)
	u.modify(q)
}

// Leave ends a membership.
func (u *Unit) Leave(group string, members ...string) {
	u.t.Helper()
	q := ldap.NewModifyRequest(group, nil)
	q.Delete("member", members)
	u.modify(q)
}

// Set replaces a value of an entry; an empty one removes it.
func (u *Unit) Set(dn, attribute, value string) {
	u.t.Helper()
	q := ldap.NewModifyRequest(dn, nil)
	var values []string
	if value != "" {
		values = []string{value}
	}
	q.Replace(attribute, values)
	u.modify(q)
}

func (u *Unit) modify(q *ldap.ModifyRequest) {
	u.t.Helper()
	if err := u.Modify(q); err != nil {
		u.t.Fatalf("change %s: %v", q.DN, err)
	}
}

// Move gives an entry another name, and another parent unless that is empty.
func (u *Unit) Move(dn, rdn, parent string) (moved string) {
	u.t.Helper()
	if err := u.ModifyDN(ldap.NewModifyDNRequest(dn, rdn, true, parent)); err != nil {
		u.t.Fatalf("move %s: %v", dn, err)
	}
	if parent == "" {
		_, parent, _ = strings.Cut(dn, ",")
	}
	return rdn + "," + parent
}

// Remove deletes an entry.
func (u *Unit) Remove(dn string) {
	u.t.Helper()
	if err := u.Del(ldap.NewDelRequest(dn, nil)); err != nil {
		u.t.Fatalf("remove %s: %v", dn, err)
	}
}

// NewUnit makes a unit inside the unit.
func (u *Unit) NewUnit(name string) (dn string) {
	u.t.Helper()
	dn = "OU=" + name + "," + u.DN
	u.add(dn, "objectClass", "organizationalUnit")
	return dn
}

// RID is the last number of an entry's SID.
func (u *Unit) RID(dn string) uint32 {
	u.t.Helper()
	found, err := u.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"objectSid"}, nil))
	if err != nil || len(found.Entries) != 1 {
		u.t.Fatalf("read %s: %v", dn, err)
	}
	sid := found.Entries[0].GetRawAttributeValue("objectSid")
	return binary.LittleEndian.Uint32(sid[len(sid)-4:])
}

// quoted is a password as unicodePwd wants it.
func quoted(password string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}
