package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"guildhall/platform/access"
	"guildhall/platform/app"
	"guildhall/platform/fault"
)

// shopAudience is what tokens for the shop are for.
const shopAudience = "https://shop.guild.example.test"

// newGuarded is a service that takes access tokens, on its plain page /account.
func newGuarded(_ context.Context, env app.Env) (*app.Service, error) {
	set := access.NewSet(lease, env.Now)
	follower := &access.Follower{Set: set, Client: env.Peer.Client(access.IdentityService), Log: env.Log}
	verifier := &access.Verifier{Set: set, Now: env.Now}
	return &app.Service{
		Run: follower.Run,
		Plain: func(mux *http.ServeMux) {
			mux.HandleFunc("GET /account", func(w http.ResponseWriter, r *http.Request) {
				claims, err := verifier.Verify(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), shopAudience)
				if err != nil {
					fault.Write(w, r, err)
					return
				}
				_, _ = fmt.Fprint(w, claims.Client)
			})
		},
	}, nil
}

// account is what the shop answers to who comes with a token.
func account(t *testing.T, shop *server, token string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+shop.addresses(t).HTTP+"/account", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// untilAccount asks again and again until the shop answers so.
func untilAccount(t *testing.T, shop *server, token string, status int, text string) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		got, said := account(t, shop, token)
		if got == status && strings.Contains(said, text) {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("still %d %s; want %d %s", got, said, status, text)
		case <-tick.C:
		}
	}
}

// caller is an application that acts for itself.
type caller struct {
	id, secret, url string
	http            *http.Client
}

func (c caller) post(t *testing.T, path string, form url.Values) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(c.id, c.secret)
	resp, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", path, resp.Status, text, err)
	}
	return text
}

func (c caller) token(t *testing.T) string {
	t.Helper()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(c.post(t, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}}), &answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: %v", err)
	}
	return answer.Token
}

func (c caller) revoke(t *testing.T, token string) {
	t.Helper()
	c.post(t, "/oauth2/revoke", url.Values{"token": {token}})
}

// register makes an application whose tokens are for the shop.
func register(t *testing.T, s *server, client *http.Client) caller {
	t.Helper()
	id, secret, ok := strings.Cut(strings.TrimSpace(must(t, "identity", "client", "add", "service", "--name", "Robot", "--audience", shopAudience, "--data", s.data)), "\n")
	if !ok {
		t.Fatal("the application has no secret")
	}
	return caller{id: id, secret: secret, url: s.service("identity"), http: client}
}

// A token that is revoked at identity is refused by a service in another process
// within a second, whatever is restarted in between; a service that has lost touch
// refuses all.
func TestRevokedTokensInAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "guildhall.yaml")
	if err := os.WriteFile(file, []byte(fmt.Sprintf("ca: {lease: %v}\npeers: {lease: %v}\n", lease, lease)), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	hall := start(t, data, "--config", file)
	at := hall.addresses(t)
	urls := map[string]string{"ca": "https://" + at.Internal, "identity": "https://" + at.Internal}
	join := strings.TrimSpace(must(t, "ca", "token", "create", "shop", "--data", data))
	shop := startService(t, serviceProcess{Name: "shop", Data: filepath.Join(dir, "shop"), URLs: urls, Token: join})
	robot := register(t, hall, hall.browser(t))

	token, kept := robot.token(t), robot.token(t)
	untilAccount(t, shop, token, http.StatusOK, robot.id)
	if status, said := account(t, shop, token+"x"); status != http.StatusUnauthorized || !strings.Contains(said, "token_invalid") {
		t.Errorf("a changed token: %d %s", status, said)
	}
	measureRevocations(t, shop, robot)
	robot.revoke(t, token)
	untilAccount(t, shop, token, http.StatusUnauthorized, "access_revoked")

	// The service is started again: it says nothing of tokens before it knows all.
	shop.stop(t)
	shop = startService(t, serviceProcess{Name: "shop", Data: shop.data, URLs: urls})
	if status, said := account(t, shop, token); status == http.StatusOK {
		t.Fatalf("just after its start: %s", said)
	}
	untilAccount(t, shop, kept, http.StatusOK, robot.id)
	if status, said := account(t, shop, token); status != http.StatusUnauthorized || !strings.Contains(said, "access_revoked") {
		t.Fatalf("after its start: %d %s", status, said)
	}

	// Identity is killed. Within the lease nobody notices; then all is refused.
	hall.kill(t)
	if status, said := account(t, shop, kept); status != http.StatusOK {
		t.Errorf("just after identity was killed: %d %s", status, said)
	}
	untilAccount(t, shop, kept, http.StatusServiceUnavailable, "revocations_unknown")
	hall = startArgs(t, data, "serve", "--data", data, "--config", file, "--http", at.HTTP, "--https", at.HTTPS, "--internal", at.Internal)
	untilAccount(t, shop, kept, http.StatusOK, robot.id)
	if status, said := account(t, shop, token); status != http.StatusUnauthorized || !strings.Contains(said, "access_revoked") {
		t.Errorf("after identity came back: %d %s", status, said)
	}

	// An application that is disabled is out with all its tokens.
	must(t, "identity", "client", "disable", robot.id, "--data", data)
	untilAccount(t, shop, kept, http.StatusUnauthorized, "access_revoked")
	// Who signs is replaced: tokens of the old key are worth nothing at once.
	must(t, "identity", "client", "enable", robot.id, "--data", data)
	robot.http = hall.browser(t)
	again := robot.token(t)
	for status := 0; status != http.StatusOK; { // issued in the second of the revocation it counts as before it
		if status, _ = account(t, shop, again); status == http.StatusUnauthorized {
			again = robot.token(t)
		}
	}
	must(t, "identity", "key", "replace", "--yes", "--data", data)
	untilAccount(t, shop, again, http.StatusUnauthorized, "token_invalid")
	untilAccount(t, shop, robot.token(t), http.StatusOK, robot.id)
}

// measureRevocations logs how long a revoked token is still accepted.
func measureRevocations(t *testing.T, shop *server, robot caller) {
	t.Helper()
	const rounds = 30
	var took []time.Duration
	for range rounds {
		token := robot.token(t)
		untilAccount(t, shop, token, http.StatusOK, robot.id)
		robot.revoke(t, token)
		answered := time.Now()
		untilAccount(t, shop, token, http.StatusUnauthorized, "access_revoked")
		took = append(took, time.Since(answered))
	}
	slices.Sort(took)
	half, worst := took[rounds/2], took[rounds-1]
	t.Logf("from the answer of the revocation to the refusal in another process: half within %v, all within %v", half.Round(time.Millisecond), worst.Round(time.Millisecond))
	if half > time.Second {
		t.Error("half of the revocations took longer than a second")
	}
}
