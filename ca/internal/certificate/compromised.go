package certificate

import (
	"fmt"
	"time"

	"guildhall/ca/internal/store"
	"guildhall/platform/fault"
)

// ErrKeyCompromised says that a key that others may know would be certified again.
var ErrKeyCompromised = fault.New(fault.Conflict, "key_compromised", "The key is compromised. Make a new key.")

// compromised refuses the draft's public key, of which a certificate was revoked
// because others may know the private one: that holds for any name and for ever.
func (d *draft) compromised(e *store.CompromisedError) error {
	since := e.RevokedAt.UTC().Format(time.RFC3339)
	detail := fmt.Sprintf("The key is compromised: the certificate %s for it was revoked for that reason at %s. Make a new key and ask for a certificate with that.", e.Serial, since)
	args := map[string]any{"Serial": e.Serial, "Since": since}
	if d.fromCSR {
		return fault.Fields(fault.Field{Name: "csr", Code: ErrKeyCompromised.Code, Detail: detail, Args: args})
	}
	return fault.New(ErrKeyCompromised.Kind, ErrKeyCompromised.Code, "%s", detail).With(args)
}
