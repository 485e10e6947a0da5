package e2e

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"guildhall/sdk/go/identity"
)

// Where applications have people come back to. Nobody is there: what the browser is
// sent there with is the answer.
const (
	backURL = "https://app.example.com/back"
	byeURL  = "https://app.example.com/bye"
)

// party is an application as its own code knows it.
type party struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret,omitempty"`
	// Keys are its private keys, by algorithm.
	Keys map[string]jose.JSONWebKey `json:"keys,omitempty"`
}

// parties are applications of every kind and way to show who they are.
type parties struct {
	*server
	administration *identity.Client
	all            map[string]party
}

const everyScope = "openid profile email offline_access"

// newParties registers them. Names say what is special.
func newParties(t *testing.T, s *server) parties {
	t.Helper()
	token := strings.TrimSpace(must(t, "admin", "token", "--data", s.data, "--name", t.Name()))
	p := parties{s, identity.New(identity.Options{URL: s.service("identity"), Token: token, HTTP: s.browser(t)}), map[string]party{}}
	keys, public := newKeys(t)
	web := func(change func(*identity.Metadata)) identity.Metadata {
		m := identity.Metadata{Kind: "web", RedirectURIs: []string{backURL}, PostLogoutURIs: []string{byeURL}, Scopes: strings.Fields(everyScope)}
		change(&m)
		return m
	}
	service := func(method string) identity.Metadata {
		return identity.Metadata{Kind: "service", Method: method, Scopes: []string{"orders.read"}}
	}
	byKey := service("private_key_jwt")
	byKey.JWKS = public
	for name, m := range map[string]identity.Metadata{
		"basic": web(func(*identity.Metadata) {}),
		"shy":   web(func(*identity.Metadata) {}),
		"post":  web(func(m *identity.Metadata) { m.Method = "client_secret_post" }),
		"key":   web(func(m *identity.Metadata) { m.Method, m.JWKS = "private_key_jwt", public }),
		"par":   web(func(m *identity.Metadata) { m.RequirePAR = true }),
		"spa":   web(func(m *identity.Metadata) { m.Kind = "spa" }),
		"dpop":  web(func(m *identity.Metadata) { m.Kind, m.DPoPBound = "spa", true }),
		"ES256": web(func(m *identity.Metadata) { m.IDTokenAlgorithm, m.AccessTokenAlgorithm = "ES256", "ES256" }),
		"EdDSA": web(func(m *identity.Metadata) { m.IDTokenAlgorithm, m.AccessTokenAlgorithm = "EdDSA", "EdDSA" }),
		"RS256": web(func(m *identity.Metadata) { m.IDTokenAlgorithm, m.AccessTokenAlgorithm = "RS256", "RS256" }),
		"implicit": web(func(m *identity.Metadata) {
			m.Kind, m.GrantTypes, m.ResponseTypes = "spa", []string{"implicit"}, []string{"id_token"}
		}),
		"native":       {Kind: "native", RedirectURIs: []string{"http://127.0.0.1/back"}},
		"device":       {Kind: "device"},
		"service":      service(""),
		"service_post": service("client_secret_post"),
		"service_key":  byKey,
	} {
		m.Name = name
		registered := p.registers(t, m)
		if m.JWKS != nil {
			registered.Keys = keys
		}
		p.all[name] = registered
	}
	return p
}

// registers makes an application.
func (p parties) registers(t *testing.T, m identity.Metadata) party {
	t.Helper()
	made, err := p.administration.CreateApplication(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return party{ID: made.ID, Secret: made.Secret}
}

// newKeys are one for each algorithm, and the set of their public halves.
func newKeys(t *testing.T) (keys map[string]jose.JSONWebKey, public json.RawMessage) {
	t.Helper()
	keys = map[string]jose.JSONWebKey{}
	var set jose.JSONWebKeySet
	for algorithm, make := range map[string]func() (crypto.PrivateKey, error){
		"ES256":   func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"ES384":   func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
		"Ed25519": func() (crypto.PrivateKey, error) { _, key, err := ed25519.GenerateKey(rand.Reader); return key, err },
		"RS256":   func() (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		"PS256":   func() (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) },
	} {
		key, err := make()
		if err != nil {
			t.Fatal(err)
		}
		keys[algorithm] = jose.JSONWebKey{Key: key, KeyID: algorithm}
		known := map[string]string{"Ed25519": "EdDSA"} // as it was called before RFC 9864
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.(crypto.Signer).Public(), KeyID: algorithm, Algorithm: cmp.Or(known[algorithm], algorithm), Use: "sig"})
	}
	public, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return keys, public
}

// Clients that others wrote get on with the provider, unmodified.
func TestOpenIDClients(t *testing.T) {
	t.Parallel()
	p := newParties(t, start(t, t.TempDir()))
	anna := reads(t, p.server, "anna@example.com", "Anna Nowak")
	t.Run("openid-client", func(t *testing.T) { t.Parallel(); p.node(t, anna, "openid_client.mjs") })
	t.Run("go-oidc", func(t *testing.T) { t.Parallel(); p.goClients(t, anna) })
	t.Run("authlib", func(t *testing.T) { t.Parallel(); p.python(t, anna, "authlib_client.py") })
	t.Run("oauth4webapi", func(t *testing.T) { t.Parallel(); p.node(t, anna, "oauth4webapi.mjs") })
}
