package ca

import (
	"strings"
	"testing"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/web/locales"
	"guildhall/platform/i18n"
	"guildhall/platform/web/ui"
)

func TestRevokingSaysHowFarTheNewsCame(t *testing.T) {
	t.Parallel()
	bundle, err := i18n.NewBundle(locales.FS())
	ok(t, err)
	for name, c := range map[string]struct {
		done certificate.Revoked
		tone ui.Tone
		text string
	}{
		"nobody there": {certificate.Revoked{}, ui.Good, "No service was connected"},
		"one":          {certificate.Revoked{Reach: certificate.Reach{Peers: 1, Acknowledged: 1}}, ui.Good, "1 connected service has"},
		"all":          {certificate.Revoked{Reach: certificate.Reach{Peers: 3, Acknowledged: 3}}, ui.Good, "all 3 connected services"},
		"some lapsed":  {certificate.Revoked{Reach: certificate.Reach{Peers: 3, Acknowledged: 1, Lapsed: []string{"bank", "shop"}}}, ui.Warn, "1 of 3 services confirmed it; the lease of the others has ended, so they refuse all connections: bank, shop"},
		"not told":     {certificate.Revoked{Unannounced: true}, ui.Warn, "not every service could be told"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tone, text := reached(bundle.Context(t.Context(), "en"), &c.done); tone != c.tone || !strings.Contains(text, c.text) {
				t.Errorf("%q: %s", tone, text)
			}
		})
	}
}
