package call

import (
	"bytes"
	"context"
	"database/sql"
	"sync/atomic"

	"guildhall/license/internal/decide"
	"guildhall/license/internal/store"
	"guildhall/platform/db"
	"guildhall/sdk/go/license"
)

// quick answers the requests that there are most of: a machine that is known asks again,
// and nothing changes but when it was seen. Those that come together are read by one
// query and noted by one transaction.
type quick struct {
	bindings *db.Gather[[32]byte, store.Binding]
	noted    *db.Gather[touch, struct{}] // lacks those that were answered before
	touches  atomic.Uint64
}

// touch is one request; the number tells it from others of the same moment.
type touch struct {
	store.Touch
	number uint64
}

func newQuick(o Options) *quick {
	return &quick{
		bindings: db.NewGather(o.Store.Bindings),
		noted: db.NewGather(func(ctx context.Context, all []touch) (map[touch]struct{}, error) {
			return note(ctx, o, all)
		}),
	}
}

func note(ctx context.Context, o Options, all []touch) (noted map[touch]struct{}, err error) {
	rows := make([]store.Touch, len(all))
	for i, t := range all {
		rows[i] = t.Touch
	}
	err = o.Journal.Group(ctx, func(tx *sql.Tx) error {
		fresh, err := o.Store.Touch(ctx, tx, rows)
		noted = map[touch]struct{}{}
		for i, ok := range fresh {
			if ok {
				noted[all[i]] = struct{}{}
			}
		}
		return err
	})
	return noted, err
}

// quickly decides the turn by what is committed now, and says whether that was all.
// Where more than a touch follows nothing is written, and run decides anew.
func (t *turn) quickly(ctx context.Context) (done bool, err error) {
	switch t.in.Call {
	case license.CallValidate, license.CallHeartbeat, license.CallOpen:
	default:
		return false, nil
	}
	if t.slow > 0 {
		return false, nil
	}
	b, bound, err := t.s.quick.bindings.Get(ctx, t.hash)
	if err != nil || !bound || b.Code != t.in.Product || !b.Card.DeletedAt.IsZero() || b.Card.State != store.CardActive {
		return false, err
	}
	t.card, t.environment = b.Card, &b.Environment
	if t.policy, err = t.s.policyAt(ctx, b.Card.Policy, b.Revision); err != nil {
		return false, err
	}
	sealedTo := b.Environment.SealKey
	t.decide(t.shown())
	if t.decision.Verdict != decide.OK || !t.decision.Changes.OnlyTouch() || !bytes.Equal(t.sealKey, sealedTo) {
		return false, nil
	}
	_, fresh, err := t.s.quick.noted.Get(ctx, touch{number: t.s.quick.touches.Add(1), Touch: store.Touch{Environment: b.Environment.ID, Card: b.Card.ID,
		Call: t.in.Call, At: t.now, Once: string(t.in.Once), Until: t.now.Add(remembered)}})
	if err == nil && !fresh {
		err = ErrReplay
	}
	return true, err
}
