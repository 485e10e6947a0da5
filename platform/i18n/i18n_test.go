package i18n_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"guildhall/platform/i18n"
	"guildhall/platform/i18n/i18ntest"
)

func TestCatalogue(t *testing.T) {
	t.Parallel()
	i18ntest.Check(t, i18n.Locales(), ".")
}

func bundle(t testing.TB) *i18n.Bundle {
	t.Helper()
	b, err := i18n.NewBundle(fstest.MapFS{
		"en.json": {Data: []byte(`{"t.plain": "Plain", "t.hello": "Hello {{.Name}}", "t.files": {"one": "{{.Count}} file", "other": "{{.Count}} files"}, "t.only": "Only English"}`)},
		"zh.json": {Data: []byte(`{"t.plain": "简单", "t.hello": "你好，{{.Name}}", "t.files": {"other": "{{.Count}} 个文件"}}`)},
		"pl.json": {Data: []byte(`{"t.plain": "Proste", "t.hello": "Cześć, {{.Name}}", "t.files": {"one": "{{.Count}} plik", "few": "{{.Count}} pliki", "many": "{{.Count}} plików", "other": "{{.Count}} pliku"}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestLanguageChoice(t *testing.T) {
	t.Parallel()
	b := bundle(t)
	tests := []struct {
		langs []string
		want  string
	}{
		{nil, "en"},
		{[]string{"", ""}, "en"},
		{[]string{"", "pl,en;q=0.5"}, "pl"},
		{[]string{"", "fr, pl;q=0.3"}, "pl"},
		{[]string{"", "zh-Hans-CN"}, "zh-CN"},
		{[]string{"", "zh"}, "zh-CN"},
		{[]string{"en", "pl"}, "en"},
		{[]string{"zh-CN", "pl"}, "zh-CN"},
		{[]string{"???", "pl"}, "pl"},
		{[]string{"fr", "de"}, "en"},
		{[]string{"", strings.Repeat("a-", 5000)}, "en"},
	}
	for _, tc := range tests {
		if got := i18n.Lang(b.Context(t.Context(), tc.langs...)); got != tc.want {
			t.Errorf("Context(%.40q) speaks %s, want %s", tc.langs, got, tc.want)
		}
	}
}

func TestPlurals(t *testing.T) {
	t.Parallel()
	b := bundle(t)
	tests := map[string]map[int]string{
		"en":    {0: "0 files", 1: "1 file", 2: "2 files", 1234: "1,234 files"},
		"zh-CN": {0: "0 个文件", 1: "1 个文件", 5: "5 个文件"},
		"pl": {0: "0 plików", 1: "1 plik", 2: "2 pliki", 4: "4 pliki", 5: "5 plików", 12: "12 plików", 14: "14 plików",
			21: "21 plików", 22: "22 pliki", 112: "112 plików", 12345: "12\u00a0345 plików"},
	}
	for lang, counts := range tests {
		for n, want := range counts {
			if got := i18n.T(b.Context(t.Context(), lang), "t.files", "Count", n); got != want {
				t.Errorf("%s: %d: %q, want %q", lang, n, got, want)
			}
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	b := bundle(t)
	for lang, want := range map[string]string{"en": "a, b", "zh-CN": "a、b", "pl": "a, b"} {
		if got := i18n.List(b.Context(t.Context(), lang), []string{"a", "b"}); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	ctx := bundle(t).Context(t.Context(), "pl")
	got := []string{i18n.T(ctx, "t.plain"), i18n.T(ctx, "t.hello", "Name", "Łucja"), i18n.T(ctx, "t.nothing")}
	if diff := cmp.Diff([]string{"Proste", "Cześć, Łucja", "t.nothing"}, got); diff != "" {
		t.Error(diff)
	}
	if _, ok := i18n.Lookup(ctx, "t.nothing"); ok {
		t.Error("Lookup found a key that is not there")
	}
	if got := i18n.T(context.Background(), "t.plain"); got != "t.plain" {
		t.Errorf("without a bundle: %q", got)
	}
}

func TestNewBundleRefuses(t *testing.T) {
	t.Parallel()
	one := fstest.MapFS{}
	for _, f := range []string{"en.json", "zh.json", "pl.json"} {
		one[f] = &fstest.MapFile{Data: []byte(`{"x.a": "a"}`)}
	}
	if _, err := i18n.NewBundle(one, one); err == nil || !strings.Contains(err.Error(), "x.a") {
		t.Errorf("a key defined twice: %v", err)
	}
	delete(one, "pl.json")
	if _, err := i18n.NewBundle(one); err == nil || !strings.Contains(err.Error(), "pl.json") {
		t.Errorf("a missing file: %v", err)
	}
	one["pl.json"] = &fstest.MapFile{Data: []byte(`{`)}
	if _, err := i18n.NewBundle(one); err == nil || !strings.Contains(err.Error(), "pl.json") {
		t.Errorf("a broken file: %v", err)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	b := bundle(t)
	at := time.Date(2026, time.October, 5, 7, 3, 9, 0, time.UTC)
	show := func(lang string) []string {
		ctx := b.Context(t.Context(), lang)
		return []string{
			i18n.Date(ctx, at), i18n.DateTime(ctx, at), i18n.Number(ctx, 1234), i18n.Number(ctx, -1234567), i18n.Number(ctx, 1234567.5),
			i18n.Bytes(ctx, 1536), i18n.Duration(ctx, 90*24*time.Hour), i18n.Relative(ctx, at, at.Add(10*time.Second)),
			i18n.Relative(ctx, at, at.Add(-47*time.Hour)), i18n.Relative(ctx, at, at.Add(3*time.Hour)), i18n.Relative(ctx, at, at.Add(-22*time.Minute)),
		}
	}
	want := map[string][]string{
		"en":    {"5 Oct 2026", "5 Oct 2026, 07:03 UTC", "1,234", "−1,234,567", "1,234,567.5", "1.5\u00a0KiB", "90 days", "just now", "in 47 hours", "3 hours ago", "in 22 minutes"},
		"zh-CN": {"2026年10月5日", "2026年10月5日 07:03 UTC", "1,234", "−1,234,567", "1,234,567.5", "1.5\u00a0KiB", "90 天", "刚刚", "47 小时后", "3 小时前", "22 分钟后"},
		"pl":    {"5 paź 2026", "5 paź 2026, 07:03 UTC", "1234", "−1\u00a0234\u00a0567", "1\u00a0234\u00a0567,5", "1,5\u00a0KiB", "90 dni", "przed chwilą", "za 47 godzin", "3 godziny temu", "za 22 minuty"},
	}
	for lang, texts := range want {
		if diff := cmp.Diff(texts, show(lang)); diff != "" {
			t.Errorf("%s: %s", lang, diff)
		}
	}
}

func TestNumberKeepsEveryDigit(t *testing.T) {
	t.Parallel()
	b := bundle(t)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.Uint64().Draw(rt, "n")
		ctx := b.Context(context.Background(), rapid.SampledFrom([]string{"en", "zh-CN", "pl"}).Draw(rt, "lang"))
		digits := strings.NewReplacer(",", "", "\u00a0", "").Replace(i18n.Number(ctx, n))
		if want := cmp.Diff(digits, strconv.FormatUint(n, 10)); want != "" {
			rt.Fatal(want)
		}
	})
}

// TestMissingValue: a sentence without a value for one of its placeholders is
// not said at all.
func TestMissingValue(t *testing.T) {
	t.Parallel()
	for _, l := range i18n.Languages() {
		ctx := bundle(t).Context(t.Context(), l.Code)
		if s, ok := i18n.Lookup(ctx, "t.hello"); ok || s != "" {
			t.Errorf("%s: Lookup without the name gives %q", l.Code, s)
		}
		if s := i18n.T(ctx, "t.hello", "Nome", "Ada"); s != "t.hello" {
			t.Errorf("%s: T without the name gives %q", l.Code, s)
		}
	}
}
