package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// typist is a person without a mouse.
type typist struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // the tab that the person sits in front of
}

// press goes to the element by tabulator and presses the keys there.
func (p typist) press(selector, keys string) {
	p.t.Helper()
	tabTo(p.t, p.ctx, selector)
	do(p.t, p.ctx, chromedp.KeyEvent(keys))
}

// sees waits until the expression is true in the page, whichever that is by then.
func (p typist) sees(expression string) {
	p.t.Helper()
	await(p.t, expression, func() bool {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && !!(`+expression+`)`))
		return ok && err == nil // a page that is just leaving gives an error
	})
}

// at waits until the element has the focus.
func (p typist) at(selector string) {
	p.t.Helper()
	p.sees(`document.activeElement.matches(` + quote(selector) + `)`)
}

// reads waits for a text in the page.
func (p typist) reads(text string) {
	p.t.Helper()
	p.sees(`document.querySelector("main").innerText.includes(` + quote(text) + `)`)
}

// opens waits for the address, which begins with the path.
func (p typist) opens(path string) {
	p.t.Helper()
	p.sees(`(location.pathname + location.search).startsWith(` + quote(path) + `)`)
}

// fetches presses Enter on a link to a file, and fails the test unless it is
// followed. The file itself is not loaded.
func (p typist) fetches(selector string) {
	p.t.Helper()
	const listen = `window.fetched = ""; document.addEventListener("click", e => { window.fetched = e.target.closest("a").pathname; e.preventDefault() }, {once: true})`
	do(p.t, p.ctx, chromedp.Evaluate[chromedp.Void](listen))
	p.press(selector, kb.Enter)
	p.sees(`window.fetched === document.querySelector(` + quote(selector) + `).pathname`)
}

// TestPagesWorkByKeyboard does what each page is for with Tab, Enter, Space,
// Escape and the arrows alone.
func TestPagesWorkByKeyboard(t *testing.T) {
	t.Parallel()
	s, good, _ := stocked(t)
	for i := range 26 { // one more than the smallest page holds
		must(t, "ca", "issue", "--data", s.data, "--name", fmt.Sprintf("h%02d.example.com", i), "--out", filepath.Join(t.TempDir(), "out"))
	}
	ctx, ca := enter(t, s), s.service("ca")
	still(t, ctx, 1600)
	for _, flow := range []struct {
		name, url string
		do        func(p typist)
	}{
		{"skip link", ca + "/certificates", skips},
		{"language", ca + "/", speaks},
		{"theme", ca + "/trust", darkens},
		{"services", ca + "/", switches},
		{"overview", ca + "/", overviews},
		{"list", ca + "/certificates", lists},
		{"detail", ca + "/certificates/" + good, details},
		{"renew", ca + "/certificates/" + good + "/renew", renews},
		{"pkcs12", ca + "/certificates/" + good + "/pkcs12", bundles},
		{"verify", ca + "/verify", checks},
		{"revocations", ca + "/revocations", looksAtRevocations},
		{"tokens", ca + "/tokens", tokens},
		{"audit", ca + "/audit", audits},
		{"trust", ca + "/trust", trusts},
		{"api", ca + "/api", calls},
		{"portal", s.portal + "/", portals},
		{"narrow", ca + "/", opensNavigation},
		{"revoke", ca + "/certificates/" + good, revokes},
		{"leave", ca + "/", leaves},
	} {
		t.Run(flow.name, func(t *testing.T) {
			visit(t, ctx, flow.url)
			flow.do(typist{t, ctx})
		})
	}
}

func skips(p typist) {
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Tab))
	p.at("a.skip")
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Enter))
	p.at("main")
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Tab))
	p.at("main a, main input")
}

func speaks(p typist) {
	const button = `[popovertarget="languages"]`
	p.press(button, kb.Enter)
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Tab))
	p.at("#languages button")
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Escape))
	p.at(button)
	p.sees(`!document.querySelector("#languages").matches(":popover-open")`)
	do(p.t, p.ctx, chromedp.KeyEvent(" "))
	p.press(`#languages [lang="pl"]`, kb.Enter)
	p.sees(`document.documentElement.lang === "pl"`)
	p.press(button, kb.Enter)
	p.press(`#languages [lang="en"]`, " ")
	p.sees(`document.documentElement.lang === "en"`)
}

// darkens changes the theme of the page that is open, without loading it again, and of
// those that follow.
func darkens(p typist) {
	p.sees(`window.same = true`)
	p.press(`[popovertarget="themes"]`, kb.Enter)
	p.press(`#themes [value="dark"]`, kb.Enter)
	p.sees(`document.documentElement.dataset.theme === "dark" && window.same`)
	p.at(`[popovertarget="themes"]`)
	do(p.t, p.ctx, chromedp.Reload())
	p.sees(`document.documentElement.dataset.theme === "dark" && !window.same`)
	p.press(`[popovertarget="themes"]`, " ")
	p.press(`#themes [value="auto"]`, " ")
	p.sees(`document.documentElement.dataset.theme === "auto"`)
}

func switches(p typist) {
	p.press(`[popovertarget="services"]`, kb.Enter)
	p.press(`#services a:not([aria-current])`, kb.Enter)
	p.sees(`!location.hostname.startsWith("ca.")`)
}

func overviews(p typist) {
	p.press(`main summary`, " ")
	p.sees(`document.querySelector("main details").open`)
	p.press(`.page-head .actions a`, kb.Enter)
	p.opens("/certificates/new")
}

func lists(p typist) {
	const rows = `document.querySelector("#certificates-rows").innerText`
	p.press(`#certificates-q`, "shop"+kb.Enter)
	p.sees(rows + `.includes("shop.example.com") && !` + rows + `.includes("old.example.com")`)
	p.at(`#certificates-q`)
	for range "shop" {
		do(p.t, p.ctx, chromedp.KeyEvent(kb.Backspace))
	}
	p.sees(rows + `.includes("h25.example.com")`)
	p.press(`#certificates-form select[name="status"]`, "r") // Revoked
	p.sees(rows + `.includes("old.example.com") && !` + rows + `.includes("h25.example.com")`)
	p.at(`#certificates-form select[name="status"]`)
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Home))
	p.sees(rows + `.includes("h25.example.com")`)
	p.press(`#certificates-by-common_name`, kb.Enter)
	p.sees(`location.search.includes("sort=common_name")`)
	p.at(`#certificates-by-common_name`)
	const next = `.pages-links a[title="Next page"]`
	p.press(next, kb.Enter)
	p.sees(`location.search.includes("after=") || location.search.includes("cursor=")`)
	p.at(`#certificates-rows`) // the last page has no next one: the focus stays in the list
	p.press(`#certificates-rows tbody .copy`, " ")
	p.sees(`document.activeElement.classList.contains("copied")`)
	p.press(`#certificates-rows tbody th a`, kb.Enter)
	p.opens("/certificates/crt_")
}

