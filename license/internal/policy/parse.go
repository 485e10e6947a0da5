package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"guildhall/platform/fault"
)

// ErrMalformed says that a text is no policy.
var ErrMalformed = fault.New(fault.Malformed, "policy_malformed", "The text is no policy.")

// Parse reads a policy. What it does not say is as in Default; what nobody knows is
// refused, as is everything that Check does not like.
func Parse(text []byte) (Policy, error) {
	standard := Default()
	p := &standard // nil for null
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Policy{}, fault.New(ErrMalformed.Kind, ErrMalformed.Code, "The policy cannot be read: %w.", err)
	}
	if p == nil {
		return Policy{}, fault.New(ErrMalformed.Kind, ErrMalformed.Code, "The policy is null. Give an object.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Policy{}, fault.New(ErrMalformed.Kind, ErrMalformed.Code, "Something follows the policy. Give one alone.")
	}
	if err := fault.Fields(p.Check()...); err != nil {
		return Policy{}, err
	}
	return *p, nil
}

// JSON is the policy as it is kept.
func (p Policy) JSON() ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write a policy: %w", err)
	}
	return text, nil
}
