package identity

import (
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	signin "guildhall/platform/session"
)

func (s signInPeers) registers(t *testing.T, service, url string) (signin.Application, error) {
	t.Helper()
	body, err := json.Marshal(signin.Registration{URL: url})
	ok(t, err)
	got, err := s.register(httptest.NewRequestWithContext(t.Context(), http.MethodPost, signin.RegisterPath, strings.NewReader(string(body))), service)
	if err != nil {
		return signin.Application{}, err
	}
	return got.(signin.Application), nil
}

func (s signInPeers) asks(t *testing.T, id string, h func(r *http.Request, service string) (any, error), service string) (any, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, signin.GrantPath+id, nil)
	r.SetPathValue("id", id)
	return h(r, service)
}

func TestServicesAreApplications(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	s := signInPeers{i.service}
	for range 3 {
		got, err := s.registers(t, "bank", "https://bank.guild.example.test:8443")
		ok(t, err)
		if got != (signin.Application{Issuer: issuer, ID: "guildhall-bank"}) {
			t.Fatalf("%+v", got)
		}
	}
	c, err := i.clients.Get(t.Context(), "guildhall-bank")
	ok(t, err)
	if !c.Trusted || c.Method != oauth.MethodTLS || c.TLSSubjectDNS != "bank.guildhall.internal" || strings.Join(c.RedirectURIs, " ") != "https://bank.guild.example.test:8443/session/callback" {
		t.Errorf("%+v", c)
	}
	_, err = s.registers(t, "bank", "https://bank.guild.example.test")
	ok(t, err)
	if c, err = i.clients.Get(t.Context(), "guildhall-bank"); err != nil || c.RedirectURIs[0] != "https://bank.guild.example.test/session/callback" {
		t.Errorf("after a move: %+v, %v", c, err)
	}
	for _, url := range []string{"https://shop.guild.example.test", "http://bank.guild.example.test", "https://bank.guild.example.test/", "https://bank.guild.example.test/x",
		"https://bank.guild.example.test.evil.example", "https://evil.example#bank.guild.example.test", "https://u@bank.guild.example.test", "https://bank.guild.example.test?x", "", "bank.guild.example.test"} {
		if _, err := s.registers(t, "bank", url); fault.As(err).Kind != fault.Invalid {
			t.Errorf("%q: %v", url, err)
		}
	}
	_, changed := i.clients.Update(t.Context(), c.ID, c.Metadata, time.Time{}, audit.Caller{Actor: "test"})
	_, rotated := i.clients.RotateSecret(t.Context(), c.ID, client.Rotation{}, audit.Caller{Actor: "test"})
	for what, err := range map[string]error{"change": changed, "rotate": rotated, "remove": i.clients.Remove(t.Context(), c.ID, audit.Caller{Actor: "test"})} {
		if !errors.Is(err, client.ErrOwn) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ok(t, i.clients.Disable(t.Context(), "guildhall-bank", audit.Caller{Actor: "test"}))
	_, err = s.registers(t, "bank", "https://bank.guild.example.test:9443")
	ok(t, err)
	if c, err = i.clients.Get(t.Context(), "guildhall-bank"); err != nil || c.Active() {
		t.Errorf("a disabled service is %s, %v", c.State, err)
	}
}

// Several processes of one service come at once.
func TestServicesComeAtOnce(t *testing.T) {
	t.Parallel()
	for _, url := range []string{guildtest.SQLite(t), guildtest.Postgres(t)} {
		s := signInPeers{issuerOn(t, url).service}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := s.registers(t, "bank", "https://bank.guild.example.test"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

// A service hears of those who came to it, and of nobody else.
func TestServicesHearOfTheirPeople(t *testing.T) {
	t.Parallel()
	i := openIssuer(t)
	s := signInPeers{i.service}
	_, err := s.registers(t, "bank", "https://bank.guild.example.test")
	ok(t, err)
	g, _, err := i.grants.Issue(t.Context(), grant.Grant{Account: i.anna.ID, Client: client.OwnPrefix + "bank", Session: i.begun.ID, Scopes: oauth.Scopes{"openid"},
		ACR: oauth.ACRPassword, AuthTime: i.Clock.Now()}, grant.RefreshLife{Idle: time.Hour, Absolute: time.Hour}, audit.Caller{Actor: "test"})
	ok(t, err)
	ok(t, i.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `INSERT INTO role_holders (role, account, made_at) VALUES ('bank.viewer', $1, 1), ('bankrupt.admin', $1, 1), ('ca.admin', $1, 1)`, i.anna.ID)
		return err
	}))
	got, err := s.asks(t, g.ID, s.person, "bank")
	ok(t, err)
	if p := got.(signin.Person); p.Account != i.anna.ID || p.Session != i.begun.ID || strings.Join(p.Roles, " ") != "bank.viewer" || p.ACR != oauth.ACRPassword {
		t.Errorf("%+v", p)
	}
	for _, h := range []func(*http.Request, string) (any, error){s.person, s.end} {
		for id, service := range map[string]string{g.ID: "shop", "gnt_none": "bank"} {
			if _, err := s.asks(t, id, h, service); !errors.Is(err, errGrantOver) {
				t.Errorf("%s of %s: %v", id, service, err)
			}
		}
	}
	if _, err := s.asks(t, g.ID, s.end, "bank"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.asks(t, g.ID, s.person, "bank"); !errors.Is(err, errGrantOver) {
		t.Errorf("after the end: %v", err)
	}
	if list, err := i.sessions.List(t.Context(), i.anna.ID); err != nil || len(list) != 0 {
		t.Errorf("sessions %v, %v", list, err)
	}
}
