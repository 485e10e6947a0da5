package certificate_test

import (
	"context"
	"crypto"
	"database/sql"
	"database/sql/driver"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/journal"
	"guildhall/ca/internal/profile"
	"guildhall/ca/internal/store"
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
		compromise(t, w, lost)
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

// A certificate for a compromised key is not handed out again in place of a new
// one: the one with the same names has a key of its own.
func TestCertificateOfACompromisedKeyIsNotReused(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		ask := certificate.IssueRequest{CommonName: "a.example.com", Reuse: true}
		first := w.Issue(t, ask)
		key, err := certificate.ParsePrivateKey(first.KeyPEM)
		must(t, err)
		leaked := w.Issue(t, certificate.IssueRequest{CSR: catest.CSR(t, key, "b.example.com")}).Record
		if again := w.Issue(t, ask); !again.Reused || again.Record.ID != first.Record.ID {
			t.Fatalf("reused %v: %s, not %s", again.Reused, again.Record.ID, first.Record.ID)
		}
		compromise(t, w, leaked)
		if again := w.Issue(t, ask); again.Reused || again.Record.KeyID == first.Record.KeyID {
			t.Errorf("after its key leaked: reused %v, the same key %v", again.Reused, again.Record.KeyID == first.Record.KeyID)
		}
	})
}

// A key that is revoked as compromised after the certificate was signed, and
// before it is written, is refused all the same.
func TestKeyCompromisedWhileItIsCertified(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		leaked := catest.NewKey(t)
		lost := w.Issue(t, certificate.IssueRequest{CSR: catest.CSR(t, leaked, "a.example.com")}).Record
		signed, revoked := make(chan string), make(chan struct{})
		go func() {
			defer close(revoked)
			<-signed
			// Not by Revoke, which would queue behind the certificate.
			err := w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
				if err := w.Journal.Append(t.Context(), tx, catest.Admin, journal.Revoked, lost.ID, nil); err != nil {
					return err
				}
				_, err := w.Store.Revoke(t.Context(), tx, lost, 1, w.Clock.Now())
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}()
		var serial string
		r, err := w.Service.Grant(t.Context(), certificate.Grant{Profile: profile.Service, Names: []string{"shop.guildhall.internal"},
			CSR: catest.CSR(t, leaked), By: catest.Admin, Within: func(_ context.Context, _ *sql.Tx, r *store.Record) error {
				if serial == "" {
					serial = r.Serial
					close(signed)
				}
				select {
				case <-revoked:
					return nil
				default:
					return driver.ErrBadConn // the group begins the transaction anew
				}
			}})
		if r != nil || fieldOf(err, "csr") != "key_compromised" || !strings.Contains(fault.As(err).Fields[0].Detail, lost.Serial) {
			t.Errorf("granted %v: %v", r, err)
		}
		if _, err := w.Service.Get(t.Context(), serial); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the certificate that was signed: %v", err)
		}
		w.VerifyAudit(t)
	})
}

// In a batch of 64 certificates the three for compromised keys are refused, and
// no other.
func TestCompromisedKeysInABatch(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		keys, lost := make([]crypto.Signer, 64), map[int]*store.Record{}
		for i := range keys {
			keys[i] = catest.NewKey(t)
			if i == 0 || i == 31 || i == 63 {
				lost[i] = w.Issue(t, certificate.IssueRequest{CSR: catest.CSR(t, keys[i], "lost.example.com")}).Record
				compromise(t, w, lost[i])
			}
		}
		before := w.Actions(t)
		issued, errs := make([]*certificate.Issued, len(keys)), make([]error, len(keys))
		oneBatch(t, w, len(keys), func(ctx context.Context, i int) {
			csr := catest.CSR(t, keys[i], "new.example.com")
			issued[i], errs[i] = w.Service.Issue(ctx, certificate.IssueRequest{CSR: csr, By: catest.Admin})
		})
		for i, err := range errs {
			r := lost[i]
			switch {
			case r == nil && (err != nil || issued[i] == nil):
				t.Errorf("certificate %d: %v", i, err)
			case r != nil && (fieldOf(err, "csr") != "key_compromised" || issued[i] != nil):
				t.Errorf("certificate %d, for a compromised key: %v, %v", i, issued[i], err)
			case r != nil && !strings.Contains(fault.As(err).Fields[0].Detail, r.Serial):
				t.Errorf("certificate %d is refused for another one's key: %v", i, err)
			}
		}
		count := map[string]int{}
		for _, action := range w.Actions(t)[len(before):] {
			count[action]++
		}
		if want := map[string]int{journal.Issued: 61, journal.IssueRefused: 3}; !maps.Equal(count, want) {
			t.Errorf("recorded %v, want %v", count, want)
		}
		w.VerifyAudit(t)
	})
}

func compromise(t *testing.T, w *catest.World, r *store.Record) {
	t.Helper()
	_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: r.ID, Reason: "keyCompromise", By: catest.Admin})
	must(t, err)
}

func TestCompromisedKeysAreFoundByIndex(t *testing.T) {
	t.Parallel()
	w := onSQLite(t, catest.Options{})
	for what, query := range map[string]string{
		"batch": `SELECT key_id, serial, revoked_at FROM certificates WHERE reason = 1 AND key_id IN (?, ?)`,
		"reuse": `SELECT 1 FROM certificates c WHERE c.key_id = ? AND c.reason = 1 AND ? = ''`,
	} {
		var id, parent, unused int
		var plan string
		must(t, w.DB.Read.QueryRowContext(t.Context(), `EXPLAIN QUERY PLAN `+query, "x", "y").Scan(&id, &parent, &unused, &plan))
		if !strings.Contains(plan, "certificates_compromised") {
			t.Errorf("%s: the search goes by %q", what, plan)
		}
	}
}
