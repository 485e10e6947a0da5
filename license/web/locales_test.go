package web_test

import (
	"os"
	"path/filepath"
	"testing"

	"guildhall/license/web/locales"
	"guildhall/platform/i18n/i18ntest"
)

// TestCatalogue looks at the views and at the handlers of package license, without
// what else is there: configuration keys look like keys of the catalogue.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../pages*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("find the handlers of the pages: %v, %v", files, err)
	}
	handlers := t.TempDir()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(handlers, filepath.Base(file)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	i18ntest.Check(t, locales.FS(), ".", handlers)
}
