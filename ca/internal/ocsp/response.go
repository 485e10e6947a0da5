package ocsp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"
)

// responseStatus is the outcome of the request itself (RFC 6960, section
// 4.2.1); anything but successful has no body and no signature.
type responseStatus byte

const (
	successful       responseStatus = 0
	malformedRequest responseStatus = 1
	tryLater         responseStatus = 3
	unauthorized     responseStatus = 6
)

var (
	oidBasic           = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

type responseASN1 struct {
	Status asn1.Enumerated
	Body   bodyASN1 `asn1:"explicit,tag:0,optional"`
}

type bodyASN1 struct {
	Type     asn1.ObjectIdentifier
	Response []byte
}

type basicASN1 struct {
	Data         asn1.RawValue
	Algorithm    pkix.AlgorithmIdentifier
	Signature    asn1.BitString
	Certificates []asn1.RawValue `asn1:"explicit,tag:0"`
}

// dataASN1 is ResponseData. The version is v1, thus absent; a nonce will be
// an Extensions member with explicit tag 1.
type dataASN1 struct {
	Responder asn1.RawValue
	Produced  time.Time `asn1:"generalized"`
	Responses []singleASN1
}

type singleASN1 struct {
	CertID     asn1.RawValue
	Status     asn1.RawValue
	ThisUpdate time.Time `asn1:"generalized"`
	NextUpdate time.Time `asn1:"generalized,explicit,tag:0"`
}

type revokedASN1 struct {
	At     time.Time       `asn1:"generalized"`
	Reason asn1.Enumerated `asn1:"explicit,tag:0"`
}

// revokedPlainASN1 is for a revocation without a reason: "unspecified" should
// be absent rather than written (RFC 5280, section 5.3.1).
type revokedPlainASN1 struct {
	At time.Time `asn1:"generalized"`
}

// errorResponse is an unsigned response that carries only a status.
func errorResponse(s responseStatus) []byte {
	return []byte{0x30, 0x03, 0x0a, 0x01, byte(s)}
}

// single is one certificate's status on its way into a response.
type single struct {
	id     certID
	known  bool
	status Status
}

func (s single) encode(thisUpdate, nextUpdate time.Time) (singleASN1, error) {
	status, err := s.encodeStatus()
	return singleASN1{CertID: asn1.RawValue{FullBytes: s.id.Raw}, Status: status,
		ThisUpdate: thisUpdate, NextUpdate: nextUpdate}, err
}

func (s single) encodeStatus() (asn1.RawValue, error) {
	switch {
	case !s.known:
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 2}, nil
	case !s.status.Revoked:
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0}, nil
	}
	var info any = revokedASN1{s.status.RevokedAt.UTC(), asn1.Enumerated(s.status.Reason)}
	if s.status.Reason == 0 {
		info = revokedPlainASN1{s.status.RevokedAt.UTC()}
	}
	der, err := asn1.MarshalWithParams(info, "tag:1")
	if err != nil {
		return asn1.RawValue{}, fmt.Errorf("encode revocation: %w", err)
	}
	return asn1.RawValue{FullBytes: der}, nil
}

// sign makes the signed response with the delegate's certificate in it.
func (d *delegate) sign(list []single, thisUpdate, nextUpdate time.Time) ([]byte, error) {
	responder, err := asn1.MarshalWithParams(d.keyHash, "explicit,tag:2")
	if err != nil {
		return nil, fmt.Errorf("encode responder id: %w", err)
	}
	data := dataASN1{Responder: asn1.RawValue{FullBytes: responder}, Produced: thisUpdate}
	for _, s := range list {
		one, err := s.encode(thisUpdate, nextUpdate)
		if err != nil {
			return nil, err
		}
		data.Responses = append(data.Responses, one)
	}
	tbs, err := asn1.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode response data: %w", err)
	}
	return d.wrap(tbs)
}

func (d *delegate) wrap(tbs []byte) ([]byte, error) {
	digest := sha256.Sum256(tbs)
	signature, err := ecdsa.SignASN1(rand.Reader, d.key, digest[:])
	if err != nil {
		return nil, fmt.Errorf("sign response: %w", err)
	}
	basic, err := asn1.Marshal(basicASN1{
		Data:         asn1.RawValue{FullBytes: tbs},
		Algorithm:    pkix.AlgorithmIdentifier{Algorithm: oidECDSAWithSHA256},
		Signature:    asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
		Certificates: []asn1.RawValue{{FullBytes: d.cert.Raw}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode basic response: %w", err)
	}
	der, err := asn1.Marshal(responseASN1{asn1.Enumerated(successful), bodyASN1{oidBasic, basic}})
	if err != nil {
		return nil, fmt.Errorf("encode response: %w", err)
	}
	return der, nil
}

// keyHash is the responder's id byKey: SHA-1 of its public key, whatever the
// hash of the request (RFC 6960, section 4.2.1).
func keyHash(bits []byte) []byte { return sum(crypto.SHA1, bits) }
