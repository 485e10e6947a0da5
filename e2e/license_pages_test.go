package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"guildhall/platform/guildtest"
	"guildhall/sdk/go/license"
)

// sold starts an installation with a product, a policy, a customer and cards; it
// returns their ids by what they are.
func sold(t *testing.T) (s *server, ids map[string]string) {
	t.Helper()
	s, ids = start(t, t.TempDir()), map[string]string{}
	first := func(what string) string {
		t.Helper()
		var list []struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal([]byte(must(t, "license", what, "list", "--data", s.data, "--json")), &list); err != nil || len(list) == 0 {
			t.Fatalf("list the %s: %v, %d of them", what, err, len(list))
		}
		return list[0].ID
	}
	must(t, "license", "product", "add", "press", "Press Studio", "--data", s.data)
	must(t, "license", "release", "add", "press", "1.0", "--data", s.data)
	dir := t.TempDir()
	write := func(name, text string) (path string) {
		t.Helper()
		path = filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rules := write("rules.json", `{"ip_rule": "hw", "proof": false, "files": true, "functions": {"price": {"per_day": 100}}, "alarms": {"fingerprints": 2, "mismatches": 1}}`)
	must(t, "license", "policy", "add", "press", "One year", "--days", "365", "--rules", rules, "--data", s.data)
	must(t, "license", "customer", "add", "Print & Sons", "--data", s.data)
	must(t, "license", "batch", "add", "--policy", "One year", "--customer", "Print & Sons", "--count", "3", "--export", filepath.Join(dir, "keys.csv"), "--data", s.data)
	must(t, "license", "function", "add", "press", "price", write("price.wasm", traps), "--note", "counts the pages of a booklet", "--data", s.data)
	must(t, "license", "file", "add", "press", "1.0", write("press-studio-setup-1.0-x86_64-windows.msi", "setup"), "--data", s.data)
	must(t, "license", "key", "add", "press", "--data", s.data)
	request, licence := filepath.Join(dir, "request.json"), filepath.Join(dir, "licence.txt")
	must(t, "license", "request", "press", "--install-key", filepath.Join(dir, "install.key"), "--company", "Print & Sons", "--contact", "office@print.example", "--out", request)
	must(t, "license", "issue", request, "--to", "2099-12-31", "--release", "1.0", "--out", licence, "--data", s.data)
	must(t, "license", "customer", "invite", "Print & Sons", "--email", "office@print.example", "--data", s.data)
	// The card's machine, another one, which is refused and raises an alarm, and a function
	// that fails.
	key := rows(t, filepath.Join(dir, "keys.csv"))[1][1]
	s.activates(t, key, "desk")
	s.activates(t, key, "laptop")
	a, err := asks(t.Context(), s.browser(t), s.service("license"), "desk", license.Request{Call: license.CallFunction, Card: key, Function: "price"})
	if err != nil || a.Code != "function_trap" {
		t.Fatalf("the function that traps: %+v, %v", a, err)
	}
	ids["used"] = strings.TrimSpace(must(t, "license", "card", "list", "-q", key, "--ids", "--data", s.data))
	for _, what := range []string{"product", "policy", "customer", "batch", "card", "licence"} {
		ids[what] = first(what)
	}
	return s, ids
}

// traps is a module of WebAssembly whose function stops at once.
const traps = "\x00asm\x01\x00\x00\x00" + "\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00" + "\x05\x03\x01\x00\x01" +
	"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x00" + "\x0a\x05\x01\x03\x00\x00\x0b"

// licensePages are the pages of the service by group and name, with what is in them as
// sold says.
func licensePages(ids map[string]string) map[string]map[string]string {
	product := "/products/" + ids["product"]
	return map[string]map[string]string{
		"lists": {"overview": "/", "cards": "/cards", "machines": "/machines", "mismatches": "/mismatches", "downloads": "/downloads", "alarms": "/alarms",
			"batches": "/batches", "customers": "/customers", "policies": "/policies", "products": "/products", "licences": "/offline", "audit": "/audit",
			"found": "/cards?state=active&product=" + ids["product"] + "&sort=expires&size=10", "nothing": "/cards?prefix=NONE"},
		"things": {"card": "/cards/" + ids["card"], "used": "/cards/" + ids["used"], "batch": "/batches/" + ids["batch"], "customer": "/customers/" + ids["customer"],
			"accounts": "/customers/" + ids["customer"] + "/accounts", "licence": "/offline/" + ids["licence"], "policy": "/policies/" + ids["policy"]},
		"product": {"product": product, "functions": product + "/functions", "function": product + "/functions/price", "files": product + "/releases/1.0",
			"signing": product + "/signing", "transport": product + "/transport"},
		"forms": {"new-batch": "/batches/new", "new-customer": "/customers/new", "new-policy": "/policies/new", "new-product": "/products/new", "new-licence": "/offline/new",
			"look": "/offline/look", "find": "/cards/find", "choose": "/cards/choose?id=" + ids["card"], "do": "/cards/do?action=suspend&id=" + ids["card"], "api": "/api"},
	}
}

func TestLicensePagesPlease(t *testing.T) {
	t.Parallel()
	s, ids := sold(t)
	for group, pages := range licensePages(ids) {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			ctx := enter(t, s)
			for name, path := range pages {
				t.Run(name, func(t *testing.T) { guildtest.Inspect(t, ctx, s.service("license")+path, "", name) })
			}
		})
	}
}

