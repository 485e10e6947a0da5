package main

import (
	"encoding/json"
	"strings"

	"guildhall/platform/fault"
	"guildhall/sdk/go/identity"
)

const metadataHelp = `--metadata FILE is JSON with whatever else an application may have, by the names of the API (docs/guides/api.md), such as {"grant_types": ["authorization_code"], "access_token_life": "5m"}; - is standard input. Flags count more than it.`

// clientFlags are what an application is and may.
type clientFlags struct {
	Name          string   `help:"Name that people see when they sign in." placeholder:"NAME"`
	RedirectURI   []string `name:"redirect-uri" sep:"none" help:"Where people come back to after they sign in; may be given more than once." placeholder:"URI"`
	PostLogoutURI []string `name:"post-logout-uri" sep:"none" help:"Where people come back to after they sign out; may be given more than once." placeholder:"URI"`
	Scope         []string `sep:"none" help:"What it may ask for, separated by blanks; may be given more than once." placeholder:"SCOPES"`
	Audience      []string `sep:"none" help:"Resource that its tokens may be for; may be given more than once." placeholder:"URI"`
	Method        string   `help:"How it shows who it is: none, client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth or self_signed_tls_client_auth." placeholder:"METHOD"`
	JWKS          string   `name:"jwks" help:"File with its public keys (JWK set)." placeholder:"FILE"`
	TLSName       string   `name:"tls-name" help:"DNS name in its certificate." placeholder:"NAME"`
	Trusted       *bool    `negatable:"" help:"The company's own application: nobody is asked for consent."`
	Metadata      string   `help:"File with more, in JSON." placeholder:"FILE"`
}

// apply puts what is given into m.
func (f *clientFlags) apply(m *identity.Metadata) error {
	if err := f.read(m); err != nil {
		return err
	}
	keys, err := readText("--jwks", f.JWKS)
	if err != nil {
		return err
	}
	if keys != "" {
		if !json.Valid([]byte(keys)) {
			return fault.Fields(fault.Field{Name: "--jwks", Code: "malformed", Detail: f.JWKS + ` is not JSON. Write {"keys": [...]} (RFC 7517).`})
		}
		m.JWKS = json.RawMessage(keys)
	}
	for _, x := range []struct {
		text string
		to   *string
	}{{f.Name, &m.Name}, {f.Method, &m.Method}, {f.TLSName, &m.TLSSubjectDNS}} {
		if x.text != "" {
			*x.to = x.text
		}
	}
	for _, x := range []struct {
		values []string
		to     *[]string
	}{{f.RedirectURI, &m.RedirectURIs}, {f.PostLogoutURI, &m.PostLogoutURIs}, {f.Scope, &m.Scopes}, {f.Audience, &m.Audiences}} {
		if x.values != nil { // no value of these lists holds a blank
			*x.to = append([]string{}, strings.Fields(strings.Join(x.values, " "))...)
		}
	}
	if f.Trusted != nil {
		m.Trusted = *f.Trusted
	}
	return nil
}

// read puts the members of --metadata into m.
func (f *clientFlags) read(m *identity.Metadata) error {
	path := f.Metadata
	if path == "-" {
		path = "/dev/stdin"
	}
	text, err := readText("--metadata", path)
	if err != nil || text == "" {
		return err
	}
	// What the API answers holds more than can be changed, and may be given back.
	whole := identity.Application{Metadata: *m}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&whole); err != nil {
		return fault.Fields(fault.Field{Name: "--metadata", Code: "malformed", Detail: f.Metadata + " is not the JSON of an application: " + strings.TrimPrefix(err.Error(), "json: ") + "."})
	}
	*m = whole.Metadata
	return nil
}
