package sealed

import (
	"crypto/sha256"
	"fmt"
)

const (
	sharedLen  = 32
	pskSaltLen = 24
	// pskHeader is before the cipher text, in both directions: version, key id and
	// salt.
	pskHeader = 1 + keyIDLen + pskSaltLen

	infoPSKRequest = "guildhall license psk request v1"
	infoPSKAnswer  = "guildhall license psk answer v1"
)

// sealPSK seals the plain text of a request, and says how to open the answer.
func (c *Client) sealPSK(p Params, salt, plain []byte) ([]byte, func([]byte) ([]byte, error)) {
	header := append(append([]byte{version}, c.id[:]...), salt...)
	prk := extract(c.shared, salt)
	sealed := newBox(prk, infoPSKRequest).seal(header, plain, p.aad(header))
	request := sha256.Sum256(sealed)
	return sealed, func(answer []byte) ([]byte, error) {
		if err := checkHeader(answer, pskHeader, answerFrame); err != nil {
			return nil, err
		}
		if KeyID(answer[1:]) != c.id {
			return nil, fmt.Errorf("%w: it is not that of the request", ErrKey)
		}
		header := answer[:pskHeader]
		return answerBox(prk, header).open(answer[pskHeader:], p.aad(header, request[:]))
	}
}

// openPSK opens what sealPSK sealed.
func (r *Request) openPSK(keys Lookup, sealed []byte) error {
	if err := checkHeader(sealed, pskHeader, proofLen); err != nil {
		return err
	}
	header := sealed[:pskHeader]
	r.KeyID, r.Salt = KeyID(header[1:]), header[1+keyIDLen:]
	key, ok := []byte(nil), false
	if keys.PSK != nil {
		key, ok = keys.PSK(r.KeyID)
	}
	if !ok || len(key) != sharedLen {
		return fmt.Errorf("%w: no shared key is %s", ErrKey, r.KeyID)
	}
	prk := extract(key, r.Salt)
	plain, err := newBox(prk, infoPSKRequest).open(sealed[pskHeader:], r.Params.aad(header))
	if err != nil {
		return err
	}
	request := sha256.Sum256(sealed)
	r.seal = func(plain []byte) []byte { return r.answerPSK(prk, request[:], randomBytes(pskSaltLen), plain) }
	r.Proof, r.Body, err = splitRequest(plain)
	return err
}

// answerPSK seals the plain text of an answer. It has a salt of its own, so that
// two answers to one request, of which a copy may have come, share no key.
func (r *Request) answerPSK(prk, request, salt, plain []byte) []byte {
	header := append(append([]byte{version}, r.KeyID[:]...), salt...)
	return answerBox(prk, header).seal(header, plain, r.Params.aad(header, request))
}

func answerBox(prk, header []byte) box {
	return newBox(prk, infoPSKAnswer+string(header[1+keyIDLen:]))
}
