package authorize

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
)

const (
	issuer  = "https://identity.example.test"
	back    = "https://shop.example.test/back"
	s256    = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	another = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
)

// web is an application with a server, browser one without, both as the presets
// make them.
func web() *client.Client     { return preset(client.Web) }
func browser() *client.Client { return preset(client.SPA) }

func preset(kind string) *client.Client {
	m, err := client.Preset(kind)
	if err != nil {
		panic(err)
	}
	m.Name, m.RedirectURIs, m.Audiences = "Shop", []string{back}, []string{"https://api.example.test"}
	return &client.Client{ID: "app_1", State: client.Active, Metadata: m}
}

// implicit is an application that was allowed the implicit grant.
func implicit() *client.Client {
	c := browser()
	c.GrantTypes = append(c.GrantTypes, oauth.GrantImplicit)
	c.ResponseTypes = append(c.ResponseTypes, oauth.ResponseToken, oauth.ResponseIDToken, oauth.ResponseIDTokenToken)
	return c
}

// params is a good request with changes: name, value, name, value; "-" takes a
// parameter away, and a name twice is there twice.
func params(changes ...string) url.Values {
	v := url.Values{"client_id": {"app_1"}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s1"},
		"code_challenge": {s256}, "code_challenge_method": {"S256"}}
	seen := map[string]bool{}
	for i := 0; i+1 < len(changes); i += 2 {
		name, value := changes[i], changes[i+1]
		switch {
		case value == "-":
			v.Del(name)
		case seen[name]:
			v.Add(name, value)
		default:
			v.Set(name, value)
		}
		seen[name] = true
	}
	return v
}

