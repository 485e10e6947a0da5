package sealed

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"
	"fmt"
)

// Client seals requests in one mode. It is safe for concurrent use.
type Client struct {
	mode   Mode
	id     KeyID
	shared []byte
	public hpke.PublicKey
}

// NewHTTPS makes a client that leaves the sealing to TLS.
func NewHTTPS() *Client { return &Client{mode: HTTPS} }

// NewPSK makes a client that seals under a shared key of 32 bytes.
func NewPSK(id KeyID, key []byte) (*Client, error) {
	if len(key) != sharedLen {
		return nil, fmt.Errorf("%w: a shared key has %d bytes and not %d", ErrKey, sharedLen, len(key))
	}
	return &Client{mode: PSK, id: id, shared: bytes.Clone(key)}, nil
}

// NewHPKE makes a client that seals to the server's public key of X25519.
func NewHPKE(id KeyID, public []byte) (*Client, error) {
	key, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("%w: a public key of X25519 has %d bytes and not %d", ErrKey, x25519Len, len(public))
	}
	sealTo, err := hpke.NewDHKEMPublicKey(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return &Client{mode: HPKE, id: id, public: sealTo}, nil
}

// Format writes the mode and the key's id whatever the verb, so that no log tells
// the key.
func (c *Client) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "client in the mode %s, key %s", c.mode, c.id)
}

// SealRequest seals a body with its proof, which SignProof made or which is nil.
// A request is sent once: to try again, seal again, because the server answers
// no message twice.
func (c *Client) SealRequest(p Params, proof, body []byte) (Wire, *Exchange, error) {
	if err := errors.Join(p.check(), checkBody(body)); err != nil {
		return Wire{}, nil, err
	}
	if len(proof) != 0 && len(proof) != proofLen {
		return Wire{}, nil, fmt.Errorf("%w: a proof has %d bytes and not %d", ErrFormat, proofLen, len(proof))
	}
	w, x := Wire{Mode: c.mode}, &Exchange{mode: c.mode, params: p, request: bytes.Clone(body)}
	var err error
	switch c.mode {
	case PSK:
		w.Body, x.open = c.sealPSK(p, randomBytes(pskSaltLen), appendRequest(nil, proof, body))
	case HPKE:
		w.Body, x.open, err = c.sealHPKE(p, proof, body)
	default:
		w.Body = x.request
		if len(proof) != 0 {
			w.Proof = text64(proof)
		}
	}
	if err != nil {
		return Wire{}, nil, err
	}
	return w, x, nil
}

// Exchange is a request that waits for its answer.
type Exchange struct {
	mode    Mode
	params  Params
	request []byte
	// open opens a sealed answer; nil in the mode https.
	open func(sealed []byte) (plain []byte, err error)
}

// Open is the body of the answer to the request, once its seal and its signature
// have shown that it is one.
func (x *Exchange) Open(w Wire, keys AnswerKeys) ([]byte, error) {
	r, err := x.Receive(w, keys)
	return r.Answer, err
}

// Receive is Open for a client that keeps the answer with its signature.
func (x *Exchange) Receive(w Wire, keys AnswerKeys) (Receipt, error) {
	if w.Mode != x.mode {
		return Receipt{}, fmt.Errorf("%w: the answer to a request in the mode %s is in the mode %s", ErrFormat, x.mode, w.Mode)
	}
	if len(w.Body) > MaxSealed {
		return Receipt{}, fmt.Errorf("%w: it has %d bytes and may have %d", ErrFormat, len(w.Body), MaxSealed)
	}
	answer, err := x.read(w)
	if err != nil {
		return Receipt{}, err
	}
	r := Receipt{Params: x.params, Request: x.request, Answer: answer.body, Key: answer.id, Signature: answer.signature}
	if err := r.Verify(keys); err != nil {
		return Receipt{}, err
	}
	return r, nil
}

// read takes an answer apart.
func (x *Exchange) read(w Wire) (signed, error) {
	if x.open != nil {
		plain, err := x.open(w.Body)
		if err != nil {
			return signed{}, err
		}
		return splitAnswer(plain)
	}
	if w.Key == "" || w.Signature == "" {
		return signed{}, fmt.Errorf("the answer has none: %w", ErrSignature)
	}
	answer := signed{signature: make([]byte, proofLen), body: w.Body}
	return answer, errors.Join(checkBody(w.Body),
		read64(answer.id[:], w.Key, "the header "+HeaderKey), read64(answer.signature, w.Signature, "the header "+HeaderSignature))
}
