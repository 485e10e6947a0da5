package enrol_test

import (
	"errors"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/enrol"
	"guildhall/platform/guildtest"
)

// A renewal reads nothing that the check at the handshake has read.
func TestRenewalAfterItsHandshakeReadsNothing(t *testing.T) {
	t.Parallel()
	url := guildtest.SQLite(t)
	w := catest.New(t, guildtest.Open(t, url, migrations), catest.Options{})
	first, err := w.Enroller.EnrolLocal(t.Context(), "shop", csr(t))
	must(t, err)
	met(t, w, first)
	read := w.DB.Read
	w.DB.Read = guildtest.Open(t, guildtest.SQLite(t), nil).Read // without a table
	second, err := w.Enroller.Renew(t.Context(), csr(t), peerOf(first), "10.0.0.9")
	w.DB.Read = read
	must(t, err)
	if r, err := w.Service.Get(t.Context(), peerOf(first).Serial); err != nil || r.RenewedBy == "" {
		t.Errorf("the first is not linked: %+v, %v", r, err)
	}
	if r, err := w.Service.Get(t.Context(), peerOf(second).Serial); err != nil || r.Renews == "" {
		t.Errorf("the second does not say what it renews: %+v, %v", r, err)
	}
}

// What was remembered of a certificate lets nobody renew who may not.
func TestMetCertificateThatMayNotRenew(t *testing.T) {
	onBoth(t, func(t *testing.T, w *catest.World) {
		shop, err := w.Enroller.EnrolLocal(t.Context(), "shop", csr(t))
		must(t, err)
		met(t, w, shop)
		server := w.Issue(t, certificate.IssueRequest{CommonName: "shop.guildhall.example"})
		if is, err := w.Enroller.Knows(t.Context(), server.Record.DER); !is || err != nil {
			t.Fatal(is, err)
		}
		refused := func(why string, p enrol.Peer, want error) {
			t.Helper()
			if i, err := w.Enroller.Renew(t.Context(), csr(t), p, ""); !errors.Is(err, want) || i.Chain != nil {
				t.Errorf("%s: %v", why, err)
			}
		}
		refused("another service", enrol.Peer{Service: "bank", Serial: peerOf(shop).Serial}, enrol.ErrPeerUnknown)
		refused("a server certificate", enrol.Peer{Service: "shop", Serial: server.Record.Serial}, enrol.ErrPeerUnknown)
		_, err = w.Enroller.Renew(t.Context(), csr(t), peerOf(shop), "")
		must(t, err)
		revoke(t, w, peerOf(shop))
		refused("revoked since it was met", peerOf(shop), enrol.ErrPeerRevoked)
		refused("the same again", peerOf(shop), enrol.ErrPeerRevoked)
		met(t, w, shop)
		refused("revoked before it was met again", peerOf(shop), enrol.ErrPeerRevoked)
		bank, err := w.Enroller.EnrolLocal(t.Context(), "bank", csr(t))
		must(t, err)
		met(t, w, bank)
		w.Clock.Advance(25 * time.Hour)
		refused("expired since it was met", enrol.Peer{Service: "bank", Serial: peerOf(bank).Serial}, enrol.ErrPeerUnknown)
		w.VerifyAudit(t)
	})
}

// met has the authority asked about the certificate, as a handshake does.
func met(t *testing.T, w *catest.World, i enrol.Issued) {
	t.Helper()
	if is, err := w.Enroller.Knows(t.Context(), i.Chain[0]); !is || err != nil {
		t.Fatal(is, err)
	}
}
