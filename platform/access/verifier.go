package access

import (
	"time"

	"guildhall/sdk/go/identity"
)

// Claims are what an access token says.
type Claims = identity.Claims

// Verifier verifies access tokens by what a Follower keeps. It asks nobody.
type Verifier struct {
	Set Set
	Now func() time.Time
}

// Verify is what a token says if identity signed it, it is for the audience (the
// public address of the service, without final slash), not over and not revoked;
// else ErrToken or ErrRevoked. With ErrStale the claims are there too when all else is
// well: who goes on by them goes on without knowing of revocations. A token that is
// bound to a key is refused, since nobody here asks for the proof.
func (v *Verifier) Verify(token, audience string) (Claims, error) {
	c, err := v.Set.Verify(token, audience, v.Now())
	return c, coded(err)
}
