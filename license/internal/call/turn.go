package call

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"net/netip"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/cardid"
	"guildhall/license/internal/decide"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/id"
	"guildhall/sdk/go/license"
)

// turn is one request in its transaction. It may run more than once, and begins anew
// each time.
type turn struct {
	s    *Service
	in   Incoming
	now  time.Time
	hash [32]byte
	slow time.Duration // how long the address still is slow: it guessed
	wait time.Duration // how long this machine has to wait: too many others came with the card

	// The handshake key of an open call; without a name there is none.
	handshakeName string
	handshakeKey  []byte
	files         []store.File // what a list of files has

	function *store.Function // that is called; nil: there is none

	unknown     bool // there is no such card, or none of this address's business
	card        store.Card
	policy      policy.Policy
	environment *store.Environment // nil: the card is bound to none
	decision    decide.Decision
	sealKey     []byte // what handshake keys are sealed to; nil: the machine brought none
}

func (t *turn) run(ctx context.Context, tx *sql.Tx) error {
	if err := t.s.note(ctx, tx, t.in, t.now); err != nil {
		return err
	}
	err := t.read(ctx, tx)
	if t.unknown = errors.Is(err, store.ErrCard); t.unknown {
		return nil // the request was answered all the same
	}
	if err != nil {
		return err
	}
	t.wait = 0
	request, err := t.request(ctx, tx)
	if err != nil {
		return err
	}
	t.decide(request)
	if t.decision.Mismatch {
		if t.wait = t.s.strangers.wait(t.card.ID, t.now); t.wait > 0 {
			t.decision = decide.Decision{Verdict: decide.Refused}
			return nil // no verdict, and nothing to write down
		}
	}
	if t.decision.Verdict == decide.Refused {
		return t.refused(ctx, tx)
	}
	return t.accepted(ctx, tx)
}

// decide decides by what was read.
func (t *turn) decide(r decide.Request) {
	t.decision = decide.Decide(card.Known(t.card), t.machine(), t.policy, r, t.now)
	if t.decision.Verdict == decide.Refused {
		return
	}
	if code := t.keys(r.Proven); code != "" {
		t.decision = decide.Decision{Verdict: decide.Refused, Code: code}
	}
}

// read finds the card. One of another product, or in the recycle bin, is unknown; so is
// each that is not his to somebody who guessed. The same is read for all of them, so that
// nobody learns from the work what he does not from the answer.
func (t *turn) read(ctx context.Context, tx *sql.Tx) error {
	card, err := t.s.o.Store.CardByHash(ctx, tx, t.hash)
	found := err == nil
	if err != nil && !errors.Is(err, store.ErrCard) {
		return err
	}
	product, err := t.s.o.Store.Product(ctx, t.in.Product)
	if err != nil {
		return err
	}
	if t.environment, err = t.s.o.Store.Bound(ctx, tx, card.ID); err != nil {
		return err
	}
	t.card = card
	mine := t.slow <= 0 || t.owner()
	if !found || card.Product != product.ID || !card.DeletedAt.IsZero() || !mine {
		return store.ErrCard
	}
	t.policy, err = t.s.policyOf(ctx, card.Policy)
	return err
}

// owner says whether the request comes from the address of the machine that the card is
// bound to, or from the installation on it, wherever that is by now.
func (t *turn) owner() bool {
	e, key := t.machine(), make([]byte, ed25519.PublicKeySize) // by which nothing was signed
	if e != nil && len(e.DeviceKey) > 0 {
		key = e.DeviceKey
	}
	proven := t.in.Proof && t.in.Verify(key) // also where there is no card: it takes as long
	return e != nil && (decide.SameIP(e.IP, t.in.IP) || proven && len(e.DeviceKey) > 0)
}

func (t *turn) machine() *decide.Environment {
	e := t.environment
	if e == nil {
		return nil
	}
	ip, _ := netip.ParseAddr(e.IP) // none is the zero value
	return &decide.Environment{Fingerprint: e.Fingerprint, IP: ip, DeviceKey: e.SignKey}
}

