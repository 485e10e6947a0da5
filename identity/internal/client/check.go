package client

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"guildhall/identity/internal/oauth"
	"guildhall/platform/fault"
)

// Bounds of what is kept of an application.
const (
	maxName  = 100 // characters
	maxURI   = 500
	maxURIs  = 20
	maxNames = 253 // bytes of a DNS name
)

// Check says what is wrong with the metadata, field by field, as fault.Fields
// whose names are those of the JSON. In development http redirect URIs on this
// machine are good for all kinds.
func Check(m Metadata, development bool) error {
	c := checker{m: &m, development: development}
	if !slices.Contains(Kinds(), m.Kind) {
		c.wrong = append(c.wrong, badKind())
	}
	c.name()
	c.method()
	c.grants()
	c.uris()
	c.audiences()
	c.algorithms()
	c.lives()
	c.bindings()
	return fault.Fields(c.wrong...)
}

// checker collects what is wrong with metadata.
type checker struct {
	m           *Metadata
	development bool
	wrong       []fault.Field
}

func (c *checker) add(field, code, format string, args ...any) {
	c.wrong = append(c.wrong, fault.Field{Name: field, Code: code, Detail: fmt.Sprintf(format, args...)})
}

// addLine says what is wrong with one value of a list; pages show it by its text.
func (c *checker) addLine(field string, i int, value, code, why string) {
	c.wrong = append(c.wrong, fault.Field{Name: fmt.Sprintf("%s[%d]", field, i), Code: code, Detail: why, Args: map[string]any{"Line": value}})
}

func (c *checker) name() {
	switch name := c.m.Name; {
	case strings.TrimSpace(name) == "":
		c.add("client_name", "required", "Give the name that people see when they sign in.")
	case utf8.RuneCountInString(name) > maxName:
		c.add("client_name", "too_long", "The name has more than %d characters.", maxName)
	case name != strings.TrimSpace(name) || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		c.add("client_name", "characters", "The name has characters that do not show, or blanks at an end. Leave them out.")
	}
}

// dnsName is a name of at least two labels.
var dnsName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (c *checker) method() {
	m := c.m
	methods := []string{oauth.MethodNone, oauth.MethodBasic, oauth.MethodPost, oauth.MethodPrivateKeyJWT, oauth.MethodTLS, oauth.MethodSelfSignedTLS}
	if !slices.Contains(methods, m.Method) {
		c.add("token_endpoint_auth_method", "unknown", "The method is one of %s.", strings.Join(methods, ", "))
	}
	if m.Kind == SPA && m.HasSecret() {
		c.add("token_endpoint_auth_method", "kind", "An application in the browser keeps no secret. Use none.")
	}
	switch needs := m.Method == oauth.MethodPrivateKeyJWT || m.Method == oauth.MethodSelfSignedTLS; {
	case needs && len(m.JWKS) == 0:
		c.add("jwks", "required", "%s needs the application's public keys.", m.Method)
	case !needs && len(m.JWKS) > 0:
		c.add("jwks", "unused", "Keys are for private_key_jwt and self_signed_tls_client_auth alone.")
	case needs:
		if why := checkKeys(m.JWKS, m.Method == oauth.MethodPrivateKeyJWT); why != "" {
			c.add("jwks", "keys", "%s", why)
		}
	}
	switch name := m.TLSSubjectDNS; {
	case m.Method == oauth.MethodTLS && name == "":
		c.add("tls_client_auth_san_dns", "required", "tls_client_auth needs the name in the application's certificate.")
	case m.Method != oauth.MethodTLS && name != "":
		c.add("tls_client_auth_san_dns", "unused", "The name is for tls_client_auth alone.")
	case name != "" && (len(name) > maxNames || !dnsName.MatchString(name)):
		c.add("tls_client_auth_san_dns", "name", "This is no DNS name in lower case without wildcard, such as shop.example.org.")
	}
}

// responseTypes are the response types with the grant type that each needs.
var responseTypes = map[string]string{oauth.ResponseCode: oauth.GrantCode, oauth.ResponseToken: oauth.GrantImplicit,
	oauth.ResponseIDToken: oauth.GrantImplicit, oauth.ResponseIDTokenToken: oauth.GrantImplicit}

func (c *checker) grants() {
	m := c.m
	known := []string{oauth.GrantCode, oauth.GrantRefresh, oauth.GrantClientCredentials, oauth.GrantDevice, oauth.GrantImplicit, oauth.GrantPassword}
	for i, t := range m.GrantTypes {
		if !slices.Contains(known, t) {
			c.add(fmt.Sprintf("grant_types[%d]", i), "unknown", "The grant types are %s.", strings.Join(known, ", "))
		}
	}
	c.distinct("grant_types", m.GrantTypes)
	switch {
	case len(m.GrantTypes) == 0:
		c.add("grant_types", "required", "Name a grant type: without one the application gets no tokens.")
	case m.Public() && m.Allows(oauth.GrantClientCredentials):
		c.add("grant_types", "public", "An application that cannot show who it is gets no tokens for itself. Give it another token_endpoint_auth_method or take %s away.", oauth.GrantClientCredentials)
	case m.Allows(oauth.GrantRefresh) && !slices.ContainsFunc([]string{oauth.GrantCode, oauth.GrantDevice, oauth.GrantPassword}, m.Allows):
		c.add("grant_types", "refresh_alone", "A refresh token follows from %s, %s or %s. Add one of them.", oauth.GrantCode, oauth.GrantDevice, oauth.GrantPassword)
	}
	for i, t := range m.ResponseTypes {
		needs, ok := responseTypes[t]
		if !ok {
			c.add(fmt.Sprintf("response_types[%d]", i), "unknown", "The response types are code, token, id_token and id_token token.")
		} else if !m.Allows(needs) {
			c.add(fmt.Sprintf("response_types[%d]", i), "grant_type", "The response type %q needs the grant type %s.", t, needs)
		}
	}
	c.distinct("response_types", m.ResponseTypes)
	for _, grant := range []string{oauth.GrantCode, oauth.GrantImplicit} {
		if m.Allows(grant) && !slices.ContainsFunc(m.ResponseTypes, func(t string) bool { return responseTypes[t] == grant }) {
			c.add("response_types", "required", "The grant type %s needs a response type that belongs to it.", grant)
		}
	}
	c.each("scopes", "scope", m.Scopes, oauth.MaxScopes, notScope)
	if m.Scopes.Has(oauth.ScopeRoles) && !m.Trusted {
		c.add("scopes", "trusted", "The scope roles is for trusted applications alone.")
	}
}

