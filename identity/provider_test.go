package identity

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/device"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/oauth"
)

func TestDiscoveryListsWhatWorks(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	first := i.call(t, "/.well-known/openid-configuration", nil, nil).fine(t)
	if second := i.call(t, "/.well-known/oauth-authorization-server", nil, nil).fine(t); second.Text != first.Text {
		t.Error("the two documents differ")
	}
	if first.text("issuer") != issuer || first.Header.Get("Access-Control-Allow-Origin") != "*" || first.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("issuer %q, headers %v", first.text("issuer"), first.Header)
	}
	for name, value := range first.Body {
		path, ours := strings.CutPrefix(first.text(name), issuer)
		if !ours || path == "" {
			continue
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+path, nil)
		ok(t, err)
		if name == "jwks_uri" || name == "userinfo_endpoint" {
			r.Method = http.MethodGet
		}
		if got := i.send(t, r); got.StatusCode == http.StatusNotFound || got.StatusCode >= 500 {
			t.Errorf("%s, %v: status %d", name, value, got.StatusCode)
		}
	}
	var listed struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	ok(t, json.Unmarshal([]byte(first.Text), &listed))
	if slices.Contains(listed.Methods, oauth.MethodTLS) {
		t.Error("tls_client_auth is listed, and nobody can verify the certificates")
	}
}

func TestCodeFlow(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, nil)
	code, verifier := shop.code(t)
	// A wrong try uses nothing up, whoever makes it.
	shop.redeem(t, code, "x"+verifier[1:]).refuses(t, "a wrong verifier", oauth.InvalidGrant)
	got := shop.redeem(t, code, verifier).fine(t)
	if got.text("token_type") != "Bearer" || got.Body["expires_in"] != 600. || got.text("scope") != "openid profile email" || got.text("refresh_token") == "" {
		t.Errorf("the answer is %s", got.Text)
	}
	if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", got.Header)
	}
	now := float64(i.Clock.Now().Unix())
	access := i.verified(t, got.text("access_token"), "at+jwt")
	want := map[string]any{"iss": issuer, "sub": i.anna.ID, "aud": []any{issuer}, "client_id": shop.ID, "scope": "openid profile email", "acr": "aal1",
		"amr": []any{"pwd"}, "iat": now, "nbf": now, "exp": now + 600, "auth_time": now, "jti": access["jti"], "gid": access["gid"], "sid": access["sid"]}
	if diff := cmp.Diff(want, access); diff != "" || access["jti"] == "" || !strings.HasPrefix(access["sid"].(string), "ses_") {
		t.Errorf("the access token (-want +got):\n%s", diff)
	}
	about := i.verified(t, got.text("id_token"), "JWT")
	want = map[string]any{"iss": issuer, "sub": i.anna.ID, "aud": shop.ID, "azp": shop.ID, "nonce": "n-1", "acr": "aal1", "amr": []any{"pwd"},
		"iat": now, "exp": now + 600, "auth_time": now, "sid": access["sid"], "at_hash": about["at_hash"]}
	if diff := cmp.Diff(want, about); diff != "" || about["at_hash"] == "" {
		t.Errorf("the ID token (-want +got):\n%s", diff)
	}
	person := i.person(t, got.text("access_token")).fine(t)
	want = map[string]any{"sub": i.anna.ID, "name": i.anna.Name, "locale": "en", "email": i.anna.Email, "email_verified": true}
	if diff := cmp.Diff(want, person.Body); diff != "" {
		t.Errorf("userinfo (-want +got):\n%s", diff)
	}
}

func TestClaimsAreToldByScopeAlone(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, nil)
	got := shop.signsIn(t, "scope", "openid email", "claims", `{"id_token":{"email":null,"name":{"essential":true}},"userinfo":{"name":null}}`)
	about := i.verified(t, got.text("id_token"), "JWT")
	if about["email"] != i.anna.Email || about["name"] != nil {
		t.Errorf("the ID token tells %v", about)
	}
	if person := i.person(t, got.text("access_token")).fine(t); person.Body["email"] != i.anna.Email || person.Body["name"] != nil {
		t.Errorf("userinfo tells %v", person.Body)
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, nil)
	first := shop.signsIn(t)
	i.Clock.Advance(5 * time.Minute)
	second := shop.refresh(t, first.text("refresh_token")).fine(t)
	if second.text("refresh_token") == first.text("refresh_token") || second.text("access_token") == first.text("access_token") {
		t.Error("the tokens were not replaced")
	}
	before, after := i.verified(t, first.text("id_token"), "JWT"), i.verified(t, second.text("id_token"), "JWT")
	for _, same := range []string{"iss", "sub", "aud", "auth_time", "sid", "azp"} {
		if before[same] != after[same] {
			t.Errorf("%s was %v and is %v", same, before[same], after[same])
		}
	}
	if after["nonce"] != nil || after["iat"] == before["iat"] {
		t.Errorf("the ID token of a refresh: %v", after)
	}
	narrow := shop.token(t, "grant_type", oauth.GrantRefresh, "refresh_token", second.text("refresh_token"), "scope", "email").fine(t)
	if narrow.text("scope") != "email" || narrow.text("id_token") != "" {
		t.Errorf("narrowed: %s", narrow.Text)
	}
	shop.token(t, "grant_type", oauth.GrantRefresh, "refresh_token", narrow.text("refresh_token"), "scope", "openid offline_access").
		refuses(t, "more than was granted", oauth.InvalidScope)
	shop.refresh(t, narrow.text("refresh_token")).fine(t)
}

