package i18n_test

import (
	"testing"
	"time"

	"guildhall/platform/i18n"
)

func TestRelativeTimesAreRounded(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Date(2026, time.October, 5, 7, 3, 9, 0, time.UTC)
	b := bundle(t)
	for _, c := range []struct {
		from       time.Duration
		en, zh, pl string
	}{
		{0, "just now", "刚刚", "przed chwilą"},
		{3 * time.Second, "just now", "刚刚", "przed chwilą"},
		{59 * time.Second, "in a moment", "马上", "za chwilę"},
		{-59 * time.Second, "just now", "刚刚", "przed chwilą"},
		{time.Minute, "in 1 minute", "1 分钟后", "za 1 minutę"},
		{-89 * time.Second, "1 minute ago", "1 分钟前", "1 minutę temu"},
		{-90 * time.Second, "2 minutes ago", "2 分钟前", "2 minuty temu"},
		{59*time.Minute + 29*time.Second, "in 59 minutes", "59 分钟后", "za 59 minut"},
		{59*time.Minute + 59*time.Second, "in 1 hour", "1 小时后", "za 1 godzinę"},
		{-22*time.Hour - 40*time.Minute, "23 hours ago", "23 小时前", "23 godziny temu"},
		{day - time.Second, "in 24 hours", "24 小时后", "za 24 godziny"},
		{47 * time.Hour, "in 47 hours", "47 小时后", "za 47 godzin"},
		{2*day - time.Minute, "in 2 days", "2 天后", "za 2 dni"},
		{10*day - time.Second, "in 10 days", "10 天后", "za 10 dni"},
		{-30*day - 5*time.Hour, "30 days ago", "30 天前", "30 dni temu"},
		{90*day - time.Hour, "in 90 days", "90 天后", "za 90 dni"},
		{99*day + 11*time.Hour, "in 99 days", "99 天后", "za 99 dni"},
		{100 * day, "in 3 months", "3 个月后", "za 3 miesiące"},
		{365*day - time.Hour, "in 12 months", "12 个月后", "za 12 miesięcy"},
		{-398 * day, "13 months ago", "13 个月前", "13 miesięcy temu"},
		{729 * day, "in 24 months", "24 个月后", "za 24 miesiące"},
		{730*day - time.Minute, "in 2 years", "2 年后", "za 2 lata"},
		{3652*day - time.Hour, "in 10 years", "10 年后", "za 10 lat"},
		{7305*day - time.Hour, "in 20 years", "20 年后", "za 20 lat"},
	} {
		for lang, want := range map[string]string{"en": c.en, "zh-CN": c.zh, "pl": c.pl} {
			if got := i18n.Relative(b.Context(t.Context(), lang), now.Add(c.from), now); got != want {
				t.Errorf("%s, %v from now: %q, want %q", lang, c.from, got, want)
			}
		}
	}
}

func TestDurationsAreRounded(t *testing.T) {
	t.Parallel()
	ctx := bundle(t).Context(t.Context(), "en")
	for d, want := range map[time.Duration]string{0: "0 seconds", 1400 * time.Millisecond: "1 second", 59*time.Second + 600*time.Millisecond: "1 minute",
		89 * time.Minute: "1 hour", 24 * time.Hour: "24 hours", 7 * 24 * time.Hour: "7 days"} {
		if got := i18n.Duration(ctx, d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