func (c *checker) uris() {
	m := c.m
	redirects := m.Allows(oauth.GrantCode) || m.Allows(oauth.GrantImplicit)
	switch {
	case redirects && len(m.RedirectURIs) == 0:
		c.add("redirect_uris", "required", "Name where people come back to after they sign in.")
	case !redirects && len(m.RedirectURIs) > 0:
		c.add("redirect_uris", "unused", "This application sends nobody to sign in, so that nobody comes back.")
	}
	c.each("redirect_uris", "uri", m.RedirectURIs, maxURIs, c.redirect)
	c.each("post_logout_redirect_uris", "uri", m.PostLogoutURIs, maxURIs, c.redirect)
	switch {
	case m.BackchannelLogoutURI != "":
		if why := checkURI(m.BackchannelLogoutURI, "", c.development); why != "" {
			c.add("backchannel_logout_uri", "uri", "%s", why)
		}
	case m.BackchannelSession:
		c.add("backchannel_logout_session_required", "unused", "Without backchannel_logout_uri nobody is told.")
	}
}

func (c *checker) redirect(uri string) string {
	if why := checkURI(uri, c.m.Kind, c.development); why != "" {
		return why
	}
	return checkAnswers(uri)
}

// each checks the values of a list; a wrong one has the code.
func (c *checker) each(field, code string, values []string, most int, check func(string) string) {
	if len(values) > most {
		c.add(field, "too_many", "There are more than %d.", most)
		return
	}
	for i, v := range values {
		if why := check(v); why != "" {
			c.addLine(field, i, v, code, why)
		}
	}
	c.distinct(field, values)
}

func (c *checker) distinct(field string, values []string) {
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			c.addLine(field, i, v, "twice", "This stands here already.")
		}
	}
}

func (c *checker) audiences() {
	c.each("audiences", "resource", c.m.Audiences, maxURIs, notResource)
	c.each("resources", "resource", c.m.Resources, maxURIs, notResource)
}

// notScope says why a text is not one scope.
func notScope(text string) string {
	if scopes, err := oauth.ParseScopes(text); err != nil || !slices.Equal(scopes, oauth.Scopes{text}) {
		return "A scope is one word of at most 200 printable ASCII characters, without quotation mark and backslash."
	}
	return ""
}

// notResource says why a text is not the name of a resource.
func notResource(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case len(uri) > maxURI:
		return fmt.Sprintf("This has more than %d characters.", maxURI)
	case strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' }) || err != nil || !u.IsAbs() || strings.Contains(uri, "#") || u.Host+u.Opaque+u.Path == "":
		return "A resource is an absolute URI without fragment, such as https://api.example.org (RFC 8707)."
	}
	return ""
}

func (c *checker) algorithms() {
	c.algorithm("id_token_signed_response_alg", c.m.IDTokenAlgorithm)
	c.algorithm("access_token_signed_response_alg", c.m.AccessTokenAlgorithm)
}

func (c *checker) algorithm(field, algorithm string) {
	if !slices.Contains([]string{"", oauth.ES256, oauth.EdDSA, oauth.RS256}, algorithm) {
		c.add(field, "unknown", "Tokens are signed with ES256, EdDSA or RS256.")
	}
}

func (c *checker) lives() {
	m := c.m
	c.life("access_token_life", m.AccessTokenLife, MinAccessLife, MaxAccessLife)
	c.life("refresh_token_idle", m.RefreshIdle, MinRefreshLife, MaxRefreshLife)
	c.life("refresh_token_life", m.RefreshLife, MinRefreshLife, MaxRefreshLife)
	if _, absolute := m.RefreshLives(); m.RefreshIdle != 0 && m.RefreshIdle > absolute {
		c.add("refresh_token_idle", "too_long", "A refresh token cannot wait longer than all of its grant live.")
	}
}

func (c *checker) life(field string, life, least, most time.Duration) {
	if life != 0 && (life < least || life > most || life%time.Second != 0) {
		c.add(field, "out_of_bounds", "The life is from %s to %s, in whole seconds.", least, most)
	}
}

func (c *checker) bindings() {
	m := c.m
	switch {
	case m.DPoPBound && m.TLSBound:
		c.add("dpop_bound_access_tokens", "both", "Tokens are bound to a key or to a certificate, not to both.")
	case m.TLSBound && m.Kind == SPA:
		c.add("tls_client_certificate_bound_access_tokens", "kind", "An application in the browser has no certificate. Use DPoP.")
	}
	if m.PKCEOptional && m.Public() {
		c.add("pkce_optional", "public", "An application that cannot show who it is needs PKCE.")
	}
	if m.RequirePAR && !m.Allows(oauth.GrantCode) && !m.Allows(oauth.GrantImplicit) {
		c.add("require_pushed_authorization_requests", "unused", "This application sends no authorization requests.")
	}
}