// shown is what the client shows.
func (t *turn) shown() decide.Request {
	in := t.in
	r := decide.Request{Call: decide.Call(in.Call), IP: in.IP, Fingerprint: in.Fingerprint, Function: in.Function, Module: in.Module}
	if in.Proof {
		switch {
		case in.Device != nil:
			r.DeviceKey = in.Device.Sign
		case t.environment != nil:
			r.DeviceKey = t.environment.SignKey
		}
		r.Proven = len(r.DeviceKey) > 0 && in.Verify(r.DeviceKey)
	}
	return r
}

// request is what the client shows, with what is known about it.
func (t *turn) request(ctx context.Context, tx *sql.Tx) (decide.Request, error) {
	in, r := t.in, t.shown()
	if in.Call == license.CallFunction && in.Function != "" {
		n, err := t.s.o.Store.Uses(ctx, tx, t.card.ID, in.Function, t.now.Truncate(24*time.Hour))
		if err != nil {
			return r, err
		}
		r.CalledToday = int(n)
	}
	if t.policy.Time.Mode == policy.Trial && t.card.State == store.CardNew {
		var err error
		if r.TrialUsed, err = t.hadTrial(ctx, tx); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (t *turn) event(ctx context.Context, tx *sql.Tx, kind string, detail map[string]any) error {
	e := store.Event{ID: id.New("evt"), Card: t.card.ID, Kind: kind, IP: address(t.in.IP), At: t.now, Detail: detail}
	if t.environment != nil {
		e.Environment = t.environment.ID
	}
	return t.s.o.Store.InsertEvent(ctx, tx, e)
}

func address(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.Unmap().WithZone("").String()
}

// accepted writes what the decision changes.
func (t *turn) accepted(ctx context.Context, tx *sql.Tx) error {
	if err := t.writeCard(ctx, tx); err != nil {
		return err
	}
	if err := t.writeEnvironment(ctx, tx); err != nil {
		return err
	}
	function := ""
	if t.in.Call == license.CallFunction {
		function = t.in.Function
	}
	return t.s.o.Store.CountUse(ctx, tx, t.card.ID, t.in.Call, function, t.now)
}

func (t *turn) writeCard(ctx context.Context, tx *sql.Tx) error {
	change := t.decision.Changes
	if !change.Activate {
		return nil
	}
	t.card.State, t.card.ActivatedAt = store.CardActive, t.now
	if change.SetExpiry {
		t.card.ExpiresAt = t.decision.ExpiresAt.UTC().Truncate(time.Microsecond)
		if t.decision.ExpiresAt.IsZero() {
			t.card.ExpiresAt = time.Time{}
		}
	}
	set, err := t.s.o.Store.SetCard(ctx, tx, t.card)
	if err == nil && !set {
		err = errMeanwhile
	}
	if err != nil {
		return err
	}
	if t.policy.Time.Mode == policy.Trial {
		return t.beginTrial(ctx, tx)
	}
	return nil
}

func (t *turn) writeEnvironment(ctx context.Context, tx *sql.Tx) error {
	change, e := t.decision.Changes, store.Environment{}
	if t.environment != nil {
		e = *t.environment
	}
	was := e.Fingerprint
	if change.LearnFingerprint != nil {
		e.Fingerprint = change.LearnFingerprint
	}
	if change.SetIP.IsValid() {
		e.IP = change.SetIP.String()
	}
	if change.SetDeviceKey != nil {
		e.SignKey = change.SetDeviceKey
	}
	e.SealKey = t.sealKey
	e.SeenAt, e.LastCall = t.now, t.in.Call
	if t.in.Call == license.CallFunction {
		e.LastFunction = t.in.Function
	}
	if !change.Bind {
		if err := t.s.o.Store.TouchEnvironment(ctx, tx, e); err != nil {
			return err
		}
		t.environment = &e
		return t.drifted(ctx, tx, was)
	}
	e.ID, e.Card, e.BoundAt = string(cardid.New()), t.card.ID, t.now
	if err := t.s.o.Store.InsertEnvironment(ctx, tx, e); err != nil {
		return err
	}
	t.environment = &e
	kind := card.Bound
	if change.Activate {
		kind = card.Activated
	}
	return t.event(ctx, tx, kind, map[string]any{"fingerprint": t.in.Fingerprint, "version": t.in.Version, "sdk": t.in.SDK})
}