// TestWhatAnApplicationLosesEndsWithItsAccessTokens has an administrator take a scope
// and a resource away.
func TestWhatAnApplicationLosesEndsWithItsAccessTokens(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	const bank, mint = "https://bank.example", "https://mint.example"
	shop := i.application(t, client.Web, func(m *client.Metadata) {
		m.Audiences, m.Scopes = []string{bank, mint}, append(m.Scopes, "pay")
	})
	both := shop.signsIn(t, "scope", "openid pay", "resource", bank)
	code, verifier := shop.code(t, "scope", "openid pay", "resource", mint)
	less := shop.Metadata
	less.Audiences, less.Scopes = []string{mint}, slices.DeleteFunc(slices.Clone(less.Scopes), func(s string) bool { return s == "pay" })
	_, err := i.clients.Update(t.Context(), shop.ID, less, time.Time{}, identitytest.By)
	ok(t, err)
	shop.refresh(t, both.text("refresh_token")).refuses(t, "a resource that it lost", oauth.InvalidTarget)
	other := shop.redeem(t, code, verifier).fine(t)
	if claims := i.verified(t, other.text("access_token"), "at+jwt"); claims["scope"] != "openid" || other.text("scope") != "openid" {
		t.Errorf("a code gets %v, told %s", claims, other.Text)
	}
	if next := shop.refresh(t, other.text("refresh_token")).fine(t); next.text("scope") != "openid" {
		t.Errorf("a refresh token gets %s", next.Text)
	}
}

func TestRefreshReuseEndsTheFamily(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, nil)
	first := shop.signsIn(t)
	second := shop.refresh(t, first.text("refresh_token")).fine(t)
	i.Clock.Advance(time.Minute) // beyond the grace window
	shop.refresh(t, first.text("refresh_token")).refuses(t, "a used one", oauth.InvalidGrant)
	shop.refresh(t, second.text("refresh_token")).refuses(t, "its successor", oauth.InvalidGrant)
	if got := i.person(t, second.text("access_token")); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo: %d %s", got.StatusCode, got.Text)
	}
}

