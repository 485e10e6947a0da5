package token

import (
	"context"
	"errors"

	"guildhall/identity/internal/account"
	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
)

// What keeps somebody with the right password out of the password grant.
var (
	errPassword     = oauth.NewError(oauth.InvalidGrant, "The user name and the password do not fit together.")
	errMustChange   = oauth.NewError(oauth.InvalidGrant, "The password has to be changed first, on the pages of identity.")
	errMustEnrol    = oauth.NewError(oauth.InvalidGrant, "This account needs a second factor, which has to be set up first, on the pages of identity.")
	errSecondFactor = oauth.NewError(oauth.InvalidGrant, "This account has a second factor, which the grant_type password cannot ask for. Use authorization_code.")
)

// password takes a person's password from the client: RFC 6749, 4.3, which RFC
// 9700 forbids. So it is there only where an administrator allowed it, and only
// for accounts that have no more to show than a password.
func (s *Service) password(ctx context.Context, r Request) (Response, error) {
	s.o.Log.WarnContext(ctx, "an application asks with a person's password; let it use authorization_code instead", "application", r.Client.ID)
	scopes, err := r.registered()
	if err != nil {
		return Response{}, err
	}
	audiences, err := s.target(r, nil)
	if err != nil {
		return Response{}, err
	}
	a, err := s.signIn(ctx, r)
	if err != nil {
		return Response{}, err
	}
	g := grant.Grant{Account: a.ID, Client: r.Client.ID, Offline: true, Scopes: scopes, Audiences: audiences,
		ACR: oauth.ACRPassword, AMR: []string{session.MethodPassword}, AuthTime: s.o.Now()}
	if err := r.bind(&g); err != nil {
		return Response{}, err
	}
	g, refresh, err := s.o.Grants.IssueByPassword(ctx, g, a.PasswordSetAt, life(&r.Client), r.By.As(a.ID))
	if err != nil {
		return Response{}, err
	}
	return s.answer(ctx, r, &g, g.Scopes, refresh)
}

// signIn is the account, if its password is all that it has. Guessing is slowed
// down as at the page for signing in.
func (s *Service) signIn(ctx context.Context, r Request) (*account.Account, error) {
	name, password := r.Values.Get("username"), r.Values.Get("password")
	if name == "" || password == "" {
		return nil, oauth.NewError(oauth.InvalidRequest, "The parameters username and password are needed both.")
	}
	a, err := s.o.Accounts.SignIn(ctx, account.SignInRequest{Email: name, Password: password, By: r.By})
	if errors.Is(err, account.ErrSignIn) {
		return nil, errPassword
	}
	if err != nil {
		return nil, err
	}
	if a.MustChange {
		return nil, errMustChange
	}
	if a.SecondRequired {
		return nil, errMustEnrol
	}
	factors, err := s.o.Factors.Has(ctx, a.ID)
	if err == nil && factors.Any() {
		err = errSecondFactor
	}
	return a, err
}
