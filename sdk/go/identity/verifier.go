package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// keysFor is how long the keys are used before they are asked for again.
	keysFor = 5 * time.Minute
	// keysMost is how long they are used when identity does not answer.
	keysMost = time.Hour
	// keysAgain spaces the requests that unknown keys cause.
	keysAgain = 10 * time.Second
	// keysTimeout bounds a request for the keys, maxKeys its answer in bytes.
	keysTimeout = 10 * time.Second
	maxKeys     = 256 << 10
)

// VerifierOptions is what NewVerifier needs: Issuer and Audience.
type VerifierOptions struct {
	// Issuer is identity's public address, without final slash; Audience that of the
	// program, as tokens for it name it.
	Issuer, Audience string
	// HTTP fetches the keys; nil is http.DefaultClient. Give one that trusts the
	// installation's root.
	HTTP *http.Client
	Now  func() time.Time
}

// Verifier verifies access tokens by identity's published keys, for programs that are
// not services of the installation. It cannot tell that a token was revoked before it
// was over, which is minutes after it was made: where that matters, use the
// Verifier of package revocation, or ask /oauth2/introspect. It is safe for concurrent use.
type Verifier struct {
	o VerifierOptions

	mu             sync.Mutex // held while keys are fetched
	keys           *KeySet    // nil before the first
	fetched, asked time.Time
}

// NewVerifier makes a verifier. It fetches the keys at the first token.
func NewVerifier(o VerifierOptions) *Verifier {
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Verifier{o: o}
}

// Verify is what an access token says, if it is to be accepted; else ErrToken, or why
// the keys could not be fetched. A token that is bound to a key (DPoP, mutual TLS) is
// refused.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	expected := Expected{Issuer: v.o.Issuer, Audience: v.o.Audience, Now: v.o.Now()}
	keys, err := v.current(ctx, keysFor)
	if err != nil {
		return Claims{}, err
	}
	c, err := keys.Access(token, expected)
	if !errors.Is(err, ErrKey) {
		return c, err
	}
	newer, failed := v.current(ctx, keysAgain)
	if failed != nil || newer == keys {
		return Claims{}, err
	}
	return newer.Access(token, expected)
}

// current is the keys, asked for at most life ago.
func (v *Verifier) current(ctx context.Context, life time.Duration) (*KeySet, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.o.Now()
	usable := v.keys != nil && now.Sub(v.fetched) < keysMost
	if usable && (now.Sub(v.fetched) < life || now.Sub(v.asked) < keysAgain) {
		return v.keys, nil
	}
	v.asked = now
	keys, err := v.fetch(ctx)
	if err != nil {
		if usable {
			return v.keys, nil
		}
		return nil, err
	}
	v.keys, v.fetched = keys, now
	return keys, nil
}

func (v *Verifier) fetch(ctx context.Context) (*KeySet, error) {
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.o.Issuer+"/oauth2/jwks", nil)
	if err != nil {
		return nil, fmt.Errorf("fetch identity's keys: %w", err)
	}
	resp, err := v.o.HTTP.Do(r)
	if err != nil {
		return nil, fmt.Errorf("fetch identity's keys: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch identity's keys: it answered %s", resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxKeys))
	if err != nil {
		return nil, fmt.Errorf("fetch identity's keys: %w", err)
	}
	return ParseKeySet(text)
}
