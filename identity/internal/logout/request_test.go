package logout_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/identitytest"
	"guildhall/identity/internal/logout"
	"guildhall/identity/internal/mint"
	"guildhall/platform/guildtest"
)

func newSQLite(t testing.TB) *world {
	t.Helper()
	return newWorld(t, guildtest.Open(t, guildtest.SQLite(t), os.DirFS("../../migrations")))
}

// hint is an ID token of the grant.
func (w *world) hint(t testing.TB, g grant.Grant, c client.Client) string {
	t.Helper()
	token, err := w.minter.IDToken(t.Context(), g, c, "", "")
	must(t, err)
	return token
}

func (w *world) read(t testing.TB, pairs ...string) logout.Request {
	t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	r, err := w.Read(t.Context(), v)
	must(t, err)
	return r
}

// spoilt fails the test unless the request is wrong and nothing of it is used.
func spoilt(t testing.TB, name string, r logout.Request, want logout.Wrong) {
	t.Helper()
	if r.Wrong != want || r.Location() != "" || r.Client != nil || r.Account+r.Session+r.State != "" {
		t.Errorf("%s: %+v, want it %s", name, r, want)
	}
}

func TestHintOfASession(t *testing.T) {
	t.Parallel()
	w := newSQLite(t)
	s, c := w.session(t, w.ann), w.application(t, nil)
	g := w.signsIn(t, s, c)
	hint := w.hint(t, g, c)
	for name, late := range map[string]time.Duration{"fresh": 0, "over for weeks": 30 * 24 * time.Hour} {
		w.Clock.Advance(late)
		r := w.read(t, "id_token_hint", hint, "post_logout_redirect_uri", back, "state", "a b&c", "client_id", c.ID, "ui_locales", "pl en", "logout_hint", "ann")
		if r.Wrong != "" || !r.Believed(w.ann, s.ID) || r.Client.ID != c.ID || r.Location() != back+"?state=a+b%26c" || len(r.Locales) != 2 {
			t.Errorf("%s: %+v", name, r)
		}
		for other, x := range map[string][2]string{"another session": {w.ann, "ses_2"}, "another account": {"usr_2", s.ID}, "no session": {w.ann, ""}} {
			if r.Believed(x[0], x[1]) {
				t.Errorf("%s: believed for %s", name, other)
			}
		}
	}
	g.Session = "" // as of a device
	if r := w.read(t, "id_token_hint", w.hint(t, g, c)); r.Wrong != "" || r.Believed(w.ann, "") || r.Believed(w.ann, s.ID) {
		t.Errorf("a hint without a session: %+v", r)
	}
}

func TestForgedHints(t *testing.T) {
	t.Parallel()
	w := newSQLite(t)
	s, c, other := w.session(t, w.ann), w.application(t, nil), w.application(t, nil)
	g := w.signsIn(t, s, c)
	hint := w.hint(t, g, c)
	parts := strings.Split(hint, ".")
	access, _, _, err := w.minter.AccessToken(t.Context(), mint.Access{Grant: &g, Client: c, Scopes: g.Scopes})
	must(t, err)
	farewell, err := w.minter.LogoutToken(t.Context(), c, w.ann, s.ID)
	must(t, err)
	ours := func(typ string, claims map[string]any) string {
		token, err := w.minter.Signing.Sign(t.Context(), "ES256", typ, claims)
		must(t, err)
		return token
	}
	claims := func(change func(map[string]any)) map[string]any {
		m := map[string]any{"iss": issuer, "sub": w.ann, "aud": c.ID, "sid": s.ID}
		change(m)
		return m
	}
	if r := w.read(t, "id_token_hint", ours(mint.TypeID, claims(func(map[string]any) {}))); !r.Believed(w.ann, s.ID) {
		t.Fatalf("what the forgeries are made from is not good: %+v", r)
	}
	for name, token := range map[string]string{
		"no token": "x", "empty parts": "..", "long": strings.Repeat("a", 19_000),
		"without signature":    parts[0] + "." + parts[1] + ".",
		"another signature":    parts[0] + "." + parts[1] + "." + strings.Split(access, ".")[2],
		"none":                 base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + ".",
		"another payload":      parts[0] + "." + strings.Split(access, ".")[1] + "." + parts[2],
		"line ends":            parts[0] + "\n." + parts[1] + "." + parts[2],
		"an access token":      access,
		"a logout token":       farewell,
		"another issuer":       ours(mint.TypeID, claims(func(m map[string]any) { m["iss"] = "https://evil.test" })),
		"no issuer":            ours(mint.TypeID, claims(func(m map[string]any) { delete(m, "iss") })),
		"no audience":          ours(mint.TypeID, claims(func(m map[string]any) { delete(m, "aud") })),
		"several audiences":    ours(mint.TypeID, claims(func(m map[string]any) { m["aud"] = []string{c.ID, other.ID} })),
		"no subject":           ours(mint.TypeID, claims(func(m map[string]any) { delete(m, "sub") })),
		"a session of numbers": ours(mint.TypeID, claims(func(m map[string]any) { m["sid"] = 7 })),
		"no type":              ours("", claims(func(map[string]any) {})),
		"a key of its own":     foreign(t, claims(func(map[string]any) {})),
	} {
		spoilt(t, name, w.read(t, "id_token_hint", token), logout.WrongHint)
		spoilt(t, name+", with a client", w.read(t, "id_token_hint", token, "client_id", c.ID, "post_logout_redirect_uri", back, "state", "s"), logout.WrongHint)
	}
	spoilt(t, "another application's", w.read(t, "id_token_hint", hint, "client_id", other.ID, "post_logout_redirect_uri", back), logout.WrongHint)
	// A key that somebody else knows is replaced: what it signed is worth nothing.
	must(t, w.minter.Signing.Replace(t.Context(), identitytest.By))
	spoilt(t, "by a key that was replaced", w.read(t, "id_token_hint", hint), logout.WrongHint)
}

