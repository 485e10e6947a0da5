package ca

import (
	"net/http"
	"strings"
	"testing"

	"guildhall/ca/internal/catest"
	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/profile"
	views "guildhall/ca/web"
	"guildhall/ca/web/locales"
	"guildhall/platform/audit"
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

func TestRevokingAsksForAReason(t *testing.T) {
	t.Parallel()
	v := visit(t)
	r := v.issued(t, certificate.IssueRequest{CommonName: "shop.example.com"})
	page := v.get(t, views.URL(r))
	page.wants(t, http.StatusOK, `<option value="">Choose a reason</option>`, `<option value="unspecified">Not specified</option></select>`)
	if strings.Contains(page.find(t, `(?s)<select id="revoke-reason"(.*?)</select>`), "selected") {
		t.Error("a reason is chosen from the start")
	}
	for _, wrong := range [][]string{nil, {"reason", ""}, {"reason", "certificateHold"}} {
		v.submit(t, views.URL(r)+"/revoke", wrong...).wants(t, http.StatusUnprocessableEntity, `id="revoke-reason-error"`, "Choose one of the reasons.",
			`aria-invalid="true"`, "data-open")
	}
	if kept, err := v.certificates.Get(t.Context(), r.ID); err != nil || kept.Revoked() {
		t.Errorf("revoked without a reason: %v", err)
	}
}

// TestRevokingWarnsOfWhatGuildhallUses looks at the dialog of each certificate
// that guildhall itself needs.
func TestRevokingWarnsOfWhatGuildhallUses(t *testing.T) {
	t.Parallel()
	v := visit(t)
	grant := func(of, name, actor string) string {
		r, err := v.certificates.Grant(t.Context(), certificate.Grant{Profile: of, Names: []string{name}, By: audit.Caller{Actor: actor},
			CSR: catest.CSR(t, catest.NewKey(t), name)})
		ok(t, err)
		return views.URL(r)
	}
	responder, err := v.certificates.IssueResponder(t.Context(), catest.NewKey(t).Public())
	ok(t, err)
	const warning = `class="alert warn"`
	for path, want := range map[string]string{
		"/certificates/" + profile.SerialText(responder.SerialNumber):                         "makes a new key for its next answer",
		grant(profile.Service, "shop."+profile.InternalDomain, "local:shop"):                  "it needs a new join token to come back",
		grant(profile.Service, "ca."+profile.InternalDomain, "local:ca"):                      "until this process is started again",
		grant(profile.Server, "guild.example.test", "local:process"):                          "within an hour or when it is started again",
		grant(profile.Server, "shop.guild.example.test", "peer:shop."+profile.InternalDomain): "guildhall serves its own pages",
	} {
		v.get(t, path).wants(t, http.StatusOK, warning, want)
	}
	mine := v.get(t, views.URL(v.issued(t, certificate.IssueRequest{CommonName: "shop.example.com"})))
	if strings.Contains(mine.Text, warning) {
		t.Error("an ordinary certificate has a warning")
	}
}
