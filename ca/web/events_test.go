package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"guildhall/ca/internal/journal"
	"guildhall/ca/web/locales"
	"guildhall/platform/audit"
	"guildhall/platform/i18n"
	weblocales "guildhall/platform/web/locales"
)

// TestEventsSayWhy shows a refusal of every code that the catalogue knows: the
// entry holds no arguments for the sentence, only the reason as it was given.
func TestEventsSayWhy(t *testing.T) {
	t.Parallel()
	bundle, err := i18n.NewBundle(weblocales.FS(), locales.FS())
	if err != nil {
		t.Fatal(err)
	}
	const why = "the recorded reason"
	for _, l := range i18n.Languages() {
		ctx := bundle.Context(t.Context(), l.Code)
		text, err := i18n.ReadCatalogue(locales.FS(), l)
		if err != nil {
			t.Fatal(err)
		}
		sentences := map[string]any{"fault.invalid_fields": nil}
		if err := json.Unmarshal(text, &sentences); err != nil {
			t.Fatal(err)
		}
		for key, sentence := range sentences {
			code, ok := strings.CutPrefix(key, "fault.")
			if !ok {
				continue
			}
			detail, err := json.Marshal(map[string]string{"code": code, "why": why})
			if err != nil {
				t.Fatal(err)
			}
			e := Event{Record: audit.Record{Action: journal.RevokeRefused, Subject: "69a", Detail: detail}, Name: "69a"}
			var page strings.Builder
			if err := timeline(ctx, []Event{e}, time.Now()).Render(ctx, &page); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(page.String(), "no value") {
				t.Errorf("%s: %s: %s", l.Code, code, page.String())
			}
			full, _ := sentence.(string)
			if recorded := full == "" || strings.Contains(full, "{{"); recorded != strings.Contains(page.String(), why) {
				t.Errorf("%s: %s: the page shows the recorded reason: %v, want %v:\n%s", l.Code, code, !recorded, recorded, page.String())
			}
		}
	}
}

func TestEventsCutLongWords(t *testing.T) {
	t.Parallel()
	e := Event{Record: audit.Record{Action: journal.IssueRefused,
		Detail: []byte(`{"code": "invalid_fields", "why": "sans[0]: \"` + strings.Repeat("ż", 2000) + `\" is not a host name."}`)}}
	if got, want := e.why(t.Context()), `sans[0]: "`+strings.Repeat("ż", 38)+"… is not a host name."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
