package ca

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"

	"guildhall/ca/internal/certificate"
	"guildhall/ca/internal/crl"
	"guildhall/ca/internal/keys"
	"guildhall/ca/internal/ocsp"
	"guildhall/ca/internal/store"
	"guildhall/platform/db"
	"guildhall/platform/peer"
)

// Here one part of the authority is given to another in the form that the other
// asks for; ca.go says which to which.

// listSigner opens the key of a revocation list.
func (s *service) listSigner(_ context.Context, name string) (crl.Signer, error) {
	if name != crl.Root {
		pair := s.keys.Issuing()
		return crl.Signer{Certificate: pair.Certificate, Key: pair.Key}, nil
	}
	pair, err := s.keys.Root()
	if errors.Is(err, keys.ErrRootOffline) {
		return crl.Signer{}, crl.ErrOffline.Because(err)
	}
	return crl.Signer{Certificate: pair.Certificate, Key: pair.Key}, err
}

func (s *service) statuses(ctx context.Context, serials []string) (map[string]ocsp.Status, error) {
	found, err := s.store.Statuses(ctx, serials)
	out := make(map[string]ocsp.Status, len(found))
	for serial, status := range found {
		out[serial] = ocsp.Status(status)
	}
	return out, err
}

// certify issues the certificate of the OCSP responder's own key.
func (s *service) certify(ctx context.Context, public crypto.PublicKey) (*x509.Certificate, error) {
	return s.certificates.IssueResponder(ctx, public)
}

// peerRevocations reads the sequence for the peers' feed.
func (s *service) peerRevocations(ctx context.Context, after uint64, limit int) ([]peer.Revocation, error) {
	list, err := s.store.Revocations(ctx, after, limit)
	out := make([]peer.Revocation, 0, len(list))
	for _, r := range list {
		out = append(out, peer.Revocation{Seq: r.Seq, Serial: r.Serial, Reason: r.Reason, RevokedAt: db.Micros(r.RevokedAt), NotAfter: db.Micros(r.NotAfter)})
	}
	return out, err
}

func (s *service) announce(ctx context.Context, r store.Revocation) (certificate.Reach, error) {
	start := s.now()
	reach, err := s.hub.Announce(ctx, r.Seq)
	return certificate.Reach{Peers: reach.Peers, Acknowledged: reach.Acknowledged, Lapsed: reach.Lapsed, Took: s.now().Sub(start)}, err
}
