package certificate_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/clock"
	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
)

func newGuard(w *catest.World) *clock.Guard {
	return clock.New(w.Clock.Now, clock.DefaultTolerance, time.Time{})
}

func TestRenew(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		mine := w.Issue(t, certificate.IssueRequest{CSR: catest.CSR(t, catest.NewKey(t), "a.example.com", "b.example.com"), Lifetime: 48 * time.Hour})
		made := w.Issue(t, certificate.IssueRequest{CommonName: "c.example.com"})
		renew := func(r certificate.RenewRequest) *certificate.Issued {
			t.Helper()
			r.By = catest.Admin
			i, err := w.Service.Renew(t.Context(), r)
			must(t, err)
			return i
		}
		w.Clock.Advance(time.Hour)
		same := renew(certificate.RenewRequest{ID: mine.Record.Serial})
		if same.Record.KeyID != mine.Record.KeyID || same.KeyPEM != "" || same.Record.Renews != mine.Record.ID || !slices.Equal(same.Record.Names, mine.Record.Names) {
			t.Errorf("same key: %+v", same.Record)
		}
		if got := same.Record.NotAfter.Sub(mine.Record.NotAfter).Round(time.Minute); got != time.Hour {
			t.Errorf("it ends %s later", got)
		}
		if old, err := w.Service.Get(t.Context(), mine.Record.ID); err != nil || old.RenewedBy != same.Record.ID {
			t.Errorf("the predecessor is renewed by %q, %v", old.RenewedBy, err)
		}
		if fresh := renew(certificate.RenewRequest{ID: made.Record.ID}); fresh.Record.KeyID == made.Record.KeyID || fresh.KeyPEM == "" {
			t.Error("a key made here was not made anew")
		}
		other := renew(certificate.RenewRequest{ID: mine.Record.ID, CSR: catest.CSR(t, catest.NewKey(t), "b.example.com")})
		if other.Record.KeyID == mine.Record.KeyID || other.Record.CommonName != "a.example.com" {
			t.Errorf("with a CSR: %+v", other.Record)
		}
		_, err := w.Service.Renew(t.Context(), certificate.RenewRequest{ID: mine.Record.ID, CSR: catest.CSR(t, catest.NewKey(t), "evil.example.com"), By: catest.Admin})
		if fieldOf(err, "csr") != "invalid_csr" {
			t.Errorf("a CSR for another name: %v", err)
		}
		_, err = w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: mine.Record.ID, By: catest.Admin})
		must(t, err)
		if _, err = w.Service.Renew(t.Context(), certificate.RenewRequest{ID: mine.Record.ID, By: catest.Admin}); !errors.Is(err, store.ErrRevoked) {
			t.Errorf("a revoked one: %v", err)
		}
		if _, err = w.Service.Renew(t.Context(), certificate.RenewRequest{ID: "00", By: catest.Admin}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an unknown one: %v", err)
		}
		w.VerifyAudit(t)
	})
}

// TestRenewWhileRevoking renews many certificates, each by two callers, while
// some of them are revoked, so that successes and refusals share transactions. No
// renewal is written after its predecessor's revocation, and each success is.
func TestRenewWhileRevoking(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		const total, doomed = 40, 10
		var old [total]*store.Record
		for i := range old {
			old[i] = w.Issue(t, certificate.IssueRequest{CommonName: fmt.Sprintf("h%d.example.com", i)}).Record
		}
		var renewed [total][2]*store.Record
		var all sync.WaitGroup
		for i, r := range old {
			for k := range 2 {
				all.Go(func() {
					issued, err := w.Service.Renew(t.Context(), certificate.RenewRequest{ID: r.ID, By: catest.Admin})
					switch {
					case err == nil:
						renewed[i][k] = issued.Record
					case i >= doomed || !errors.Is(err, store.ErrRevoked):
						t.Errorf("renew %d: %v", i, err)
					}
				})
			}
			if i < doomed {
				all.Go(func() {
					if _, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: r.ID, By: catest.Admin}); err != nil {
						t.Errorf("revoke %d: %v", i, err)
					}
				})
			}
		}
		all.Wait()
		for i, r := range old {
			var successors []string
			for _, s := range renewed[i] {
				if s != nil {
					successors = append(successors, s.ID)
				}
			}
			now, err := w.Service.Get(t.Context(), r.ID)
			must(t, err)
			if now.RenewedBy == "" && len(successors) > 0 || now.RenewedBy != "" && !slices.Contains(successors, now.RenewedBy) {
				t.Errorf("%d is renewed by %q, successors are %q", i, now.RenewedBy, successors)
			}
			if now.Revoked() != (i < doomed) {
				t.Errorf("%d is revoked: %v", i, now.Revoked())
			}
		}
		noneAfterItsRevocation(t, w)
		w.VerifyAudit(t)
	})
}

