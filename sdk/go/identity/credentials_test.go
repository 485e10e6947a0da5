package identity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/sdk/go/identity"
)

// giver gives tokens numbered from 1, which live ten minutes.
func giver(t *testing.T, given *atomic.Int32) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if r.URL.Path != "/oauth2/token" || r.PostFormValue("grant_type") != "client_credentials" || id != "app_1" || secret != "s%26%3A" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"Nobody knows you."}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"%d %s %s","token_type":"Bearer","expires_in":600}`, given.Add(1), r.PostFormValue("scope"), r.PostFormValue("resource"))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestCredentialsAreKept(t *testing.T) {
	t.Parallel()
	var given atomic.Int32
	now := time.Unix(2_000_000_000, 0)
	c := identity.NewCredentials(identity.CredentialsOptions{Issuer: giver(t, &given).URL, ClientID: "app_1", Secret: "s&:", Scopes: []string{"a", "b"}, Resource: "r",
		Now: func() time.Time { return now }})
	want := func(when, want string) {
		t.Helper()
		if got, err := c.Token(t.Context()); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", when, got, err, want)
		}
	}
	want("at first", "1 a b r")
	now = now.Add(9*time.Minute - time.Second)
	want("a minute and a second before the end", "1 a b r")
	now = now.Add(time.Second)
	want("a minute before the end", "2 a b r")
	c.Forget("1 a b r")
	want("an older one is forgotten", "2 a b r")
	c.Forget("2 a b r")
	want("it is forgotten", "3 a b r")
}

func TestCredentialsOfManyAtOnce(t *testing.T) {
	t.Parallel()
	var given atomic.Int32
	c := identity.NewCredentials(identity.CredentialsOptions{Issuer: giver(t, &given).URL, ClientID: "app_1", Secret: "s&:"})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if got, err := c.Token(t.Context()); err != nil || got != "1  " {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
}

func TestCredentialsRefused(t *testing.T) {
	t.Parallel()
	var given atomic.Int32
	var refused *identity.TokenError
	c := identity.NewCredentials(identity.CredentialsOptions{Issuer: giver(t, &given).URL, ClientID: "app_2", Secret: "x"})
	if _, err := c.Token(t.Context()); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || refused.Code != "invalid_client" || refused.Description != "Nobody knows you." {
		t.Errorf("refused: %v", err)
	}
	for _, answer := range []string{"", "<html>", "{}", `{"access_token":"x","expires_in":0}`, `{"access_token":"","expires_in":9}`, `[]`} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }))
		_, err := identity.NewCredentials(identity.CredentialsOptions{Issuer: s.URL}).Token(t.Context())
		if !errors.As(err, &refused) || refused.Code != "" {
			t.Errorf("%q: %v", answer, err)
		}
		s.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
}