func TestSignOutEndsTheTokens(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, nil)
	got := shop.signsIn(t)
	ok(t, i.sessions.SignOut(t.Context(), i.cookie.Value, identitytest.By))
	shop.refresh(t, got.text("refresh_token")).refuses(t, "after sign-out", oauth.InvalidGrant)
	i.person(t, got.text("access_token")).refuses(t, "after sign-out", oauth.InvalidToken)
	if worth := shop.post(t, introspectPath, "token", got.text("access_token")).fine(t); worth.Body["active"] != false {
		t.Errorf("after sign-out: %s", worth.Text)
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	robot := i.application(t, client.Service, func(m *client.Metadata) {
		m.Scopes, m.Audiences = oauth.Scopes{"orders.read", "orders.write"}, []string{"https://api.example", "https://bank.example"}
	})
	got := robot.token(t, "grant_type", oauth.GrantClientCredentials).fine(t)
	claims := i.verified(t, got.text("access_token"), "at+jwt")
	if claims["sub"] != robot.ID || claims["client_id"] != robot.ID || claims["scope"] != "orders.read orders.write" || claims["gid"] != nil ||
		!cmp.Equal(claims["aud"], []any{"https://api.example", "https://bank.example"}) || got.text("refresh_token") != "" || got.text("id_token") != "" {
		t.Errorf("%s: %v", got.Text, claims)
	}
	got = robot.token(t, "grant_type", oauth.GrantClientCredentials, "scope", "orders.read", "resource", "https://api.example").fine(t)
	claims = i.verified(t, got.text("access_token"), "at+jwt")
	if claims["scope"] != "orders.read" || !cmp.Equal(claims["aud"], []any{"https://api.example"}) {
		t.Errorf("narrowed: %v", claims)
	}
	robot.token(t, "grant_type", oauth.GrantClientCredentials, "scope", "openid").refuses(t, "a person's scope", oauth.InvalidScope)
	robot.token(t, "grant_type", oauth.GrantClientCredentials, "resource", "https://evil.example").refuses(t, "another's resource", oauth.InvalidTarget)
	robot.token(t, "grant_type", oauth.GrantPassword, "username", "a", "password", "b").refuses(t, "another grant", oauth.UnauthorizedClient)
	robot.token(t, "grant_type", "magic").refuses(t, "no grant", oauth.UnsupportedGrantType)
	robot.token(t).refuses(t, "nothing", oauth.InvalidRequest)
	i.person(t, got.text("access_token")).refuses(t, "there is no person", oauth.InvalidToken)
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, func(m *client.Metadata) { m.Audiences = []string{"https://api.example"} })
	api := i.application(t, client.Service, func(m *client.Metadata) { m.Resources = []string{"https://api.example"} })
	stranger := i.application(t, client.Service, nil)
	public := i.application(t, client.SPA, nil)
	got := shop.signsIn(t, "resource", "https://api.example")
	access, refresh := got.text("access_token"), got.text("refresh_token")
	for name, c := range map[string]struct {
		by    *party
		token string
		want  bool
	}{
		"its own": {shop, access, true}, "for it": {api, access, true}, "another's": {stranger, access, false},
		"its own refresh": {shop, refresh, true}, "another's refresh": {api, refresh, false}, "an ID token": {shop, got.text("id_token"), false},
		"nothing": {shop, "x", false}, "no token of ours": {shop, signed(t, newKey(t), "at+jwt", map[string]any{"iss": issuer, "client_id": shop.ID, "exp": 1 << 40}, nil), false},
	} {
		worth := c.by.post(t, introspectPath, "token", c.token, "token_type_hint", "refresh_token").fine(t)
		if worth.Body["active"] != c.want || !c.want && len(worth.Body) != 1 {
			t.Errorf("%s: %s", name, worth.Text)
		}
		if c.want && (worth.text("client_id") != shop.ID || worth.text("sub") != i.anna.ID || worth.text("scope") != "openid profile email") {
			t.Errorf("%s: %s", name, worth.Text)
		}
	}
	public.post(t, introspectPath, "token", access).refuses(t, "who shows nothing", oauth.InvalidClient)
	shop.post(t, introspectPath).refuses(t, "no token", oauth.InvalidRequest)
	i.Clock.Advance(10 * time.Minute)
	if worth := shop.post(t, introspectPath, "token", access).fine(t); worth.Body["active"] != false {
		t.Errorf("one that is over: %s", worth.Text)
	}
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop, other := i.application(t, client.Web, nil), i.application(t, client.Web, nil)
	got := shop.signsIn(t)
	other.post(t, revokePath, "token", got.text("access_token")).refuses(t, "another's", oauth.UnauthorizedClient)
	other.post(t, revokePath, "token", got.text("refresh_token")).fine(t) // it says nothing, and does nothing
	shop.post(t, revokePath, "token", "x").fine(t)
	shop.post(t, revokePath).refuses(t, "no token", oauth.InvalidRequest)
	next := shop.refresh(t, got.text("refresh_token")).fine(t)

	shop.post(t, revokePath, "token", got.text("access_token")).fine(t)
	i.person(t, got.text("access_token")).refuses(t, "a revoked one", oauth.InvalidToken)
	i.person(t, next.text("access_token")).fine(t)

	shop.post(t, revokePath, "token", next.text("refresh_token"), "token_type_hint", "access_token").fine(t)
	i.person(t, next.text("access_token")).refuses(t, "of a revoked family", oauth.InvalidToken)
	shop.refresh(t, next.text("refresh_token")).refuses(t, "a revoked one", oauth.InvalidGrant)
}

