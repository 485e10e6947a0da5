package guildtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Look is one way in which a reader sees a page.
type Look struct {
	// Width of the window in CSS pixels.
	Width int
	// Dark asks for dark colours.
	Dark bool
	// Lang is the reader's language: "en", "zh-CN" or "pl".
	Lang string
}

// langs are the languages, in the order in which pages are seen in them.
func langs() []string { return []string{"en", "zh-CN", "pl"} }

// Looks are the ways in which every page must please: a telephone and a wide
// screen, light and dark, in each language.
func Looks() []Look {
	var all []Look
	for _, width := range []int{360, 1600} {
		for _, dark := range []bool{false, true} {
			for _, lang := range langs() {
				all = append(all, Look{width, dark, lang})
			}
		}
	}
	return all
}

// pairs are half of the looks, such that each language is seen on both screens and
// in both colours, and each screen in both colours: what is wrong with a page is so
// for two of the three at most.
func pairs() []Look {
	return slices.DeleteFunc(Looks(), func(l Look) bool { return (l.Width == 360) == (l.Dark == (l.Lang != "zh-CN")) })
}

// String is the look's name: "360-dark-pl".
func (l Look) String() string {
	return fmt.Sprintf("%d-%s-%s", l.Width, scheme(l.Dark), l.Lang)
}

// Inspect loads the page once for each language and fails the test when it does not
// answer with 200, or when in one of half of the looks axe finds something or the page
// scrolls sideways. With a dir, it takes all looks, and keeps pictures there,
// name-360-dark-pl.png.
func Inspect(t *testing.T, ctx context.Context, url, dir, name string) {
	t.Helper()
	looks := pairs()
	if dir != "" {
		looks = Looks()
	}
	slices.SortStableFunc(looks, func(a, b Look) int { return slices.Index(langs(), a.Lang) - slices.Index(langs(), b.Lang) })
	loaded := ""
	for _, l := range looks {
		t.Run(l.String(), func(t *testing.T) {
			size(t, ctx, l.Width, l.Dark)
			if l.Lang != loaded {
				load(t, ctx, url, l.Lang)
				loaded = l.Lang
			}
			Axe(t, ctx)
			NoSidewaysScroll(t, ctx)
			if dir != "" {
				capture(t, ctx, filepath.Join(dir, name+"-"+l.String()+".png"))
			}
		})
	}
}

// load opens the page for a reader of the language.
func load(t *testing.T, ctx context.Context, url, lang string) {
	t.Helper()
	headers := network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}}
	if _, err := chromedp.Call(ctx, network.SetExtraHTTPHeaders, headers); err != nil {
		t.Fatalf("set language: %v", err)
	}
	answer, err := chromedp.Run(ctx, chromedp.NavigateResponse(url))
	if err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	if answer == nil || answer.Status != 200 {
		t.Fatalf("open %s: answered %+v", url, answer)
	}
}

// wider is the elements that reach over the right edge, with the page's width.
const wider = `(() => {
	const edge = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= edge) return [];
	return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > edge + 0.5)
		.slice(0, 5).map(e => e.cloneNode(false).outerHTML.slice(0, 200) + " reaches " + Math.round(e.getBoundingClientRect().right) + " of " + edge)
		.concat("the page is " + document.documentElement.scrollWidth + " wide in a window of " + edge);
})()`

// NoSidewaysScroll fails the test when the page is wider than its window.
func NoSidewaysScroll(t *testing.T, ctx context.Context) {
	t.Helper()
	over, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](wider))
	if err != nil {
		t.Fatalf("measure the page: %v", err)
	}
	for _, o := range over {
		t.Errorf("sideways scrolling: %s", o)
	}
}

// capture writes a picture of the whole page in the tab to a PNG file.
func capture(t *testing.T, ctx context.Context, file string) {
	t.Helper()
	const png = 100 // FullScreenshot makes JPEG of less
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(png))
	if err != nil {
		t.Fatalf("take screenshot: %v", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

func size(t *testing.T, ctx context.Context, width int, dark bool) {
	t.Helper()
	const height = 900
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), height)); err != nil {
		t.Fatalf("set width: %v", err)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme(dark)}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatalf("set colours: %v", err)
	}
}

func scheme(dark bool) string {
	if dark {
		return "dark"
	}
	return "light"
}
