package peer_test

import (
	"crypto/x509"
	"testing"

	"guildhall/platform/peer/peertest"
)

func TestRootsAreThoseOfTheMachineAndOfTheAuthority(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bank := w.bank(t)
	server := clientTemplate()
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	other, err := peertest.NewCA(w.clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]struct {
		ca   *peertest.CA
		good bool
	}{"the authority": {w.authority.CA, true}, "another authority": {other, false}} {
		leaf, rest := parsed(t, certificate(t, x.ca, server))
		intermediates := x509.NewCertPool()
		for _, c := range rest {
			intermediates.AddCert(c)
		}
		_, err := leaf.Verify(x509.VerifyOptions{Roots: bank.Roots(), Intermediates: intermediates, CurrentTime: w.clock.Now(), DNSName: "robot.example.com"})
		if (err == nil) != x.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	machine, err := x509.SystemCertPool()
	if err != nil {
		machine = x509.NewCertPool()
	}
	machine.AddCert(w.authority.Root)
	if !bank.Roots().Equal(machine) {
		t.Error("they are not the machine's and the authority's")
	}
}
