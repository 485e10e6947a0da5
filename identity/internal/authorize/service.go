package authorize

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
)

const (
	// PushedLife is how long a pushed request waits for its browser.
	PushedLife = time.Minute
	// Life is how long a request waits for its person.
	Life = 10 * time.Minute
	// again is for how long an answered request is answered once more: a second
	// click on "Allow" takes the place of the first.
	again = 10 * time.Second

	pushedPrefix = "urn:ietf:params:oauth:request_uri:"
)

// Options is what a Service needs; all of it.
type Options struct {
	DB      *db.DB
	Store   *store.Store
	Journal *audit.Journal
	Clients *client.Desk
	Grants  *grant.Desk
	Minter  *mint.Minter
	// Issuer is who answers: the address of identity.
	Issuer string
	Now    func() time.Time
	Log    *slog.Logger
}

// Service is the authorization endpoint. It is safe for concurrent use, also by
// several nodes.
type Service struct{ o Options }

// New makes a service.
func New(o Options) *Service { return &Service{o: o} }

// now is the clock as the database keeps it.
func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Microsecond) }

// Push keeps a request that the client, which was authenticated, sends by itself
// (RFC 9126), for one browser to come with within expires. The error is an
// *oauth.Error.
func (s *Service) Push(ctx context.Context, c client.Client, params url.Values) (requestURI string, expires time.Duration, err error) {
	params = given(params)
	if params.Has("request_uri") {
		return "", 0, oauth.NewError(oauth.InvalidRequest, "A pushed request has no request_uri.")
	}
	r, refused, err := s.read(ctx, &c, params)
	if err != nil {
		return "", 0, asOAuth(err)
	}
	if refused != nil {
		return "", 0, refused
	}
	id, err := s.keep(ctx, r, true, PushedLife, func(context.Context, *sql.Tx) error { return nil })
	return pushedPrefix + id, PushedLife, asOAuth(err)
}

// asOAuth is what the application's developer is told of a fault.
func asOAuth(err error) error {
	switch {
	case errors.Is(err, ErrRedirect):
		return oauth.NewError(oauth.InvalidRequest, "The redirect_uri is not registered for this application. It is compared as it stands, character by character.")
	case errors.Is(err, ErrMalformed):
		return oauth.NewError(oauth.InvalidRequest, "The redirect_uri is missing or there more than once.")
	case errors.Is(err, ErrClient):
		return oauth.NewError(oauth.InvalidClient, "This application was disabled.")
	}
	return err
}

// Begin reads the request that a browser came with and keeps it under the id. The
// error is *Refused, for the application, or one of the faults of this package, to
// be shown.
func (s *Service) Begin(ctx context.Context, params url.Values) (id string, err error) {
	params = given(params)
	c, err := s.client(ctx, params["client_id"])
	if err != nil {
		return "", err
	}
	if pushed, ok := strings.CutPrefix(params.Get("request_uri"), pushedPrefix); ok {
		return s.beginPushed(ctx, c, pushed, params)
	}
	r, bad, err := s.read(ctx, c, params)
	if err != nil {
		return "", err
	}
	if bad == nil && c.RequirePAR {
		bad = oauth.NewError(oauth.InvalidRequest, "This application must push its requests (RFC 9126).")
	}
	if bad != nil {
		return "", s.refuse(r, bad)
	}
	return s.keep(ctx, r, false, Life, func(context.Context, *sql.Tx) error { return nil })
}

// beginPushed goes on with a request that the client pushed, and with nothing of
// what else stands in the browser's address.
func (s *Service) beginPushed(ctx context.Context, c *client.Client, pushed string, params url.Values) (string, error) {
	if len(params["request_uri"]) != 1 {
		return "", ErrMalformed
	}
	r := &Request{Client: c.ID}
	return s.keep(ctx, r, false, Life, func(ctx context.Context, tx *sql.Tx) error {
		data, taken, err := s.o.Store.TakePushed(ctx, tx, pushed, c.ID, s.now())
		if err == nil && !taken {
			err = ErrPushed
		}
		if err != nil {
			return err
		}
		return r.parse(data)
	})
}

// client is the active application that the parameter names, or ErrClient.
func (s *Service) client(ctx context.Context, ids []string) (*client.Client, error) {
	if len(ids) != 1 || ids[0] == "" {
		return nil, ErrMalformed
	}
	c, err := s.o.Clients.Get(ctx, ids[0])
	if err == nil && !c.Active() && client.IsOwn(c.ID) {
		return nil, ErrOff
	}
	if errors.Is(err, client.ErrNotFound) || err == nil && !c.Active() {
		return nil, ErrClient
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// read reads a request. An err has nowhere to go but a page; what is bad is
// answered to the application.
func (s *Service) read(ctx context.Context, c *client.Client, params url.Values) (r *Request, bad *oauth.Error, err error) {
	uri, given, err := target(c, params)
	if err != nil {
		return nil, nil, err
	}
	r, bad = read(c, params, s.o.Issuer)
	r.RedirectURI, r.GivenURI = uri, given
	if bad == nil && params.Get("id_token_hint") != "" {
		bad = s.hint(ctx, r, params.Get("id_token_hint"))
	}
	return r, bad, nil
}

// hint reads whom an ID token of ours is about. It may be over, and it may be one
// for another application of the same person: it opens nothing.
func (s *Service) hint(ctx context.Context, r *Request, token string) *oauth.Error {
	bad := oauth.NewError(oauth.InvalidRequest, "The id_token_hint is no ID token that was made here.")
	verified, err := s.o.Minter.Signing.Verify(ctx, token)
	if err != nil {
		return bad.Because(err)
	}
	var about struct {
		Issuer  string `json:"iss"`
		Subject string `json:"sub"`
	}
	if err := json.Unmarshal(verified.Payload, &about); err != nil || about.Issuer != s.o.Issuer || about.Subject == "" || verified.Type != mint.TypeID {
		return bad.Because(err)
	}
	if r.Subject != "" && r.Subject != about.Subject {
		return oauth.NewError(oauth.InvalidRequest, "The id_token_hint and the claim sub are about different persons.")
	}
	r.Subject = about.Subject
	return nil
}

// keep writes a request for life, after what prepare does in the same
// transaction. Nothing of it is recorded: nobody has allowed anything yet.
func (s *Service) keep(ctx context.Context, r *Request, pushed bool, life time.Duration, prepare func(context.Context, *sql.Tx) error) (string, error) {
	now := s.now()
	id := rand.Text()
	err := s.o.DB.Group(ctx, func(tx *sql.Tx) error {
		if err := prepare(ctx, tx); err != nil {
			return err
		}
		data, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("keep an authorization request: %w", err)
		}
		kept, err := s.o.Store.InsertRequest(ctx, tx, &store.Request{ID: id, Client: r.Client, Pushed: pushed, Data: string(data), MadeAt: now, ExpiresAt: now.Add(life)})
		if err == nil && !kept {
			err = ErrClient
		}
		return err
	})
	return id, err
}

// parse reads what was kept of a request.
func (r *Request) parse(data string) error {
	if err := json.Unmarshal([]byte(data), r); err != nil {
		return fmt.Errorf("read an authorization request: %w", err)
	}
	return nil
}
