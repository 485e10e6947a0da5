package certificate_test

import (
	"regexp"
	"strings"
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/store"
)

// TestSerialNumbersAreFoundHoweverWritten searches as people do: with what a page
// shows, and with what openssl and browsers print.
func TestSerialNumbersAreFoundHoweverWritten(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		one := w.Issue(t, certificate.IssueRequest{CommonName: "shop.example.com", Names: []string{"2001:db8::7"}}).Record
		w.Issue(t, certificate.IssueRequest{CommonName: "bank.example.com"})
		_, err := w.Service.Revoke(t.Context(), certificate.RevokeRequest{ID: one.ID, By: catest.Admin})
		must(t, err)
		colons := strings.ToUpper(strings.TrimSuffix(regexp.MustCompile("..").ReplaceAllString(one.Serial, "$0:"), ":"))
		for _, text := range []string{one.Serial, one.Serial[:12], one.Serial[:12] + "…", one.Serial[len(one.Serial)-12:], one.Serial[3:15],
			strings.ToUpper(one.Serial[:12]), "0x" + one.Serial, colons, colons[:17], colons[:18], strings.ToLower(colons[6:]), " " + colons + " ",
			strings.ReplaceAll(colons, ":", " "), "2001:db8::7", "2001:DB8:"} {
			for _, status := range []string{"", store.Revoked} {
				page, err := w.Service.List(t.Context(), store.Filter{Text: text, Status: status})
				must(t, err)
				if len(page.Records) != 1 || page.Records[0].ID != one.ID {
					t.Errorf("%q, %q: %d found", text, status, len(page.Records))
				}
			}
		}
		for _, text := range []string{"…", ":", "0x", "::::", "dns:cafe", strings.Repeat("ab:", 200)} {
			if _, err := w.Service.List(t.Context(), store.Filter{Text: text}); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

// Certificates hold internationalised names in ASCII; people search for what
// they read.
func TestInternationalisedNamesAreFoundAsTheyAreRead(t *testing.T) {
	onBoth(t, catest.Options{}, func(t *testing.T, w *catest.World) {
		one := w.Issue(t, certificate.IssueRequest{CommonName: "bücher.example.com", Names: []string{"*.łódź.example.com"}}).Record
		w.Issue(t, certificate.IssueRequest{CommonName: "bucher.example.com"})
		for _, text := range []string{"bücher.example.com", "BÜCHER", "bücher.example", "łódź", "*.łódź.example.com", "xn--bcher-kva", "bücher。example"} {
			page, err := w.Service.List(t.Context(), store.Filter{Text: text})
			must(t, err)
			if len(page.Records) != 1 || page.Records[0].ID != one.ID {
				t.Errorf("%q: %d found", text, len(page.Records))
			}
		}
		for _, text := range []string{"ü", "ü@", "@ü", "büro", strings.Repeat("ü", 200)} {
			page, err := w.Service.List(t.Context(), store.Filter{Text: text})
			must(t, err)
			if len(page.Records) != 0 {
				t.Errorf("%q: %d found", text, len(page.Records))
			}
		}
	})
}