// TestEmptyLicensePagesPlease sees the pages as they are before there is anything.
func TestEmptyLicensePagesPlease(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	ctx, license := enter(t, s), s.service("license")
	for _, group := range []string{"lists", "forms"} {
		for name, path := range licensePages(map[string]string{})[group] {
			if strings.Contains(path, "=") { // what it names is not there
				continue
			}
			t.Run(name, func(t *testing.T) { guildtest.Inspect(t, ctx, license+path, "", "empty-"+name) })
		}
	}
	p := person{typist{t, ctx}, s, nil}
	for _, path := range []string{"/", "/cards", "/batches/new", "/policies/new", "/offline/new"} { // nothing of this goes before a product is there
		visit(t, ctx, license+path)
		p.sees(`document.querySelector('main a[href="/products/new"]') && !document.querySelector("main select[required]")`)
	}
}

// TestEveryLicensePageIsWalkedByTabulator walks through every page of the service, on a
// wide screen and on a telephone.
func TestEveryLicensePageIsWalkedByTabulator(t *testing.T) {
	t.Parallel()
	s, ids := sold(t)
	for _, width := range []int64{1600, 360} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			ctx := enter(t, s)
			still(t, ctx, width)
			for _, pages := range licensePages(ids) {
				for name, path := range pages {
					t.Run(name, func(t *testing.T) {
						visit(t, ctx, s.service("license")+path)
						walk(t, ctx)
					})
				}
			}
		})
	}
}

// TestCardsByKeyboard suspends cards without a mouse: ticks one, says what to do with it,
// and why.
func TestCardsByKeyboard(t *testing.T) {
	t.Parallel()
	s, _ := sold(t)
	ctx := enter(t, s)
	still(t, ctx, 1600)
	visit(t, ctx, s.service("license")+"/cards")
	tabTo(t, ctx, `input[name="id"]`)
	do(t, ctx, chromedp.KeyEvent(" "))
	tabTo(t, ctx, `#bulk button`)
	do(t, ctx, chromedp.KeyEvent(kb.Enter))
	do(t, ctx, chromedp.WaitVisible(`form[action="/cards/do"]`))
	guildtest.Axe(t, ctx)
	tabTo(t, ctx, `#f-reason`)
	do(t, ctx, chromedp.KeyEvent("not paid"+kb.Enter))
	do(t, ctx, chromedp.WaitVisible(`[data-flash]`))
	typist{t, ctx}.reads("Done for 1 card")
	guildtest.Axe(t, ctx)
}
