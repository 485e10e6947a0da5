package identity

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
)

func TestAlgorithmOfEachApplication(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	for _, algorithm := range []string{oauth.ES256, oauth.EdDSA, oauth.RS256} {
		shop := i.application(t, client.Web, func(m *client.Metadata) { m.IDTokenAlgorithm, m.AccessTokenAlgorithm = algorithm, algorithm })
		got := shop.signsIn(t)
		for _, name := range []string{"id_token", "access_token"} {
			if _, err := jose.ParseSignedCompact(got.text(name), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)}); err != nil {
				t.Errorf("the %s of a client of %s: %v", name, algorithm, err)
			}
		}
		// OpenID Connect Core, 3.1.3.6; Ed25519 hashes by SHA-512.
		sum := sha256.Sum256([]byte(got.text("access_token")))
		half := sum[:16]
		if algorithm == oauth.EdDSA {
			long := sha512.Sum512([]byte(got.text("access_token")))
			half = long[:32]
		}
		if said := i.verified(t, got.text("id_token"), "JWT")["at_hash"]; said != base64.RawURLEncoding.EncodeToString(half) {
			t.Errorf("%s: at_hash %v", algorithm, said)
		}
		i.person(t, got.text("access_token")).fine(t)
	}
}

func TestImplicitWhereItIsAllowed(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	old := i.application(t, client.SPA, func(m *client.Metadata) {
		m.GrantTypes, m.ResponseTypes = []string{oauth.GrantImplicit}, []string{oauth.ResponseIDToken, oauth.ResponseIDTokenToken}
	})
	for _, kind := range old.ResponseTypes {
		back := i.lands(t, authorizePath+"?"+values("response_type", kind, "client_id", old.ID, "redirect_uri", callback,
			"scope", "openid email", "nonce", "n-1", "state", "s-1").Encode())
		said, err := back.Parse("?" + back.Fragment)
		ok(t, err)
		about := i.verified(t, said.Query().Get("id_token"), "JWT")
		// Who has no access token cannot ask userinfo.
		if back.RawQuery != "" || about["nonce"] != "n-1" || (about["email"] == i.anna.Email) != (kind == oauth.ResponseIDToken) {
			t.Errorf("%s: %v", kind, about)
		}
		if token := said.Query().Get("access_token"); kind == oauth.ResponseIDTokenToken {
			i.person(t, token).fine(t)
		} else if token != "" {
			t.Errorf("%s: there is an access token", kind)
		}
	}
}
