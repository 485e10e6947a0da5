package certificate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/profile"
	"guildhall/platform/fault"
)

// A key of which one certificate was revoked as compromised is certified no
// more: not for other names, not by renewing its other certificates, not for a
// service.
func TestCompromisedKeyIsNotCertifiedAgain(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		leaked := catest.NewKey(t)
		csr := catest.CSR(t, leaked, "a.example.com")
		lost := w.Issue(t, certificate.IssueRequest{CSR: csr}).Record
		other := w.Issue(t, certificate.IssueRequest{CSR: catest.CSR(t, leaked, "b.example.com")}).Record
		bystander := w.Issue(t, certificate.IssueRequest{CSR: catest.CSR(t, catest.NewKey(t), "c.example.com")}).Record
		w.Clock.Advance(time.Minute)
		_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: lost.ID, Reason: "keyCompromise", By: catest.Admin})
		must(t, err)
		revoked, err := w.Service.Get(t.Context(), lost.ID)
		must(t, err)
		since := revoked.RevokedAt.UTC().Format(time.RFC3339)

		issue := func(r certificate.IssueRequest) error {
			r.By = catest.Admin
			_, err := w.Service.Issue(t.Context(), r)
			return err
		}
		renew := func(r certificate.RenewRequest) error {
			r.By = catest.Admin
			_, err := w.Service.Renew(t.Context(), r)
			return err
		}
		grant := func(csr []byte) error {
			_, err := w.Service.Grant(t.Context(), certificate.Grant{Profile: profile.Service, Names: []string{"shop.guildhall.internal"}, CSR: csr, By: catest.Admin})
			return err
		}
		before := len(w.Actions(t))
		for what, err := range map[string]error{
			"the same request":    issue(certificate.IssueRequest{CSR: csr}),
			"other names":         issue(certificate.IssueRequest{CSR: csr, CommonName: "d.example.com"}),
			"reuse":               issue(certificate.IssueRequest{CSR: catest.CSR(t, leaked, "b.example.com"), Reuse: true}),
			"a renewal's request": renew(certificate.RenewRequest{ID: bystander.ID, CSR: catest.CSR(t, leaked)}),
			"a service":           grant(csr),
		} {
			if fieldOf(err, "csr") != "key_compromised" {
				t.Errorf("%s: %v", what, err)
				continue
			}
			if detail := fault.As(err).Fields[0].Detail; !strings.Contains(detail, lost.Serial) || !strings.Contains(detail, since) || !strings.Contains(detail, "Make a new key") {
				t.Errorf("%s: %q", what, detail)
			}
		}
		err = renew(certificate.RenewRequest{ID: other.ID})
		if !errors.Is(err, certificate.ErrKeyCompromised) || !strings.Contains(err.Error(), since) {
			t.Errorf("a renewal with the same key: %v", err)
		}
		if got := len(w.Actions(t)) - before; got != 5 {
			t.Errorf("%d refusals to administrators are recorded, not 5", got)
		}

		must(t, renew(certificate.RenewRequest{ID: other.ID, NewKey: true}))
		must(t, issue(certificate.IssueRequest{CSR: catest.CSR(t, catest.NewKey(t), "a.example.com")}))
		w.VerifyAudit(t)
	})
}

// Another reason says nothing of the key.
func TestKeyOfAnotherRevocationIsCertified(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		csr := catest.CSR(t, catest.NewKey(t), "a.example.com")
		old := w.Issue(t, certificate.IssueRequest{CSR: csr}).Record
		_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: old.ID, Reason: "superseded", By: catest.Admin})
		must(t, err)
		w.Issue(t, certificate.IssueRequest{CSR: csr})
	})
}

func TestCompromisedKeysAreFoundByIndex(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{})
	var id, parent, unused int
	var plan string
	must(t, w.DB.Read.QueryRowContext(t.Context(), `EXPLAIN QUERY PLAN SELECT id FROM certificates WHERE key_id = $1 AND reason = 1 ORDER BY revoked_at LIMIT 1`, "x").
		Scan(&id, &parent, &unused, &plan))
	if !strings.Contains(plan, "certificates_compromised") {
		t.Errorf("the search goes by %q", plan)
	}
}
