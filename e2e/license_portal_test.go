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

	"guildhall/platform/guildtest"
	"guildhall/sdk/go/license"
)

// activates shows a card's key as the program on a machine does.
func (s *server) activates(t *testing.T, key, machine string) license.Answer {
	t.Helper()
	a, err := shows(t.Context(), s.browser(t), s.service("license"), license.CallActivate, key, machine)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// shows makes a call with a card of the product press, whose policy asks for no proof, at
// the service's URL. The error says that no answer came.
func shows(ctx context.Context, client *http.Client, url, call, key, machine string) (a license.Answer, err error) {
	digest := sha256.Sum256([]byte(machine))
	body, err := json.Marshal(license.Request{Call: call, Product: "press", Card: key, Time: time.Now().UnixMilli(), Nonce: rand.Text(),
		Fingerprint: map[string]string{"machine_id": base64.RawURLEncoding.EncodeToString(digest[:])}})
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/"+call, bytes.NewReader(body))
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

// TestACustomerMovesACard is the customer's own page in a browser: an invitation, the
// sign-in, a card that is moved to another machine, and one move more than there may be.
func TestACustomerMovesACard(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	dir := t.TempDir()
	rules, keys := filepath.Join(dir, "rules.json"), filepath.Join(dir, "keys.csv")
	if err := os.WriteFile(rules, []byte(`{"ip_rule": "hw", "proof": false, "rebind": {"per_year": 1, "cooldown_hours": 0}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(must(t, append([]string{"license"}, append(args, "--data", s.data)...)...))
	}
	run("product", "add", "press", "The Press")
	run("policy", "add", "press", "One move", "--rules", rules)
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
	at := s.service("license") + "/mine/cards/" + card
	visit(t, p.ctx, at)
	p.clicks(`[data-dialog="unbind"]`)
	p.types("reason", "new laptop")
	p.sends()
	p.reads("The card is free")
	if a := s.activates(t, key, "laptop"); a.Verdict != license.VerdictOK {
		t.Fatalf("the new machine: %+v", a)
	}
	visit(t, p.ctx, at)
	p.reads("1 of 1 times")
	p.sees(`!document.querySelector('[data-dialog="unbind"]')`)
	if a := s.activates(t, key, "desk"); a.Verdict != license.VerdictRefused {
		t.Fatalf("the machine before: %+v", a)
	}
	// Without the button the answer is the same.
	p.values(`(() => { const f = document.createElement("form"); f.method = "post"; f.action = location.pathname + "/unbind"; f.innerHTML = '<input name="reason" value="back">'; document.body.append(f); f.submit(); return [] })()`)
	p.sees(`document.body.innerText.includes("moved as often as it may be within a year")`)
	if shown := run("card", "show", card); !strings.Contains(shown, "moved      1 of 1 times a year by the customer") {
		t.Errorf("the vendor sees\n%s", shown)
	}
	for name, url := range map[string]string{"mine": s.service("license") + "/mine", "my-card": at} {
		guildtest.Inspect(t, p.ctx, url, "", name)
	}
}
