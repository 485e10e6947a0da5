package ca

import (
	"encoding/base64"
	"net/url"
	"testing"
)

func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	chain := []string{"verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "issuing.pem"}
	with := func(args ...string) []string { return append(append([]string{}, chain...), args...) }

	s.ok([]string{"www.pem: OK"}, "openssl", with("-verify_hostname", "www.example.test", "-purpose", "sslserver", "www.pem")...)
	s.ok([]string{"www.pem: OK"}, "openssl", with("-crl_check", "-CRLfile", "issuing.crl.pem", "www.pem")...)
	s.ok([]string{"www.pem: OK"}, "openssl", with("-crl_check_all", "-CRLfile", "lists.pem", "www.pem")...)
	s.ok([]string{"old.pem: OK"}, "openssl", with("old.pem")...)
	s.refuses([]string{"certificate revoked"}, "openssl", with("-crl_check", "-CRLfile", "issuing.crl.pem", "old.pem")...)
	s.refuses([]string{"certificate revoked"}, "openssl", with("-crl_check_all", "-CRLfile", "lists.pem", "old.pem")...)
	s.refuses([]string{"unable to get certificate CRL"}, "openssl", with("-crl_check", "www.pem")...)

	// By the addresses in the certificates themselves.
	s.ok([]string{"www.pem: OK"}, "openssl", with("-crl_check", "-crl_download", "www.pem")...)
	s.refuses([]string{"certificate revoked"}, "openssl", with("-crl_check", "-crl_download", "old.pem")...)
	// It checks the root too, which says nowhere where its own list is.
	s.ok([]string{"www.pem: OK"}, "openssl", with("-crl_check_all", "-crl_download", "-CRLfile", "root.crl.pem", "www.pem")...)
	s.refuses([]string{"certificate revoked"}, "openssl", with("-crl_check_all", "-crl_download", "-CRLfile", "root.crl.pem", "old.pem")...)
}

func TestOpenSSLReadsTheLists(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	s.ok([]string{"verify OK", "X509v3 CRL Number", "X509v3 Authority Key Identifier", "Key Compromise"}, "openssl",
		"crl", "-inform", "DER", "-in", "issuing.crl", "-CAfile", "issuing.pem", "-noout", "-text")
	s.ok([]string{"verify OK", "No Revoked Certificates"}, "openssl",
		"crl", "-inform", "DER", "-in", "root.crl", "-CAfile", "root.pem", "-noout", "-text")
}

func TestOpenSSLAsksOCSP(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	ask := func(args ...string) []string {
		return append([]string{"ocsp", "-issuer", "issuing.pem", "-CAfile", "root.pem", "-verify_other", "issuing.pem", "-url", s.base + "/ocsp"}, args...)
	}
	s.ok([]string{"Response verify OK", "www.pem: good"}, "openssl", ask("-cert", "www.pem")...)
	s.ok([]string{"Response verify OK", "www.pem: good"}, "openssl", ask("-sha256", "-no_nonce", "-cert", "www.pem")...)
	s.ok([]string{"Response verify OK", "old.pem: revoked", "Reason: keyCompromise"}, "openssl", ask("-cert", "old.pem")...)
	s.ok([]string{"Response verify OK", "0x4711: unknown"}, "openssl", ask("-serial", "0x4711")...)
	s.ok([]string{"Response verify OK", "www.pem: good", "old.pem: revoked"}, "openssl", ask("-cert", "www.pem", "-cert", "old.pem")...)
	s.refuses([]string{"unauthorized (6)"}, "openssl", "ocsp", "-issuer", "root.pem", "-cert", "issuing.pem", "-CAfile", "root.pem", "-url", s.base+"/ocsp")

	// A revocation shows in the very next answer.
	late := s.issue("late", "late.example.test")
	s.ok([]string{"late.pem: good"}, "openssl", ask("-cert", "late.pem")...)
	s.revoke(late)
	s.ok([]string{"late.pem: revoked"}, "openssl", ask("-cert", "late.pem")...)
}

func TestOpenSSLTakesTheAnswerToGET(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.goodAndRevoked()
	for name, want := range map[string]string{"www": "www.pem: good", "old": "old.pem: revoked"} {
		s.ok(nil, "openssl", "ocsp", "-issuer", "issuing.pem", "-cert", name+".pem", "-no_nonce", "-reqout", name+".req")
		text := base64.StdEncoding.EncodeToString(s.read(name + ".req"))
		s.write(name+".res", s.get("/ocsp/"+url.PathEscape(text)))
		s.ok([]string{"Response verify OK", want}, "openssl", "ocsp", "-issuer", "issuing.pem", "-cert", name+".pem",
			"-CAfile", "root.pem", "-verify_other", "issuing.pem", "-respin", name+".res")
	}
}
