package transport

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"guildhall/license/internal/store"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// Request is one that was opened, and that can be answered.
type Request struct {
	*sealed.Request
	// Message is what the client asks. Flaw says what is wrong if it is none, or one for
	// another product or call than the request was sent for.
	Message license.Request
	Flaw    string
	// Once names a sealed request among all others; nil: it was not sealed.
	Once []byte

	bundle *bundle
	key    *key // what it was sealed under; nil: nothing
	signer sealed.Signer
}

// Open opens a request for a call, which came by the method to the path. Whoever gets it
// can be answered: the key that signs is there.
func (d *Desk) Open(ctx context.Context, call, method, path string, w sealed.Wire) (*Request, error) {
	r, err := d.find(ctx, w)
	if err != nil {
		return nil, err
	}
	p := sealed.Params{Method: method, Path: path, Product: r.bundle.product.Code}
	if r.Request, err = sealed.OpenRequest(r.lookup(), p, w); err != nil {
		return nil, ErrOpen.Because(err)
	}
	signs := r.bundle.current(store.KeyAnswer, d.now())
	if signs == nil {
		return nil, ErrNoKeys
	}
	r.signer = sealed.Signer{ID: signs.id, Key: signs.sign}
	if r.key != nil {
		name := sha256.Sum256(fmt.Appendf(nil, "%s\n%x\n%x", r.Mode, r.KeyID, r.Salt))
		r.Once = name[:]
	}
	if r.key != nil {
		r.Flaw = flaw(json.Unmarshal(r.Body, &r.Message))
	}
	if r.Flaw == "" && (r.Message.Product != p.Product || r.Message.Call != call) {
		r.Flaw = fmt.Sprintf("It was sent as the call %.20q for the product %q, and says another call or product.", call, p.Product)
	}
	return r, nil
}

// flaw is what the parser has against a message, in a sentence.
func flaw(err error) string {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return fmt.Sprintf("The field %s cannot be a %s.", e.Field, e.Value)
	}
	if err != nil {
		return "It is no JSON object with the fields of a message."
	}
	return ""
}

// find finds whose request it is: the message of one that is not sealed says so, and the
// key of the others.
func (d *Desk) find(ctx context.Context, w sealed.Wire) (*Request, error) {
	kinds := map[sealed.Mode][]string{sealed.PSK: {store.KeyPSK, store.KeyKit}, sealed.HPKE: {store.KeyHPKE}}[w.Mode]
	if kinds == nil {
		r := &Request{}
		err := json.Unmarshal(w.Body, &r.Message) // fields of a wrong type are left out
		r.Flaw = flaw(err)
		if r.Message.Product == "" {
			return nil, ErrMessage.Because(err)
		}
		r.bundle, err = d.bundleOf(ctx, r.Message.Product)
		return r, err
	}
	id, ok := sealedTo(w.Body)
	if !ok {
		return nil, ErrOpen
	}
	type found struct {
		key    *key
		bundle *bundle
	}
	f, err := find(ctx, d, func(r *ring) *found {
		k := r.opens(kinds, id, d.now())
		if k == nil {
			return nil
		}
		return &found{k, r.byProduct[k.Product]}
	})
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, ErrOpen
	}
	return &Request{key: f.key, bundle: f.bundle}, nil
}

// sealedTo is the id of the key that a sealed request names, behind its version.
func sealedTo(body []byte) (id sealed.KeyID, ok bool) {
	if len(body) < 1+len(id) {
		return id, false
	}
	copy(id[:], body[1:])
	return id, true
}

// lookup knows the one key that was found.
func (r *Request) lookup() sealed.Lookup {
	return sealed.Lookup{
		PSK:  func(id sealed.KeyID) ([]byte, bool) { return r.key.shared, id == r.key.id },
		HPKE: func(id sealed.KeyID) (*ecdh.PrivateKey, bool) { return r.key.private, id == r.key.id },
	}
}

// Answer signs an answer, and seals it as the request was.
func (d *Desk) Answer(r *Request, a license.Answer) (sealed.Wire, error) {
	if next := d.next(r, a); next != nil {
		var err error
		if a.NextPSK, err = tell(r, next); err != nil {
			return sealed.Wire{}, err
		}
	}
	text, err := json.Marshal(a)
	if err != nil {
		return sealed.Wire{}, fmt.Errorf("write an answer: %w", err)
	}
	w, err := r.Seal(r.signer, text)
	if err != nil {
		return w, fmt.Errorf("sign an answer: %w", err)
	}
	return w, nil
}
