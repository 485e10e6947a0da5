package sealed

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
)

const (
	x25519Len    = 32
	hpkeNonceLen = 32
	// hpkeHeader is before a request's cipher text: version, key id and the
	// encapsulated key. An answer has its nonce there, and then the server's
	// ephemeral key.
	hpkeHeader       = 1 + keyIDLen + x25519Len
	hpkeAnswerHeader = 1 + keyIDLen + hpkeNonceLen + x25519Len

	infoHPKE       = "guildhall license hpke v1"
	infoHPKEAnswer = "guildhall license hpke answer v1"
)

// sealHPKE seals a request, and says how to open the answer.
func (c *Client) sealHPKE(p Params, proof, body []byte) ([]byte, func([]byte) ([]byte, error), error) {
	enc, sender, err := hpke.NewSender(c.public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(infoHPKE))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: nothing can be sealed to it", ErrKey)
	}
	ephemeral := must(ecdh.X25519().GenerateKey(rand.Reader))
	header := append(append([]byte{version}, c.id[:]...), enc...)
	text, err := sender.Seal(p.aad(header), appendRequest(ephemeral.PublicKey().Bytes(), proof, body))
	if err != nil {
		return nil, nil, fmt.Errorf("seal a request: %w", err)
	}
	secret := must(sender.Export(infoHPKEAnswer, sha256.Size))
	sealed := append(header, text...)
	return sealed, hpkeAnswers(p, sealed, secret, ephemeral), nil
}

// hpkeAnswers opens answers to a sealed request: with the secret that both sides
// export, and the client's ephemeral key.
func hpkeAnswers(p Params, sealed, secret []byte, ephemeral *ecdh.PrivateKey) func([]byte) ([]byte, error) {
	id, enc, request := KeyID(sealed[1:]), sealed[1+keyIDLen:hpkeHeader], sha256.Sum256(sealed)
	return func(answer []byte) ([]byte, error) {
		if err := checkHeader(answer, hpkeAnswerHeader, answerFrame); err != nil {
			return nil, err
		}
		if KeyID(answer[1:]) != id {
			return nil, fmt.Errorf("%w: it is not that of the request", ErrKey)
		}
		header := answer[:hpkeAnswerHeader]
		nonce, server := header[1+keyIDLen:1+keyIDLen+hpkeNonceLen], must(ecdh.X25519().NewPublicKey(header[hpkeAnswerHeader-x25519Len:]))
		shared, err := ephemeral.ECDH(server)
		if err != nil {
			return nil, ErrOpen // a point of low order
		}
		return hpkeAnswerBox(enc, nonce, secret, shared).open(answer[hpkeAnswerHeader:], p.aad(header, request[:]))
	}
}

// openHPKE opens what sealHPKE sealed.
func (r *Request) openHPKE(keys Lookup, sealed []byte) error {
	if err := checkHeader(sealed, hpkeHeader, x25519Len+proofLen); err != nil {
		return err
	}
	header := sealed[:hpkeHeader]
	enc := header[1+keyIDLen:]
	identity := sha256.Sum256(enc)
	r.KeyID, r.Salt = KeyID(header[1:]), identity[:]
	key, ok := (*ecdh.PrivateKey)(nil), false
	if keys.HPKE != nil {
		key, ok = keys.HPKE(r.KeyID)
	}
	if !ok || key == nil {
		return fmt.Errorf("%w: no key of the mode hpke is %s", ErrKey, r.KeyID)
	}
	private, err := hpke.NewDHKEMPrivateKey(key)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	recipient, err := hpke.NewRecipient(enc, private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(infoHPKE))
	if err != nil {
		return ErrOpen // a point of low order
	}
	plain, err := recipient.Open(r.Params.aad(header), sealed[hpkeHeader:])
	if err != nil {
		return ErrOpen
	}
	ephemeral := must(ecdh.X25519().GenerateKey(rand.Reader))
	shared, err := ephemeral.ECDH(must(ecdh.X25519().NewPublicKey(plain[:x25519Len])))
	if err != nil { // found before anything is done for somebody who cannot be answered
		return fmt.Errorf("%w: the client's ephemeral key is of low order", ErrFormat)
	}
	secret := must(recipient.Export(infoHPKEAnswer, sha256.Size))
	request := sha256.Sum256(sealed)
	r.seal = func(plain []byte) []byte {
		return r.answerHPKE(enc, secret, shared, request[:], randomBytes(hpkeNonceLen), ephemeral.PublicKey().Bytes(), plain)
	}
	r.Proof, r.Body, err = splitRequest(plain[x25519Len:])
	return err
}

// answerHPKE seals the plain text of an answer under what HPKE exports and what
// two ephemeral keys agree on: with the server's key, stolen later, it does not
// open.
func (r *Request) answerHPKE(enc, secret, shared, request, nonce, ephemeral, plain []byte) []byte {
	header := append(append(append([]byte{version}, r.KeyID[:]...), nonce...), ephemeral...)
	return hpkeAnswerBox(enc, nonce, secret, shared).seal(header, plain, r.Params.aad(header, request))
}

// hpkeAnswerBox is the pattern of RFC 9458, section 4.4, with a second secret.
func hpkeAnswerBox(enc, nonce, secret, shared []byte) box {
	prk := extract(append(append([]byte{}, secret...), shared...), append(append([]byte{}, enc...), nonce...))
	return newBox(prk, infoHPKEAnswer)
}
