package enrol_test

import (
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/enrol"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/ca/internal/token"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

var migrations = os.DirFS("../../migrations")

func onBoth(t *testing.T, test func(t *testing.T, w *catest.World)) {
	t.Helper()
	guildtest.Engines(t, migrations, func(t *testing.T, d *db.DB) { test(t, catest.New(t, d, catest.Options{})) })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func csr(t *testing.T, names ...string) []byte { return catest.CSR(t, catest.NewKey(t), names...) }

func joinToken(t *testing.T, w *catest.World, service string) string {
	t.Helper()
	text, _, err := w.Tokens.Create(t.Context(), service, time.Hour, catest.Admin)
	must(t, err)
	return text.Text()
}

// leaf is the issued certificate itself.
func leaf(i enrol.Issued) *x509.Certificate {
	cert, err := x509.ParseCertificate(i.Chain[0])
	if err != nil {
		panic(err)
	}
	return cert
}

func peerOf(i enrol.Issued) enrol.Peer {
	return enrol.Peer{Service: "shop", Serial: store.SerialText(leaf(i).SerialNumber)}
}

func revoke(t *testing.T, w *catest.World, p enrol.Peer) {
	t.Helper()
	_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: p.Serial, By: catest.Admin})
	must(t, err)
}

func TestLifeOfAService(t *testing.T) {
	onBoth(t, func(t *testing.T, w *catest.World) {
		ctx := t.Context()
		first, err := w.Enroller.Enrol(ctx, csr(t, "shop.guildhall.internal"), joinToken(t, w, "shop"), "10.0.0.9")
		must(t, err)
		c := leaf(first)
		if !slices.Equal(c.DNSNames, []string{"shop.guildhall.internal"}) || c.NotAfter.Sub(c.NotBefore) > 24*time.Hour || len(first.Chain) != 2 ||
			!slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}) {
			t.Errorf("enrolled: %v until %s, %v", c.DNSNames, c.NotAfter, c.ExtKeyUsage)
		}
		w.Clock.Advance(16 * time.Hour)
		second, err := w.Enroller.Renew(ctx, csr(t, "shop.guildhall.internal"), peerOf(first), "10.0.0.9")
		must(t, err)
		if r, err := w.Service.Get(ctx, peerOf(first).Serial); err != nil || r.RenewedBy == "" {
			t.Errorf("the first is not linked: %+v, %v", r, err)
		}
		revoke(t, w, peerOf(second))
		if _, err := w.Enroller.Renew(ctx, csr(t, "shop.guildhall.internal"), peerOf(second), ""); !errors.Is(err, enrol.ErrPeerRevoked) {
			t.Errorf("a revoked peer renews: %v", err)
		}
		if _, err := w.Enroller.EnrolLocal(ctx, "shop", csr(t)); !errors.Is(err, enrol.ErrPeerRevoked) {
			t.Errorf("a revoked local service enrols without a token: %v", err)
		}
		if _, err := w.Enroller.Enrol(ctx, csr(t, "shop.guildhall.internal"), joinToken(t, w, "shop"), ""); err != nil {
			t.Errorf("with a new token: %v", err)
		}
		if _, err := w.Enroller.EnrolLocal(ctx, "shop", csr(t)); err != nil {
			t.Errorf("once enrolled again, locally: %v", err)
		}
		w.VerifyAudit(t)
	})
}