func TestRead(t *testing.T) {
	t.Parallel()
	r, bad := read(web(), params("nonce", "n1", "prompt", "login consent", "max_age", "0", "acr_values", "aal2 aal1", "login_hint", "anna@example.test",
		"ui_locales", "pl-PL en", "resource", "https://api.example.test", "resource", issuer, "resource", "https://api.example.test", "dpop_jkt", another,
		"claims", `{"id_token":{"acr":{"essential":true,"values":["aal2"]},"email":null},"userinfo":{"name":null}}`), issuer)
	if bad != nil {
		t.Fatal(bad)
	}
	want := &Request{Client: "app_1", ResponseType: "code", Mode: "query", State: "s1", Scopes: oauth.Scopes{"openid", "email"}, Nonce: "n1", Challenge: s256,
		Prompt: []string{"login", "consent"}, ACR: []string{"aal2", "aal1", "aal2"}, LoginHint: "anna@example.test", Locales: []string{"pl-PL", "en"},
		Audiences: []string{"https://api.example.test", issuer}, JKT: another, Demanded: []string{"aal2"},
		Claims: []byte(`{"userinfo":{"name":null},"id_token":{"acr":{"essential":true,"values":["aal2"]},"email":null}}`)}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

// TestBadRequests has what is answered to the application with an error, and the
// PKCE downgrades among it.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxParams)
	for name, try := range map[string]struct {
		client *client.Client
		params url.Values
		code   string
		mode   string
	}{
		"no response type":           {web(), params("response_type", "-"), oauth.InvalidRequest, "query"},
		"unknown response type":      {web(), params("response_type", "ticket"), oauth.UnsupportedResponseType, "query"},
		"hybrid":                     {web(), params("response_type", "code id_token"), oauth.UnsupportedResponseType, "fragment"},
		"none":                       {web(), params("response_type", "none"), oauth.UnsupportedResponseType, "query"},
		"implicit, not allowed":      {web(), params("response_type", "token"), oauth.UnauthorizedClient, "fragment"},
		"implicit by type alone":     {typeAlone(), params("response_type", "token"), oauth.UnauthorizedClient, "fragment"},
		"no code for a device":       {preset(client.Device), params(), oauth.UnauthorizedClient, "query"},
		"bound tokens, implicit":     {bound(), params("response_type", "token"), oauth.UnauthorizedClient, "fragment"},
		"tokens in a query":          {implicit(), params("response_type", "token", "response_mode", "query"), oauth.InvalidRequest, "fragment"},
		"unknown mode":               {web(), params("response_mode", "web_message"), oauth.InvalidRequest, "query"},
		"no challenge":               {browser(), params("code_challenge", "-", "code_challenge_method", "-"), oauth.InvalidRequest, "query"},
		"no challenge, confidential": {web(), params("code_challenge", "-", "code_challenge_method", "-"), oauth.InvalidRequest, "query"},
		"optional for a public one":  {optional(browser()), params("code_challenge", "-", "code_challenge_method", "-"), oauth.InvalidRequest, "query"},
		"empty challenge":            {optional(web()), params("code_challenge", ""), oauth.InvalidRequest, "query"},
		"method without challenge":   {optional(web()), params("code_challenge", "-"), oauth.InvalidRequest, "query"},
		"plain":                      {web(), params("code_challenge_method", "plain"), oauth.InvalidRequest, "query"},
		"plain, optional":            {optional(web()), params("code_challenge_method", "plain"), oauth.InvalidRequest, "query"},
		"plain by default":           {web(), params("code_challenge_method", "-"), oauth.InvalidRequest, "query"},
		"method in small letters":    {web(), params("code_challenge_method", "s256"), oauth.InvalidRequest, "query"},
		"short challenge":            {web(), params("code_challenge", s256[1:]), oauth.InvalidRequest, "query"},
		"padded challenge":           {web(), params("code_challenge", s256+"="), oauth.InvalidRequest, "query"},
		"challenge with loose bits":  {web(), params("code_challenge", s256[:42]+"N"), oauth.InvalidRequest, "query"},
		"challenge of base64":        {web(), params("code_challenge", strings.ReplaceAll(s256, "-", "+")), oauth.InvalidRequest, "query"},
		"challenge twice":            {web(), params("code_challenge", s256, "code_challenge", another), oauth.InvalidRequest, "query"},
		"method twice":               {web(), params("code_challenge_method", "plain", "code_challenge_method", "S256"), oauth.InvalidRequest, "query"},
		"state twice":                {web(), params("state", "a", "state", "b"), oauth.InvalidRequest, "query"},
		"scope twice":                {web(), params("scope", "openid", "scope", "email"), oauth.InvalidRequest, "query"},
		"response type twice":        {web(), params("response_type", "code", "response_type", "code"), oauth.InvalidRequest, "query"},
		"nonce twice":                {web(), params("nonce", "a", "nonce", "a"), oauth.InvalidRequest, "query"},
		"unknown name twice":         {web(), params("x", "a", "x", "a"), oauth.InvalidRequest, "query"},
		"scope not registered":       {web(), params("scope", "openid admin"), oauth.InvalidScope, "query"},
		"malformed scope":            {web(), params("scope", `open"id`), oauth.InvalidScope, "query"},
		"ID token without openid":    {implicit(), params("response_type", "id_token", "scope", "email", "nonce", "n"), oauth.InvalidRequest, "fragment"},
		"ID token without nonce":     {implicit(), params("response_type", "id_token"), oauth.InvalidRequest, "fragment"},
		"both without nonce":         {implicit(), params("response_type", "token id_token"), oauth.InvalidRequest, "fragment"},
		"long nonce":                 {web(), params("nonce", strings.Repeat("n", maxNonce+1)), oauth.InvalidRequest, "query"},
		"none and login":             {web(), params("prompt", "none login"), oauth.InvalidRequest, "query"},
		"unknown prompt":             {web(), params("prompt", "maybe"), oauth.InvalidRequest, "query"},
		"negative age":               {web(), params("max_age", "-1"), oauth.InvalidRequest, "query"},
		"fractional age":             {web(), params("max_age", "1.5"), oauth.InvalidRequest, "query"},
		"signed age":                 {web(), params("max_age", "+1"), oauth.InvalidRequest, "query"},
		"endless age":                {web(), params("max_age", "9999999999"), oauth.InvalidRequest, "query"},
		"blank age":                  {web(), params("max_age", " 1"), oauth.InvalidRequest, "query"},
		"age in words":               {web(), params("max_age", "an hour"), oauth.InvalidRequest, "query"},
		"signed request":             {web(), params("request", "eyJhbGciOiJub25lIn0.e30."), oauth.RequestNotSupported, "query"},
		"request of elsewhere":       {web(), params("request_uri", "https://shop.example.test/request.jwt"), oauth.RequestURINotSupported, "query"},
		"registration":               {web(), params("registration", "{}"), oauth.RegistrationNotSupported, "query"},
		"resource not registered":    {web(), params("resource", "https://bank.example.test"), oauth.InvalidTarget, "query"},
		"one resource of two":        {web(), params("resource", issuer, "resource", "https://api.example.test/"), oauth.InvalidTarget, "query"},
		"many resources":             {web(), params(slices.Repeat([]string{"resource", issuer}, maxAudiences+1)...), oauth.InvalidTarget, "query"},
		"claims are no object":       {web(), params("claims", "[]"), oauth.InvalidRequest, "query"},
		"claims are no JSON":         {web(), params("claims", "{"), oauth.InvalidRequest, "query"},
		"claims of a wrong shape":    {web(), params("claims", `{"id_token":{"acr":"aal2"}}`), oauth.InvalidRequest, "query"},
		"short thumbprint":           {web(), params("dpop_jkt", "abc"), oauth.InvalidRequest, "query"},
		"oversized":                  {web(), params("state", long), oauth.InvalidRequest, "query"},
		"oversized by names":         {web(), params(long, "x"), oauth.InvalidRequest, "query"},
	} {
		r, bad := read(try.client, try.params, issuer)
		if bad == nil || bad.Code != try.code {
			t.Errorf("%s: %v, want %s", name, bad, try.code)
			continue
		}
		if r.Mode != try.mode {
			t.Errorf("%s is answered by %q, want %q", name, r.Mode, try.mode)
		}
		if states := try.params["state"]; len(states) == 1 && r.State != states[0] || len(states) == 2 && r.State != "" {
			t.Errorf("%s: the answer has the state %q of %q", name, r.State, states)
		}
	}
}