// noneAfterItsRevocation reads in the audit log, which has the order of the
// writes, that nothing was renewed after it was revoked.
func noneAfterItsRevocation(t *testing.T, w *catest.World) {
	t.Helper()
	page, err := w.Service.Journal.Audit.List(t.Context(), audit.Filter{Limit: audit.MaxLimit})
	must(t, err)
	revoked := map[string]bool{}
	for _, r := range slices.Backward(page.Records) { // the newest is first
		switch r.Action {
		case journal.Revoked:
			revoked[r.Subject] = true
		case journal.Renewed:
			var detail struct{ Renews string }
			must(t, json.Unmarshal(r.Detail, &detail))
			if detail.Renews == "" || revoked[detail.Renews] {
				t.Errorf("%q was renewed after its revocation", detail.Renews)
			}
		}
	}
	if len(revoked) == 0 {
		t.Error("the log has no revocation")
	}
}

func TestRevoke(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		revoke := func(id, reason string) (*certificate.Revoked, error) {
			return w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: id, Reason: reason, By: catest.Admin})
		}
		first := w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com"})
		second := w.Issue(t, certificate.IssueRequest{CommonName: "b.example.com"})
		done, err := revoke(strings.ToUpper(colons(first.Record.Serial)), "key-compromise")
		must(t, err)
		if done.Already || done.Record.Reason != 1 || done.Record.RevokedAt.IsZero() || done.Reach.Acknowledged != 2 {
			t.Errorf("revoked: %+v", done)
		}
		again, err := revoke(first.Record.ID, "keyCompromise")
		if err != nil || !again.Already || !again.Record.RevokedAt.Equal(done.Record.RevokedAt) {
			t.Errorf("again: %+v, %v", again, err)
		}
		if _, err = revoke(first.Record.ID, "superseded"); !errors.Is(err, certificate.ErrAlreadyRevoked) {
			t.Errorf("for another reason: %v", err)
		}
		if _, err = revoke(second.Record.ID, "certificateHold"); fieldOf(err, "reason") != "unknown_reason" || !strings.Contains(err.Error(), "final") {
			t.Errorf("hold: %v", err)
		}
		if _, err = revoke(second.Record.ID, "boredom"); fieldOf(err, "reason") != "unknown_reason" {
			t.Errorf("unknown reason: %v", err)
		}
		_, err = revoke(second.Record.ID, "")
		must(t, err)
		all, err := w.Store.Revocations(t.Context(), 0, 10)
		must(t, err)
		if len(all) != 2 || all[0].Seq != 1 || all[1].Seq != 2 || all[0].Serial != first.Record.Serial || all[0].Issuer != store.Issuing || all[0].Profile != profile.Server {
			t.Errorf("the sequence: %+v", all)
		}
		if got := *w.Announced; len(got) != 3 || got[0].Seq != 1 || got[1].Seq != 1 || got[2].Seq != 2 {
			t.Errorf("announced: %+v", got)
		}
		statuses, err := w.Store.Statuses(t.Context(), []string{first.Record.Serial, "00ff"})
		if err != nil || len(statuses) != 1 || !statuses[first.Record.Serial].Revoked {
			t.Errorf("statuses: %v, %v", statuses, err)
		}
		w.VerifyAudit(t)
	})
}