func TestDeviceFlow(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	tv := i.application(t, client.Device, nil)
	begun := tv.post(t, devicePath, "scope", "openid profile").fine(t)
	if begun.text("verification_uri") != issuer+"/device" || begun.Body["interval"] != 5. || begun.Body["expires_in"] != 600. {
		t.Errorf("the answer is %s", begun.Text)
	}
	poll := func() reply {
		i.Clock.Advance(10 * time.Second)
		return tv.token(t, "grant_type", oauth.GrantDevice, "device_code", begun.text("device_code"))
	}
	poll().refuses(t, "nobody decided", oauth.AuthorizationPending)
	who := device.Who{Account: i.anna.ID, Session: i.begun.ID, AuthTime: i.Clock.Now(), ACR: oauth.ACRPassword, AMR: []string{"pwd"}}
	ok(t, i.devices.Decide(t.Context(), begun.text("user_code"), true, who, identitytest.By))
	got := poll().fine(t)
	if claims := i.verified(t, got.text("id_token"), "JWT"); claims["sub"] != i.anna.ID || claims["aud"] != tv.ID {
		t.Errorf("the ID token is %v", claims)
	}
	poll().refuses(t, "once more", oauth.InvalidGrant)
	tv.refresh(t, got.text("refresh_token"))
	tv.post(t, devicePath, "scope", "bank.admin").refuses(t, "a scope that is not registered", oauth.InvalidScope)
	i.application(t, client.Web, nil).post(t, devicePath).refuses(t, "another kind", oauth.UnauthorizedClient)
}

func TestPushedRequest(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, func(m *client.Metadata) { m.RequirePAR = true })
	verifier, challenge := pkce()
	asked := shop.post(t, parPath, "response_type", "code", "redirect_uri", callback, "scope", "openid", "code_challenge", challenge, "code_challenge_method", "S256")
	if asked.StatusCode != http.StatusCreated || asked.Body["expires_in"] != 60. {
		t.Fatalf("pushed: %d %s", asked.StatusCode, asked.Text)
	}
	back := i.browse(t, authorizePath+"?"+values("client_id", shop.ID, "request_uri", asked.text("request_uri")).Encode())
	shop.redeem(t, back.Get("code"), verifier).fine(t)
	shop.post(t, parPath, "response_type", "code", "redirect_uri", "https://evil.example").refuses(t, "an address of others", oauth.InvalidRequest)
}

func TestPasswordGrantWhereItIsAllowed(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	old := i.application(t, client.Web, func(m *client.Metadata) { m.GrantTypes = append(m.GrantTypes, oauth.GrantPassword) })
	ask := func(p *party, password string) reply {
		return p.token(t, "grant_type", oauth.GrantPassword, "username", i.anna.Email, "password", password, "scope", "openid")
	}
	got := ask(old, identitytest.Password).fine(t)
	if claims := i.verified(t, got.text("access_token"), "at+jwt"); claims["sub"] != i.anna.ID || claims["acr"] != "aal1" || claims["sid"] != nil {
		t.Errorf("the access token is %v", claims)
	}
	old.refresh(t, got.text("refresh_token")).fine(t)
	ask(i.application(t, client.Web, nil), identitytest.Password).refuses(t, "not allowed", oauth.UnauthorizedClient)
	for range 5 {
		ask(old, "not the password").refuses(t, "a wrong password", oauth.InvalidGrant)
	}
	if late := ask(old, identitytest.Password); late.StatusCode != http.StatusTooManyRequests || late.Header.Get("Retry-After") == "" {
		t.Errorf("after five wrong ones: %d %s", late.StatusCode, late.Text)
	}
}

// The password is changed as soon as it was found right: no grant outlives that.
func TestNoPasswordGrantOutlivesItsPassword(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	old := i.application(t, client.Web, func(m *client.Metadata) { m.GrantTypes = append(m.GrantTypes, oauth.GrantPassword) })
	ask := func() reply {
		return old.token(t, "grant_type", oauth.GrantPassword, "username", i.anna.Email, "password", identitytest.Password, "scope", "openid")
	}
	exec := func(statement string) {
		ok(t, i.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), statement)
			return err
		}))
	}
	exec(`CREATE TRIGGER changes AFTER INSERT ON audit_entries WHEN NEW.action = 'sign_in.succeeded'
		BEGIN UPDATE accounts SET password_set_at = password_set_at + 1; END`)
	ask().refuses(t, "a password that is changed meanwhile", oauth.InvalidGrant)
	exec(`DROP TRIGGER changes`)
	ask().fine(t)
}

func TestAccountsWithMoreThanAPasswordHaveNoPasswordGrant(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	old := i.application(t, client.Web, func(m *client.Metadata) { m.GrantTypes = append(m.GrantTypes, oauth.GrantPassword) })
	owner := ownerIn(t, i.sessions, i.anna)
	made, err := i.factors.BeginTOTP(t.Context(), owner)
	ok(t, err)
	typed, err := totp.GenerateCode(strings.ReplaceAll(made.Secret, " ", ""), i.Clock.Now())
	ok(t, err)
	ok(t, i.factors.ConfirmTOTP(t.Context(), owner, typed, identitytest.By))
	old.token(t, "grant_type", oauth.GrantPassword, "username", i.anna.Email, "password", identitytest.Password).
		refuses(t, "an account with a second factor", oauth.InvalidGrant)
}
