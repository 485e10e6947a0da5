package ocsp

import (
	"crypto"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"

	"crypto/x509/pkix"
)

// Limits on a request. A usual one has a single certificate and 80 bytes.
const (
	// MaxRequest is the largest request read, in bytes of DER.
	MaxRequest = 8 << 10
	// MaxCerts is the number of certificates that one request may ask for.
	MaxCerts = 32
	// maxSerial is the longest serial number of RFC 5280, section 4.1.2.2.
	maxSerial = 20
)

// request is a parsed OCSPRequest of RFC 6960, section 4.1.1.
type request struct {
	certs []certID
}

// certID names one certificate by its issuer and serial number. Raw is echoed
// in the response, so that a client finds there the very bytes it sent.
type certID struct {
	Raw           asn1.RawContent
	HashAlgorithm pkix.AlgorithmIdentifier
	NameHash      []byte
	KeyHash       []byte
	Serial        *big.Int
}

type requestASN1 struct {
	TBS       tbsRequestASN1
	Signature asn1.RawValue `asn1:"explicit,tag:0,optional"`
}

type tbsRequestASN1 struct {
	Version    int              `asn1:"explicit,tag:0,default:0,optional"`
	Requestor  asn1.RawValue    `asn1:"explicit,tag:1,optional"`
	List       []oneRequestASN1 // SEQUENCE OF Request
	Extensions []pkix.Extension `asn1:"explicit,tag:2,optional"`
}

type oneRequestASN1 struct {
	Cert       certID
	Extensions []pkix.Extension `asn1:"explicit,tag:0,optional"`
}

// parseRequest reads a request. A signature is not checked, as RFC 6960
// (section 4.1.2) allows: everyone may ask. A critical extension is refused,
// because we know none.
func parseRequest(der []byte) (*request, error) {
	if len(der) > MaxRequest {
		return nil, fmt.Errorf("request of %d bytes: at most %d are read", len(der), MaxRequest)
	}
	var in requestASN1
	rest, err := asn1.Unmarshal(der, &in)
	switch {
	case err != nil:
		return nil, fmt.Errorf("parse request: %w", err)
	case len(rest) > 0:
		return nil, fmt.Errorf("%d bytes after the request", len(rest))
	case in.TBS.Version != 0:
		return nil, fmt.Errorf("version %d: only v1 (0) is defined", in.TBS.Version)
	case len(in.TBS.List) == 0:
		return nil, errors.New("the request asks for no certificate")
	case len(in.TBS.List) > MaxCerts:
		return nil, fmt.Errorf("%d certificates in one request: at most %d are answered", len(in.TBS.List), MaxCerts)
	}
	if err := refuseCritical(in.TBS.Extensions); err != nil {
		return nil, err
	}
	out := &request{certs: make([]certID, 0, len(in.TBS.List))}
	for _, one := range in.TBS.List {
		if err := refuseCritical(one.Extensions); err != nil {
			return nil, err
		}
		out.certs = append(out.certs, one.Cert)
	}
	return out, nil
}

func refuseCritical(list []pkix.Extension) error {
	for _, e := range list {
		if e.Critical {
			return fmt.Errorf("unknown critical extension %v", e.Id)
		}
	}
	return nil
}

// serialText is the serial as the certificates table writes it, or "" when no
// certificate can have such a serial.
func (c certID) serialText() string {
	if c.Serial == nil || c.Serial.Sign() <= 0 || c.Serial.BitLen() > 8*maxSerial {
		return ""
	}
	return hex.EncodeToString(c.Serial.Bytes())
}

// hash is the function that the issuer's name and key were hashed with; 0 when
// we do not offer it.
func (c certID) hash() crypto.Hash {
	for _, h := range hashes {
		if h.oid.Equal(c.HashAlgorithm.Algorithm) {
			return h.hash
		}
	}
	return 0
}