func details(p typist) {
	p.fetches(`a[href$="/download/chain"]`)
	p.press(`.definitions .copy`, kb.Enter)
	p.at(`.copy.copied`)
	const opener = `a[href="#revoke"]`
	p.press(opener, kb.Enter)
	p.sees(`document.querySelector("#revoke").matches(":modal")`)
	for range 8 { // more than it has elements
		do(p.t, p.ctx, chromedp.KeyEvent(kb.Tab))
		p.sees(`document.activeElement === document.body || document.activeElement.closest("#revoke")`)
	}
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Escape))
	p.sees(`!document.querySelector("#revoke").open`)
	p.at(opener)
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Enter))
	p.press(`#revoke [data-close]`, kb.Enter)
	p.sees(`!document.querySelector("#revoke").open`)
	p.at(opener)
	p.press(`main .actions a[href$="/renew"]`, kb.Enter)
	p.sees(`location.pathname.endsWith("/renew")`)
}

func renews(p typist) {
	tabTo(p.t, p.ctx, `[name="key"]`)
	do(p.t, p.ctx, chromedp.KeyEvent(kb.ArrowDown+kb.ArrowUp))
	p.sees(`document.querySelector('[name="key"][value="new"]').checked`)
	p.press(`#f-lifetime`, "30"+kb.Enter)
	p.reads("Save the private key now")
	tabTo(p.t, p.ctx, `form[action$="/key"] button`)
	p.press(`main > .stack > .actions > a`, kb.Enter)
	p.opens("/certificates/crt_")
}

func bundles(p typist) {
	p.press(`#f-password`, "short"+kb.Enter)
	p.sees(`document.querySelector("#f-password-error")`)
	p.at(`[data-focus]`)
	p.press(`[data-reveal="f-password"]`, kb.Enter)
	p.sees(`document.querySelector("#f-password").type === "text" && document.activeElement.matches('[data-reveal][aria-label="Hide password"]')`)
}

