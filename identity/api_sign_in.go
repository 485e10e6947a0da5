package identity

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/authorize"
	"guildhall/identity/internal/client"
	"guildhall/identity/internal/factor"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/identity/internal/token"
	"guildhall/platform/app"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/peer"
)

// Signing in by JSON is for programs of the installation itself, to which people
// give their password as they would to the page. The application is identity's own,
// client.DirectID; what it gets is what any application gets.

// What keeps somebody with the right password out.
var (
	errSecondDue = fault.New(fault.Unauthenticated, "second_factor_required",
		"The password is right, and the account has a second factor. Send all again with \"code\": that of the authenticator app, or a recovery code. A passkey works on the pages alone.")
	errMustChange = fault.New(fault.Forbidden, "password_change_required",
		"The password was given by somebody else and has to be changed first. Sign in at /sign-in in a browser and do so.")
	errMustEnrol = fault.New(fault.Forbidden, "second_factor_setup_required",
		"The account needs a second factor and has none. Sign in at /sign-in in a browser and set one up.")
	errRefresh = fault.New(fault.Unauthenticated, "refresh_token_over",
		"The refresh token is unknown, over, was used before, or its session has ended. Sign in again at /login.")
	errDirectOff = fault.New(fault.Forbidden, "json_sign_in_off",
		"An administrator has disabled the application \"guildhall-identity\", in whose name people sign in here. Sign in at /sign-in in a browser.")
)

// signInBody is what /login takes.
type signInBody struct {
	Email    string `json:"email" maxLength:"1000" doc:"The address of the account."`
	Password string `json:"password" maxLength:"1000" doc:"Its password."`
	Code     string `json:"code,omitempty" maxLength:"100" doc:"The second factor, if the account has one: six digits of the authenticator app, or a recovery code."`
}

type signInInput struct {
	UserAgent string `header:"User-Agent" hidden:"true"`
	Body      signInBody
}

// refreshBody is what /refresh and /logout take.
type refreshBody struct {
	RefreshToken string `json:"refresh_token" maxLength:"1000" doc:"The last one that was given."`
}

type refreshInput struct{ Body refreshBody }

// tokens is what somebody gets who is signed in.
type tokens struct {
	AccessToken  string `json:"access_token" doc:"Opens /me, as \"Authorization: Bearer\"."`
	TokenType    string `json:"token_type" example:"Bearer"`
	ExpiresIn    int64  `json:"expires_in" doc:"How many seconds the access token lives."`
	RefreshToken string `json:"refresh_token" doc:"Good once, at /refresh."`
}

type registerBody struct {
	Email    string `json:"email" maxLength:"1000" doc:"The address; a code goes to it."`
	Name     string `json:"name" maxLength:"1000" doc:"What others see: at most 64 characters."`
	Password string `json:"password" maxLength:"1000" doc:"10 to 128 characters."`
	Language string `json:"language,omitempty" enum:"en,zh-CN,pl" doc:"That of letters and pages."`
}

type registerInput struct{ Body registerBody }

// registration waits for its code.
type registration struct {
	Challenge string `json:"challenge" doc:"To be sent to /register/code with the code of the letter."`
}

type registerCodeBody struct {
	Challenge string `json:"challenge" maxLength:"100" doc:"What /register has answered."`
	Code      string `json:"code" maxLength:"100" doc:"The six digits of the letter."`
}

type registerCodeInput struct{ Body registerCodeBody }

