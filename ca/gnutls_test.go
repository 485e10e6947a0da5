package ca

import "testing"

func TestGnuTLSVerifies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	verify := func(name string, args ...string) []string {
		return append([]string{"--verify", "--load-ca-certificate", "root.pem", "--infile", name + ".chain.pem"}, args...)
	}
	s.ok([]string{"Chain verification output: Verified"}, "certtool", verify("www", "--verify-hostname", "www.example.test", "--verify-purpose", "1.3.6.1.5.5.7.3.1")...)
	s.ok([]string{"Chain verification output: Verified"}, "certtool", verify("www", "--load-crl", "lists.pem")...)
	s.refuses([]string{"revoked"}, "certtool", verify("old", "--load-crl", "lists.pem")...)
	s.ok([]string{"Verified"}, "certtool", "--verify-crl", "--load-ca-certificate", "issuing.pem", "--infile", "issuing.crl.pem")
	s.ok([]string{"Verified"}, "certtool", "--verify-crl", "--load-ca-certificate", "root.pem", "--infile", "root.crl.pem")
}

func TestGnuTLSAsksOCSP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	ask := func(name string) []string {
		return []string{"--ask=" + s.base + "/ocsp", "--load-cert", name + ".pem", "--load-issuer", "issuing.pem", "--load-trust", "authority.pem"}
	}
	s.ok([]string{"Certificate Status: good", "Verifying OCSP Response: Success"}, "ocsptool", ask("www")...)
	_, out := s.run("ocsptool", ask("old")...)
	s.says(out, []string{"Certificate Status: revoked", "Verifying OCSP Response: Success"}, "ocsptool", ask("old"))
}
