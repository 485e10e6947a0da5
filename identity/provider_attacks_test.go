package identity

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/clientauth"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/journal"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/guildtest"
)

func TestCodeReplayEndsWhatFollowedFromIt(t *testing.T) {
	t.Parallel()
	for _, url := range []string{guildtest.SQLite(t), guildtest.Postgres(t)} {
		i := issuerOn(t, url)
		shop := i.application(t, client.Web, nil)
		code, verifier := shop.code(t)
		first := shop.redeem(t, code, verifier).fine(t)
		shop.redeem(t, code, verifier).refuses(t, "once more", oauth.InvalidGrant)
		i.person(t, first.text("access_token")).refuses(t, "after the replay", oauth.InvalidToken)
		shop.refresh(t, first.text("refresh_token")).refuses(t, "after the replay", oauth.InvalidGrant)
	}
}

func TestOneOfManyRedeemsACode(t *testing.T) {
	t.Parallel()
	for _, url := range []string{guildtest.SQLite(t), guildtest.Postgres(t)} {
		i := issuerOn(t, url)
		shop := i.application(t, client.Web, nil)
		code, verifier := shop.code(t)
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 8 {
			wg.Go(func() {
				if got := shop.redeem(t, code, verifier); got.StatusCode == http.StatusOK {
					mu.Lock()
					won++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d redeemed the same code", won)
		}
	}
}

func TestCodeInjection(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop, thief := i.application(t, client.Web, nil), i.application(t, client.Web, nil)
	code, verifier := shop.code(t)
	_, own := thief.code(t)
	thief.redeem(t, code, verifier).refuses(t, "another client, with the verifier", oauth.InvalidGrant)
	shop.redeem(t, code, own).refuses(t, "the client, with the thief's verifier", oauth.InvalidGrant)
	shop.redeem(t, code, "").refuses(t, "without a verifier", oauth.InvalidGrant)
	shop.redeem(t, code, strings.Repeat("a", 42)).refuses(t, "a short verifier", oauth.InvalidGrant)
	shop.token(t, "grant_type", oauth.GrantCode, "code", code, "code_verifier", verifier).refuses(t, "without redirect_uri", oauth.InvalidGrant)
	shop.token(t, "grant_type", oauth.GrantCode, "code", code, "code_verifier", verifier, "redirect_uri", callback+"/").refuses(t, "another redirect_uri", oauth.InvalidGrant)
	shop.token(t, "grant_type", oauth.GrantCode, "code_verifier", verifier).refuses(t, "without a code", oauth.InvalidRequest)
	shop.redeem(t, code, verifier).fine(t) // none of it has used the code up

	late, verifier := shop.code(t)
	i.Clock.Advance(time.Minute)
	shop.redeem(t, late, verifier).refuses(t, "after a minute", oauth.InvalidGrant)
}

func TestPKCEDowngrade(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, nil)
	verifier, _ := pkce()
	back := func(p *party, pairs ...string) url.Values {
		asked := values("response_type", "code", "client_id", p.ID, "redirect_uri", callback, "scope", "openid")
		maps.Copy(asked, values(pairs...))
		return i.browse(t, authorizePath+"?"+asked.Encode())
	}
	if got := back(shop); got.Get("error") != oauth.InvalidRequest || got.Get("code") != "" {
		t.Errorf("without a challenge: %v", got)
	}
	if got := back(shop, "code_challenge", verifier[:43], "code_challenge_method", "plain"); got.Get("error") != oauth.InvalidRequest {
		t.Errorf("plain: %v", got)
	}
	if got := back(shop, "code_challenge", verifier[:43]); got.Get("error") != oauth.InvalidRequest {
		t.Errorf("no method, which would be plain: %v", got)
	}
	// A client that may do without: somebody took the challenge out of its request.
	old := i.application(t, client.Web, func(m *client.Metadata) { m.PKCEOptional = true })
	code := back(old).Get("code")
	old.redeem(t, code, verifier).refuses(t, "a verifier for no challenge", oauth.InvalidGrant)
	old.token(t, "grant_type", oauth.GrantCode, "code", code, "redirect_uri", callback).fine(t)
	// And with a challenge, it may not do without.
	code, _ = old.code(t)
	old.token(t, "grant_type", oauth.GrantCode, "code", code, "redirect_uri", callback).refuses(t, "no verifier for a challenge", oauth.InvalidGrant)
}

func TestTokensOfOneClientAreNothingToAnother(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop, thief := i.application(t, client.Web, nil), i.application(t, client.Web, nil)
	tv := i.application(t, client.Device, nil)
	got := shop.signsIn(t)
	thief.refresh(t, got.text("refresh_token")).refuses(t, "a refresh token", oauth.InvalidGrant)
	shop.refresh(t, got.text("refresh_token")).fine(t)
	begun := tv.post(t, devicePath).fine(t)
	i.application(t, client.Device, nil).token(t, "grant_type", oauth.GrantDevice, "device_code", begun.text("device_code")).
		refuses(t, "a device code", oauth.InvalidGrant)
	// What one kind of token is, no other is.
	shop.refresh(t, got.text("access_token")).refuses(t, "an access token as a refresh token", oauth.InvalidGrant)
	i.person(t, got.text("id_token")).refuses(t, "an ID token as an access token", oauth.InvalidToken)
	i.person(t, got.text("refresh_token")).refuses(t, "a refresh token as an access token", oauth.InvalidToken)
	// A token for a resource of its own, without openid, is none for userinfo.
	bank := i.application(t, client.Web, func(m *client.Metadata) {
		m.Audiences, m.Scopes = []string{"https://bank.example"}, append(m.Scopes, "pay")
	})
	pay := bank.signsIn(t, "scope", "pay", "resource", "https://bank.example")
	i.person(t, pay.text("access_token")).refuses(t, "for the bank", oauth.InvalidToken)
	reads := shop.signsIn(t, "scope", "email")
	if no := i.person(t, reads.text("access_token")); no.StatusCode != http.StatusForbidden {
		t.Errorf("without openid: %d %s", no.StatusCode, no.Text)
	}
}

func TestForgedAccessTokens(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, nil)
	got := shop.signsIn(t).text("access_token")
	parts := strings.Split(got, ".")
	var header map[string]any
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	ok(t, err)
	ok(t, json.Unmarshal(raw, &header))
	with := func(name string, value any) string {
		h := maps.Clone(header)
		h[name] = value
		text, err := json.Marshal(h)
		ok(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	keys := i.call(t, jwksPath, nil, nil).fine(t).Text
	var set jose.JSONWebKeySet
	ok(t, json.Unmarshal([]byte(keys), &set))
	stolen, err := x509.MarshalPKIXPublicKey(set.Key(header["kid"].(string))[0].Key)
	ok(t, err)
	hs := with("alg", "HS256") + "." + parts[1]
	mac := hmac.New(sha256.New, stolen)
	mac.Write([]byte(hs))
	claims := map[string]any{"iss": issuer, "sub": i.anna.ID, "aud": []string{issuer}, "scope": "openid", "exp": i.Clock.Now().Add(time.Hour).Unix(), "client_id": shop.ID, "gid": "gnt_x"}
	own := newKey(t)
	for name, token := range map[string]string{
		"none":                         with("alg", "none") + "." + parts[1] + ".",
		"none, with the signature":     with("alg", "none") + "." + parts[1] + "." + parts[2],
		"the public key as a secret":   hs + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"another algorithm's name":     with("alg", "RS256") + "." + parts[1] + "." + parts[2],
		"no signature":                 parts[0] + "." + parts[1] + ".",
		"another key under our key id": signed(t, own, "at+jwt", claims, map[string]any{"kid": header["kid"]}),
		"a key of its own in jwk":      signed(t, own, "at+jwt", claims, map[string]any{"jwk": jose.JSONWebKey{Key: own.Public()}}),
		"empty":                        "", "blank": " ", "long": strings.Repeat("a.", 20_000),
	} {
		if res := i.person(t, token); res.StatusCode != http.StatusUnauthorized || !strings.Contains(res.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s: %d %s %v", name, res.StatusCode, res.Text, res.Header)
		}
		if worth := shop.post(t, introspectPath, "token", token); token != "" && worth.Body["active"] != false {
			t.Errorf("%s is worth something: %s", name, worth.Text)
		}
	}
	i.person(t, got).fine(t)
}

func TestDPoP(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	app := i.application(t, client.SPA, nil)
	app.key = newKey(t)
	got := app.signsIn(t)
	access := got.text("access_token")
	bound, _ := i.verified(t, access, "at+jwt")["cnf"].(map[string]any)
	if got.text("token_type") != "DPoP" || bound["jkt"] != jwkThumbprint(t, app.key) {
		t.Fatalf("%s is bound to %v", got.Text, bound)
	}
	ask := func(token string, proof ...string) reply {
		return i.call(t, userinfoPath, nil, http.Header{"Authorization": {"DPoP " + token}, "Dpop": proof})
	}
	proof := app.proof(t, http.MethodGet, userinfoPath, access)
	ask(access, proof).fine(t)
	replay := ask(access, proof)
	replay.refuses(t, "a replay", oauth.InvalidDPoPProof)
	if !strings.HasPrefix(replay.Header.Get("WWW-Authenticate"), `DPoP error="invalid_dpop_proof"`) || replay.StatusCode != http.StatusUnauthorized {
		t.Errorf("a replay: %d, %s", replay.StatusCode, replay.Header.Get("WWW-Authenticate"))
	}
	thief := &party{issuance: i, Client: app.Client, key: newKey(t)}
	ask(access, thief.proof(t, http.MethodGet, userinfoPath, access)).refuses(t, "the thief's key", oauth.InvalidToken)
	ask(access, app.proof(t, http.MethodGet, userinfoPath, "")).refuses(t, "a proof for no token", oauth.InvalidDPoPProof)
	ask(access, app.proof(t, http.MethodPost, userinfoPath, access)).refuses(t, "another method", oauth.InvalidDPoPProof)
	ask(access, app.proof(t, http.MethodGet, tokenPath, access)).refuses(t, "another endpoint", oauth.InvalidDPoPProof)
	ask(access).refuses(t, "no proof", oauth.InvalidDPoPProof)
	ask(access, app.proof(t, http.MethodGet, userinfoPath, access), app.proof(t, http.MethodGet, userinfoPath, access)).refuses(t, "two proofs", oauth.InvalidDPoPProof)
	i.person(t, access).refuses(t, "as a bearer token", oauth.InvalidToken)
	i.call(t, userinfoPath, values("access_token", access), nil).refuses(t, "as a bearer token in a form", oauth.InvalidToken)

	// The refresh token of a public client is bound as well.
	thief.refresh(t, got.text("refresh_token")).refuses(t, "the thief's refresh", oauth.InvalidGrant)
	bare := &party{issuance: i, Client: app.Client}
	bare.refresh(t, got.text("refresh_token")).refuses(t, "a refresh without a proof", oauth.InvalidGrant)
	app.refresh(t, got.text("refresh_token")).fine(t)
	if worth := i.application(t, client.Web, nil).post(t, introspectPath, "token", access); worth.Body["active"] != false {
		t.Errorf("another's: %s", worth.Text)
	}
	// A bearer token does not become one of DPoP.
	plain := bare.signsIn(t).text("access_token")
	ask(plain, app.proof(t, http.MethodGet, userinfoPath, plain)).refuses(t, "a bearer token with a proof", oauth.InvalidToken)
}

func TestDPoPBindsTheCode(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, func(m *client.Metadata) { m.DPoPBound = true })
	shop.key = newKey(t)
	code, verifier := shop.code(t, "dpop_jkt", jwkThumbprint(t, shop.key))
	thief := &party{issuance: i, Client: shop.Client, secret: shop.secret, key: newKey(t)}
	thief.redeem(t, code, verifier).refuses(t, "another key", oauth.InvalidGrant)
	bare := &party{issuance: i, Client: shop.Client, secret: shop.secret}
	bare.redeem(t, code, verifier).refuses(t, "no key", oauth.InvalidDPoPProof)
	got := shop.redeem(t, code, verifier).fine(t)
	// A confidential client may change its key.
	thief.refresh(t, got.text("refresh_token")).fine(t)
	proof := shop.proof(t, http.MethodPost, tokenPath, "")
	headers := http.Header{"Authorization": {basic(shop.ID, shop.secret)}, "Dpop": {proof}}
	form := values("grant_type", oauth.GrantRefresh, "refresh_token", "x")
	i.call(t, tokenPath, form, headers).refuses(t, "an unknown token", oauth.InvalidGrant)
	i.call(t, tokenPath, form, headers).refuses(t, "a replay", oauth.InvalidDPoPProof)
}

func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	key, other := newKey(t), newKey(t)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k-1", Use: "sig", Algorithm: oauth.ES256}}})
	ok(t, err)
	robot := i.application(t, client.Service, func(m *client.Metadata) { m.Method, m.JWKS = oauth.MethodPrivateKeyJWT, set })
	now := i.Clock.Now()
	send := func(assertion string, pairs ...string) reply {
		form := values("grant_type", oauth.GrantClientCredentials, "client_assertion", assertion, "client_assertion_type", clientauth.AssertionJWT)
		maps.Copy(form, values(pairs...))
		return i.call(t, tokenPath, form, nil)
	}
	claims := func(pairs ...any) map[string]any {
		c := map[string]any{"iss": robot.ID, "sub": robot.ID, "aud": issuer, "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "jti": rand.Text()}
		for i := 0; i+1 < len(pairs); i += 2 {
			if c[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
				delete(c, pairs[i].(string))
			}
		}
		return c
	}
	kid := map[string]any{"kid": "k-1"}
	good := signed(t, key, "JWT", claims(), kid)
	send(good).fine(t)
	send(good).refuses(t, "a replay", oauth.InvalidClient)
	send(signed(t, key, "JWT", claims("aud", []string{"https://other.example", issuer + tokenPath}), nil), "client_id", robot.ID).fine(t)
	parts := strings.Split(signed(t, key, "JWT", claims(), kid), ".")
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	ok(t, err)
	hs := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + parts[1]
	mac := hmac.New(sha256.New, public)
	mac.Write([]byte(hs))
	for name, assertion := range map[string]string{
		"another's key":        signed(t, other, "JWT", claims(), kid),
		"another key id":       signed(t, key, "JWT", claims(), map[string]any{"kid": "k-2"}),
		"none":                 base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"the key as a secret":  hs + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)),
		"another issuer":       signed(t, key, "JWT", claims("iss", "app_other"), kid),
		"another subject":      signed(t, key, "JWT", claims("sub", "app_other"), kid),
		"no subject":           signed(t, key, "JWT", claims("sub", nil), kid),
		"another audience":     signed(t, key, "JWT", claims("aud", "https://other.example/oauth2/token"), kid),
		"no audience":          signed(t, key, "JWT", claims("aud", nil), kid),
		"over":                 signed(t, key, "JWT", claims("exp", now.Unix()), kid),
		"no end":               signed(t, key, "JWT", claims("exp", nil), kid),
		"an end too far ahead": signed(t, key, "JWT", claims("exp", now.Add(time.Hour).Unix()), kid),
		"not yet":              signed(t, key, "JWT", claims("nbf", now.Add(time.Minute).Unix()), kid),
		"from the future":      signed(t, key, "JWT", claims("iat", now.Add(time.Minute).Unix()), kid),
		"no id":                signed(t, key, "JWT", claims("jti", nil), kid),
		"no token":             "x",
	} {
		if got := send(assertion); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.Text)
		}
	}
	send(signed(t, key, "JWT", claims(), kid), "client_assertion_type", "saml").refuses(t, "another type", oauth.InvalidRequest)
	send(signed(t, key, "JWT", claims(), kid), "client_id", "app_other").refuses(t, "another client_id", oauth.InvalidRequest)
	send(signed(t, key, "JWT", claims(), kid), "client_secret", "x").refuses(t, "two ways at once", oauth.InvalidRequest)
	i.call(t, tokenPath, values("grant_type", oauth.GrantClientCredentials, "client_id", robot.ID), nil).refuses(t, "nothing shown", oauth.InvalidClient)
}

