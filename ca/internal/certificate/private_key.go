package certificate

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

var errNoKey = errors.New("no private key")

// Bounds on a private key, in bytes: that of the largest RSA key that is
// certified has 5 kB. To read an RSA key of half a megabyte takes a processor for
// half a minute.
const (
	maxKey     = 8 << 10
	maxKeyText = 32 << 10
)

// ParsePrivateKey reads a private key in the PEM forms that tools write.
func ParsePrivateKey(text string) (crypto.Signer, error) {
	if len(text) > maxKeyText {
		return nil, errNoKey
	}
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errNoKey
		}
		if key, err := parseBlock(block); err == nil {
			return key, nil
		}
	}
}

func parseBlock(block *pem.Block) (crypto.Signer, error) {
	if len(block.Bytes) > maxKey {
		return nil, errNoKey
	}
	switch block.Type {
	case "PRIVATE KEY":
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if signer, ok := key.(crypto.Signer); ok && err == nil {
			return signer, nil
		}
		return nil, errNoKey
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	return nil, errNoKey
}
