package license

import (
	"testing"

	"guildhall/license/internal/journal"
	"guildhall/license/web/locales"
	"guildhall/platform/i18n"
	weblocales "guildhall/platform/web/locales"
)

func TestActionsHaveNames(t *testing.T) {
	t.Parallel()
	bundle, err := i18n.NewBundle(weblocales.FS(), locales.FS())
	ok(t, err)
	for _, lang := range []string{"en", "zh", "pl"} {
		ctx := bundle.Context(t.Context(), lang)
		for _, action := range journal.Actions() {
			if actionName(ctx, action) == action {
				t.Errorf("in %s the action %s has no name: write license.action.%s", lang, action, action)
			}
		}
	}
}
