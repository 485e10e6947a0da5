package revocation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"guildhall/sdk/go/identity"
)

const (
	// MaxLines is how many lines one answer holds.
	MaxLines = 64
	// askTimeout bounds a question, which identity answers within a second.
	askTimeout = 10 * time.Second
	// maxAnswer and maxKeys bound answers, in bytes.
	maxAnswer = MaxLines * (MaxLine + 16)
	maxKeys   = 256 << 10
	// retryLeast and retryMost bound the pauses between tries.
	retryLeast = 100 * time.Millisecond
	retryMost  = 5 * time.Second
)

// Path is where the feed is, at identity's public address.
const Path = "/oauth2/revocations"

// Answer is what identity answers there.
type Answer struct {
	Lines []string `json:"lines"`
}

// Options is what NewVerifier needs: Issuer, Audience, ClientID and Secret.
type Options struct {
	// Issuer is identity's public address, without final slash; Audience that of the
	// program, as tokens for it name it.
	Issuer, Audience string
	// ClientID and Secret are those of an application that has Audience among its
	// resources: a resource server.
	ClientID, Secret string
	// HTTP calls identity; nil is http.DefaultClient. Give one that trusts the
	// installation's root.
	HTTP *http.Client
	// Trouble, if not nil, is told why the feed could not be followed, each time; Run
	// tries again by itself.
	Trouble func(error)
	// Lease bounds how long a line is believed; 0 is DefaultLease.
	Lease time.Duration
	Now   func() time.Time
}

// Verifier verifies access tokens by identity's keys and the feed of revocations, which
// Run follows. It is safe for concurrent use.
type Verifier struct {
	o      Options
	set    *Set
	reader Reader
}

// NewVerifier makes a verifier. All is ErrStale until Run has heard of identity.
func NewVerifier(o Options) *Verifier {
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Trouble == nil {
		o.Trouble = func(error) {}
	}
	v := &Verifier{o: o, set: NewSet(o.Lease, o.Now)}
	v.reader = Reader{Set: v.set, Keys: v.keys}
	return v
}

// Verify is what an access token says, if it is to be accepted; else identity.ErrToken
// or ErrRevoked. With ErrStale the claims are there too, when all else is well and
// identity was heard before.
func (v *Verifier) Verify(token string) (identity.Claims, error) {
	return v.set.Verify(token, v.o.Audience, v.o.Now())
}

// Fresh is nil, or an ErrStale that says since when nothing was heard.
func (v *Verifier) Fresh() error { return v.set.Fresh() }

// Run follows identity's revocations until ctx ends, and tries again whatever happens.
// Call it once, in a goroutine of its own.
func (v *Verifier) Run(ctx context.Context) {
	wait := retryLeast
	for ctx.Err() == nil {
		err := v.ask(ctx)
		switch {
		case err == nil:
			wait = retryLeast
			continue
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrGap), errors.Is(err, ErrForged):
			v.reader.Begin()
		}
		v.o.Trouble(err)
		pause(ctx, wait/2+rand.N(wait/2)) //nolint:gosec // jitter needs no secrecy
		wait = min(2*wait, retryMost)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// ask takes in one answer's lines.
func (v *Verifier) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	form := url.Values{"after": {strconv.FormatUint(v.reader.At(), 10)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.o.Issuer+Path, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("follow identity's revocations: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(v.o.ClientID), url.QueryEscape(v.o.Secret)) // RFC 6749, 2.3.1
	text, err := v.send(r, maxAnswer)
	if err != nil {
		return fmt.Errorf("follow identity's revocations: %w", err)
	}
	var answer Answer
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Lines) == 0 {
		return errors.New("follow identity's revocations: its answer cannot be read")
	}
	for _, line := range answer.Lines {
		if _, err := v.reader.Take(ctx, line); err != nil {
			return fmt.Errorf("follow identity's revocations: %w", err)
		}
	}
	return nil
}

// keys fetches identity's key set.
func (v *Verifier) keys(ctx context.Context) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.o.Issuer+"/oauth2/jwks", nil)
	if err != nil {
		return nil, fmt.Errorf("fetch identity's keys: %w", err)
	}
	r.Header.Set("Cache-Control", "no-cache")
	text, err := v.send(r, maxKeys)
	if err != nil {
		return nil, fmt.Errorf("fetch identity's keys: %w", err)
	}
	return text, nil
}

// send is the body of identity's answer.
func (v *Verifier) send(r *http.Request, most int64) ([]byte, error) {
	resp, err := v.o.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return text, nil
	}
	var refused struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(text, &refused) // what is no JSON, such as a proxy's page, has no code
	if refused.Code == CodeWentBack {
		return nil, ErrRolledBack
	}
	return nil, fmt.Errorf("it answered %s: %s %s", resp.Status, refused.Code, refused.Description)
}
