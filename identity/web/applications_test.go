package web_test

import (
	"testing"

	"guildhall/identity/internal/client"
	"guildhall/identity/web"
	"guildhall/identity/web/locales"
	"guildhall/platform/i18n"
)

// Services of the installation are called by their title, and nobody else is called
// as they are.
func TestApplicationsAreCalledAsTheReaderCallsThem(t *testing.T) {
	t.Parallel()
	bundle, err := i18n.NewBundle(locales.FS())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ id, name, en, pl, zh string }{
		{"guildhall-identity", "identity", "Identity", "Tożsamość", "身份"},
		{"guildhall-nobody", "nobody", "nobody", "nobody", "nobody"},
		{"guildhall-", "x", "x", "x", "x"},
		{"app_1", "identity", "identity", "identity", "identity"},
		{"identity", "Shop", "Shop", "Shop", "Shop"},
	} {
		app := client.Client{ID: c.id, Metadata: client.Metadata{Name: c.name}}
		for lang, want := range map[string]string{"en": c.en, "pl": c.pl, "zh-CN": c.zh} {
			if got := web.ApplicationName(bundle.Context(t.Context(), lang), &app); got != want {
				t.Errorf("%s in %s is called %q, not %q", c.id, lang, got, want)
			}
		}
	}
}