func typeAlone() *client.Client {
	c := web()
	c.ResponseTypes = append(c.ResponseTypes, oauth.ResponseToken)
	return c
}

func bound() *client.Client {
	c := implicit()
	c.DPoPBound = true
	return c
}

func optional(c *client.Client) *client.Client {
	c.PKCEOptional = true
	return c
}

func TestGoodRequests(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]struct {
		client *client.Client
		params url.Values
		good   func(r *Request) bool
	}{
		"no PKCE where it is optional":    {optional(web()), params("code_challenge", "-", "code_challenge_method", "-"), func(r *Request) bool { return r.Challenge == "" }},
		"PKCE where it is optional":       {optional(web()), params(), func(r *Request) bool { return r.Challenge == s256 }},
		"no age":                          {web(), params(), func(r *Request) bool { return r.MaxAge == unlimited }},
		"age 0":                           {web(), params("max_age", "0"), func(r *Request) bool { return r.MaxAge == 0 }},
		"age 3600":                        {web(), params("max_age", "3600"), func(r *Request) bool { return r.MaxAge == 3600 }},
		"standard scopes nobody has":      {web(), params("scope", "openid address phone"), func(r *Request) bool { return slices.Equal(r.Scopes, oauth.Scopes{"openid"}) }},
		"offline":                         {web(), params("scope", "openid offline_access"), func(r *Request) bool { return r.Scopes.Has("offline_access") }},
		"offline without refresh":         {noRefresh(), params("scope", "openid offline_access"), func(r *Request) bool { return slices.Equal(r.Scopes, oauth.Scopes{"openid"}) }},
		"offline without a code":          {implicit(), params("response_type", "token", "scope", "openid offline_access"), func(r *Request) bool { return slices.Equal(r.Scopes, oauth.Scopes{"openid"}) }},
		"no scope":                        {web(), params("scope", "-"), func(r *Request) bool { return len(r.Scopes) == 0 }},
		"words in another order":          {implicit(), params("response_type", "token id_token", "nonce", "n"), func(r *Request) bool { return r.ResponseType == "id_token token" && r.Mode == "fragment" }},
		"tokens by form":                  {implicit(), params("response_type", "token", "response_mode", "form_post"), func(r *Request) bool { return r.Mode == "form_post" }},
		"code by form":                    {web(), params("response_mode", "form_post"), func(r *Request) bool { return r.Mode == "form_post" }},
		"code by fragment":                {web(), params("response_mode", "fragment"), func(r *Request) bool { return r.Mode == "fragment" }},
		"code by query":                   {web(), params("response_mode", "query"), func(r *Request) bool { return r.Mode == "query" }},
		"unknown parameters":              {web(), params("utm_source", "x"), func(r *Request) bool { return r.ResponseType == "code" }},
		"the person in the claims":        {web(), params("claims", `{"id_token":{"sub":{"value":"usr_1"}}}`), func(r *Request) bool { return r.Subject == "usr_1" }},
		"a hint that is far too long":     {web(), params("login_hint", strings.Repeat("x", 300)), func(r *Request) bool { return r.LoginHint == "" }},
		"claims that we have no word for": {web(), params("claims", `{"id_token":{"zoneinfo":{"essential":true}},"x":1}`), func(r *Request) bool { return len(r.Demanded) == 0 }},
	} {
		r, bad := read(try.client, try.params, issuer)
		if bad != nil || !try.good(r) {
			t.Errorf("%s: %+v, %v", name, r, bad)
		}
	}
}

