// Package signing holds the keys that sign tokens, and signs and verifies with
// them. Each algorithm has keys of its own, which follow one another: a key is
// published before it signs, so that whoever keeps a copy of the key set has it
// by then, and stays published until the last token that it signed is over.
//
// The private keys rest sealed in the database. Every node opens them once and
// looks every few seconds which there are.
package signing

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/seal"
)

// Algorithms are those that tokens are signed with.
func Algorithms() []string { return []string{oauth.ES256, oauth.EdDSA, oauth.RS256} }

// The lives of keys when Options say nothing.
const (
	DefaultLife  = 90 * 24 * time.Hour
	DefaultAhead = 24 * time.Hour
	DefaultKeep  = 48 * time.Hour
)

// maxToken bounds what Verify looks at, in bytes.
const maxToken = 16 << 10

// ErrSealed says that the keys were sealed under another key than Options.Key.
var ErrSealed = fault.New(fault.Unavailable, "signing_keys_sealed",
	"The keys that sign tokens do not open: the database is of another installation than the key file of identity, or was changed. Put both back from the same backup.")

// ErrToken says that a token is not one that we signed, or that its key is no
// longer published.
var ErrToken = errors.New("this is no token of this issuer, or its key is gone")

// Options is what New needs; all of it but the lives.
type Options struct {
	Store   *store.Store
	Journal *audit.Journal
	// Key seals the private keys.
	Key seal.Key
	Now func() time.Time
	Log *slog.Logger
	// Life is how long a key signs; default 90 days.
	Life time.Duration
	// Ahead is how long it is published before; default 24 h, longer than anybody
	// keeps a copy of the key set.
	Ahead time.Duration
	// Keep is how long it stays published after; default 48 h, longer than any
	// token lives.
	Keep time.Duration
}

// Desk signs and verifies tokens. It is safe for concurrent use.
type Desk struct {
	o    Options
	ring atomic.Pointer[ring]
	// loading is held by who reads the keys.
	loading  sync.Mutex
	verified verified
}

// New makes a desk. Start makes the first keys.
func New(o Options) *Desk {
	o.Life, o.Ahead, o.Keep = orDefault(o.Life, DefaultLife), orDefault(o.Ahead, DefaultAhead), orDefault(o.Keep, DefaultKeep)
	return &Desk{o: o}
}

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

// Sign makes a compact JWS of the claims, which encoding/json writes, with the
// headers alg, kid and typ.
func (d *Desk) Sign(ctx context.Context, algorithm, typ string, claims any) (string, error) {
	r, err := d.keys(ctx)
	if err != nil {
		return "", err
	}
	k := r.signs(algorithm, d.now())
	if k == nil {
		return "", fmt.Errorf("sign a token: there is no key for %q", algorithm)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	token, err := k.sign(typ, payload)
	if err != nil {
		return "", fmt.Errorf("sign a token with the key %s: %w", k.ID, err)
	}
	return token, nil
}

// Token is one that we signed.
type Token struct {
	// Type is the header "typ", such as "at+jwt".
	Type      string
	Algorithm string
	// Payload is the claims, JSON.
	Payload []byte
}

// Verify checks that a published key of ours signed the token, by its own
// algorithm, else ErrToken. What it says, also whether it is over, is the
// caller's business.
func (d *Desk) Verify(ctx context.Context, token string) (Token, error) {
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") { // base64 skips line ends
		return Token{}, ErrToken
	}
	sum := sha256.Sum256([]byte(token))
	if c, known := d.verified.find(sum); known {
		k, err := d.find(ctx, c.keyID)
		if err != nil {
			return Token{}, err
		}
		// A key that was opened anew is another pair: then the signature is checked again.
		if k != nil && k.pair == c.pair {
			return c.token(), nil
		}
	}
	c, err := d.check(ctx, token)
	if err != nil {
		return Token{}, err
	}
	d.verified.add(sum, c)
	return c.token(), nil
}

// check is Verify without what is remembered.
func (d *Desk) check(ctx context.Context, token string) (checked, error) {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		return checked{}, ErrToken
	}
	header := jws.Signatures[0].Protected
	k, err := d.find(ctx, header.KeyID)
	if err != nil {
		return checked{}, err
	}
	if k == nil || k.Algorithm != header.Algorithm {
		return checked{}, ErrToken
	}
	payload, err := jws.Verify(k.public)
	if err != nil {
		return checked{}, ErrToken
	}
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	return checked{pair: k.pair, keyID: k.ID, typ: typ, algorithm: header.Algorithm, payload: string(payload)}, nil
}

// find is the published key with the id, or nil. An id that is not known may be
// that of a key which another node has just made.
func (d *Desk) find(ctx context.Context, id string) (*key, error) {
	r, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	if k := r.published(id, d.now()); k != nil {
		return k, nil
	}
	if r, err = d.reload(ctx, unknownEvery); err != nil {
		return nil, err
	}
	return r.published(id, d.now()), nil
}

// Public is the JWK set that others verify our tokens with.
func (d *Desk) Public(ctx context.Context) ([]byte, error) {
	r, err := d.keys(ctx)
	if err != nil {
		return nil, err
	}
	return r.set(d.now())
}

// Key is what a list says about a key.
type Key struct {
	ID, Algorithm string
	State         State
	MadeAt        time.Time
	// From is when it began or begins to sign. It signs until To and is published
	// until Gone; both are zero until a successor is made.
	From, To, Gone time.Time
}

// State says what a key does.
type State string

// The states of a key, in this order.
const (
	Announced State = "announced" // published, does not sign yet
	Signing   State = "signing"
	Published State = "published" // signs no more
	Gone      State = "gone"      // about to be deleted
)

// List is all keys, by algorithm and age.
func (d *Desk) List(ctx context.Context) ([]Key, error) {
	rows, err := d.o.Store.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	now := d.now()
	all := make([]Key, len(rows))
	for i, r := range rows {
		all[i] = Key{ID: r.ID, Algorithm: r.Algorithm, State: state(r, now), MadeAt: r.MadeAt, From: r.ActiveFrom, To: r.ActiveTo, Gone: r.GoneAt}
	}
	return all, nil
}

func state(r *store.SigningKey, now time.Time) State {
	switch {
	case now.Before(r.ActiveFrom):
		return Announced
	case r.ActiveTo.IsZero() || now.Before(r.ActiveTo):
		return Signing
	case now.Before(r.GoneAt):
		return Published
	default:
		return Gone
	}
}

// now is the clock as the database keeps it.
func (d *Desk) now() time.Time { return d.o.Now().UTC().Truncate(time.Microsecond) }
