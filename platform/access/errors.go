package access

import (
	"errors"

	"guildhall/platform/fault"
	"guildhall/sdk/go/identity"
	"guildhall/sdk/go/identity/revocation"
)

var (
	// ErrToken says that an access token is not to be accepted; its cause says why.
	ErrToken = fault.New(fault.Unauthenticated, "token_invalid", "The access token is not valid here, or is over. Get a new one.")
	// ErrRevoked says that a token or a session was ended before its time.
	ErrRevoked = fault.New(fault.Unauthenticated, "access_revoked", "This access was revoked. Sign in again.")
	// ErrStale says that nothing is known about revocations: identity was not heard
	// within the lease, or not at all yet.
	ErrStale = fault.New(fault.Unavailable, "revocations_unknown",
		"Whether this access was revoked cannot be told at present, because the identity service does not answer. Try again in a moment.")
)

// coded gives an error of package revocation the code that our answers have.
func coded(err error) error {
	switch {
	case errors.Is(err, revocation.ErrRevoked):
		return ErrRevoked.Because(err)
	case errors.Is(err, revocation.ErrStale):
		return ErrStale.Because(err)
	case errors.Is(err, identity.ErrToken):
		return ErrToken.Because(err)
	}
	return err
}
