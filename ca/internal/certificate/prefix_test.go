package certificate_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
)

// renumber gives a certificate a chosen serial number.
func renumber(t *testing.T, w *catest.World, name, serial string) *store.Record {
	t.Helper()
	r := w.Issue(t, certificate.IssueRequest{CommonName: name}).Record
	must(t, w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE certificates SET serial = $1 WHERE id = $2`, serial, r.ID)
		return err
	}))
	r, err := w.Service.Get(t.Context(), r.ID)
	must(t, err)
	return r
}

func TestReadingTakesTheBeginningOfASerial(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		const shared = "7fab09cd"
		lone := renumber(t, w, "lone.example.com", "8fab09cdffffffffffffffffffffffff")
		for i := range 7 {
			renumber(t, w, fmt.Sprintf("h%d.example.com", i), fmt.Sprintf("%s%d00000000000000000000000", shared, i))
		}
		for _, text := range []string{lone.Serial, lone.ID, strings.ToUpper(lone.ID), "8fab09cd", "8fab09cdf", "8FAB09CDFF", "8f:ab:09:cd", " 8fab09cd… ",
			"0x8fab09cd", "8fab09cdffff...", lone.Serial[:31]} {
			if got, err := w.Service.Lookup(t.Context(), text); err != nil || got.ID != lone.ID {
				t.Errorf("%q: %v", text, err)
			}
		}
		for _, text := range []string{"", "8", "8fab09c", "8fab09ce", "9fab09cd", "8fab09cg", "8fab09cd%", "crt_8fab09cd", lone.Serial + "0", lone.ID[:12]} {
			if _, err := w.Service.Lookup(t.Context(), text); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%q: %v", text, err)
			}
		}
		_, err := w.Service.Lookup(t.Context(), shared)
		if !errors.Is(err, store.ErrAmbiguous) || !strings.Contains(err.Error(), shared+"000000000000000000000000 (h0.example.com), ") ||
			!strings.Contains(err.Error(), "(h4.example.com), and more") || strings.Contains(err.Error(), "h5.example.com") {
			t.Errorf("ambiguous: %v", err)
		}
		if got, err := w.Service.Lookup(t.Context(), shared+"6"); err != nil || got.CommonName != "h6.example.com" {
			t.Errorf("one digit more: %v", err)
		}
		if v, err := w.Service.Verify(t.Context(), certificate.VerifyRequest{Name: "8fab09cd", By: catest.Admin}); err != nil || v.Record.ID != lone.ID {
			t.Errorf("verify: %v", err)
		}
	})
}

func TestWhatCannotBeUndoneTakesTheWholeSerial(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		lone := w.Issue(t, certificate.IssueRequest{CommonName: "lone.example.com"}).Record
		start := lone.Serial[:12]
		_, revoke := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: start, By: catest.Admin})
		_, renew := w.Service.Renew(t.Context(), certificate.RenewRequest{ID: start, By: catest.Admin})
		_, export := w.Service.PKCS12(t.Context(), certificate.BundleRequest{ID: start, Password: "correct horse", By: catest.Admin})
		for what, err := range map[string]error{"revoke": revoke, "renew": renew, "export": export} {
			if !errors.Is(err, store.ErrNotWhole) || !strings.Contains(err.Error(), lone.Serial+" (lone.example.com)") {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: "00000000", By: catest.Admin})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the beginning of none: %v", err)
		}
		colons := strings.ToUpper(lone.Serial[:2] + ":" + lone.Serial[2:])
		if done, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: colons, By: catest.Admin}); err != nil || done.Record.ID != lone.ID {
			t.Errorf("colons and upper case: %v", err)
		}
	})
}