func TestSelfSignedCertificate(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	key, other := newKey(t), newKey(t)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public()}}})
	ok(t, err)
	robot := i.application(t, client.Service, func(m *client.Metadata) {
		m.Method, m.JWKS, m.TLSBound = oauth.MethodSelfSignedTLS, set, true
	})
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "robot"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	come := func(key any, public any) *party {
		der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
		ok(t, err)
		with := *robot
		world := *i
		transport := i.web.Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
		t.Cleanup(transport.CloseIdleConnections)
		world.web = &http.Client{Transport: transport}
		with.issuance = &world
		return &with
	}
	got := come(key, key.Public()).token(t, "grant_type", oauth.GrantClientCredentials).fine(t)
	bound, _ := i.verified(t, got.text("access_token"), "at+jwt")["cnf"].(map[string]any)
	if x5t, _ := bound["x5t#S256"].(string); len(x5t) != 43 {
		t.Errorf("bound to %v", bound)
	}
	come(other, other.Public()).token(t, "grant_type", oauth.GrantClientCredentials).refuses(t, "another's certificate", oauth.InvalidClient)
	robot.token(t, "grant_type", oauth.GrantClientCredentials).refuses(t, "no certificate", oauth.InvalidClient)
}

func TestApplicationsThatAreNotWhoTheySay(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	robot := i.application(t, client.Service, nil)
	post := i.application(t, client.Service, func(m *client.Metadata) { m.Method = oauth.MethodPost })
	ask := func(header string, pairs ...string) reply {
		form := values("grant_type", oauth.GrantClientCredentials)
		maps.Copy(form, values(pairs...))
		headers := http.Header{}
		if header != "" {
			headers.Set("Authorization", header)
		}
		return i.call(t, tokenPath, form, headers)
	}
	ask("", "client_id", post.ID, "client_secret", post.secret).fine(t)
	before := i.Rows(t)
	var answers []string
	for name, got := range map[string]reply{
		"a wrong secret": ask(basic(robot.ID, "x")), "another's secret": ask(basic(robot.ID, post.secret)), "an unknown client": ask(basic("app_nobody", "x")),
		"no secret": ask(basic(robot.ID, "")),
	} {
		got.refuses(t, name, oauth.InvalidClient)
		answers = append(answers, got.Text)
		if got.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Basic ") || answers[0] != got.Text {
			t.Errorf("%s: %d %v %s", name, got.StatusCode, got.Header, got.Text)
		}
	}
	ask(basic(post.ID, post.secret)).refuses(t, "another way than registered", oauth.InvalidClient)
	ask("Bearer x").refuses(t, "another scheme", oauth.InvalidClient)
	ask("").refuses(t, "nobody", oauth.InvalidClient)
	ask(basic(robot.ID, robot.secret), "client_id", post.ID).refuses(t, "two names", oauth.InvalidRequest)
	// A flood is neither all recorded nor keeps the right one out.
	for range 40 {
		ask(basic(robot.ID, "x"))
	}
	if late := ask(basic(robot.ID, "x")); late.StatusCode != http.StatusTooManyRequests || late.Header.Get("Retry-After") == "" {
		t.Errorf("after many: %d %s", late.StatusCode, late.Text)
	}
	ask(basic(robot.ID, robot.secret)).fine(t)
	refused := 0
	for _, action := range i.Actions(t, before) {
		if action == journal.ApplicationRefused {
			refused++
		}
	}
	if refused < 4 || refused > 25 {
		t.Errorf("%d refusals are recorded", refused)
	}
	ok(t, i.clients.Disable(t.Context(), robot.ID, identitytest.By))
	ask(basic(robot.ID, robot.secret)).StatusCodeIs(t, http.StatusTooManyRequests)
}

