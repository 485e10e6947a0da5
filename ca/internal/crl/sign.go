package crl

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cb "golang.org/x/crypto/cryptobyte/asn1"
)

var errSigned = errors.New("the signature just made is wrong")

// hashes are those of the algorithms that the authority's keys sign with.
var hashes = map[x509.SignatureAlgorithm]crypto.Hash{x509.ECDSAWithSHA256: crypto.SHA256, x509.ECDSAWithSHA384: crypto.SHA384}

// sign makes the list that names the entries, which are encoded. The standard
// library makes it without them; they are put in, and it is signed anew.
func sign(l List, named []byte, signer Signer) ([]byte, error) {
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(l.Number),
		ThisUpdate: l.ThisUpdate, NextUpdate: l.NextUpdate}, signer.Certificate, signer.Key)
	if err != nil || len(named) == 0 {
		return der, err
	}
	empty, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	public, ok := signer.Key.Public().(*ecdsa.PublicKey)
	hash, known := hashes[empty.SignatureAlgorithm]
	if !ok || !known {
		return nil, fmt.Errorf("lists are not signed by %s", empty.SignatureAlgorithm)
	}
	body, algorithm, err := fill(empty.RawTBSRevocationList, named)
	if err != nil {
		return nil, err
	}
	h := hash.New()
	h.Write(body) // never fails
	digest := h.Sum(nil)
	signature, err := signer.Key.Sign(rand.Reader, digest, hash)
	if err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(public, digest, signature) { // one made by a faulty processor may tell the key
		return nil, errSigned
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(body)+512))
	b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(body)
		b.AddBytes(algorithm)
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}

// fill puts the entries into the TBSCertList of an empty list (RFC 5280, section
// 5.1): behind version, algorithm, issuer and both times, before the extensions.
func fill(empty, named []byte) (body, algorithm []byte, err error) {
	in := cryptobyte.String(empty)
	var inner, version, issuer, this, next cryptobyte.String
	var alg cryptobyte.String
	if !in.ReadASN1(&inner, cb.SEQUENCE) {
		return nil, nil, errors.New("the empty list is no sequence")
	}
	for _, part := range []*cryptobyte.String{&version, &alg, &issuer, &this, &next} {
		if !inner.ReadAnyASN1Element(part, new(cb.Tag)) {
			return nil, nil, errors.New("the empty list ends early")
		}
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(empty)+len(named)+16))
	b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, part := range []cryptobyte.String{version, alg, issuer, this, next} {
			b.AddBytes(part)
		}
		b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(named) })
		b.AddBytes(inner)
	})
	body, err = b.Bytes()
	return body, alg, err
}
