package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// reachable marks the elements of the page that the tabulator has to come to, in
// the order of the document, and names them. Of the radio buttons of a group only
// the chosen one is a stop, or the first when none is.
const reachable = `(() => {
	const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(e => {
		if (e.tabIndex < 0 || e.disabled || e.type === "hidden" || !e.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true})) return false;
		if (e.type !== "radio") return true;
		const group = [...document.getElementsByName(e.name)].filter(r => r.form === e.form);
		return e === (group.find(r => r.checked) ?? group[0]);
	});
	stops.forEach((e, i) => {
		e.dataset.stop = i;
		const s = getComputedStyle(e);
		e.dataset.rest = [s.outlineStyle + s.outlineWidth + s.outlineColor, s.boxShadow].join("|");
	});
	document.activeElement?.blur();
	window.getSelection().removeAllRanges();
	return stops.map(e => e.outerHTML.slice(0, 160));
})()`

// focused tells where the focus is: the number of its stop, or -1 for the page
// itself and -2 for what is no stop; and whether it can be seen there.
const focused = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body || e === document.documentElement) return {stop: -1, html: "", seen: true};
	const s = getComputedStyle(e), box = e.getBoundingClientRect();
	const now = [s.outlineStyle + s.outlineWidth + s.outlineColor, s.boxShadow].join("|");
	const within = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
	return {stop: e.dataset.stop === undefined ? -2 : +e.dataset.stop, html: e.outerHTML.slice(0, 160),
		seen: now !== e.dataset.rest && (s.outlineStyle !== "none" || s.boxShadow !== "none") && within};
})()`

type focus struct {
	Stop int
	HTML string
	Seen bool
}

// walk presses the tabulator through the page in the tab, and fails the test
// unless it comes once to each element that can be used, in their order, shows
// where it is, and then leaves the page.
func walk(t *testing.T, ctx context.Context) {
	t.Helper()
	stops, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](reachable))
	if err != nil {
		t.Fatal(err)
	}
	if len(stops) == 0 {
		t.Fatal("nothing in the page can be reached")
	}
	for want := range stops {
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
		at := where(t, ctx)
		for parts := 3; parts > 0 && at.Stop == want-1 && strings.Contains(at.HTML, `type="date"`); parts-- { // month, year, calendar
			do(t, ctx, chromedp.KeyEvent(kb.Tab))
			at = where(t, ctx)
		}
		switch {
		case at.Stop != want:
			t.Fatalf("after %d steps the focus is at %d (%s), want %s", want+1, at.Stop, at.HTML, stops[want])
		case !at.Seen:
			t.Errorf("the focus cannot be seen at %s", at.HTML)
		}
	}
	do(t, ctx, chromedp.KeyEvent(kb.Tab))
	if at := where(t, ctx); at.Stop != -1 && at.Stop != 0 {
		t.Errorf("after the last element the focus is at %s", at.HTML)
	}
}

func where(t *testing.T, ctx context.Context) focus {
	t.Helper()
	at, err := chromedp.Run(ctx, chromedp.Evaluate[focus](focused))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// still gives the window a width, and has pages come and go without motion.
func still(t *testing.T, ctx context.Context, width int64) {
	t.Helper()
	do(t, ctx, chromedp.EmulateViewport(width, 900))
	calm := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, calm); err != nil {
		t.Fatal(err)
	}
}

// TestEveryPageIsWalkedByTabulator walks through every page, on a wide screen and
// on a telephone.
func TestEveryPageIsWalkedByTabulator(t *testing.T) {
	t.Parallel()
	s, good, revoked := stocked(t)
	ca := s.service("ca")
	pages := map[string]string{
		"portal": s.portal + "/", "jobs": s.portal + "/jobs", "api": ca + "/api",
		"home": ca + "/", "list": ca + "/certificates", "found": ca + "/certificates?q=shop&status=valid&sort=common_name&size=10", "nothing": ca + "/certificates?q=nothing-like-it",
		"detail": ca + "/certificates/" + good, "revoked": ca + "/certificates/" + revoked,
		"request": ca + "/certificates/new", "made": ca + "/certificates/new?key=made", "renew": ca + "/certificates/" + good + "/renew", "pkcs12": ca + "/certificates/" + good + "/pkcs12",
		"verify": ca + "/verify", "revocations": ca + "/revocations", "tokens": ca + "/tokens", "audit": ca + "/audit", "trust": ca + "/trust", "windows": ca + "/trust?on=windows",
		"error": ca + "/nothing-like-it",
	}
	for _, width := range []int64{1600, 360} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			ctx := enter(t, s)
			still(t, ctx, width)
			for name, url := range pages {
				t.Run(name, func(t *testing.T) {
					visit(t, ctx, url)
					walk(t, ctx)
				})
			}
		})
	}
}