// StatusCodeIs fails the test unless the reply has the status.
func (r reply) StatusCodeIs(t testing.TB, want int) {
	t.Helper()
	if r.StatusCode != want {
		t.Errorf("%s: status %d, want %d: %s", r.Request.URL, r.StatusCode, want, r.Text)
	}
}

func TestDisablingAnApplicationEndsItsTokens(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	shop := i.application(t, client.Web, nil)
	got := shop.signsIn(t)
	ok(t, i.clients.Disable(t.Context(), shop.ID, identitytest.By))
	shop.refresh(t, got.text("refresh_token")).refuses(t, "disabled", oauth.InvalidClient)
	i.person(t, got.text("access_token")).refuses(t, "disabled", oauth.InvalidToken)
}

func TestMalformedRequests(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	robot := i.application(t, client.Service, nil)
	auth := http.Header{"Authorization": {basic(robot.ID, robot.secret)}}
	raw := func(contentType, body, query string) reply {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+tokenPath+query, strings.NewReader(body))
		ok(t, err)
		r.Header = auth.Clone()
		r.Header.Set("Content-Type", contentType)
		return i.send(t, r)
	}
	const form, good = "application/x-www-form-urlencoded", "grant_type=client_credentials"
	raw(form+"; charset=utf-8", good, "").fine(t)
	raw("application/json", `{"grant_type":"client_credentials"}`, "").refuses(t, "JSON", oauth.InvalidRequest)
	raw("", good, "").refuses(t, "no type", oauth.InvalidRequest)
	raw(form, good+"&grant_type=client_credentials", "").refuses(t, "twice", oauth.InvalidRequest)
	raw(form, "", "?"+good).refuses(t, "in the address", oauth.InvalidRequest)
	raw(form, "%zz", "").refuses(t, "not encoded", oauth.InvalidRequest)
	raw(form, good+"&scope=%01", "").refuses(t, "a control character", oauth.InvalidScope)
	raw(form, good+"&scope=", "").fine(t) // as if it were not there
	if big := raw(form, good+"&x="+strings.Repeat("x", maxForm), ""); big.StatusCode != http.StatusRequestEntityTooLarge || big.text("error") != oauth.InvalidRequest {
		t.Errorf("too large: %d %s", big.StatusCode, big.Text)
	}
	if got := i.call(t, tokenPath, nil, nil); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", got.StatusCode)
	}
	none := i.call(t, userinfoPath, nil, nil)
	if none.StatusCode != http.StatusUnauthorized || strings.Contains(none.Header.Get("WWW-Authenticate"), "error") {
		t.Errorf("no token: %d %v", none.StatusCode, none.Header)
	}
	i.call(t, userinfoPath+"?access_token=x", nil, nil).StatusCodeIs(t, http.StatusUnauthorized)
	i.call(t, userinfoPath, values("access_token", "x"), http.Header{"Authorization": {"Bearer x"}}).refuses(t, "two tokens", oauth.InvalidRequest)
}