func (s *service) signInOperations(api huma.API) {
	open, tags := map[string]any{app.Public: true}, []string{"Sign-in"}
	only := huma.Middlewares{onlyJSON(api)}
	shared := app.Beside(api, s.beside)
	app.Register(shared, huma.Operation{OperationID: "register", Method: http.MethodPost, Path: "/register", Tags: tags, Metadata: open, Middlewares: only, DefaultStatus: http.StatusAccepted,
		Summary:     "Begin to register",
		Description: "The answer is the same whether the address has an account: what differs is the letter. Error codes: invalid_fields, registration_closed, too_many_requests."},
		s.register, http.StatusForbidden)
	app.Register(shared, huma.Operation{OperationID: "register-code", Method: http.MethodPost, Path: "/register/code", Tags: tags, Metadata: open, Middlewares: only, DefaultStatus: http.StatusCreated,
		Summary:     "End to register",
		Description: "The code of the letter makes the account; then sign in. Five tries, five minutes."}, s.registerCode, http.StatusConflict, http.StatusGone)
	app.Register(api, huma.Operation{OperationID: "login", Method: http.MethodPost, Path: "/login", Tags: tags, Metadata: open, Middlewares: only,
		Summary: "Sign in",
		Description: "Begins a session, which stands among the person's devices, and gives tokens for it. Tries are counted and slowed down as on the page. " +
			"Error codes: sign_in_failed, second_factor_required (send code too), password_change_required and second_factor_setup_required (in a browser), json_sign_in_off."},
		s.login, http.StatusUnauthorized, http.StatusForbidden)
	app.Register(api, huma.Operation{OperationID: "refresh", Method: http.MethodPost, Path: "/refresh", Tags: tags, Metadata: open, Middlewares: only,
		Summary: "Get the next tokens",
		Description: "Each refresh token is good once; for half a minute the same successor is given again. One that is used later ends the tokens of its sign-in. " +
			"Error code: refresh_token_over."}, s.refresh, http.StatusUnauthorized, http.StatusForbidden)
	app.Register(api, huma.Operation{OperationID: "logout", Method: http.MethodPost, Path: "/logout", Tags: tags, Metadata: open, Middlewares: only, DefaultStatus: http.StatusNoContent,
		Summary: "Sign out", Description: "Ends the session and all its tokens. A token that opens nothing is no error."}, s.signOutDirect)
}

// onlyJSON refuses bodies that do not say that they are JSON: a form of another site
// cannot say so.
func onlyJSON(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if !isJSON(ctx.Header("Content-Type")) {
			// The caller is gone if this fails; there is nobody left to tell.
			_ = huma.WriteErr(api, ctx, http.StatusUnsupportedMediaType, "Send JSON, with the header Content-Type: application/json")
			return
		}
		next(ctx)
	}
}

// outsider is who calls an operation without being known, for the audit log.
func outsider(ctx context.Context) audit.Caller { return audit.Caller{From: app.Caller(ctx).From} }

func (s *service) register(ctx context.Context, in *registerInput) (*app.Output[registration], error) {
	b := in.Body
	id, err := s.accounts.Register(ctx, account.RegisterRequest{Email: b.Email, Name: b.Name, Password: b.Password,
		Language: cmp.Or(b.Language, i18n.Lang(ctx)), By: outsider(ctx)})
	if err != nil {
		return nil, err
	}
	return &app.Output[registration]{Body: &registration{id}}, nil
}

func (s *service) registerCode(ctx context.Context, in *registerCodeInput) (*app.Output[person], error) {
	a, err := s.accounts.Activate(ctx, in.Body.Challenge, strings.TrimSpace(in.Body.Code), outsider(ctx))
	if err != nil {
		return nil, err
	}
	return &app.Output[person]{Body: s.personOf(a)}, nil
}

