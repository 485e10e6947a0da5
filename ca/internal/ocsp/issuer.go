package ocsp

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // #nosec G505 -- SHA-1 here is a name for the issuer that clients send, and protects nothing.
	_ "crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
)

// hashes are the functions that a request may name its issuer with: SHA-1 is
// what nearly every client sends (RFC 5019, section 2.1.1), SHA-256 what
// RFC 9654 and newer clients prefer.
var hashes = []struct {
	oid  asn1.ObjectIdentifier
	hash crypto.Hash
}{
	{asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}, crypto.SHA1},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, crypto.SHA256},
}

// issuerID is the issuer under each of the hashes.
type issuerID map[crypto.Hash]struct{ name, key []byte }

func identify(issuer *x509.Certificate) (issuerID, error) {
	key, err := publicKeyBits(issuer)
	if err != nil {
		return nil, err
	}
	out := issuerID{}
	for _, h := range hashes {
		out[h.hash] = struct{ name, key []byte }{sum(h.hash, issuer.RawSubject), sum(h.hash, key)}
	}
	return out, nil
}

// names says whether the certificate ID is one of this issuer.
func (i issuerID) names(c certID) bool {
	// What stands in the ID is echoed and signed, so it holds nothing else.
	params := c.HashAlgorithm.Parameters.FullBytes
	id, ok := i[c.hash()]
	return ok && (len(params) == 0 || bytes.Equal(params, asn1.NullBytes)) && bytes.Equal(id.name, c.NameHash) && bytes.Equal(id.key, c.KeyHash)
}

// publicKeyBits is the content of the subjectPublicKey BIT STRING: what a key
// hash covers (RFC 6960, section 4.1.1), unlike the whole SubjectPublicKeyInfo.
func publicKeyBits(c *x509.Certificate) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil, fmt.Errorf("parse public key of %q: %w", c.Subject, err)
	}
	return info.PublicKey.RightAlign(), nil
}

func sum(h crypto.Hash, data []byte) []byte {
	w := h.New()
	w.Write(data)
	return w.Sum(nil)
}
