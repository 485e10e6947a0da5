package identity

import (
	"bytes"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/platform/config"
	"guildhall/platform/fault"
	wire "guildhall/sdk/go/identity"
)

// Here identity's own types become those of the wire, and back.

func wireApplication(c client.Client) wire.Application {
	m := c.Metadata
	return wire.Application{ID: c.ID, State: c.State, Own: client.IsOwn(c.ID), MadeAt: c.MadeAt, ChangedAt: c.ChangedAt, Metadata: wire.Metadata{
		Name: m.Name, Kind: m.Kind, Method: m.Method, RedirectURIs: m.RedirectURIs, PostLogoutURIs: m.PostLogoutURIs,
		GrantTypes: m.GrantTypes, ResponseTypes: m.ResponseTypes, Scopes: m.Scopes, Audiences: m.Audiences, Resources: m.Resources,
		JWKS: m.JWKS, TLSSubjectDNS: m.TLSSubjectDNS, IDTokenAlgorithm: m.IDTokenAlgorithm, AccessTokenAlgorithm: m.AccessTokenAlgorithm,
		AccessTokenLife: written(m.AccessTokenLife), RefreshIdle: written(m.RefreshIdle), RefreshLife: written(m.RefreshLife),
		Trusted: m.Trusted, RequirePAR: m.RequirePAR, PKCEOptional: m.PKCEOptional, DPoPBound: m.DPoPBound, TLSBound: m.TLSBound,
		BackchannelLogoutURI: m.BackchannelLogoutURI, BackchannelSession: m.BackchannelSession,
	}}
}

// fill puts what w says into m; what it leaves out stays.
func fill(m *client.Metadata, w wire.Metadata) error {
	set(&m.Name, w.Name)
	set(&m.Method, w.Method)
	set(&m.TLSSubjectDNS, w.TLSSubjectDNS)
	set(&m.IDTokenAlgorithm, w.IDTokenAlgorithm)
	set(&m.AccessTokenAlgorithm, w.AccessTokenAlgorithm)
	set(&m.BackchannelLogoutURI, w.BackchannelLogoutURI)
	set(&m.Trusted, w.Trusted)
	set(&m.RequirePAR, w.RequirePAR)
	set(&m.PKCEOptional, w.PKCEOptional)
	set(&m.DPoPBound, w.DPoPBound)
	set(&m.TLSBound, w.TLSBound)
	set(&m.BackchannelSession, w.BackchannelSession)
	setList(&m.RedirectURIs, w.RedirectURIs)
	setList(&m.PostLogoutURIs, w.PostLogoutURIs)
	setList(&m.GrantTypes, w.GrantTypes)
	setList(&m.ResponseTypes, w.ResponseTypes)
	setList((*[]string)(&m.Scopes), w.Scopes)
	setList(&m.Audiences, w.Audiences)
	setList(&m.Resources, w.Resources)
	if !bytes.Equal(w.JWKS, []byte("null")) {
		setList((*[]byte)(&m.JWKS), w.JWKS)
	}
	return fillLives(m, w)
}

func fillLives(m *client.Metadata, w wire.Metadata) error {
	for _, x := range []struct {
		field, text string
		life        *time.Duration
	}{
		{"access_token_life", w.AccessTokenLife, &m.AccessTokenLife},
		{"refresh_token_idle", w.RefreshIdle, &m.RefreshIdle},
		{"refresh_token_life", w.RefreshLife, &m.RefreshLife},
	} {
		life, err := length(x.field, x.text)
		if err != nil {
			return err
		}
		set(x.life, life)
	}
	return nil
}

// set is for values whose zero says nothing.
func set[T comparable](value *T, to T) {
	var nothing T
	if to != nothing {
		*value = to
	}
}

// setList is for lists, of which an empty one says that there is nothing.
func setList[T any](list *[]T, to []T) {
	switch {
	case len(to) > 0:
		*list = to
	case to != nil:
		*list = nil
	}
}

// written is a length of time as it is read; zero is empty.
func written(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return config.Duration(d).String()
}

// length reads a length of time from a field of a request; empty is zero.
func length(field, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	var d config.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return 0, fault.Fields(fault.Field{Name: field, Code: "invalid_duration",
			Detail: "This is not a length of time. Write a number and a unit (s, m, h, d), such as 10m or 30d."})
	}
	return d.Std(), nil
}
