package certificate

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"

	"guildhall/ca/internal/profile"
	"guildhall/platform/fault"
)

// maxCSR is the size of the largest request that is looked at, in bytes: a
// hundred names and an RSA key of 8192 bits need less than half.
const maxCSR = 32 << 10

// csr is a certificate signing request (RFC 2986) whose signature and key are
// good.
type csr struct {
	public     crypto.PublicKey
	keyType    profile.KeyType
	spki       []byte
	commonName string
	names      []string
}

// badCSR refuses a request: why is a word by which pages find their sentence.
func badCSR(why, detail string) error {
	return fault.Fields(fault.Field{Name: "csr", Code: "invalid_csr", Detail: detail, Args: map[string]any{"Why": why}})
}

// parseCSR reads a request in PEM or DER.
func parseCSR(data []byte) (*csr, error) {
	if len(data) > maxCSR {
		return nil, badCSR("large", "The request is larger than 32 KiB. Ask for fewer names.")
	}
	der, err := derOf(data)
	if err != nil {
		return nil, err
	}
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, badCSR("unreadable", "This is not a certificate signing request in PEM or DER. Make one with: openssl req -new -key key.pem -out request.csr")
	}
	keyType, err := checkRequest(r)
	if err != nil {
		return nil, err
	}
	return &csr{public: r.PublicKey, keyType: keyType, spki: r.RawSubjectPublicKeyInfo, commonName: r.Subject.CommonName,
		names: profile.NamesOf(r.DNSNames, r.IPAddresses, r.EmailAddresses, r.URIs)}, nil
}

func derOf(data []byte) ([]byte, error) {
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		return data, nil
	}
	block, _ := pem.Decode(data)
	switch {
	case block == nil:
		return nil, badCSR("damaged", "The PEM text is damaged. Copy all of it, with the lines BEGIN and END.")
	case block.Type == "CERTIFICATE REQUEST" || block.Type == "NEW CERTIFICATE REQUEST":
		return block.Bytes, nil
	case bytes.Contains([]byte(block.Type), []byte("PRIVATE KEY")):
		return nil, badCSR("key", "This is a private key. Keep it to yourself and send a request made with it: openssl req -new -key key.pem -out request.csr")
	}
	return nil, badCSR("other", "The PEM text is not a CERTIFICATE REQUEST. Make one with: openssl req -new -key key.pem -out request.csr")
}

// checkRequest checks the key, then the proof that the requester holds it.
func checkRequest(r *x509.CertificateRequest) (profile.KeyType, error) {
	keyType, err := profile.TypeOf(r.PublicKey)
	if err != nil {
		return "", fault.Fields(fault.Field{Name: "csr", Code: "weak_key", Detail: "In the request, " + err.Error() + "."})
	}
	switch r.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA:
		return "", badCSR("hash", "The request is signed with an outdated hash. Make it again with SHA-256: openssl req -new -sha256 ...")
	}
	if err := r.CheckSignature(); err != nil {
		return "", badCSR("signature", "The request's signature does not fit its key: it was changed or damaged. Make it again.")
	}
	if wantsCA(r) {
		return "", badCSR("authority", "The request asks for a certificate authority (basicConstraints CA:TRUE). This authority certifies no others; leave that out.")
	}
	return keyType, nil
}

func wantsCA(r *x509.CertificateRequest) bool {
	for _, e := range r.Extensions {
		if !e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 19}) {
			continue
		}
		var basic struct {
			IsCA bool `asn1:"optional"`
			Path int  `asn1:"optional,default:-1"`
		}
		if _, err := asn1.Unmarshal(e.Value, &basic); err != nil || basic.IsCA {
			return true
		}
	}
	return false
}
