package call

import (
	"bytes"
	"context"
	"database/sql"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"guildhall/license/internal/decide"
	"guildhall/license/internal/store"
	"guildhall/platform/db"
	"guildhall/sdk/go/license"
)

// quick answers the requests that there are most of: a machine that is known asks again,
// and nothing changes but when it was seen. It decides by what it has in memory; the one
// statement that notes those that come together says whether that still holds.
type quick struct {
	known    *lru.Cache[[32]byte, store.Binding] // by the card's hash
	bindings *db.Gather[[32]byte, store.Binding]
	noted    *db.Gather[touch, store.Touched]
	touches  atomic.Uint64
}

// keeps is how many bindings are in memory: about 2 KB each.
const keeps = 8192

// touch is one request; the number tells it from others of the same moment.
type touch struct {
	store.Touch
	number uint64
}

func newQuick(o Options) *quick {
	known, _ := lru.New[[32]byte, store.Binding](keeps) // fails for a size of none
	return &quick{known: known, bindings: db.NewGather(o.Store.Bindings), noted: db.NewGather(func(ctx context.Context, all []touch) (map[touch]store.Touched, error) {
		return note(ctx, o, all)
	})}
}

func note(ctx context.Context, o Options, all []touch) (noted map[touch]store.Touched, err error) {
	rows := make([]store.Touch, len(all))
	for i, t := range all {
		rows[i] = t.Touch
	}
	err = o.Journal.Group(ctx, func(tx *sql.Tx) error {
		become, err := o.Store.Touch(ctx, tx, rows)
		noted = make(map[touch]store.Touched, len(all))
		for i, what := range become {
			noted[all[i]] = what
		}
		return err
	})
	return noted, err
}

// binding is a card in use with its environment, as they were when somebody asked last.
func (q *quick) binding(ctx context.Context, hash [32]byte) (b store.Binding, used bool, err error) {
	if b, used = q.known.Get(hash); used {
		return b, true, nil
	}
	b, bound, err := q.bindings.Get(ctx, hash)
	if used = bound && b.Card.State == store.CardActive && b.Card.DeletedAt.IsZero(); used {
		q.known.Add(hash, b)
	}
	return b, used, err
}

// quickly decides the turn without a transaction of its own, and says whether that was
// all. Where more than a touch follows nothing is written, and run decides anew.
func (t *turn) quickly(ctx context.Context) (done bool, err error) {
	switch t.in.Call {
	case license.CallValidate, license.CallHeartbeat, license.CallOpen:
	default:
		return false, nil
	}
	if t.slow > 0 {
		return false, nil
	}
	b, used, err := t.s.quick.binding(ctx, t.hash)
	if err != nil || !used || b.Code != t.in.Product {
		return false, err
	}
	t.card, t.environment = b.Card, &b.Environment
	if t.policy, err = t.s.policyAt(ctx, b.Card.Policy, b.PolicyRevision); err != nil {
		return false, err
	}
	t.decide(t.shown())
	if t.decision.Verdict != decide.OK || !t.decision.Changes.OnlyTouch() || !bytes.Equal(t.sealKey, b.Environment.SealKey) {
		t.s.quick.known.Remove(t.hash) // what run writes makes it another
		return false, nil
	}
	touched, _, err := t.s.quick.noted.Get(ctx, touch{number: t.s.quick.touches.Add(1), Touch: store.Touch{Environment: b.Environment.ID, Card: b.Card.ID,
		Revisions: b.Revisions(), Call: t.in.Call, At: t.now, Once: string(t.in.Once), Until: t.now.Add(remembered)}})
	switch {
	case err != nil:
		return false, err
	case touched == store.Replayed:
		return false, ErrReplay
	case touched == store.Stale:
		t.s.quick.known.Remove(t.hash)
		t.in.Once = nil // it is noted
		return false, nil
	}
	return true, nil
}
