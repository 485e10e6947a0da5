package peer

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
)

// ErrLeaving is the cause with which a subscriber ends the context of Follow
// after it has stopped trusting its set: the authority need not wait for its
// lease any more.
var ErrLeaving = errors.New("the subscriber leaves")

// Authority issues the certificates of a process and tells it of revocations.
// The ca service implements it in its own process; Remote is the same over HTTP.
type Authority interface {
	// Enrol issues the first certificate of a service, or the next one after a
	// revocation or an expiry.
	Enrol(ctx context.Context, r EnrolRequest) (*Bundle, error)
	// Renew issues another certificate for the service that csr (DER) names.
	// It is refused when the service's present certificate is revoked.
	Renew(ctx context.Context, csr []byte) (*Bundle, error)
	// ServerCertificate issues a certificate for the names of the public
	// listener of this process.
	ServerCertificate(ctx context.Context, csr []byte) (*Bundle, error)
	// Follow hands every revocation after the sequence number to apply, and
	// signed heads at least every second, until ctx ends or apply fails. After
	// 0 means from the beginning. When apply returns nil, the update counts as
	// acknowledged.
	Follow(ctx context.Context, after uint64, apply func(Update) error) error
	// Knows says whether the authority has a record of exactly this certificate
	// (DER). What it was revoked for or whether it expired does not matter here.
	Knows(ctx context.Context, certificate []byte) (bool, error)
	// Roots are the authority's root certificates.
	Roots() ([]*x509.Certificate, error)
}

// EnrolRequest asks for a service's first certificate.
type EnrolRequest struct {
	// CSR is a PKCS #10 request (DER) whose one DNS name is the service's Name.
	CSR []byte
	// Token is the text of a join token. Empty only in the authority's own process.
	Token string
}

// Bundle is an issued certificate and what its holder must trust.
type Bundle struct {
	// Chain is DER, leaf first, without the root.
	Chain [][]byte `json:"chain"`
	// Roots are DER root certificates.
	Roots [][]byte `json:"roots"`
	// StatusKey verifies the heads of the revocation set.
	StatusKey ed25519.PublicKey `json:"status_key"`
}