// foreign is a token by a key that we do not know.
func foreign(t *testing.T, claims map[string]any) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("JWT"))
	must(t, err)
	payload, err := json.Marshal(claims)
	must(t, err)
	jws, err := signer.Sign(payload)
	must(t, err)
	text, err := jws.CompactSerialize()
	must(t, err)
	return text
}

func TestWhereSigningOutLeads(t *testing.T) {
	t.Parallel()
	w := newSQLite(t)
	c, off, bare := w.application(t, nil), w.application(t, nil), w.application(t, func(m *client.Metadata) { m.PostLogoutURIs = nil })
	must(t, w.clients.Disable(t.Context(), off.ID, identitytest.By))
	hint := w.hint(t, w.signsIn(t, w.session(t, w.ann), c), c)
	for name, x := range map[string]struct {
		params []string
		want   string
	}{
		"by client_id":            {[]string{"client_id", c.ID, "post_logout_redirect_uri", back}, back},
		"by hint":                 {[]string{"id_token_hint", hint, "post_logout_redirect_uri", back}, back},
		"with state":              {[]string{"client_id", c.ID, "post_logout_redirect_uri", back, "state", "s?1&x=#"}, back + "?state=s%3F1%26x%3D%23"},
		"with a query, and state": {[]string{"client_id", c.ID, "post_logout_redirect_uri", back + "?from=here", "state", "s"}, back + "?from=here&state=s"},
		"no address":              {[]string{"client_id", c.ID, "state", "s"}, ""},
		"nothing":                 {nil, ""},
		"only state":              {[]string{"state", "s"}, ""},
		"empty parameters":        {[]string{"client_id", "", "id_token_hint", "", "post_logout_redirect_uri", "", "state", ""}, ""},
	} {
		if r := w.read(t, x.params...); r.Wrong != "" || r.Location() != x.want {
			t.Errorf("%s: %q, %+v", name, r.Location(), r)
		}
	}
	for name, x := range map[string]struct {
		params []string
		want   logout.Wrong
	}{
		"an address and nobody":          {[]string{"post_logout_redirect_uri", back}, logout.WrongClient},
		"an unknown application":         {[]string{"client_id", "app_x", "post_logout_redirect_uri", back}, logout.WrongClient},
		"an unknown one, and nothing":    {[]string{"client_id", "app_x"}, logout.WrongClient},
		"a disabled one":                 {[]string{"client_id", off.ID, "post_logout_redirect_uri", back}, logout.WrongClient},
		"one without addresses":          {[]string{"client_id", bare.ID, "post_logout_redirect_uri", back}, logout.WrongAddress},
		"its redirect URI":               {[]string{"client_id", c.ID, "post_logout_redirect_uri", "https://shop.example/back"}, logout.WrongAddress},
		"state twice":                    {[]string{"client_id", c.ID, "post_logout_redirect_uri", back, "state", "a", "state", "b"}, logout.WrongRequest},
		"addresses, the good one first":  {[]string{"client_id", c.ID, "post_logout_redirect_uri", back, "post_logout_redirect_uri", "https://evil.test"}, logout.WrongRequest},
		"clients, the good one first":    {[]string{"client_id", c.ID, "client_id", "app_x"}, logout.WrongRequest},
		"a long state":                   {[]string{"client_id", c.ID, "post_logout_redirect_uri", back, "state", strings.Repeat("s", 2001)}, logout.WrongRequest},
		"too much":                       {[]string{"x", strings.Repeat("x", 21_000)}, logout.WrongRequest},
		"a hint, and an unknown address": {[]string{"id_token_hint", hint, "post_logout_redirect_uri", "https://evil.test"}, logout.WrongAddress},
	} {
		spoilt(t, name, w.read(t, x.params...), x.want)
	}
	for _, uri := range []string{
		"https://evil.test", "https://shop.example/bye/", "https://shop.example/bye?", "https://shop.example/bye#", "https://shop.example/bye?x=1", "https://shop.example/bye?from=here&x",
		"https://shop.example/Bye", "https://SHOP.example/bye", "http://shop.example/bye", "https://shop.example:443/bye", "https://shop.example/x/../bye", "https://shop.example//bye",
		"https://shop.example/by%65", "https://shop.example/bye%00", "https://shop.example/bye\r\nSet-Cookie: x=1", " https://shop.example/bye", "https://shop.example/bye ", "https://x@shop.example/bye",
		"https://shop.example.evil.test/bye", "https://evil.test/https://shop.example/bye", "//shop.example/bye", "/bye", "javascript:alert(1)//https://shop.example/bye", "https:shop.example/bye",
		`https://shop.example\bye`, "https://shop.example/bye;", "https://shop.exаmple/bye", "data:text/html,x",
	} {
		spoilt(t, uri, w.read(t, "client_id", c.ID, "post_logout_redirect_uri", uri, "state", "s"), logout.WrongAddress)
	}
}

