package ocsp

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// DefaultValidity is how long a response may be used: long enough for stapling
// servers to bridge an outage, short enough to matter.
const DefaultValidity = 4 * time.Hour

// Status is what the database says of a known certificate.
type Status struct {
	Revoked   bool
	RevokedAt time.Time
	Reason    int // CRLReason of RFC 5280, section 5.3.1
}

// Options is what a Responder needs; all but Validity are required.
type Options struct {
	// Issuer is the certificate whose issues are answered for.
	Issuer *x509.Certificate
	// Lookup reads the state of certificates by serial (lower-case hexadecimal
	// of its big-endian bytes). A serial that is absent from the result was
	// never issued.
	Lookup func(ctx context.Context, serials []string) (map[string]Status, error)
	// Certify issues the delegated OCSP-signing certificate for a P-256 key.
	Certify func(ctx context.Context, pub crypto.PublicKey) (*x509.Certificate, error)
	// Validity is nextUpdate minus thisUpdate; DefaultValidity if zero.
	Validity time.Duration
	// Now is the time to sign with; its error refuses to sign.
	Now func() (time.Time, error)
	Log *slog.Logger
}

// Responder answers status requests. It is safe for concurrent use.
type Responder struct {
	issuer    issuerID
	lookup    func(ctx context.Context, serials []string) (map[string]Status, error)
	validity  time.Duration
	now       func() (time.Time, error)
	log       *slog.Logger
	delegates delegates
}

// New makes a Responder. It signs nothing yet: the delegated certificate is
// asked for with the first request, or by Prepare.
func New(o Options) (*Responder, error) {
	if o.Issuer == nil || o.Lookup == nil || o.Certify == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("ocsp: Issuer, Lookup, Certify, Now and Log are required")
	}
	id, err := identify(o.Issuer)
	if err != nil {
		return nil, fmt.Errorf("identify issuer: %w", err)
	}
	if o.Validity == 0 {
		o.Validity = DefaultValidity
	}
	return &Responder{issuer: id, lookup: o.Lookup, validity: o.Validity, now: o.Now, log: o.Log,
		delegates: delegates{certify: o.Certify, log: o.Log}}, nil
}

// Answer is a response on its way out. The times are zero for an error
// response, which must not be cached.
type Answer struct {
	DER        []byte
	ThisUpdate time.Time
	NextUpdate time.Time
}

// Cacheable says whether the answer is signed and may be kept until NextUpdate.
func (a Answer) Cacheable() bool { return !a.NextUpdate.IsZero() }

// Respond answers the DER of a request. It has no error result: what goes
// wrong is one of the protocol's own error responses, and is logged when it is
// our fault.
func (r *Responder) Respond(ctx context.Context, der []byte) Answer {
	req, err := parseRequest(der)
	if err != nil {
		return Answer{DER: errorResponse(malformedRequest)}
	}
	serials := r.ours(req)
	if serials == nil {
		return Answer{DER: errorResponse(unauthorized)}
	}
	answer, err := r.answer(ctx, req, serials)
	if err != nil {
		r.log.ErrorContext(ctx, "OCSP request was not answered", "error", err)
		return Answer{DER: errorResponse(tryLater)}
	}
	return answer
}

// ours returns the serials asked for under our issuer, not nil if there is one
// such question. A request that only asks about other issuers is none of our
// business; beside one of ours, theirs are answered with unknown.
func (r *Responder) ours(req *request) []string {
	var out []string
	for _, c := range req.certs {
		if !r.issuer.names(c) {
			continue
		}
		if out == nil {
			out = []string{}
		}
		if s := c.serialText(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (r *Responder) answer(ctx context.Context, req *request, serials []string) (Answer, error) {
	found, err := r.statuses(ctx, serials)
	if err != nil {
		return Answer{}, err
	}
	list := make([]single, 0, len(req.certs))
	for _, c := range req.certs {
		s := single{id: c}
		if r.issuer.names(c) {
			s.status, s.known = found[c.serialText()]
		}
		list = append(list, s)
	}
	return r.signed(ctx, list)
}

// statuses looks up what was asked, and whether our own signer is still good.
func (r *Responder) statuses(ctx context.Context, serials []string) (map[string]Status, error) {
	signer := r.delegates.serial()
	if signer != "" {
		serials = append(serials, signer)
	}
	if len(serials) == 0 {
		return map[string]Status{}, nil
	}
	found, err := r.lookup(ctx, serials)
	if err != nil {
		return nil, fmt.Errorf("look up status: %w", err)
	}
	if found[signer].Revoked {
		r.delegates.drop(ctx, signer)
	}
	return found, nil
}

// signed signs the statuses, or finds the response that already says the same.
// Only single, known certificates are kept: they are what clients repeat.
func (r *Responder) signed(ctx context.Context, list []single) (Answer, error) {
	now, err := r.now()
	if err != nil {
		return Answer{}, err
	}
	now = now.UTC().Truncate(time.Second)
	d, err := r.delegates.get(ctx, now)
	if err != nil {
		return Answer{}, err
	}
	keep := len(list) == 1 && list[0].known
	if keep {
		if a, ok := d.signed.get(keyOf(list[0]), now); ok {
			return a, nil
		}
	}
	a := Answer{ThisUpdate: now, NextUpdate: earlier(now.Add(r.validity), d.cert.NotAfter)}
	if a.DER, err = d.sign(list, a.ThisUpdate, a.NextUpdate); err != nil {
		return Answer{}, err
	}
	if keep {
		d.signed.put(keyOf(list[0]), a)
	}
	return a, nil
}

// earlier bounds a response by its signer: what outlives the certificate that
// signed it convinces nobody.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
