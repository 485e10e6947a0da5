package enrol

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"

	"guildhall/ca/internal/store"
	"guildhall/platform/fault"
)

// Knows says whether there is a record of exactly this certificate (DER). One
// that was made outside the authority with its key has none, even under a
// serial number that exists.
func (e *Enroller) Knows(ctx context.Context, der []byte) (bool, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return false, fault.Fields(fault.Field{Name: "certificate", Code: "invalid", Detail: "This is not a certificate in DER."})
	}
	r, err := e.Certificates.Get(ctx, store.SerialText(cert.SerialNumber))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !bytes.Equal(r.DER, der) {
		return false, nil
	}
	e.met.remember(r)
	return true, nil
}
