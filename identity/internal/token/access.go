package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"guildhall/identity/internal/mint"
	"guildhall/identity/internal/signing"
)

// access reads an access token that we made and that is not over. Nil: it is none.
// That it was not revoked is not looked at.
func (s *Service) access(ctx context.Context, token string) (*mint.AccessClaims, error) {
	verified, err := s.o.Minter.Signing.Verify(ctx, token)
	if errors.Is(err, signing.ErrToken) {
		return nil, nil //nolint:nilnil // nil says that it is none
	}
	if err != nil {
		return nil, err
	}
	if verified.Type != mint.TypeAccess {
		return nil, nil //nolint:nilnil // an ID token opens nothing
	}
	var c mint.AccessClaims
	if err := json.Unmarshal(verified.Payload, &c); err != nil {
		return nil, fmt.Errorf("read the claims of an access token of ours: %w", err)
	}
	if c.Issuer != s.o.Minter.Issuer || s.o.Now().Unix() >= c.Expires {
		return nil, nil //nolint:nilnil // it is over, or of an issuer of another name
	}
	return &c, nil
}

// revoked says whether an access token that is not over is worth nothing.
func (s *Service) revoked(ctx context.Context, c *mint.AccessClaims) (bool, error) {
	return s.o.Grants.Revoked(ctx, c.ID, c.Grant, c.ClientID, time.Unix(c.IssuedAt, 0))
}
