package identity

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/session"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/peer"
	signin "guildhall/platform/session"
)

// signInPeers is what identity answers the other services, for which it signs
// people in: each is an application, shown by its certificate, and hears of the
// people who came to it alone.
type signInPeers struct{ *service }

// maxRegistration bounds a registration, in bytes.
const maxRegistration = 4 << 10

func (s signInPeers) routes() []peer.Route {
	all := []string{peer.Anyone}
	return []peer.Route{
		{Pattern: "POST " + signin.RegisterPath, Allow: all, Handler: s.answer(s.register)},
		{Pattern: "POST " + signin.TokenPath, Allow: all, Handler: s.provider.answer(s.provider.token)},
		{Pattern: "GET " + signin.GrantPath + "{id}", Allow: all, Handler: s.answer(s.person)},
		{Pattern: "POST " + signin.GrantPath + "{id}", Allow: all, Handler: s.answer(s.end)},
	}
}

// answer writes what a handler returns as JSON, or its error as a problem document.
func (s signInPeers) answer(h func(r *http.Request, service string) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, _ := peer.From(r.Context())
		body, err := h(r, caller.Service)
		if err != nil {
			if fault.As(err).Kind == fault.Internal && !errors.Is(err, context.Canceled) {
				s.log.ErrorContext(r.Context(), "request of a service failed", "peer", caller.Service, "path", r.URL.Path, "err", err)
			}
			fault.Write(w, r, err)
			return
		}
		if body == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		write(w, http.StatusOK, body)
	})
}

// register makes the calling service an application. Its name is that of its
// certificate; of where people come back to, only the port is its own choice.
func (s signInPeers) register(r *http.Request, service string) (any, error) {
	var asked signin.Registration
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxRegistration)).Decode(&asked); err != nil {
		return nil, fault.Fields(fault.Field{Name: "body", Code: "invalid", Detail: "This is no registration."})
	}
	u, err := url.Parse(asked.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() != s.hostOf(service) || asked.URL != "https://"+u.Host {
		return nil, fault.Fields(fault.Field{Name: "url", Code: "invalid",
			Detail: "A service comes from its own host alone, as in https://" + s.hostOf(service) + "."})
	}
	c, err := s.clients.Register(r.Context(), client.Own{Service: service, Certified: peer.Name(service), RedirectURI: asked.URL + "/session/callback"},
		audit.Caller{Actor: "service:" + service, From: from(r)})
	if err != nil {
		return nil, err
	}
	return signin.Application{Issuer: s.provider.Issuer, ID: c.ID}, nil
}

// hostOf is a service's public host name, which stands beside our own.
func (s signInPeers) hostOf(service string) string {
	own, err := url.Parse(s.provider.Issuer)
	if err != nil {
		return "" // the process made it, so it can be read
	}
	return service + strings.TrimPrefix(own.Hostname(), Name)
}

var errGrantOver = fault.New(fault.NotFound, "grant_over", "This grant is not yours, or is over. The person has to sign in again.")

// person is whom a grant of the calling service is of, with the roles there.
func (s signInPeers) person(r *http.Request, service string) (any, error) {
	g, err := s.grant(r, service)
	if err != nil {
		return nil, err
	}
	a, err := s.accounts.Get(r.Context(), g.Account)
	if err != nil {
		return nil, err
	}
	roles, err := s.store.RolesOf(r.Context(), g.Account)
	if err != nil {
		return nil, err
	}
	roles = slices.DeleteFunc(append([]string{}, roles...), func(role string) bool { return !strings.HasPrefix(role, service+".") })
	return signin.Person{Account: a.ID, Name: a.Name, Roles: roles, Session: g.Session, ACR: g.ACR, AuthTime: g.AuthTime}, nil
}

// end ends the session in which a grant of the calling service was begun: its
// person has signed out there.
func (s signInPeers) end(r *http.Request, service string) (any, error) {
	g, err := s.grant(r, service)
	if err != nil {
		return nil, err
	}
	err = s.sessions.End(r.Context(), g.Account, g.Session, audit.Caller{Actor: g.Account, From: "service:" + service})
	if errors.Is(err, session.ErrNotFound) {
		return nil, errGrantOver
	}
	return nil, err
}

func (s signInPeers) grant(r *http.Request, service string) (grant.Grant, error) {
	g, err := s.grants.Use(r.Context(), r.PathValue("id"), client.OwnPrefix+service)
	if errors.Is(err, grant.ErrOver) {
		return g, errGrantOver
	}
	return g, err
}