func TestEnrolRefuses(t *testing.T) {
	onBoth(t, func(t *testing.T, w *catest.World) {
		text := joinToken(t, w, "shop")
		for name, c := range map[string]struct {
			csr   []byte
			token string
			code  string
		}{
			"no token":        {csr(t, "shop.guildhall.internal"), "", token.ErrUnknown.Code},
			"another name":    {csr(t, "bank.guildhall.internal"), text, token.ErrName.Code},
			"two names":       {csr(t, "shop.guildhall.internal", "bank.guildhall.internal"), text, "invalid_fields"},
			"a name outside":  {csr(t, "shop.example.com"), text, "invalid_fields"},
			"a deep name":     {csr(t, "a.shop.guildhall.internal"), text, "invalid_fields"},
			"no name":         {csr(t), text, "invalid_fields"},
			"no request":      {[]byte("x"), text, "invalid_fields"},
			"a wildcard name": {csr(t, "*.guildhall.internal"), text, "invalid_fields"},
		} {
			if _, err := w.Enroller.Enrol(t.Context(), c.csr, c.token, "10.0.0.9"); fault.As(err).Code != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		page, err := w.Service.List(t.Context(), store.Filter{})
		must(t, err)
		if len(page.Records) != 0 {
			t.Errorf("refused enrolments left %d certificates", len(page.Records))
		}
		if _, err := w.Enroller.Enrol(t.Context(), csr(t, "shop.guildhall.internal"), text, ""); err != nil {
			t.Errorf("refusals used the token up: %v", err)
		}
	})
}

func TestRenewRefusesStrangers(t *testing.T) {
	t.Parallel()
	w := catest.New(t, guildtest.Open(t, guildtest.SQLite(t), migrations), catest.Options{})
	shop, err := w.Enroller.EnrolLocal(t.Context(), "shop", csr(t))
	must(t, err)
	server := w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com"})
	for name, p := range map[string]enrol.Peer{
		"another service":      {Service: "bank", Serial: peerOf(shop).Serial},
		"an unknown serial":    {Service: "shop", Serial: "00ff"},
		"a server certificate": {Service: "shop", Serial: server.Record.Serial},
	} {
		if _, err := w.Enroller.Renew(t.Context(), csr(t, "shop.guildhall.internal"), p, ""); !errors.Is(err, enrol.ErrPeerUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.Clock.Advance(25 * time.Hour)
	if _, err := w.Enroller.Renew(t.Context(), csr(t, "shop.guildhall.internal"), peerOf(shop), ""); !errors.Is(err, enrol.ErrPeerUnknown) {
		t.Errorf("an expired one: %v", err)
	}
}

func TestServerCertificates(t *testing.T) {
	onBoth(t, func(t *testing.T, w *catest.World) {
		w.Enroller.PublicNames = map[string][]string{"shop": {"shop.example.com"}}
		shop, err := w.Enroller.EnrolLocal(t.Context(), "shop", csr(t))
		must(t, err)
		get := func(names ...string) (enrol.Issued, error) {
			return w.Enroller.ServerCertificate(t.Context(), csr(t, names...), peerOf(shop), "10.0.0.9")
		}
		first, err := get("shop.guild.example.test", "mtls.shop.guild.example.test", "shop.example.com", "127.0.0.1")
		must(t, err)
		again, err := get("shop.example.com", "shop.guild.example.test", "mtls.shop.guild.example.test", "127.0.0.1")
		must(t, err)
		if slices.Equal(leaf(first).Raw, leaf(again).Raw) || !slices.Equal(leaf(again).ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
			t.Error("the second is not a new server certificate")
		}
		for _, names := range [][]string{{"bank.guild.example.test"}, {"mtls.bank.guild.example.test"}, {"workshop.guild.example.test"}, {"mtls.shop.evil.example.com"}, {"guild.example.test"}, {"shop.guild.example.test", "evil.example.com"}, {"10.0.0.1"}, {"shop.guildhall.internal"}} {
			if _, err := get(names...); !errors.Is(err, enrol.ErrNames) {
				t.Errorf("%v: %v", names, err)
			}
		}
		if _, err := w.Enroller.ServerCertificateLocal(t.Context(), csr(t, "guild.example.test", "*.guild.example.test", "localhost"), ""); err != nil {
			t.Errorf("in the process: %v", err)
		}
		if _, err := w.Enroller.ServerCertificateLocal(t.Context(), csr(t, "evil.example.com"), ""); !errors.Is(err, enrol.ErrNames) {
			t.Errorf("in the process, another name: %v", err)
		}
		revoke(t, w, peerOf(shop))
		if _, err := get("shop.guild.example.test"); !errors.Is(err, enrol.ErrPeerRevoked) {
			t.Errorf("revoked: %v", err)
		}
	})
}

func TestRenewedServerCertificatesAreLinked(t *testing.T) {
	t.Parallel()
	w := catest.New(t, guildtest.Open(t, guildtest.SQLite(t), migrations), catest.Options{})
	for range 3 {
		_, err := w.Enroller.ServerCertificateLocal(t.Context(), csr(t, "guild.example.test"), "")
		must(t, err)
		w.Clock.Advance(time.Second)
	}
	page, err := w.Service.List(t.Context(), store.Filter{Profile: profile.Server})
	must(t, err)
	for i, r := range page.Records {
		if (r.RenewedBy == "") != (i == 0) || (r.Renews == "") != (i == 2) {
			t.Errorf("certificate %d renews %q, renewed by %q", i, r.Renews, r.RenewedBy)
		}
	}
}
