package enrol_test

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/platform/fault"
)

func TestKnows(t *testing.T) {
	onBoth(t, func(t *testing.T, w *catest.World) {
		knows := func(der []byte) bool {
			is, err := w.Enroller.Knows(t.Context(), der)
			if err != nil {
				t.Fatal(err)
			}
			return is
		}
		issued := w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com"})
		if !knows(issued.Record.DER) {
			t.Error("its own certificate is unknown")
		}
		if _, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: issued.Record.ID, By: catest.Admin}); err != nil {
			t.Fatal(err)
		}
		if !knows(issued.Record.DER) {
			t.Error("a revoked one is unknown")
		}
		template, err := x509.ParseCertificate(issued.Record.DER)
		if err != nil {
			t.Fatal(err)
		}
		pair, key := w.Keys.Issuing(), catest.NewKey(t)
		forge := func() []byte {
			der, err := x509.CreateCertificate(rand.Reader, template, pair.Certificate, key.Public(), pair.Key)
			if err != nil {
				t.Fatal(err)
			}
			return der
		}
		if knows(forge()) {
			t.Error("a forged certificate with a serial number that exists is known")
		}
		if template.SerialNumber = big.NewInt(1 << 50); knows(forge()) {
			t.Error("a forged certificate is known")
		}
		_, err = w.Enroller.Knows(t.Context(), []byte("no certificate"))
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Invalid {
			t.Errorf("no certificate: %v", err)
		}
	})
}
