package e2e

import (
	"encoding/csv"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// customer runs a program. The policy of his card may let it run without the server for a
// day, and his clock be wrong.
type customer struct {
	name    string
	mode    sealed.Mode
	program program
	leased  bool
	clock   time.Duration
	// kept are the last bytes that his program sent and got.
	request []byte
	answer  reply
}

// TestTheSDKsAndAServerThatIsKilledAndMeddledWith runs programs by both SDKs over each
// transport through a proxy that ends TLS. Their clocks are two days wrong.
func TestTheSDKsAndAServerThatIsKilledAndMeddledWith(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	at := s.addresses(t)
	p := meddling(t, at)
	key, kit, cards := press(t, s)
	var all []*customer
	for _, mode := range []sealed.Mode{sealed.HTTPS, sealed.PSK, sealed.HPKE} {
		for sdk, install := range map[string]func(*testing.T, installation) program{"go": newInGo, "python": newInPython} {
			for policy, clock := range map[string]time.Duration{"leased": -48 * time.Hour, "strict": 48 * time.Hour} {
				card := cards[policy][0]
				cards[policy] = cards[policy][1:]
				all = append(all, &customer{name: sdk + " " + string(mode) + " " + policy, mode: mode, program: install(t, newInstallation(t, p, kit, card, mode)), leased: policy == "leased", clock: clock})
			}
		}
	}
	expect := func(step, call string, want func(c *customer, got said) bool) {
		t.Helper()
		for _, c := range all {
			if got := c.program.do(t, call, c.clock); !want(c, got) {
				t.Errorf("%s: %s, %s: %+v", c.name, step, call, got)
			}
		}
	}
	fresh := func(_ *customer, got said) bool { return got.Verdict == license.VerdictOK && !got.Offline }
	// without is what comes where nothing that the server says arrives: the lease, or one of the errors.
	without := func(errors ...string) func(*customer, said) bool {
		return func(c *customer, got said) bool {
			if c.leased {
				return got.Verdict != "" && got.Offline
			}
			return slices.Contains(errors, got.Error+got.Code)
		}
	}

	// The signed time of the server corrects each clock.
	expect("with a wrong clock", license.CallActivate, func(_ *customer, got said) bool { return got.Verdict == license.VerdictActivated && !got.Offline })
	expect("with a wrong clock", license.CallOpen, func(c *customer, got said) bool { return fresh(c, got) && got.Key == key })
	expect("with a wrong clock", license.CallHeartbeat, fresh)

	// A sealed request that comes twice is answered once: the server leaves those over
	// https to TLS. And an answer counts for its request alone.
	p.set(func(_ *http.Request, body []byte, forward func([]byte) reply) reply {
		forward(body)
		return forward(body)
	})
	expect("each request comes twice", license.CallValidate, func(c *customer, got said) bool {
		return c.mode == sealed.HTTPS || without("Untrusted", "Unreachable")(c, got)
	})
	for _, c := range all {
		p.set(func(_ *http.Request, body []byte, forward func([]byte) reply) reply {
			c.request, c.answer = body, forward(body)
			return c.answer
		})
		if got := c.program.do(t, license.CallValidate, c.clock); !fresh(c, got) {
			t.Errorf("%s: recorded: %+v", c.name, got)
		}
		p.set(func(_ *http.Request, _ []byte, forward func([]byte) reply) reply { return forward(c.request) })
		if got := c.program.do(t, license.CallValidate, c.clock); !without("Untrusted", "Unreachable")(c, got) {
			t.Errorf("%s: the server got an old request: %+v", c.name, got)
		}
		p.set(func(*http.Request, []byte, func([]byte) reply) reply { return c.answer })
		if got := c.program.do(t, license.CallValidate, c.clock); !without("Untrusted")(c, got) {
			t.Errorf("%s: the program got an old answer: %+v", c.name, got)
		}
	}

	// One bit is enough.
	p.set(func(_ *http.Request, body []byte, forward func([]byte) reply) reply { return forward(flipped(body)) })
	expect("requests are changed", license.CallValidate, without("Untrusted"))
	p.set(func(_ *http.Request, body []byte, forward func([]byte) reply) reply {
		got := forward(body)
		got.body = flipped(got.body)
		return got
	})
	expect("answers are changed", license.CallOpen, without("Untrusted"))

	// While the server is gone the lease counts, with the key, and not a day longer.
	p.set(nil)
	expect("the proxy rests", license.CallValidate, fresh)
	s.kill(t)
	expect("the server is killed", license.CallValidate, without("Unreachable"))
	expect("the server is killed", license.CallOpen, func(c *customer, got said) bool {
		return without("Unreachable")(c, got) && (!c.leased || got.Key == key)
	})
	for _, c := range all {
		c.clock += 25 * time.Hour
	}
	expect("the lease has ended", license.CallValidate, func(_ *customer, got said) bool { return got.Error == "Unreachable" && got.Text != "" })
	for _, c := range all {
		c.clock -= 25 * time.Hour
	}
	startArgs(t, s.data, "serve", "--data", s.data, "--http", at.HTTP, "--https", at.HTTPS, "--internal", at.Internal)
	expect("the server is back", license.CallValidate, fresh)
	expect("the server is back", license.CallOpen, func(c *customer, got said) bool { return fresh(c, got) && got.Key == key })
}

// flipped is the text with one bit of its middle changed.
func flipped(text []byte) []byte {
	text = slices.Clone(text)
	if len(text) > 0 {
		text[len(text)/2] ^= 1
	}
	return text
}

// press makes a product by commands, and returns its handshake key in hexadecimal, its kit,
// and cards by policy: "leased" lets programs run a day without the server, "strict" never.
func press(t *testing.T, s *server) (key string, kit []byte, cards map[string][]string) {
	t.Helper()
	dir := t.TempDir()
	do := func(args ...string) { must(t, append(append([]string{"license"}, args...), "--data", s.data)...) }
	do("product", "add", "press", "The Press")
	do("release", "add", "press", "1.0")
	do("release", "key", "press", "1.0", "--out", filepath.Join(dir, "key"))
	do("kit", "press", "--out", filepath.Join(dir, "kit.json"))
	cards = map[string][]string{}
	for name, hours := range map[string]int{"leased": 24, "strict": 0} {
		rules, keys := filepath.Join(dir, name+".json"), filepath.Join(dir, name+".csv")
		if err := os.WriteFile(rules, []byte(`{"lease_hours": `+strconv.Itoa(hours)+`}`), 0o600); err != nil {
			t.Fatal(err)
		}
		do("policy", "add", "press", name, "--rules", rules)
		do("batch", "add", "--policy", name, "--count", "6", "--export", keys)
		for _, row := range rows(t, keys)[1:] {
			cards[name] = append(cards[name], row[1])
		}
	}
	return hex.EncodeToString(held(t, filepath.Join(dir, "key"))), held(t, filepath.Join(dir, "kit.json")), cards
}

func rows(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func held(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
