package revocation

import (
	"errors"
	"fmt"
	"time"

	"guildhall/sdk/go/identity"
)

// Verify is what a token says if identity signed it, it is for the audience, not over
// and not revoked; else identity.ErrToken or ErrRevoked. With ErrStale the claims are
// there too when all else is well and identity was heard before. A token that is bound
// to a key is refused, since nobody here asks for the proof.
func (s *Set) Verify(token, audience string, now time.Time) (identity.Claims, error) {
	keys := s.keys.Load()
	if keys == nil {
		return identity.Claims{}, fmt.Errorf("%w: its keys have not come yet", ErrStale)
	}
	c, err := keys.Access(token, identity.Expected{Issuer: s.Issuer(), Audience: audience, Now: now})
	if err != nil {
		return identity.Claims{}, err
	}
	err = s.Check(Token{ID: c.ID, Grant: c.Grant, Account: c.Subject, Client: c.Client, IssuedAt: c.IssuedAt})
	if err != nil && !errors.Is(err, ErrStale) {
		return identity.Claims{}, fmt.Errorf("the access token %s of %s: %w", c.ID, c.Client, err)
	}
	return c, err
}