func colons(serial string) string {
	var parts []string
	for i := 0; i < len(serial); i += 2 {
		parts = append(parts, serial[i:i+2])
	}
	return strings.Join(parts, ":")
}

func TestPKCS12(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{KeepKeys: true})
	kept := w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com", KeepKey: true})
	gone := w.Issue(t, certificate.IssueRequest{CommonName: "b.example.com"})
	bundle := func(id, password, key string) ([]byte, error) {
		return w.Service.PKCS12(t.Context(), certificate.BundleRequest{ID: id, Password: password, KeyPEM: key, By: catest.Admin})
	}
	for name, c := range map[string]struct {
		issued *certificate.Issued
		key    string
	}{"kept": {kept, ""}, "sent": {gone, gone.KeyPEM}} {
		file, err := bundle(c.issued.Record.ID, "correct horse", c.key)
		must(t, err)
		_, cert, chain, err := pkcs12.DecodeChain(file, "correct horse")
		if err != nil || !slices.Equal(cert.Raw, c.issued.Record.DER) || len(chain) != 2 {
			t.Errorf("%s: %d certificates, %v", name, len(chain), err)
		}
	}
	if _, err := bundle(kept.Record.ID, "short", ""); fieldOf(err, "password") != "too_short" {
		t.Errorf("short password: %v", err)
	}
	if _, err := bundle(gone.Record.ID, "correct horse", ""); fieldOf(err, "private_key") != "required" {
		t.Errorf("no key: %v", err)
	}
	if _, err := bundle(gone.Record.ID, "correct horse", kept.KeyPEM); fieldOf(err, "private_key") != "other_key" {
		t.Errorf("another key: %v", err)
	}
	sealed, err := w.Store.KeyOf(t.Context(), kept.Record.ID)
	block, _ := pem.Decode([]byte(kept.KeyPEM))
	if err != nil || strings.Contains(string(sealed), string(block.Bytes)) {
		t.Errorf("the kept key is not sealed, %v", err)
	}
	if !slices.Contains(w.Actions(t), "certificate.key_exported") {
		t.Error("the export of a key is not in the audit log")
	}
}

func TestVerify(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		other := onSQLite(t, catest.Options{})
		good := w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com"})
		revoked := w.Issue(t, certificate.IssueRequest{CommonName: "r.example.com"})
		_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: revoked.Record.ID, Reason: "superseded", By: catest.Admin})
		must(t, err)
		brief := w.Issue(t, certificate.IssueRequest{CommonName: "e.example.com", Lifetime: time.Hour})
		foreign := other.Issue(t, certificate.IssueRequest{CommonName: "a.example.com"})
		w.Clock.Advance(2 * time.Hour)
		text := func(i *certificate.Issued) string { return certificate.PEM(i.Record.DER) }
		for name, c := range map[string]struct {
			r      certificate.VerifyRequest
			failed string
		}{
			"good":            {certificate.VerifyRequest{PEM: text(good)}, ""},
			"by name":         {certificate.VerifyRequest{Name: "A.example.com"}, ""},
			"by serial":       {certificate.VerifyRequest{Name: good.Record.Serial}, ""},
			"for its name":    {certificate.VerifyRequest{PEM: text(good), Name: "a.example.com"}, ""},
			"for another":     {certificate.VerifyRequest{PEM: text(good), Name: "b.example.com"}, "name"},
			"revoked":         {certificate.VerifyRequest{PEM: text(revoked)}, "revocation"},
			"expired":         {certificate.VerifyRequest{PEM: text(brief)}, "validity"},
			"another issuer":  {certificate.VerifyRequest{PEM: text(foreign)}, "chain"},
			"tampered":        {certificate.VerifyRequest{PEM: tamper(good)}, "chain"},
			"another root":    {certificate.VerifyRequest{PEM: certificate.PEM(other.Keys.RootCertificate().Raw)}, "chain"},
			"the root itself": {certificate.VerifyRequest{PEM: certificate.PEM(w.Keys.RootCertificate().Raw)}, ""},
			"the issuing one": {certificate.VerifyRequest{PEM: certificate.PEM(w.Keys.Issuing().Certificate.Raw)}, ""},
		} {
			c.r.By = catest.Admin
			v, err := w.Service.Verify(t.Context(), c.r)
			must(t, err)
			var failed []string
			for _, check := range v.Checks {
				if !check.OK && !check.Skipped {
					failed = append(failed, check.Name)
				}
				if foreign := c.failed == "chain"; foreign && check.Name == certificate.CheckConstraints ||
					(foreign && check.Name == certificate.CheckRevocation) != check.Skipped || check.Skipped && (check.OK || !strings.HasPrefix(check.Detail, "Not checked")) {
					t.Errorf("%s: %+v of a certificate that is not ours", name, check)
				}
				if check.Detail == "" {
					t.Errorf("%s: %s says nothing", name, check.Name)
				}
			}
			if got := strings.Join(failed, " "); got != c.failed || v.Valid != (c.failed == "") {
				t.Errorf("%s: failed %q, want %q: %+v", name, got, c.failed, v.Checks)
			}
		}
		if _, err := w.Service.Verify(t.Context(), certificate.VerifyRequest{PEM: "x", By: catest.Admin}); fieldOf(err, "certificate") == "" {
			t.Errorf("no PEM: %v", err)
		}
		if _, err := w.Service.Verify(t.Context(), certificate.VerifyRequest{Name: "nobody.example.com", By: catest.Admin}); fault.As(err).Kind != fault.NotFound {
			t.Errorf("unknown name: %v", err)
		}
		failures := slices.DeleteFunc(w.Actions(t), func(a string) bool { return a != "certificate.verification_failed" })
		if len(failures) != 6 {
			t.Errorf("%d failed verifications in the audit log, want 6", len(failures))
		}
	})
}

