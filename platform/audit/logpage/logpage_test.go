package logpage

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/platform/audit"
	"guildhall/platform/i18n/i18ntest"
	"guildhall/platform/web/locales"
	"guildhall/platform/web/ui"
)

func TestCatalogue(t *testing.T) {
	t.Parallel()
	i18ntest.Check(t, locales.FS(), ".")
}

// What the address says wrongly is read as if it were not there.
func TestTheAddressIsAFilter(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
	for query, want := range map[string]audit.Filter{
		"": {Limit: 25},
		"q=x&action=a.b&actor=usr_1&subject=grp_1&cursor=17&size=50": {Text: "x", Action: "a.b", Actor: "usr_1", Subject: "grp_1", Before: 17, Limit: 50},
		"since=2026-03-04&until=2026-03-04":                          {Since: day(4), Until: day(5), Limit: 25},
		"since=yesterday&until=2026-02-30&cursor=-1&size=1000000":    {Limit: 25},
		"since=%00&until=" + "9999999-01-01&cursor=x":                {Limit: 25},
	} {
		u := &url.URL{Path: "/audit", RawQuery: query}
		if diff := cmp.Diff(want, filter(ui.ParseList(u, ui.ListOptions{}))); diff != "" {
			t.Errorf("%q:\n%s", query, diff)
		}
	}
}