func noRefresh() *client.Client {
	c := web()
	c.GrantTypes = []string{oauth.GrantCode}
	return c
}

// TestTargets has the tricks with redirect_uri: what is wrong is not answered to.
func TestTargets(t *testing.T) {
	t.Parallel()
	native := preset(client.Native)
	native.RedirectURIs = []string{"http://127.0.0.1/cb", "com.example.shop:/cb"}
	two := web()
	two.RedirectURIs = []string{back, back + "2"}
	for name, try := range map[string]struct {
		client *client.Client
		params url.Values
		want   error
	}{
		"as registered":             {web(), params(), nil},
		"none, of one":              {web(), params("redirect_uri", "-", "scope", "email"), nil},
		"none, of one, with openid": {web(), params("redirect_uri", "-"), ErrMalformed},
		"none, of two":              {two, params("redirect_uri", "-", "scope", "email"), ErrMalformed},
		"empty":                     {web(), params("redirect_uri", ""), ErrRedirect},
		"twice":                     {web(), params("redirect_uri", back, "redirect_uri", back), ErrMalformed},
		"good, then bad":            {web(), params("redirect_uri", back, "redirect_uri", "https://evil.test"), ErrMalformed},
		"longer":                    {web(), params("redirect_uri", back+"/more"), ErrRedirect},
		"final slash":               {web(), params("redirect_uri", back+"/"), ErrRedirect},
		"query":                     {web(), params("redirect_uri", back+"?x=1"), ErrRedirect},
		"fragment":                  {web(), params("redirect_uri", back+"#x"), ErrRedirect},
		"dots":                      {web(), params("redirect_uri", "https://shop.example.test/x/../back"), ErrRedirect},
		"user":                      {web(), params("redirect_uri", "https://shop.example.test@evil.test/back"), ErrRedirect},
		"subdomain":                 {web(), params("redirect_uri", "https://shop.example.test.evil.test/back"), ErrRedirect},
		"letters":                   {web(), params("redirect_uri", "https://SHOP.example.test/back"), ErrRedirect},
		"port":                      {web(), params("redirect_uri", "https://shop.example.test:443/back"), ErrRedirect},
		"http":                      {web(), params("redirect_uri", "http://shop.example.test/back"), ErrRedirect},
		"encoded":                   {web(), params("redirect_uri", "https://shop.example.test/%62ack"), ErrRedirect},
		"backslash":                 {web(), params("redirect_uri", `https://shop.example.test\@evil.test/back`), ErrRedirect},
		"newline":                   {web(), params("redirect_uri", back+"\n"), ErrRedirect},
		"loopback, any port":        {native, params("redirect_uri", "http://127.0.0.1:49152/cb"), nil},
		"localhost":                 {native, params("redirect_uri", "http://localhost:49152/cb"), ErrRedirect},
		"other loopback":            {native, params("redirect_uri", "http://127.0.0.2:49152/cb"), ErrRedirect},
		"loopback, other path":      {native, params("redirect_uri", "http://127.0.0.1:49152/other"), ErrRedirect},
		"own scheme":                {native, params("redirect_uri", "com.example.shop:/cb"), nil},
		"own scheme, more":          {native, params("redirect_uri", "com.example.shop:/cb?x"), ErrRedirect},
		"script":                    {web(), params("redirect_uri", "javascript:alert(1)"), ErrRedirect},
	} {
		uri, given, err := target(try.client, try.params)
		if !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", name, err, try.want)
		}
		if err == nil && (uri == "" || given != try.params.Has("redirect_uri") || given && uri != try.params.Get("redirect_uri")) {
			t.Errorf("%s: answered at %q, given %v", name, uri, given)
		}
		if err != nil && uri != "" {
			t.Errorf("%s: refused, and answered at %q", name, uri)
		}
	}
}