// tamper changes a bit of the signature.
func tamper(i *certificate.Issued) string {
	der := slices.Clone(i.Record.DER)
	der[len(der)-5] ^= 1
	return certificate.PEM(der)
}

func TestVerifyFindsWhatConstraintsForbid(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{Policy: profile.PolicyText{Permitted: []string{"example.com"}}})
	good := w.Issue(t, certificate.IssueRequest{CommonName: "a.example.com", Names: []string{"127.0.0.1"}})
	if v, err := w.Service.Verify(t.Context(), certificate.VerifyRequest{PEM: certificate.PEM(good.Record.DER), By: catest.Admin}); err != nil || !v.Valid {
		t.Fatalf("a permitted name: %+v %v", v, err)
	}
	// Somebody who got hold of the issuing key signs for another domain.
	loose, err := profile.NewSet(profile.Policy{}, nil)
	must(t, err)
	stolen := *w.Service
	stolen.Profiles = loose
	bad, err := stolen.Issue(t.Context(), certificate.IssueRequest{CommonName: "a.example.org", By: catest.Admin})
	must(t, err)
	v, err := w.Service.Verify(t.Context(), certificate.VerifyRequest{PEM: certificate.PEM(bad.Record.DER), By: catest.Admin})
	must(t, err)
	for _, c := range v.Checks {
		if c.OK == (c.Name == certificate.CheckConstraints) {
			t.Errorf("%s: %v %s", c.Name, c.OK, c.Detail)
		}
	}
}

func TestIssueResponder(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{})
	c, err := w.Service.IssueResponder(t.Context(), catest.NewKey(t).Public())
	must(t, err)
	noCheck := slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool {
		return e.Id.String() == "1.3.6.1.5.5.7.48.1.5" && string(e.Value) == "\x05\x00"
	})
	if !noCheck || len(c.OCSPServer)+len(c.CRLDistributionPoints) != 0 || !slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}) {
		t.Errorf("no-check %v, OCSP %v, CRL %v, usages %v", noCheck, c.OCSPServer, c.CRLDistributionPoints, c.ExtKeyUsage)
	}
	if r, err := w.Service.Get(t.Context(), store.SerialText(c.SerialNumber)); err != nil || r.Profile != profile.OCSP {
		t.Errorf("it is not recorded: %v", err)
	}
}