func (s *service) login(ctx context.Context, in *signInInput) (*app.SecretOutput[tokens], error) {
	c, err := s.direct(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.accounts.SignIn(ctx, account.SignInRequest{Email: in.Body.Email, Password: in.Body.Password, By: outsider(ctx)})
	if err != nil {
		return nil, err
	}
	by := outsider(ctx).As(a.ID)
	start := session.Start{Account: a.ID, Level: session.Password, Methods: []string{session.MethodPassword}, PasswordSetAt: a.PasswordSetAt,
		UserAgent: in.UserAgent, From: by.From}
	factors, err := s.factors.Has(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	if factors.Any() {
		method, err := s.secondFactor(ctx, a.ID, in.Body.Code, by)
		if err != nil {
			return nil, err
		}
		start.Level, start.Methods, start.ByFactor = session.Strong, append(start.Methods, method), true
	}
	if err := s.ready(ctx, a); err != nil {
		return nil, err
	}
	return s.enter(ctx, c, start, by)
}

// secondFactor checks a code: six digits are an authenticator's, anything else is a
// recovery code.
func (s *service) secondFactor(ctx context.Context, account, code string, by audit.Caller) (method string, err error) {
	switch code = strings.ReplaceAll(code, " ", ""); {
	case code == "":
		return "", errSecondDue
	case len(code) == 6:
		err := s.factors.CheckTOTP(ctx, account, code, by)
		if errors.Is(err, factor.ErrNoTOTP) {
			err = errSecondDue
		}
		return session.MethodTOTP, err
	}
	return session.MethodRecovery, s.factors.UseRecovery(ctx, account, code, by)
}

// ready is nil unless the pages would let the account do nothing before it has
// another password or a second factor.
func (s *service) ready(ctx context.Context, a *account.Account) error {
	if a.MustChange {
		return errMustChange
	}
	if !a.SecondRequired {
		return nil
	}
	factors, err := s.factors.Has(ctx, a.ID)
	if err == nil && !factors.Any() {
		err = errMustEnrol
	}
	return err
}

// enter begins a session, which nothing opens but its tokens.
func (s *service) enter(ctx context.Context, c client.Client, start session.Start, by audit.Caller) (*app.SecretOutput[tokens], error) {
	cookie, begun, err := s.sessions.Start(ctx, start)
	if err != nil {
		return nil, err
	}
	g := grant.Grant{Account: begun.Account, Client: c.ID, Session: begun.ID, Scopes: c.Scopes, AuthTime: begun.AuthenticatedAt,
		ACR: authorize.ACR(begun.Level), AMR: authorize.AMR(begun.Level, begun.Methods)}
	given, err := s.provider.Tokens.Begin(ctx, g, c, by)
	if err != nil {
		return nil, errors.Join(err, s.sessions.SignOut(context.WithoutCancel(ctx), cookie, by))
	}
	return give(given), nil
}

func give(r token.Response) *app.SecretOutput[tokens] {
	return app.SecretAnswer(http.StatusOK, &tokens{AccessToken: r.AccessToken, TokenType: r.TokenType, ExpiresIn: r.ExpiresIn, RefreshToken: r.RefreshToken})
}

// direct is the application in whose name people sign in here.
func (s *service) direct(ctx context.Context) (client.Client, error) {
	c, err := s.clients.RegisterDirect(ctx, peer.Name(Name))
	if err == nil && !c.Active() {
		err = errDirectOff
	}
	return c, err
}

func (s *service) refresh(ctx context.Context, in *refreshInput) (*app.SecretOutput[tokens], error) {
	c, err := s.direct(ctx)
	if err != nil {
		return nil, err
	}
	g, err := s.family(ctx, in.Body.RefreshToken)
	if err != nil {
		return nil, err
	}
	a, err := s.accounts.Get(ctx, g.Account)
	if err != nil {
		return nil, err
	}
	if err := s.ready(ctx, a); err != nil {
		return nil, err
	}
	given, err := s.provider.Tokens.Exchange(ctx, token.Request{Client: c, By: outsider(ctx),
		Values: url.Values{"grant_type": {oauth.GrantRefresh}, "refresh_token": {in.Body.RefreshToken}}})
	if _, ours := oauth.AsError(err); err != nil && !ours {
		return nil, errRefresh.Because(err)
	}
	if err != nil {
		return nil, err
	}
	return give(given), nil
}

// family is the live grant of a refresh token that /login gave.
func (s *service) family(ctx context.Context, refresh string) (grant.Grant, error) {
	g, err := s.grants.ByFamily(ctx, refresh)
	if errors.Is(err, grant.ErrRefresh) || err == nil && (g.Client != client.DirectID || g.Session == "") {
		err = errRefresh
	}
	return g, err
}

func (s *service) signOutDirect(ctx context.Context, in *refreshInput) (*struct{}, error) {
	g, err := s.family(ctx, in.Body.RefreshToken)
	if errors.Is(err, errRefresh) {
		return nil, nil //nolint:nilnil // there is nothing to end and nothing to tell
	}
	if err != nil {
		return nil, err
	}
	err = s.sessions.End(ctx, g.Account, g.Session, outsider(ctx).As(g.Account))
	if errors.Is(err, session.ErrNotFound) {
		err = nil
	}
	return nil, err
}
