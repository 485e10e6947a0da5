package store

import "context"

// FindCompromised is the certificate that was revoked first, of those for a
// public key, because the key was compromised (RFC 5280's reason 1), or
// ErrNotFound.
func (s *Store) FindCompromised(ctx context.Context, keyID string) (*Record, error) {
	// The reason stands in the text, so that the index certificates_compromised serves.
	return s.one(ctx, s.db.Read, `WHERE key_id = $1 AND reason = 1 ORDER BY revoked_at LIMIT 1`, keyID)
}
