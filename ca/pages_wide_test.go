package ca

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"guildhall/ca/internal/certificate"
	"guildhall/platform/guildtest"
)

// TestLongNamesLeaveTheColumnsInSight looks at the lists as a browser lays
// them out.
func TestLongNamesLeaveTheColumnsInSight(t *testing.T) {
	t.Parallel()
	v := visit(t)
	v.issued(t, certificate.IssueRequest{Names: []string{strings.Repeat("a", 60) + "." + strings.Repeat("b", 60)}})
	v.submit(t, "/certificates/new?key=made", "profile", "server", "common_name", strings.Repeat("w", 250)+"..", "unit", "days",
		"key_type", "ecdsa-p256").wants(t, http.StatusUnprocessableEntity)
	tab := guildtest.Browser(t, guildtest.BrowserOptions{})
	_, err := chromedp.Call(tab, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Authorization": "Bearer " + testToken}})
	ok(t, err)
	for _, width := range []int64{1200, 360} {
		ok(t, chromedp.Do(tab, chromedp.EmulateViewport(width, 900)))
		for _, path := range []string{"/certificates", "/audit"} {
			ok(t, chromedp.Do(tab, chromedp.Navigate(v.site.URL+path)))
			beyond, err := chromedp.Run(tab, chromedp.Evaluate[int](`(() => {
				const list = document.querySelector(".table-scroll");
				return list.scrollWidth - list.clientWidth;
			})()`))
			ok(t, err)
			if beyond != 0 {
				t.Errorf("%s at %d: %d pixels of the table are out of sight", path, width, beyond)
			}
			guildtest.NoSidewaysScroll(t, tab)
		}
	}
}
