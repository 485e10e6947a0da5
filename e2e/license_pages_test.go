package e2e

import (
	"encoding/json"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"guildhall/platform/guildtest"
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
	must(t, "license", "policy", "add", "press", "One year", "--days", "365", "--data", s.data)
	must(t, "license", "customer", "add", "Print & Sons", "--data", s.data)
	must(t, "license", "batch", "add", "--policy", "One year", "--customer", "Print & Sons", "--count", "3", "--data", s.data)
	for _, what := range []string{"product", "policy", "customer", "batch", "card"} {
		ids[what] = first(what)
	}
	return s, ids
}

func TestLicensePagesPlease(t *testing.T) {
	t.Parallel()
	s, ids := sold(t)
	license := s.service("license")
	for group, pages := range map[string]map[string]string{
		"cards": {"overview": "/", "cards": "/cards", "card": "/cards/" + ids["card"], "machines": "/machines", "mismatches": "/mismatches"},
		"rest": {"customers": "/customers", "customer": "/customers/" + ids["customer"], "batch": "/batches/" + ids["batch"], "product": "/products/" + ids["product"],
			"transport": "/products/" + ids["product"] + "/transport", "policy": "/policies/" + ids["policy"]},
	} {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			ctx := enter(t, s)
			for name, path := range pages {
				t.Run(name, func(t *testing.T) { guildtest.Inspect(t, ctx, license+path, "", name) })
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
