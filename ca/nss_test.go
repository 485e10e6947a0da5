package ca

import "testing"

// newDatabase makes an NSS database that trusts the root.
func (s *site) newDatabase() {
	s.t.Helper()
	s.ok(nil, "certutil", "-N", "-d", "sql:.", "--empty-password")
	s.ok(nil, "certutil", "-A", "-d", "sql:.", "-n", "root", "-t", "C,,", "-a", "-i", "root.pem")
	for _, name := range []string{"issuing", "www", "old"} {
		s.ok(nil, "certutil", "-A", "-d", "sql:.", "-n", name, "-t", ",,", "-a", "-i", name+".pem")
	}
}

func TestNSSVerifies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	s.newDatabase()
	valid := func(name string) []string { return []string{"-V", "-d", "sql:.", "-u", "V", "-n", name} }
	s.ok([]string{"certificate is valid"}, "certutil", valid("www")...)
	s.ok([]string{"certificate is valid"}, "certutil", valid("old")...)

	s.ok(nil, "crlutil", "-I", "-d", "sql:.", "-i", "issuing.crl", "-t", "1")
	s.ok(nil, "crlutil", "-I", "-d", "sql:.", "-i", "root.crl", "-t", "1")
	s.ok([]string{"issuing"}, "crlutil", "-L", "-d", "sql:.")
	s.ok([]string{"certificate is valid"}, "certutil", valid("www")...)
	s.refuses([]string{"revoked"}, "certutil", valid("old")...)
}

func TestNSSFetchesListsAndAsksOCSP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	s.newDatabase()
	for _, method := range []string{"crl", "ocsp"} {
		check := func(name string) []string {
			return []string{"-d", "sql:.", "-pp", "-u", "1", "-g", "leaf", "-h", "requireFreshInfo", "-m", method, "-s", "failIfNoInfo",
				"-a", name + ".pem", "-a", "issuing.pem"}
		}
		s.ok([]string{"Chain is good!"}, "vfychain", check("www")...)
		s.refuses([]string{"Peer's Certificate has been revoked"}, "vfychain", check("old")...)
	}
}
