package identity

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/token"
	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	signin "guildhall/platform/session"
)

const mePath = "/me"

// person is an account as its owner sees it.
type person struct {
	ID            string    `json:"id" example:"usr_06a4m8w3j5t2n7q1c9v0xkzgde"`
	Email         string    `json:"email"`
	EmailVerified bool      `json:"email_verified"`
	Name          string    `json:"name" doc:"What others see."`
	Language      string    `json:"language" enum:"en,zh-CN,pl"`
	Theme         string    `json:"theme" enum:"auto,light,dark"`
	Picture       string    `json:"picture,omitempty" doc:"Where the picture is; absent without one."`
	CreatedAt     time.Time `json:"created_at"`
}

// profileBody is what people change of it; what is left out stays.
type profileBody struct {
	Name     *string `json:"name,omitempty" maxLength:"1000" doc:"At most 64 characters."`
	Language *string `json:"language,omitempty" enum:"en,zh-CN,pl"`
	Theme    *string `json:"theme,omitempty" enum:"auto,light,dark"`
}

type profileInput struct{ Body profileBody }

// personal is the name of the security scheme: an access token of /login.
const personal = "person"

func (s *service) meOperations(api huma.API) {
	api.OpenAPI().Components.SecuritySchemes[personal] = &huma.SecurityScheme{Type: "http", Scheme: "bearer", Description: "An access token from /login."}
	open, tags := map[string]any{app.Public: true}, []string{"Sign-in"}
	security := []map[string][]string{{personal: {}}}
	app.Register(api, huma.Operation{OperationID: "get-me", Method: http.MethodGet, Path: mePath, Tags: tags, Metadata: open, Security: security, Middlewares: huma.Middlewares{s.personally},
		Summary: "Show who is signed in", Description: "Asks for an access token from /login. Error codes: unauthenticated, invalid_token."}, s.me, http.StatusUnauthorized, http.StatusForbidden)
	app.Register(api, huma.Operation{OperationID: "update-me", Method: http.MethodPatch, Path: mePath, Tags: tags, Metadata: open, Security: security, Middlewares: huma.Middlewares{onlyJSON(api), s.personally},
		Summary: "Change one's profile", Description: "What is left out stays. Error codes: unauthenticated, invalid_token, invalid_fields."}, s.updateMe, http.StatusUnauthorized, http.StatusForbidden)
}

type meKey struct{}

// personally lets only those through who come with an access token of /login, or are
// signed in in the browser that the API's page is in.
func (s *service) personally(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	a, err := s.whose(r)
	if err == nil {
		err = s.ready(r.Context(), a)
	}
	if err != nil {
		signin.Challenge(w.Header(), err)
		fault.Write(w, r, err)
		return
	}
	next(huma.WithValue(ctx, meKey{}, a))
}

var (
	// errPerson says that nobody is signed in.
	errPerson = fault.New(fault.Unauthenticated, "unauthenticated", "Nobody is signed in. Send \"Authorization: Bearer\" with an access token from /login.")
	// errPersonToken says that a token opens nothing here: signin.ErrBadToken in words
	// for people.
	errPersonToken = fault.New(fault.Unauthenticated, signin.ErrBadToken.Code, "The access token is over or was revoked, or /login did not give it. Get another one at /refresh, or sign in again.")
)

// whose is the account of a request.
func (s *service) whose(r *http.Request) (*account.Account, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		p, known := signin.From(r.Context())
		if !known || !p.Person() {
			return nil, errPerson
		}
		return s.accounts.Get(r.Context(), p.ID)
	}
	scheme, shown, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, errPerson
	}
	g, err := s.provider.Tokens.Grant(r.Context(), token.Shown{Token: strings.TrimSpace(shown)})
	// What a person allowed another application is not to change the account.
	if errors.Is(err, token.ErrToken) || err == nil && g.Client != client.DirectID {
		return nil, errPersonToken
	}
	if err != nil {
		return nil, err
	}
	return s.accounts.Get(r.Context(), g.Account)
}

func (s *service) personOf(a *account.Account) *person {
	me := &person{ID: a.ID, Email: a.Email, EmailVerified: a.EmailProved, Name: a.Name, Language: a.Language, Theme: a.Theme, CreatedAt: a.CreatedAt}
	if a.Picture != "" {
		me.Picture = s.provider.Issuer + mint.PicturePath + a.Picture
	}
	return me
}

// myself is the account that personally has found.
func myself(ctx context.Context) *account.Account {
	a, _ := ctx.Value(meKey{}).(*account.Account)
	return a
}

func (s *service) me(ctx context.Context, _ *struct{}) (*app.SecretOutput[person], error) {
	return app.SecretAnswer(http.StatusOK, s.personOf(myself(ctx))), nil
}

func (s *service) updateMe(ctx context.Context, in *profileInput) (*app.SecretOutput[person], error) {
	a := myself(ctx)
	p := account.Profile{Name: a.Name, Language: a.Language, Theme: a.Theme}
	for to, from := range map[*string]*string{&p.Name: in.Body.Name, &p.Language: in.Body.Language, &p.Theme: in.Body.Theme} {
		if from != nil {
			*to = *from
		}
	}
	by := audit.Caller{Actor: a.ID, From: app.Caller(ctx).From}
	if err := s.accounts.Update(ctx, a.ID, p, by); err != nil {
		return nil, err
	}
	now, err := s.accounts.Get(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	return app.SecretAnswer(http.StatusOK, s.personOf(now)), nil
}
