package peertest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"time"
)

// kept is a CA in a file, so that several processes of a test can be it in turn.
type kept struct {
	Root, Issuing, Key []byte
	Status             ed25519.PrivateKey
	Life               time.Duration
}

// Encode writes the CA with its keys.
func (c *CA) Encode() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return nil, err
	}
	return json.Marshal(kept{Root: c.Root.Raw, Issuing: c.Issuing.Raw, Key: key, Status: c.StatusKey, Life: c.Life})
}

// DecodeCA reads what Encode wrote.
func DecodeCA(text []byte, now func() time.Time) (*CA, error) {
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, err
	}
	root, err := x509.ParseCertificate(k.Root)
	if err != nil {
		return nil, err
	}
	issuing, err := x509.ParseCertificate(k.Issuing)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(k.Key)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the issuing key is of another kind")
	}
	return &CA{Root: root, Issuing: issuing, Key: key, StatusKey: k.Status, Life: k.Life, Now: now}, nil
}
