package offline

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

const (
	toInstallKey, toCode = "install_key", "code"
	secretInfo           = "guildhall offline licence secret v1\n"
	codeInfo             = "guildhall offline licence code v1\n"
	encLength            = 32 // of X25519
	saltLength           = 16
)

// SealTo adds a confidential part, such as the unpack key, for a node: sealed to the
// public install key that its request has. The node is empty in a licence that is bound
// to none. Set id and product before.
func (c *Claims) SealTo(node, public string, secret []byte) error {
	if err := c.sealable(secret); err != nil {
		return err
	}
	recipient, err := parsePublic(public)
	if err != nil {
		return refuse(ClaimsWrong, "The install key of the node %q is no X25519 public key in base64url.", node)
	}
	enc, sender, err := hpke.NewSender(recipient, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(secretInfo+c.Product))
	if err != nil {
		return fmt.Errorf("seal to the node %q: %w", node, err)
	}
	sealed, err := sender.Seal(c.aad(node), secret)
	if err != nil {
		return fmt.Errorf("seal to the node %q: %w", node, err)
	}
	c.Sealed = append(c.Sealed, Sealed{node, toInstallKey, encode(append(enc, sealed...))})
	return nil
}

// SealToCode adds a confidential part for machines that have no install key, under a
// code that goes to the customer by another way than the licence: by telephone, on
// paper. The code is 128 random bits, so that a quick derivation suffices; it is shown
// once.
func (c *Claims) SealToCode(secret []byte) (code string, err error) {
	if err := c.sealable(secret); err != nil {
		return "", err
	}
	raw, salt := make([]byte, codeBytes), make([]byte, saltLength)
	_, _ = rand.Read(raw)
	_, _ = rand.Read(salt)
	aead, err := codeCipher(raw, salt, c.Product)
	if err != nil {
		return "", err
	}
	sealed := aead.Seal(salt, make([]byte, aead.NonceSize()), secret, c.aad("")) //nolint:gosec // the salt makes the key, for this message alone
	c.Sealed = append(c.Sealed, Sealed{"", toCode, encode(sealed)})
	return formatCode(raw), nil
}

// Secret is the confidential part that is sealed to this machine's install key.
func (l *Licence) Secret(key *InstallKey) ([]byte, error) {
	i := slices.IndexFunc(l.Sealed, func(s Sealed) bool { return s.To == toInstallKey && s.Node == l.Node })
	if i < 0 {
		return nil, refuse(SecretMissing, "The licence has no confidential part for this machine's install key.")
	}
	private, err := hpke.NewDHKEMPrivateKey(key.private)
	if err != nil {
		return nil, fmt.Errorf("open the licence's confidential part: %w", err)
	}
	raw, err := decode(l.Sealed[i].Data)
	if err != nil || len(raw) < encLength {
		return nil, closed("the install key of this machine")
	}
	recipient, err := hpke.NewRecipient(raw[:encLength], private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(secretInfo+l.Product))
	if err != nil {
		return nil, closed("the install key of this machine")
	}
	secret, err := recipient.Open(l.aad(l.Node), raw[encLength:])
	if err != nil {
		return nil, closed("the install key of this machine")
	}
	return secret, nil
}

// SecretByCode is the confidential part that opens with a code, as a person types it.
func (l *Licence) SecretByCode(code string) ([]byte, error) {
	raw, err := parseCode(code)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(l.Sealed, func(s Sealed) bool { return s.To == toCode })
	if i < 0 {
		return nil, refuse(SecretMissing, "The licence has no confidential part that opens with a code.")
	}
	sealed, err := decode(l.Sealed[i].Data)
	if err != nil || len(sealed) < saltLength {
		return nil, closed("this code")
	}
	aead, err := codeCipher(raw, sealed[:saltLength], l.Product)
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, make([]byte, aead.NonceSize()), sealed[saltLength:], l.aad(""))
	if err != nil {
		return nil, closed("this code")
	}
	return secret, nil
}

func closed(with string) error {
	return refuse(SecretClosed, "The licence's confidential part does not open with %s: it is for another one.", with)
}

func (c *Claims) sealable(secret []byte) error {
	switch {
	case !idPattern.MatchString(c.LicenseID) || c.Product == "":
		return errors.New("seal a confidential part: set the licence's id and product first")
	case len(secret) == 0 || len(secret) > maxSecret:
		return fmt.Errorf("seal a confidential part: it has %d bytes, not 1 to %d", len(secret), maxSecret)
	default:
		return nil
	}
}

// aad binds a part to its licence and node. An id has no line end.
func (c *Claims) aad(node string) []byte { return []byte(c.LicenseID + "\n" + node) }

// codeCipher is of one licence: the salt makes its key, so the nonce is zero.
func codeCipher(code, salt []byte, product string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, code, salt, codeInfo+product, 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of the code: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func parsePublic(text string) (hpke.PublicKey, error) {
	raw, err := decode(text)
	if err != nil {
		return nil, err
	}
	public, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return nil, err
	}
	return hpke.NewDHKEMPublicKey(public)
}