// Whatever the state, the address before it stays as it is and the application
// reads the very same state.
func TestStateIsKept(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		asked := logout.Request{RedirectURI: rapid.SampledFrom([]string{back, back + "?from=here", "com.example.app:/bye", "http://127.0.0.1:8080/"}).Draw(r, "uri"),
			State: rapid.String().Draw(r, "state")}
		to := asked.Location()
		u, err := url.Parse(to)
		if err != nil || !strings.HasPrefix(to, asked.RedirectURI) || u.Query().Get("state") != asked.State || u.Fragment != "" {
			t.Errorf("%q: %v", to, err)
		}
	})
}

func TestRequestOnItsWay(t *testing.T) {
	t.Parallel()
	w := newSQLite(t)
	s, c := w.session(t, w.ann), w.application(t, nil)
	hint := w.hint(t, w.signsIn(t, s, c), c)
	open := func(text string) logout.Request {
		r, err := w.Open(t.Context(), text)
		must(t, err)
		return r
	}
	seal := func(r logout.Request) string {
		text, err := w.Seal(r)
		must(t, err)
		return text
	}
	text := seal(w.read(t, "id_token_hint", hint, "post_logout_redirect_uri", back, "state", "s", "ui_locales", "pl"))
	if strings.Contains(text, hint) || strings.Contains(text, s.ID) {
		t.Error("it tells what it holds")
	}
	if r := open(text); r.Wrong != "" || !r.Believed(w.ann, s.ID) || r.Location() != back+"?state=s" || r.Client.ID != c.ID || r.Locales[0] != "pl" {
		t.Errorf("opened %+v", r)
	}
	if r := open(seal(logout.Request{})); r.Wrong != "" || r.Location() != "" {
		t.Errorf("an empty one: %+v", r)
	}
	spoilt(t, "a wrong one stays wrong", open(seal(w.read(t, "client_id", "app_x"))), logout.WrongClient)
	elsewhere := newSQLite(t)
	theirs, err := elsewhere.Seal(logout.Request{Account: w.ann, Session: s.ID, RedirectURI: "https://evil.test"})
	must(t, err)
	flipped := []byte(text)
	flipped[len(flipped)/2] ^= 1
	for name, text := range map[string]string{"empty": "", "no base64": "*", "nothing in it": "AAAA", "cut": text[:len(text)-4], "changed": string(flipped), "another installation's": theirs,
		"sealed for something else": base64.RawURLEncoding.EncodeToString(w.Key.Seal("state", []byte(`{"uri":"https://evil.test"}`)))} {
		spoilt(t, name, open(text), logout.WrongOver)
	}
	m := c.Metadata
	m.PostLogoutURIs = []string{"https://shop.example/other"}
	_, err = w.clients.Update(t.Context(), c.ID, m, time.Time{}, identitytest.By)
	must(t, err)
	spoilt(t, "the address was taken away", open(text), logout.WrongAddress)
	must(t, w.clients.Disable(t.Context(), c.ID, identitytest.By))
	spoilt(t, "the application was disabled", open(text), logout.WrongClient)
	w.Clock.Advance(10 * time.Minute)
	spoilt(t, "after ten minutes", open(text), logout.WrongOver)
}
