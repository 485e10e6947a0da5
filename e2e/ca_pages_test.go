package e2e

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"guildhall/platform/guildtest"
)

// stocked starts an installation with a certificate that is good and one that is
// revoked, and returns their serial numbers.
func stocked(t *testing.T) (s *server, good, revoked string) {
	t.Helper()
	s = start(t, t.TempDir())
	dir := t.TempDir()
	must(t, "ca", "issue", "--data", s.data, "--name", "shop.example.com", "--san", "10.0.0.7", "--out", filepath.Join(dir, "good"))
	must(t, "ca", "issue", "--data", s.data, "--name", "old.example.com", "--out", filepath.Join(dir, "old"))
	good, revoked = s.serial(t, "shop.example.com"), s.serial(t, "old.example.com")
	must(t, "ca", "revoke", "--data", s.data, revoked, "--reason", "superseded")
	must(t, "ca", "token", "create", "--data", s.data, "bank")
	return s, good, revoked
}

// serial is that of the newest certificate with the name.
func (s *server) serial(t *testing.T, name string) string {
	t.Helper()
	var list []struct {
		Serial string `json:"serial"`
		Name   string `json:"common_name"`
	}
	if err := json.Unmarshal([]byte(must(t, "ca", "list", "--data", s.data, "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Name == name {
			return c.Serial
		}
	}
	t.Fatalf("no certificate is for %s", name)
	return ""
}

func TestCAPagesPlease(t *testing.T) {
	t.Parallel()
	s, good, revoked := stocked(t)
	ca := s.service("ca")
	for group, pages := range map[string]map[string]string{
		"certificates": {"overview": "/", "list": "/certificates", "nothing": "/certificates?q=nothing-like-it", "detail": "/certificates/" + good, "revoked": "/certificates/" + revoked},
		"forms":        {"request": "/certificates/new", "made": "/certificates/new?key=made", "renew": "/certificates/" + good + "/renew", "pkcs12": "/certificates/" + good + "/pkcs12", "verify": "/verify"},
		"rest":         {"revocations": "/revocations", "tokens": "/tokens", "audit": "/audit", "trust": "/trust", "windows": "/trust?on=windows"},
	} {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			ctx := enter(t, s)
			for name, path := range pages {
				t.Run(name, func(t *testing.T) { guildtest.Inspect(t, ctx, ca+path, "", name) })
			}
		})
	}
}

// TestCAByKeyboard issues a certificate and revokes it without a mouse.
func TestCAByKeyboard(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ctx := enter(t, s)
	still(t, ctx, 1600)
	visit(t, ctx, s.service("ca")+"/certificates/new?key=made")
	tabTo(t, ctx, `#f-common_name`)
	do(t, ctx, chromedp.KeyEvent("keys.example.com"+kb.Enter))
	do(t, ctx, chromedp.WaitVisible(`form[action$="/key"]`))
	guildtest.Axe(t, ctx)
	tabTo(t, ctx, `main > .stack > .actions > a`)
	do(t, ctx, chromedp.KeyEvent(kb.Enter))
	do(t, ctx, chromedp.WaitVisible(`a[href="#revoke"]`))
	tabTo(t, ctx, `a[href="#revoke"]`)
	do(t, ctx, chromedp.KeyEvent(kb.Enter))
	do(t, ctx, chromedp.WaitVisible(`dialog#revoke[open]`))
	guildtest.Axe(t, ctx)
	tabTo(t, ctx, `#revoke-reason`)
	do(t, ctx, chromedp.KeyEvent(kb.ArrowDown))
	tabTo(t, ctx, `dialog#revoke button.danger`)
	do(t, ctx, chromedp.KeyEvent(kb.Enter))
	do(t, ctx, chromedp.WaitVisible(`[data-flash]`))
	text, err := chromedp.Run(ctx, chromedp.Text("main"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "The private key was or may be known to others") {
		t.Errorf("the page after revoking reads %s", text)
	}
}

// TestLoadingTheKeyPageAgainIssuesNothing reloads the page that shows a new key,
// by which the browser sends the form again.
func TestLoadingTheKeyPageAgainIssuesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ctx := enter(t, s)
	visit(t, ctx, s.service("ca")+"/certificates/new?key=made")
	tabTo(t, ctx, `#f-common_name`)
	do(t, ctx, chromedp.KeyEvent("again.example.com"+kb.Enter))
	do(t, ctx, chromedp.WaitVisible(`form[action$="/key"]`))
	serial := s.serial(t, "again.example.com")
	for _, width := range []int64{360, 1600} {
		still(t, ctx, width)
		showsAll(t, ctx, 2)
	}
	do(t, ctx, chromedp.Reload())
	typist{t, ctx}.reads("nothing new was issued")
	guildtest.Axe(t, ctx)
	if now := s.serial(t, "again.example.com"); now != serial {
		t.Errorf("another certificate was issued: %s after %s", now, serial)
	}
	typist{t, ctx}.press(`main a[href$="/renew"]`, kb.Enter)
	typist{t, ctx}.sees(`location.pathname.endsWith("/renew")`)
	typist{t, ctx}.press(`.form-end button`, kb.Enter)
	typist{t, ctx}.reads("Save the private key now")
}

// TestTextBoxesShowAllOfTheirText looks for certificates and commands that end
// out of sight.
func TestTextBoxesShowAllOfTheirText(t *testing.T) {
	t.Parallel()
	s, good, _ := stocked(t)
	ctx := enter(t, s)
	for path, least := range map[string]int{"/certificates/" + good: 1, "/trust": 4, "/trust?on=curl": 4, "/audit": 4} {
		for _, width := range []int64{360, 1600} {
			still(t, ctx, width)
			visit(t, ctx, s.service("ca")+path)
			showsAll(t, ctx, least)
		}
	}
}

// showsAll fails the test unless the page has so many boxes of text, or more, and
// none of them hides a part of it.
func showsAll(t *testing.T, ctx context.Context, least int) {
	t.Helper()
	const hidden = `[...document.querySelectorAll(".code pre")].map(e => e.scrollHeight > e.clientHeight || e.scrollWidth > e.clientWidth ? e.innerText.slice(-40) : "")`
	boxes, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](hidden))
	if err != nil {
		t.Fatal(err)
	}
	if len(boxes) < least {
		t.Errorf("%d boxes, want %d", len(boxes), least)
	}
	for _, end := range boxes {
		if end != "" {
			t.Errorf("a box hides a part of what ends with %q", end)
		}
	}
}

// tabTo presses the tabulator until the element has the focus.
func tabTo(t *testing.T, ctx context.Context, selector string) {
	t.Helper()
	const stops = `4 * document.querySelectorAll("a, button, input, select, textarea, summary, [tabindex]").length` // a date has four
	most, err := chromedp.Run(ctx, chromedp.Evaluate[int](stops))
	if err != nil {
		t.Fatal(err)
	}
	for range most {
		there, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`!!document.activeElement?.matches(`+quote(selector)+`)`))
		if err != nil {
			t.Fatal(err)
		}
		if there {
			return
		}
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
	}
	t.Fatalf("the tabulator never comes to %s", selector)
}

func quote(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(data)
}
