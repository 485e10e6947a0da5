package token

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"regexp"

	"guildhall/identity/internal/grant"
	"guildhall/identity/internal/oauth"
)

// verifier is what RFC 7636, 4.1 allows.
var verifier = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// code redeems an authorization code: RFC 6749, 4.1.3.
func (s *Service) code(ctx context.Context, r Request) (Response, error) {
	code := r.Values.Get("code")
	if code == "" {
		return Response{}, oauth.NewError(oauth.InvalidRequest, "The parameter code is missing.")
	}
	check := func(g *grant.Grant, c grant.Code) error {
		for _, wrong := range []func() error{
			func() error { return r.owns(g) },
			func() error { return r.sameAddress(c) },
			func() error { return r.proves(c) },
			func() error { return r.holds(g) }, // dpop_jkt of the authorization request
			func() error { _, err := s.target(r, g.Audiences); return err },
			func() error { return r.bind(g) },
		} {
			if err := wrong(); err != nil {
				return err
			}
		}
		return nil
	}
	g, refresh, err := s.o.Grants.RedeemCode(ctx, code, check, life(&r.Client), r.By)
	if err != nil {
		return Response{}, err
	}
	return s.answer(ctx, r, &g, g.Scopes, refresh)
}

// owns wants the code to be one of this client's.
func (r *Request) owns(g *grant.Grant) error {
	if g.Client != r.Client.ID {
		return grant.ErrCode
	}
	return nil
}

// sameAddress wants the redirect_uri of the authorization request again.
func (r *Request) sameAddress(c grant.Code) error {
	uri, given := r.Values.Get("redirect_uri"), r.Values.Has("redirect_uri")
	if (c.GivenURI || given) && uri != c.RedirectURI {
		return oauth.NewError(oauth.InvalidGrant, "The redirect_uri is not the one of the authorization request. Send the very same.")
	}
	return nil
}

// proves wants what the challenge of the authorization request was made of. A
// verifier without a challenge is refused too: somebody took the challenge out of
// the request (RFC 9700, 2.1.1).
func (r *Request) proves(c grant.Code) error {
	given := r.Values.Get("code_verifier")
	if c.Challenge == "" {
		if given != "" {
			return oauth.NewError(oauth.InvalidGrant, "There is a code_verifier, but the authorization request had no code_challenge.")
		}
		if !r.Client.PKCEOptional || r.Client.Public() {
			return oauth.NewError(oauth.InvalidGrant, "The authorization request had no code_challenge, which this application needs (RFC 7636).")
		}
		return nil
	}
	sum := sha256.Sum256([]byte(given))
	same := subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(c.Challenge)) == 1
	if !verifier.MatchString(given) || !same {
		return oauth.NewError(oauth.InvalidGrant, "The code_verifier is not what the code_challenge was made of.")
	}
	return nil
}
