package directory

import (
	"encoding/hex"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Whatever is given as settings is refused or can be used.
func FuzzSettings(f *testing.F) {
	f.Add(`{"servers":["ldaps://dc1.example.com"],"trust":"known","bind_dn":"a@b","base_dn":"DC=example,DC=com","group_dn":"CN=Staff,DC=example,DC=com","minutes":15,"limit":20,"welcome":"link","language":"en"}`, true)
	f.Add(`{"servers":["ldap://[::1%25eth0]:0389/"],"plain":true,"base_dn":"CN=a\\,b+OU=\\23","group_dn":"1.2.3=#04024869"}`, false)
	f.Add(`{"servers":["ldap://localhost","LDAP://127.0.0.1:x"],"trust":"given","ca":"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"}`, false)
	f.Fuzz(func(t *testing.T, text string, production bool) {
		var given Settings
		if json.Unmarshal([]byte(text), &given) != nil {
			return // no settings at all
		}
		s, err := given.clean(production)
		if err != nil {
			return
		}
		for _, server := range s.Servers {
			u, err := parseServer(server)
			if err != nil {
				t.Fatalf("%q was taken: %v", server, err)
			}
			if host, port, err := net.SplitHostPort(endpoint(u)); err != nil || host == "" || port == "" {
				t.Errorf("%q leads to %q %q: %v", server, host, port, err)
			}
			if s.Plain && u.Scheme == "ldap" && (production || !loopback(u.Hostname())) {
				t.Errorf("%q is asked without TLS", server)
			}
		}
		if again, err := s.clean(production); err != nil || again.reads(s) {
			t.Errorf("what was kept is not taken again: %v", err)
		}
		if s.interval() < 5*time.Minute || s.Limit < 1 || s.Limit > 100 {
			t.Errorf("taken: %+v", s)
		}
	})
}

// A key is what is looked for, whatever stands in it, and nothing else is.
func FuzzFilterKey(f *testing.F) {
	f.Add("0123456789abcdef0123456789ABCDEF")
	f.Add("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	f.Add("*)(objectClass=*")
	f.Add("\x00\xff\\2a")
	f.Fuzz(func(t *testing.T, key string) {
		filter, err := ldap.CompileFilter(filterKey(key))
		if err != nil {
			t.Fatalf("%q: %v", filterKey(key), err)
		}
		attribute, want := "entryUUID", key
		if guid, err := hex.DecodeString(key); err == nil && len(guid) == 16 {
			attribute, want = "objectGUID", string(guid)
		}
		switch {
		case filter.Tag != ldap.FilterEqualityMatch || len(filter.Children) != 2:
			t.Errorf("%q is no comparison: %v", key, ldap.FilterMap[uint64(filter.Tag)])
		case filter.Children[0].Data.String() != attribute || filter.Children[1].Data.String() != want:
			t.Errorf("%q is compared with %q, not %s with %q", filter.Children[0].Data, filter.Children[1].Data, attribute, want)
		}
	})
}

// Names are the same or not, in whichever order one asks.
func FuzzSameDN(f *testing.F) {
	f.Add("CN=Staff,DC=example,DC=com", "cn=staff, dc=EXAMPLE, dc=com")
	f.Add("CN=a\\,b", "CN=a\\2Cb")
	f.Add("CN=#0401", "CN=\xff")
	f.Add("a=b+c=d", "c=d+a=b")
	f.Fuzz(func(t *testing.T, a, b string) {
		if sameDN(a, b) != sameDN(b, a) {
			t.Errorf("%q and %q", a, b)
		}
		if !sameDN(a, a) {
			t.Errorf("%q is not itself", a)
		}
	})
}

// What a server writes of somebody is read, or said to be unreadable.
func FuzzEntry(f *testing.F) {
	f.Add("0123456789abcdef", "anna@example.com", "512", "9223372036854775807", "member;range=0-1499")
	f.Add("0123456789abcde", " x ", "514", "133000000000000000", "member;range=1500-*")
	f.Add("", "", "-1", "-9223372036854775808", "member;range=0--5")
	f.Add("", "", "2", "1", "MEMBER;Range=-")
	f.Fuzz(func(t *testing.T, guid, mail, control, expires, member string) {
		r := &reader{now: time.Unix(1_700_000_000, 0)}
		e := ldap.NewEntry("CN=Anna", map[string][]string{"objectGUID": {guid}, "mail": {mail}, "userAccountControl": {control}, "accountExpires": {expires}, member: {"CN=Ben"}})
		switch p, err := r.person(e); {
		case (err == nil) != (len(guid) == 16 || p.Key != ""):
			t.Errorf("a key of %d bytes: %+v, %v", len(guid), p, err)
		case err == nil && len(guid) == 16 && p.Key != hex.EncodeToString([]byte(guid)):
			t.Errorf("the key is %q", p.Key)
		case err == nil && control == "514" && p.Enabled:
			t.Error("who is disabled is enabled")
		}
		a, last, err := rangeOf(e, "member")
		if err == nil && a != nil && last < 0 && !strings.HasSuffix(a.Name, "-*") {
			t.Errorf("%q is taken for the end", a.Name)
		}
	})
}
