package certificate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"guildhall/ca/internal/store"
	"guildhall/platform/fault"
)

// ErrKeyCompromised says that a key that others may know would be certified again.
var ErrKeyCompromised = fault.New(fault.Conflict, "key_compromised", "The key is compromised. Make a new key.")

// refuseCompromised refuses a public key of which a certificate was revoked
// because others may know the private one: that holds for any name and for
// ever. Field is the part of the request that brought the key, or empty.
func (s *Service) refuseCompromised(ctx context.Context, keyID, field string) error {
	r, err := s.Store.FindCompromised(ctx, keyID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	since := r.RevokedAt.UTC().Format(time.RFC3339)
	detail := fmt.Sprintf("The key is compromised: the certificate %s for it was revoked for that reason at %s. Make a new key and ask for a certificate with that.", r.Serial, since)
	args := map[string]any{"Serial": r.Serial, "Since": since}
	if field != "" {
		return fault.Fields(fault.Field{Name: field, Code: ErrKeyCompromised.Code, Detail: detail, Args: args})
	}
	return fault.New(ErrKeyCompromised.Kind, ErrKeyCompromised.Code, "%s", detail).With(args)
}
