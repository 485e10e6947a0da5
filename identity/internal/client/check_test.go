package client_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
)

func TestPresetsAreGood(t *testing.T) {
	t.Parallel()
	for _, kind := range client.Kinds() {
		if err := client.Check(preset(t, kind), false); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := client.Preset("toaster"); !slices.Equal(fields(err), []string{"kind"}) {
		t.Errorf("no such kind: %v", err)
	}
}

func TestWrongMetadata(t *testing.T) {
	t.Parallel()
	key := keySet(t, public(t, "k1"))
	for name, test := range map[string]struct {
		kind   string
		change func(*client.Metadata)
		want   []string
	}{
		"no name":              {client.Web, func(m *client.Metadata) { m.Name = " " }, []string{"client_name"}},
		"a long name":          {client.Web, func(m *client.Metadata) { m.Name = strings.Repeat("ł", 101) }, []string{"client_name"}},
		"blanks round a name":  {client.Web, func(m *client.Metadata) { m.Name = "Shop " }, []string{"client_name"}},
		"a turned name":        {client.Web, func(m *client.Metadata) { m.Name = "a\u202eb" }, []string{"client_name"}},
		"lines in a name":      {client.Web, func(m *client.Metadata) { m.Name = "a\nb" }, []string{"client_name"}},
		"broken UTF-8":         {client.Web, func(m *client.Metadata) { m.Name = "a\xff" }, []string{"client_name"}},
		"no such kind":         {client.Web, func(m *client.Metadata) { m.Kind = "toaster" }, []string{"kind"}},
		"no such method":       {client.Web, func(m *client.Metadata) { m.Method = "client_secret_jwt" }, []string{"token_endpoint_auth_method"}},
		"a secret in browsers": {client.SPA, func(m *client.Metadata) { m.Method = oauth.MethodBasic }, []string{"token_endpoint_auth_method"}},

		"keys are missing":       {client.Web, func(m *client.Metadata) { m.Method = oauth.MethodPrivateKeyJWT }, []string{"jwks"}},
		"certificate is missing": {client.Web, func(m *client.Metadata) { m.Method = oauth.MethodSelfSignedTLS }, []string{"jwks"}},
		"keys without use":       {client.Web, func(m *client.Metadata) { m.JWKS = key }, []string{"jwks"}},
		"name is missing":        {client.Web, func(m *client.Metadata) { m.Method = oauth.MethodTLS }, []string{"tls_client_auth_san_dns"}},
		"name without use":       {client.Web, func(m *client.Metadata) { m.TLSSubjectDNS = "shop.example.org" }, []string{"tls_client_auth_san_dns"}},
		"a wildcard name":        {client.Web, func(m *client.Metadata) { m.Method, m.TLSSubjectDNS = oauth.MethodTLS, "*.example.org" }, []string{"tls_client_auth_san_dns"}},
		"a name in capitals":     {client.Web, func(m *client.Metadata) { m.Method, m.TLSSubjectDNS = oauth.MethodTLS, "Shop.example.org" }, []string{"tls_client_auth_san_dns"}},
		"a long TLS name":        {client.Web, func(m *client.Metadata) { m.Method, m.TLSSubjectDNS = oauth.MethodTLS, strings.Repeat("a.", 127)+"org" }, []string{"tls_client_auth_san_dns"}},

		"no grant type":              {client.Service, func(m *client.Metadata) { m.GrantTypes = nil }, []string{"grant_types"}},
		"no such grant type":         {client.Web, func(m *client.Metadata) { m.GrantTypes = append(m.GrantTypes, "magic") }, []string{"grant_types[2]"}},
		"a grant type twice":         {client.Web, func(m *client.Metadata) { m.GrantTypes = append(m.GrantTypes, oauth.GrantCode) }, []string{"grant_types[2]"}},
		"a public service":           {client.Service, func(m *client.Metadata) { m.Method = oauth.MethodNone }, []string{"grant_types"}},
		"a public application's own": {client.Native, func(m *client.Metadata) { m.GrantTypes = append(m.GrantTypes, oauth.GrantClientCredentials) }, []string{"grant_types"}},
		"refresh of nothing":         {client.Service, func(m *client.Metadata) { m.GrantTypes = append(m.GrantTypes, oauth.GrantRefresh) }, []string{"grant_types"}},
		"no such response type":      {client.Web, func(m *client.Metadata) { m.ResponseTypes = append(m.ResponseTypes, "code token") }, []string{"response_types[1]"}},
		"a response type twice":      {client.Web, func(m *client.Metadata) { m.ResponseTypes = append(m.ResponseTypes, "code") }, []string{"response_types[1]"}},
		"no response type":           {client.Web, func(m *client.Metadata) { m.ResponseTypes = nil }, []string{"response_types"}},
		"implicit by the way":        {client.SPA, func(m *client.Metadata) { m.ResponseTypes = append(m.ResponseTypes, "id_token token") }, []string{"response_types[1]"}},
		"implicit without response":  {client.SPA, func(m *client.Metadata) { m.GrantTypes = append(m.GrantTypes, oauth.GrantImplicit) }, []string{"response_types"}},
		"a scope of two words":       {client.Web, func(m *client.Metadata) { m.Scopes = oauth.Scopes{"a b"} }, []string{"scopes[0]"}},
		"a scope twice":              {client.Web, func(m *client.Metadata) { m.Scopes = oauth.Scopes{"a", "a"} }, []string{"scopes[1]"}},
		"an empty scope":             {client.Web, func(m *client.Metadata) { m.Scopes = oauth.Scopes{""} }, []string{"scopes[0]"}},
		"a scope in Polish":          {client.Web, func(m *client.Metadata) { m.Scopes = oauth.Scopes{"a", "ą"} }, []string{"scopes[1]"}},
		"many scopes":                {client.Web, func(m *client.Metadata) { m.Scopes = many(51) }, []string{"scopes"}},
		"roles for another's":        {client.Web, func(m *client.Metadata) { m.Scopes = oauth.Scopes{oauth.ScopeRoles} }, []string{"scopes"}},

		"no redirect URI":   {client.Web, func(m *client.Metadata) { m.RedirectURIs = nil }, []string{"redirect_uris"}},
		"a URI without use": {client.Service, func(m *client.Metadata) { m.RedirectURIs = []string{"https://shop.example.org/"} }, []string{"redirect_uris"}},
		"a URI twice":       {client.Web, func(m *client.Metadata) { m.RedirectURIs = append(m.RedirectURIs, m.RedirectURIs[0]) }, []string{"redirect_uris[1]"}},
		"many URIs":         {client.Web, func(m *client.Metadata) { m.RedirectURIs = many(21) }, []string{"redirect_uris"}},
		"a bad URI after logout": {client.Web, func(m *client.Metadata) {
			m.PostLogoutURIs = []string{"https://shop.example.org/", "http://x.example/"}
		}, []string{"post_logout_redirect_uris[1]"}},
		"a bad logout URI":       {client.Native, func(m *client.Metadata) { m.BackchannelLogoutURI = "http://127.0.0.1/logout" }, []string{"backchannel_logout_uri"}},
		"a logout URI of an app": {client.Native, func(m *client.Metadata) { m.BackchannelLogoutURI = "org.example.shop:/logout" }, []string{"backchannel_logout_uri"}},
		"session without URI":    {client.Web, func(m *client.Metadata) { m.BackchannelSession = true }, []string{"backchannel_logout_session_required"}},
		"a relative audience":    {client.Web, func(m *client.Metadata) { m.Audiences = []string{"api"} }, []string{"audiences[0]"}},
		"a part of an audience":  {client.Web, func(m *client.Metadata) { m.Audiences = []string{"https://a.example/#x"} }, []string{"audiences[0]"}},
		"an empty audience":      {client.Web, func(m *client.Metadata) { m.Audiences = []string{"https:"} }, []string{"audiences[0]"}},
		"a long audience":        {client.Web, func(m *client.Metadata) { m.Audiences = []string{"https://a.example/" + strings.Repeat("a", 1000)} }, []string{"audiences[0]"}},
		"an audience twice":      {client.Web, func(m *client.Metadata) { m.Audiences = []string{"urn:a:b", "urn:a:b"} }, []string{"audiences[1]"}},

		"HMAC for ID tokens":      {client.Web, func(m *client.Metadata) { m.IDTokenAlgorithm = "HS256" }, []string{"id_token_signed_response_alg"}},
		"none for ID tokens":      {client.Web, func(m *client.Metadata) { m.IDTokenAlgorithm = "none" }, []string{"id_token_signed_response_alg"}},
		"none for access tokens":  {client.Web, func(m *client.Metadata) { m.AccessTokenAlgorithm = "none" }, []string{"access_token_signed_response_alg"}},
		"a short life":            {client.Web, func(m *client.Metadata) { m.AccessTokenLife = 59 * time.Second }, []string{"access_token_life"}},
		"a long life":             {client.Web, func(m *client.Metadata) { m.AccessTokenLife = time.Hour + time.Second }, []string{"access_token_life"}},
		"a negative life":         {client.Web, func(m *client.Metadata) { m.RefreshLife = -time.Hour }, []string{"refresh_token_life"}},
		"an odd life":             {client.Web, func(m *client.Metadata) { m.RefreshIdle = time.Hour + 1 }, []string{"refresh_token_idle"}},
		"idle longer than life":   {client.Web, func(m *client.Metadata) { m.RefreshIdle, m.RefreshLife = 3*time.Hour, 2*time.Hour }, []string{"refresh_token_idle"}},
		"two bindings":            {client.Web, func(m *client.Metadata) { m.DPoPBound, m.TLSBound = true, true }, []string{"dpop_bound_access_tokens"}},
		"TLS in browsers":         {client.SPA, func(m *client.Metadata) { m.TLSBound = true }, []string{"tls_client_certificate_bound_access_tokens"}},
		"public without PKCE":     {client.Native, func(m *client.Metadata) { m.PKCEOptional = true }, []string{"pkce_optional"}},
		"requests of none":        {client.Device, func(m *client.Metadata) { m.RequirePAR = true }, []string{"require_pushed_authorization_requests"}},
		"more than one is wrong":  {client.Web, func(m *client.Metadata) { m.Name, m.RedirectURIs, m.RefreshLife = "", nil, 1 }, []string{"client_name", "redirect_uris", "refresh_token_life"}},
		"nothing at all is given": {client.Web, func(m *client.Metadata) { *m = client.Metadata{} }, []string{"kind", "client_name", "token_endpoint_auth_method", "grant_types"}},
	} {
		m := preset(t, test.kind)
		test.change(&m)
		if got := fields(client.Check(m, false)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func many(n int) (uris []string) {
	for i := range n {
		uris = append(uris, fmt.Sprintf("https://shop.example.org/%d", i))
	}
	return uris
}

func public(t testing.TB, kid string) jose.JSONWebKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return jose.JSONWebKey{Key: key.Public(), KeyID: kid, Use: "sig"}
}

func keySet(t testing.TB, keys ...jose.JSONWebKey) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	must(t, err)
	return text
}

func TestKeysOfApplications(t *testing.T) {
	t.Parallel()
	ec := public(t, "k1")
	ed, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	weak := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	strong := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 2047, 1), E: 65537}
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 9000, 1), E: 65537}
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	must(t, err)
	encryption := ec
	encryption.Use = "enc"
	one, err := json.Marshal(ec)
	must(t, err)
	check := func(set json.RawMessage) error {
		m := preset(t, client.Web)
		m.Method, m.JWKS = oauth.MethodPrivateKeyJWT, set
		return client.Check(m, false)
	}
	for name, set := range map[string]json.RawMessage{
		"EC":           keySet(t, ec),
		"EC and OKP":   keySet(t, ec, jose.JSONWebKey{Key: ed, KeyID: "k2"}),
		"RSA":          keySet(t, jose.JSONWebKey{Key: strong}),
		"without kids": keySet(t, jose.JSONWebKey{Key: ed}, jose.JSONWebKey{Key: strong}),
	} {
		if err := check(set); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, set := range map[string]json.RawMessage{
		"no JSON":          json.RawMessage(`{`),
		"null":             json.RawMessage(`null`),
		"a list":           json.RawMessage(`[]`),
		"no keys":          json.RawMessage(`{"keys":[]}`),
		"other members":    json.RawMessage(`{"keys":[` + string(one) + `],"password":"x"}`),
		"two texts":        json.RawMessage(`{"keys":[` + string(one) + `]}{}`),
		"a key alone":      one,
		"a number":         json.RawMessage(`{"keys":[7]}`),
		"symmetric":        json.RawMessage(`{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldA"}]}`),
		"unknown":          json.RawMessage(`{"keys":[{"kty":"XYZ"}]}`),
		"not on the curve": json.RawMessage(`{"keys":[{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}]}`),
		"private OKP":      keySet(t, jose.JSONWebKey{Key: edPrivate}),
		"one private":      keySet(t, ec, jose.JSONWebKey{Key: edPrivate}),
		"a private part":   json.RawMessage(strings.Replace(string(keySet(t, ec)), `"kty"`, `"d":"c2VjcmV0LXNlY3JldA","kty"`, 1)),
		"one kid twice":    keySet(t, ec, ec),
		"for encryption":   keySet(t, encryption),
		"weak RSA":         keySet(t, jose.JSONWebKey{Key: weak}),
		"huge RSA":         keySet(t, jose.JSONWebKey{Key: huge}),
		"P-521":            keySet(t, jose.JSONWebKey{Key: p521.Public()}),
		"its algorithm":    keySet(t, jose.JSONWebKey{Key: strong, Algorithm: "RS512"}),
		"another's":        keySet(t, jose.JSONWebKey{Key: strong, Algorithm: "ES256"}),
		"too many":         keySet(t, slices.Repeat([]jose.JSONWebKey{{Key: ed}}, 11)...),
		"too large":        json.RawMessage(`{"keys":[` + strings.Repeat(" ", 17<<10) + string(one) + `]}`),
	} {
		err := check(set)
		if !slices.Equal(fields(err), []string{"jwks"}) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: the error repeats the key: %v", name, err)
		}
	}
	certified := preset(t, client.Web) // its keys sign no assertions
	certified.Method, certified.JWKS = oauth.MethodSelfSignedTLS, keySet(t, jose.JSONWebKey{Key: p521.Public()})
	must(t, client.Check(certified, false))
	if keys, err := (&client.Metadata{JWKS: keySet(t, ec)}).Keys(); err != nil || len(keys) != 1 || keys[0].KeyID != "k1" {
		t.Errorf("keys: %v, %v", keys, err)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	var m client.Metadata
	idle, life := m.RefreshLives()
	if m.AccessLife() != 10*time.Minute || idle != 30*day || life != 180*day || m.IDAlgorithm() != "ES256" || m.AccessAlgorithm() != "ES256" {
		t.Errorf("defaults: %v, %v, %v, %s, %s", m.AccessLife(), idle, life, m.IDAlgorithm(), m.AccessAlgorithm())
	}
	m.RefreshLife = time.Hour
	if idle, life := m.RefreshLives(); idle != time.Hour || life != time.Hour {
		t.Errorf("a short life: %v, %v", idle, life)
	}
	m.ResponseTypes = []string{"id_token token", "code"}
	for asked, want := range map[string]bool{"code": true, "token id_token": true, "id_token  token": true, "token": false, "": false, " ": false, "code token": false, "code code": false} {
		if m.AllowsResponse(asked) != want {
			t.Errorf("response type %q: want %v", asked, want)
		}
	}
}
