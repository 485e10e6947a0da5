package guildtest_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"guildhall/platform/guildtest"
)

const good = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Good</title>
<meta name="viewport" content="width=device-width">
<style>:root{color-scheme:light dark} body{margin:1rem}</style>
<main><h1>Good</h1><p id="lang">%s</p></main>`

func serve(t *testing.T, page func(*http.Request) string) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "script-src 'self'")
		_, _ = fmt.Fprint(w, page(r))
	}))
	t.Cleanup(s.Close)
	return s
}

func open(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
}

func TestBrowserTrustsTheGivenRootAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, func(*http.Request) string { return fmt.Sprintf(good, "") })
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	ctx := guildtest.Browser(t, guildtest.BrowserOptions{RootPEM: root})
	open(t, ctx, s.URL)
	if title, err := chromedp.Run(ctx, chromedp.Title()); err != nil || title != "Good" {
		t.Errorf("title %q, %v", title, err)
	}
	stranger := guildtest.Browser(t, guildtest.BrowserOptions{})
	if err := chromedp.Do(stranger, chromedp.Navigate(s.URL)); err == nil || !strings.Contains(err.Error(), "ERR_CERT_AUTHORITY_INVALID") {
		t.Errorf("without the root: %v", err)
	}
}

func TestInspectSeesEveryLook(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	s := serve(t, func(r *http.Request) string {
		seen[r.Header.Get("Accept-Language")] = true
		return fmt.Sprintf(good, r.Header.Get("Accept-Language"))
	})
	ctx, dir := guildtest.Browser(t, guildtest.BrowserOptions{Insecure: true}), t.TempDir()
	guildtest.Inspect(t, ctx, s.URL+"/", dir, "good")
	for _, lang := range []string{"en", "zh-CN", "pl"} {
		if !seen[lang] {
			t.Errorf("no visit in %s: %v", lang, seen)
		}
	}
	for _, l := range guildtest.Looks() {
		checkPicture(t, filepath.Join(dir, "good-"+l.String()+".png"), l)
	}
}

func checkPicture(t *testing.T, file string, l guildtest.Look) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if got := picture.Bounds().Dx(); got != l.Width {
		t.Errorf("%v: the picture is %d wide", l, got)
	}
	if r, _, _, _ := picture.At(0, 0).RGBA(); (r < 0x8000) != l.Dark {
		t.Errorf("%v: the background's red is %x", l, r)
	}
}

func TestViolationsAreFoundAndReadable(t *testing.T) {
	t.Parallel()
	s := serve(t, func(*http.Request) string {
		return `<!doctype html><html><title>Bad</title><main><h1>Bad</h1><img src="data:,">
			<p style="color:#ccc;background:#fff">pale</p><p style="width:2000px">wide</p></main>`
	})
	ctx := guildtest.Browser(t, guildtest.BrowserOptions{Insecure: true})
	open(t, ctx, s.URL)
	violations, err := guildtest.Violations(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, v := range violations {
		fmt.Fprintln(&all, v)
	}
	for _, want := range []string{"image-alt (critical)", "color-contrast (serious)", "html-has-lang", `at [img]: <img src="data:,">`, "Fix any of the following"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, all.String())
		}
	}
}

func TestErrorsInPagesAreReported(t *testing.T) {
	t.Parallel()
	s := serve(t, func(r *http.Request) string {
		if r.URL.Path == "/page.js" {
			return `throw new Error("thrown by the page")`
		}
		return fmt.Sprintf(good, `<script>document.title = "inline"</script>`) + `<script src="/page.js"></script>`
	})
	errs := make(chan string, 10)
	ctx := guildtest.Browser(t, guildtest.BrowserOptions{Insecure: true, OnError: func(text string) { errs <- text }})
	open(t, ctx, s.URL)
	all := <-errs + "\n" + <-errs
	for _, want := range []string{"thrown by the page", "Content Security Policy"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q was not reported: %s", want, all)
		}
	}
}
