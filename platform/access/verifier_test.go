package access_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"guildhall/platform/access"
	"guildhall/sdk/go/identity/revocation"
)

func (i *identity) claims() map[string]any {
	now := i.clock.Now().Unix()
	return map[string]any{"iss": issuer, "sub": "acc_a", "aud": []string{audience, issuer}, "exp": now + 600, "iat": now, "nbf": now,
		"jti": "jti-a", "client_id": "app_a", "scope": "openid roles", "auth_time": now - 60, "acr": "aal2", "amr": []string{"pwd", "otp"},
		"sid": "ses_a", "gid": "gnt_a", "roles": []string{"shop.admin"}}
}

// following is a follower of identity that knows nothing revoked, and its keys.
func following(t testing.TB, all ...signer) (*identity, *follower) {
	t.Helper()
	i := newIdentity(t)
	i.keys = keySet(t, append(all, i.key)...)
	i.begin(i.line(t, 0, 0, nil))
	f := i.follow(t)
	eventually(t, "fresh", func() bool { return f.Fresh() == nil })
	return i, f
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"ES256", "EdDSA", "RS256"} {
		key := newSigner(t, "key_of_"+algorithm, algorithm)
		i, f := following(t, key)
		c, err := f.verifier.Verify(key.token(t, "at+jwt", i.claims()), audience)
		must(t, err)
		if c.Subject != "acc_a" || c.ID != "jti-a" || c.Grant != "gnt_a" || c.Session != "ses_a" || c.Client != "app_a" || c.ACR != "aal2" ||
			strings.Join(c.Roles, " ") != "shop.admin" || strings.Join(c.Scopes, " ") != "openid roles" || !c.IssuedAt.Equal(i.clock.Now()) ||
			!c.AuthTime.Equal(i.clock.Now().Add(-time.Minute)) {
			t.Errorf("%s: %+v", algorithm, c)
		}
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	es, rs := newSigner(t, "es", "ES256"), newSigner(t, "rs", "RS256")
	i, f := following(t, es, rs)
	with := func(name string, value any) map[string]any {
		c := maps.Clone(i.claims())
		c[name] = value
		return c
	}
	now := i.clock.Now().Unix()
	header := func(change map[string]any) map[string]any {
		h := map[string]any{"alg": "ES256", "kid": "es", "typ": "at+jwt"}
		maps.Copy(h, change)
		return h
	}
	good := es.token(t, "at+jwt", i.claims())
	parts := strings.Split(good, ".")
	hmacSigned := func() string {
		input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","kid":"es","typ":"at+jwt"}`)) + "." + parts[1]
		m := hmac.New(sha256.New, keySet(t, es))
		m.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
	}
	high := []byte(parts[2])
	for name, token := range map[string]string{
		"empty":                       "",
		"two parts":                   parts[0] + "." + parts[1],
		"four parts":                  good + ".",
		"no signature":                parts[0] + "." + parts[1] + ".",
		"a line break":                parts[0] + "." + parts[1] + ".\n" + parts[2],
		"another text of the same":    good + "=",
		"half a signature":            parts[0] + "." + parts[1] + "." + string(high[:43]),
		"longer than a token":         good + strings.Repeat("a", 16<<10),
		"alg none":                    base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"es","typ":"at+jwt"}`)) + "." + parts[1] + ".",
		"public key as HMAC secret":   hmacSigned(),
		"algorithm of another key":    es.sign(t, header(map[string]any{"alg": "RS256"}), i.claims()),
		"key of another algorithm":    rs.sign(t, header(map[string]any{"alg": "RS256"}), i.claims()),
		"unknown key":                 es.sign(t, header(map[string]any{"kid": "other"}), i.claims()),
		"no key id":                   es.sign(t, header(map[string]any{"kid": ""}), i.claims()),
		"a critical header":           es.sign(t, header(map[string]any{"crit": []string{"b64"}, "b64": false}), i.claims()),
		"an ID token":                 es.token(t, "JWT", i.claims()),
		"a logout token":              es.token(t, "logout+jwt", i.claims()),
		"a line of the feed":          es.token(t, revocation.TypeRevocations, i.claims()),
		"another issuer":              es.token(t, "at+jwt", with("iss", issuer+"/")),
		"no issuer":                   es.token(t, "at+jwt", with("iss", "")),
		"another audience":            es.token(t, "at+jwt", with("aud", []string{issuer})),
		"an audience with more":       es.token(t, "at+jwt", with("aud", audience+".evil.example")),
		"an audience that is no list": es.token(t, "at+jwt", with("aud", audience)),
		"no audience":                 es.token(t, "at+jwt", with("aud", []string{})),
		"over":                        es.token(t, "at+jwt", with("exp", now-5)),
		"not yet":                     es.token(t, "at+jwt", with("nbf", now+6)),
		"issued in the future":        es.token(t, "at+jwt", with("iat", now+6)),
		"bound to a key":              es.token(t, "at+jwt", with("cnf", map[string]string{"jkt": "x"})),
		"no id":                       es.token(t, "at+jwt", with("jti", "")),
		"no subject":                  es.token(t, "at+jwt", with("sub", "")),
		"no client":                   es.token(t, "at+jwt", with("client_id", "")),
		"never issued":                es.token(t, "at+jwt", with("iat", 0)),
		"a number of the wrong kind":  es.token(t, "at+jwt", with("exp", "tomorrow")),
	} {
		if _, err := f.verifier.Verify(token, audience); !errors.Is(err, access.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.verifier.Verify(good, ""); !errors.Is(err, access.ErrToken) {
		t.Errorf("for nobody: %v", err)
	}
	for name, token := range map[string]string{
		"over, by a clock's error":  es.token(t, "at+jwt", with("exp", now-4)),
		"early, by a clock's error": es.token(t, "at+jwt", with("nbf", now+5)),
	} {
		if _, err := f.verifier.Verify(token, audience); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyAsksForRevocations(t *testing.T) {
	t.Parallel()
	es := newSigner(t, "es", "ES256")
	i, f := following(t, es)
	token := es.token(t, "at+jwt", i.claims())
	i.say(i.line(t, 0, 1, nil, i.entry(1, revocation.KindSession, "ses_a")))
	eventually(t, "heard", func() bool { return f.Sequence() == 1 })
	if _, err := f.verifier.Verify(token, audience); err != nil {
		t.Errorf("its session alone ended: %v", err)
	}
	i.clock.Advance(lease)
	c, err := f.verifier.Verify(token, audience)
	if !errors.Is(err, access.ErrStale) || c.Subject != "acc_a" {
		t.Errorf("beyond the lease: %v of %q", err, c.Subject)
	}
	if _, err := f.verifier.Verify(token, issuer+"/other"); !errors.Is(err, access.ErrToken) {
		t.Errorf("beyond the lease and for others: %v", err)
	}
	i.say(i.line(t, 1, 2, nil, i.entry(2, revocation.KindGrant, "gnt_a")))
	eventually(t, "fresh", func() bool { return f.Fresh() == nil })
	if c, err := f.verifier.Verify(token, audience); !errors.Is(err, access.ErrRevoked) || c.Subject != "" {
		t.Errorf("revoked: %v of %q", err, c.Subject)
	}
	empty := access.Verifier{Set: access.NewSet(0, i.clock.Now), Now: i.clock.Now}
	if _, err := empty.Verify(token, audience); !errors.Is(err, access.ErrStale) {
		t.Errorf("before the keys have come: %v", err)
	}
}
