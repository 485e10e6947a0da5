package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"guildhall/platform/guildtest"
	"guildhall/sdk/go/license"
)

// activates shows a card's key as the program on a machine does.
func (s *server) activates(t *testing.T, key, machine string) license.Answer {
	t.Helper()
	a, err := asks(t.Context(), s.browser(t), s.service("license"), machine, license.Request{Call: license.CallActivate, Card: key})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// asks makes a call from a machine with a card of the product press, whose policy asks for
// no proof, at the service's URL. The error says that no answer came.
func asks(ctx context.Context, client *http.Client, url, machine string, request license.Request) (a license.Answer, err error) {
	digest := sha256.Sum256([]byte(machine))
	request.Product, request.Time, request.Nonce = "press", time.Now().UnixMilli(), rand.Text()
	request.Fingerprint = map[string]string{"machine_id": base64.RawURLEncoding.EncodeToString(digest[:])}
	body, err := json.Marshal(request)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/"+request.Call, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return a, fmt.Errorf("the answer has status %d and is no message: %w", res.StatusCode, err)
	}
	return a, nil
}

// gets clicks what sends a file, and fails the test unless that is the file.
func (p person) gets(selector string, want []byte) {
	p.t.Helper()
	if got := held(p.t, p.downloads(selector)); !bytes.Equal(got, want) {
		p.t.Errorf("%s sends\n%q, want\n%q", selector, got, want)
	}
}

// TestACustomerMovesACard is the customer's own page in a browser: an invitation, the
// sign-in, a card that is moved to another machine, one move more than there may be, and
// what there is to download.
func TestACustomerMovesACard(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	keys, setup := at("keys.csv"), bytes.Repeat([]byte("setup "), 100_000)
	if err := os.WriteFile(at("rules.json"), []byte(`{"ip_rule": "hw", "proof": false, "files": true, "rebind": {"per_year": 1, "cooldown_hours": 0}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(must(t, append([]string{"license"}, append(args, "--data", s.data)...)...))
	}
	run("product", "add", "press", "The Press")
	if err := os.WriteFile(at("press-setup.msi"), setup, 0o600); err != nil {
		t.Fatal(err)
	}
	run("release", "add", "press", "1.0")
	run("file", "add", "press", "1.0", at("press-setup.msi"))
	run("policy", "add", "press", "One move", "--rules", at("rules.json"))
	run("customer", "add", "Printers Ltd")
	run("batch", "add", "--policy", "One move", "--count", "1", "--customer", "Printers Ltd", "--export", keys)
	table, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	key, card := rows[1][1], run("card", "list", "--ids")
	run("key", "add", "press")
	must(t, "license", "request", "press", "--install-key", at("install.key"), "--company", "Printers Ltd", "--contact", annaAt, "--out", at("request.json"))
	run("issue", at("request.json"), "--to", "2099-12-31", "--release", "1.0", "--customer", "Printers Ltd", "--out", at("licence.txt"))
	if a := s.activates(t, key, "desk"); a.Verdict != license.VerdictActivated {
		t.Fatalf("the first machine: %+v", a)
	}
	if a := s.activates(t, key, "laptop"); a.Verdict != license.VerdictRefused {
		t.Fatalf("a second machine: %+v", a)
	}

	p := meet(t, s)
	p.registers(annaAt, "Anna Nowak", firstOne)
	p.goes("/")
	p.leaves()
	link := run("customer", "invite", "Printers Ltd", "--email", annaAt)
	if !strings.Contains(p.letter(annaAt, "licences").Text, link) {
		t.Error("the letter has another link")
	}
	visit(t, p.ctx, link)
	p.reads("Somebody invited you")
	p.clicks(`main a[href^="/session/start"]`)
	p.reads("Sign in")
	p.types("email", annaAt)
	p.types("password", firstOne)
	p.sends()
	p.opens("/mine/invitation")
	p.reads("Anna Nowak")
	p.clicks(`form[action="/mine/invitation"] button`)
	p.opens("/mine")
	p.reads("You see your licences here from now on")
	mine := s.service("license") + "/mine"
	shown := mine + "/cards/" + card
	visit(t, p.ctx, shown)
	p.clicks(`[data-dialog="unbind"]`)
	p.types("reason", "new laptop")
	p.sends()
	p.reads("The card is free")
	back, err := asks(t.Context(), s.browser(t), s.service("license"), "desk", license.Request{Call: license.CallHeartbeat, Card: key})
	if err != nil || back.Code != "card_not_active" { // the program there still runs
		t.Fatalf("the machine before takes the card back: %+v, %v", back, err)
	}
	if a := s.activates(t, key, "laptop"); a.Verdict != license.VerdictOK {
		t.Fatalf("the new machine: %+v", a)
	}
	visit(t, p.ctx, shown)
	p.reads("1 of 1 times")
	p.sees(`!document.querySelector('[data-dialog="unbind"]')`)
	if a := s.activates(t, key, "desk"); a.Verdict != license.VerdictRefused {
		t.Fatalf("the machine before: %+v", a)
	}
	// Without the button the answer is the same.
	p.values(`(() => { const f = document.createElement("form"); f.method = "post"; f.action = location.pathname + "/unbind"; f.innerHTML = '<input name="reason" value="back">'; document.body.append(f); f.submit(); return [] })()`)
	p.sees(`document.body.innerText.includes("moved as often as it may be within a year")`)
	if told := run("card", "show", card); !strings.Contains(told, "moved      1 of 1 times a year by the customer") {
		t.Errorf("the vendor sees\n%s", told)
	}

	visit(t, p.ctx, shown)
	p.gets(`main a[href*="/files/"]`, setup)
	visit(t, p.ctx, mine+"/licences")
	p.gets(`main a[href$="/text"]`, held(t, at("licence.txt")))

	for _, lang := range []string{"pl", "zh-CN", "en"} { // the account's language comes before the browser's
		visit(t, p.ctx, mine)
		p.press(`[popovertarget="languages"]`, kb.Enter)
		p.press(`#languages [lang="`+lang+`"]`, kb.Enter)
		p.sees(`document.documentElement.lang === "` + lang + `"`)
		for name, url := range map[string]string{"mine": mine, "my-card": shown, "my-licences": mine + "/licences"} {
			guildtest.Inspect(t, p.ctx, url, "", name+"-"+lang)
		}
	}
}
