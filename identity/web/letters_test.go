package web_test

import (
	"io/fs"
	"strings"
	"testing"

	"guildhall/identity/web"
	"guildhall/identity/web/locales"
	"guildhall/identity/web/mails"
	"guildhall/platform/i18n"
)

// Administrators are told in their language which letter failed.
func TestEveryLetterHasAName(t *testing.T) {
	t.Parallel()
	bundle, err := i18n.NewBundle(locales.FS())
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(mails.FS(), "en/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("templates: %q, %v", files, err)
	}
	for _, l := range i18n.Languages() {
		ctx := bundle.Context(t.Context(), l.Code)
		names := map[string]string{}
		for _, file := range files {
			template := strings.TrimSuffix(strings.TrimPrefix(file, "en/"), ".txt")
			name := web.LetterName(ctx, template)
			if name == template || names[name] != "" {
				t.Errorf("%s: %s is called %q, and so is %q", l.Code, template, name, names[name])
			}
			names[name] = template
		}
		if web.LetterName(ctx, "shop.order") != "shop.order" || web.LetterName(ctx, "") == "" {
			t.Errorf("%s: letters that are not known have no name", l.Code)
		}
	}
}
