package i18ntest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"guildhall/platform/i18n/i18ntest"
)

func catalogue(en, zh, pl string) fs.FS {
	return fstest.MapFS{"en.json": {Data: []byte(en)}, "zh.json": {Data: []byte(zh)}, "pl.json": {Data: []byte(pl)}}
}

func TestProblemsNamesPlantedFlaws(t *testing.T) {
	t.Parallel()
	plural := `{"x.a": {"one": "{{.Count}} a", "other": "{{.Count}} as"}}`
	tests := map[string]struct {
		en, zh, pl, source, want string
	}{
		"missing key":     {`{"x.a": "a"}`, `{}`, `{"x.a": "a"}`, "", "zh.json: x.a is missing"},
		"extra key":       {`{}`, `{}`, `{"x.a": "a"}`, "", "pl.json: x.a is not in en.json"},
		"empty":           {`{"x.a": "a"}`, `{"x.a": " "}`, `{"x.a": "a"}`, "", "zh.json: x.a  is empty"},
		"placeholder":     {`{"x.a": "{{.B}}"}`, `{"x.a": "{{.C}}"}`, `{"x.a": "{{.B}}"}`, "", "zh.json: x.a has the placeholders [C], want [B]"},
		"plural form":     {plural, `{"x.a": {"other": "{{.Count}}"}}`, `{"x.a": {"one": "{{.Count}}", "other": "{{.Count}}"}}`, "", "pl.json: x.a has the plural forms [one other]"},
		"plural or plain": {plural, `{"x.a": "{{.Count}}"}`, `{"x.a": "{{.Count}}"}`, "", "x.a has plural forms in one language and none in another"},
		"key of T":        {`{"x.a": "a"}`, `{"x.a": "a"}`, `{"x.a": "a"}`, `i18n.T(ctx, "y.b")`, `no catalogue has the key "y.b"`},
		"key elsewhere":   {`{"x.a.b": "a"}`, `{"x.a.b": "a"}`, `{"x.a.b": "a"}`, `Key: "x.a.c"`, `no catalogue has the key "x.a.c"`},
		"beginning":       {`{"x.a.b": "a"}`, `{"x.a.b": "a"}`, `{"x.a.b": "a"}`, `"x.b." + state`, `no catalogue has the key "x.b."`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := source(t, tc.source)
			problems, err := i18ntest.Problems(catalogue(tc.en, tc.zh, tc.pl), dir)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(problems, "\n"); !strings.Contains(all, tc.want) {
				t.Errorf("problems:\n%s\nwant one with %q", all, tc.want)
			}
		})
	}
}

func TestProblemsAcceptsWhatIsRight(t *testing.T) {
	t.Parallel()
	all := `{"x.a.b": "a {{.N}}"}`
	dir := source(t, `i18n.T(ctx, "x.a.b", "N", 1); i18n.T(ctx, "web.skip"); k := "x.a." + s`+"\n"+`// T(ctx, "none")`)
	problems, err := i18ntest.Problems(catalogue(all, all, all), dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

func source(t *testing.T, line string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "page.templ"), []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