func checks(p typist) {
	p.press(`#f-name`, "shop.example.com"+kb.Enter)
	p.reads("The certificate is good")
	p.press(`#f-name`, "nobody.example.com"+kb.Enter)
	p.sees(`document.querySelector("#f-name-error")`)
}

func looksAtRevocations(p typist) {
	p.press(`#revocations-q`, "OLD"+kb.Enter)
	p.sees(`location.search.includes("q=OLD")`)
	p.reads("old.example.com")
	p.press(`#revocations-by-revoked_at`, kb.Enter)
	p.sees(`document.querySelector("th[aria-sort=ascending]")`)
	p.at(`#revocations-by-revoked_at`)
	p.fetches(`a[href="/crl/issuing.crl"]`)
}

func tokens(p typist) {
	p.press(`#new-service`, "chat"+kb.Enter)
	p.reads("Copy the token now")
	p.press(`.code .copy`, " ")
	p.at(`.copy.copied`)
	p.press(`main > .stack > .actions > a`, kb.Enter)
	p.sees(`document.querySelector("#tokens")`)
	p.press(`a[data-dialog^="withdraw-"]`, kb.Enter)
	p.sees(`document.querySelector("dialog[open]").matches(":modal")`)
	p.at(`dialog[open] [data-close]`)
	p.press(`dialog[open] button.danger`, kb.Enter)
	p.reads("The join token was withdrawn.")
	p.press(`[data-flash] button`, kb.Enter)
	p.sees(`!document.querySelector("[data-flash]")`)
}

func audits(p typist) {
	p.press(`#audit-rows summary`, kb.Enter)
	p.sees(`document.querySelector("#audit-rows details").open`)
	p.press(`form[action="/audit/verify"] button`, kb.Enter)
	p.reads("The log is whole")
	p.fetches(`a[href="/audit/export"]`)
	p.press(`#f-head`, "no head")
	p.press(`.form-end button`, " ")
	p.sees(`document.querySelector("#f-head-error")`)
}

func trusts(p typist) {
	p.press(`.tabs a[href="/trust?on=windows"]`, kb.Enter)
	p.opens("/trust?on=windows")
	p.fetches(`a[href="/trust/guildhall-root.pem"]`)
}

func calls(p typist) {
	p.press(`details:has(> form[data-path="/api/v1/roots"]) > summary`, " ")
	p.press(`form[data-path="/api/v1/roots"] button`, kb.Enter)
	p.reads("root_fingerprint")
}

func portals(p typist) {
	p.fetches(`a[href="/root.pem"]`)
	p.press(`nav a[href="/jobs"]`, kb.Enter)
	p.opens("/jobs")
	p.press(`#jobs-form select`, "d") // Done
	p.sees(`location.search.includes("state=done")`)
	p.at(`#jobs-form select`)
	p.press(`nav a[href="/"]`, kb.Enter)
	p.sees(`location.pathname === "/"`)
	p.sees(`document.querySelector("main h2 a")`)
	p.press(`main h2 a`, kb.Enter)
	p.sees(`location.hostname.startsWith("ca.")`)
}

// opensNavigation is for a telephone with a keyboard, where the navigation is a
// menu.
func opensNavigation(p typist) {
	still(p.t, p.ctx, 360)
	p.press(`.nav-button`, kb.Enter)
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Tab))
	p.at(`#nav a`)
	do(p.t, p.ctx, chromedp.KeyEvent(kb.Escape))
	p.at(`.nav-button`)
	do(p.t, p.ctx, chromedp.KeyEvent(" "))
	p.press(`#nav a[href="/verify"]`, kb.Enter)
	p.opens("/verify")
	still(p.t, p.ctx, 1600)
}

func revokes(p typist) {
	p.press(`a[href="#revoke"]`, kb.Enter)
	p.press(`#revoke button.danger`, kb.Enter)
	p.sees(`document.querySelector("#revoke-reason-error")`)
	p.at(`#revoke-reason`)
	do(p.t, p.ctx, chromedp.KeyEvent(kb.ArrowDown))
	p.press(`#revoke button.danger`, " ")
	p.reads("The certificate is revoked")
}

func leaves(p typist) {
	p.press(`[popovertarget="user"]`, kb.Enter)
	p.press(`#user button`, kb.Enter)
	p.sees(`!document.querySelector('[popovertarget="user"]')`)
}