func TestWhatIsNoTextIsRefused(t *testing.T) {
	t.Parallel()
	for _, on := range []string{guildtest.SQLite(t), guildtest.Postgres(t)} { // which differ in what they make of it
		i := issuerOn(t, on)
		shop := i.application(t, client.Web, func(m *client.Metadata) { m.GrantTypes = append(m.GrantTypes, oauth.GrantPassword) })
		credentials := values("grant_type", oauth.GrantClientCredentials)
		for _, odd := range []string{"\x00", "a\x00b", "\xff"} {
			i.call(t, tokenPath, values("client_id", odd), nil).refuses(t, "client_id", oauth.InvalidRequest)
			i.call(t, tokenPath, values("client_id", "x", odd, "x"), nil).refuses(t, "a name", oauth.InvalidRequest)
			i.call(t, tokenPath, credentials, http.Header{"Authorization": {basic(odd, "x")}}).refuses(t, "the header", oauth.InvalidClient)
			shop.token(t, "grant_type", oauth.GrantPassword, "username", odd, "password", "x").refuses(t, "username", oauth.InvalidRequest)
			shop.post(t, parPath, "state", odd).refuses(t, "pushed", oauth.InvalidRequest)
			for _, name := range []string{"client_id", "request_uri", "state"} {
				form := values("client_id", shop.ID, "redirect_uri", callback)
				form.Set(name, "urn:ietf:params:oauth:request_uri:"+odd)
				i.call(t, authorizePath, form, nil).StatusCodeIs(t, http.StatusBadRequest)
			}
		}
		assertion := signed(t, newKey(t), "JWT", map[string]any{"sub": "a\x00b"}, nil)
		i.call(t, tokenPath, values("client_assertion", assertion, "client_assertion_type", clientauth.AssertionJWT), nil).refuses(t, "an assertion", oauth.InvalidClient)
	}
}