// A form cannot be posted to a scheme that only the application's device knows.
func TestNoFormForOwnSchemes(t *testing.T) {
	t.Parallel()
	native := preset(client.Native)
	native.RedirectURIs = []string{"com.example.shop:/cb"}
	if r, bad := read(native, params("redirect_uri", "com.example.shop:/cb", "response_mode", "form_post"), issuer); bad == nil || r.Mode != "query" {
		t.Errorf("%+v, %v", r, bad)
	}
}

func TestLocation(t *testing.T) {
	t.Parallel()
	values := url.Values{"code": {"a&b#c d"}, "state": {"ż"}}
	for _, try := range []struct{ uri, mode, want string }{
		{back, oauth.ModeQuery, back + "?code=a%26b%23c+d&state=%C5%BC"},
		{back + "?a=%20b&a=c", oauth.ModeQuery, back + "?a=%20b&a=c&code=a%26b%23c+d&state=%C5%BC"},
		{back + "?a=b", oauth.ModeFragment, back + "?a=b#code=a%26b%23c+d&state=%C5%BC"},
		{"com.example.shop:/cb", oauth.ModeQuery, "com.example.shop:/cb?code=a%26b%23c+d&state=%C5%BC"},
		{back, oauth.ModeFormPost, ""},
	} {
		if got := (Answer{try.uri, try.mode, values}).Location(); got != try.want {
			t.Errorf("%s by %s: %s, want %s", try.uri, try.mode, got, try.want)
		}
	}
}

// FuzzRead holds that no request is answered elsewhere than at a registered
// address, none goes on without PKCE, and none with what is not registered.
func FuzzRead(f *testing.F) {
	for _, v := range []url.Values{params(), params("prompt", "none"), params("response_type", "token"), params("claims", `{"id_token":{"acr":null}}`),
		params("redirect_uri", "https://evil.test"), params("code_challenge_method", "plain"), params("resource", issuer), params("response_mode", "form_post")} {
		f.Add(v.Encode())
	}
	f.Fuzz(func(t *testing.T, query string) {
		v, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		c := web()
		uri, _, err := target(c, v)
		if err == nil && uri != back {
			t.Fatalf("answered at %q", uri)
		}
		r, bad := read(c, v, issuer)
		if r.Mode == "" {
			t.Fatal("no way to answer")
		}
		if bad != nil {
			return
		}
		if r.ResponseType != oauth.ResponseCode || !thumbprint(r.Challenge) || len(r.Scopes.Beyond(c.Scopes)) > 0 || len(r.Nonce) > maxNonce ||
			slices.ContainsFunc(r.Audiences, func(a string) bool { return a != issuer && a != c.Audiences[0] }) || r.prompts(promptNone) && len(r.Prompt) != 1 {
			t.Fatalf("accepted: %+v", r)
		}
	})
}
