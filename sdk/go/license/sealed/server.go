package sealed

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"fmt"
)

// Lookup finds the server's keys by their ids; false says that there is none, or
// none that is of use now.
type Lookup struct {
	PSK  func(KeyID) ([]byte, bool)
	HPKE func(KeyID) (*ecdh.PrivateKey, bool)
}

// Request is one that was opened.
type Request struct {
	Mode   Mode
	Params Params
	// KeyID is the key that opened it, and Salt what no other sealed request has:
	// whoever remembers both recognises a copy. In the mode https both are empty.
	KeyID KeyID
	Salt  []byte
	// Proof is the signature by the device key; nil is none.
	Proof []byte
	Body  []byte
	// seal seals the plain text of an answer; nil in the mode https.
	seal func(plain []byte) (sealed []byte)
}

// OpenRequest opens a request that came for the params. What it returns keeps
// parts of the wire's body, which must not change any more.
func OpenRequest(keys Lookup, p Params, w Wire) (*Request, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(w.Body) > MaxSealed {
		return nil, fmt.Errorf("%w: it has %d bytes and may have %d", ErrFormat, len(w.Body), MaxSealed)
	}
	r := &Request{Mode: w.Mode, Params: p}
	var err error
	switch w.Mode {
	case HTTPS:
		err = r.openHTTPS(w)
	case PSK:
		err = r.openPSK(keys, w.Body)
	case HPKE:
		err = r.openHPKE(keys, w.Body)
	default:
		err = fmt.Errorf("%w: there is no mode %q", ErrFormat, w.Mode)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Request) openHTTPS(w Wire) error {
	r.Body = w.Body
	if w.Proof != "" {
		var proof [proofLen]byte
		if err := read64(proof[:], w.Proof, "the header "+HeaderProof); err != nil {
			return err
		}
		r.Proof = someProof(proof[:])
	}
	return checkBody(w.Body)
}

// VerifyProof says whether the request was made by whoever holds the device key:
// ErrNoProof when nothing was shown, ErrSignature when it is wrong.
func (r *Request) VerifyProof(device ed25519.PublicKey) error {
	if r.Proof == nil {
		return ErrNoProof
	}
	if err := verify(device, requestText(r.Params, r.Body), r.Proof); err != nil {
		return fmt.Errorf("the proof: %w", err)
	}
	return nil
}

// Seal signs an answer to the request and seals it as the request was.
func (r *Request) Seal(by Signer, body []byte) (Wire, error) {
	signature, err := sign(by.Key, answerText(r.Params, r.Body, body))
	if err = errors.Join(err, checkBody(body)); err != nil {
		return Wire{}, err
	}
	if r.seal == nil {
		return Wire{Mode: HTTPS, Body: body, Key: by.ID.String(), Signature: text64(signature)}, nil
	}
	return Wire{Mode: r.Mode, Body: r.seal(signed{by.ID, signature, body}.plain())}, nil
}