func TestApplicationsInBrowsers(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	app := i.application(t, client.SPA, nil)
	code, verifier := app.code(t)
	elsewhere := http.Header{"Origin": {"https://app.example"}, "Sec-Fetch-Site": {"cross-site"}}
	got := i.call(t, tokenPath, values("grant_type", oauth.GrantCode, "client_id", app.ID, "code", code, "redirect_uri", callback, "code_verifier", verifier), elsewhere).fine(t)
	if got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("headers %v", got.Header)
	}
	if wrong := i.call(t, tokenPath, values("client_id", app.ID), elsewhere); wrong.StatusCode != http.StatusBadRequest || wrong.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("an error: %d %v", wrong.StatusCode, wrong.Header)
	}
	for _, path := range []string{tokenPath, revokePath, userinfoPath, jwksPath, "/.well-known/openid-configuration"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, issuer+path, nil)
		ok(t, err)
		r.Header.Set("Origin", "https://app.example")
		r.Header.Set("Access-Control-Request-Headers", "authorization,dpop")
		asked := i.send(t, r)
		if asked.StatusCode != http.StatusNoContent || !strings.Contains(asked.Header.Get("Access-Control-Allow-Headers"), "DPoP") {
			t.Errorf("%s: %d %v", path, asked.StatusCode, asked.Header)
		}
	}
	// Pages, and what only servers call, are not for other sites.
	for _, path := range []string{"/sign-in", "/sign-out", introspectPath, parPath, devicePath} {
		if got := i.call(t, path, values("client_id", app.ID), elsewhere); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
}
