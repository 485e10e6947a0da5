package call

import (
	"context"
	"errors"
	"time"

	"guildhall/license/internal/decide"
	"guildhall/sdk/go/license"
)

// errMeanwhile says that a card changed within the transaction that read it, which
// cannot be.
var errMeanwhile = errors.New("the card was changed by somebody else within the transaction")

// complete is the answer to a request that was decided and written.
func (t *turn) complete(ctx context.Context) (a license.Answer, err error) {
	d := t.decision
	if t.wait > 0 {
		return later(t.wait), nil
	}
	a = license.Answer{Verdict: string(d.Verdict), Code: string(d.Code), Mode: string(d.Mode), ExpiresAt: optional(d.ExpiresAt), GraceUntil: optional(d.GraceUntil)}
	if d.Verdict == decide.Refused {
		return a, nil // a stranger does not learn which part of the machine is another
	}
	a.Changed = d.Changed
	a.LeaseUntil, a.Heartbeat, a.Environment, a.Modules = optional(d.LeaseUntil), t.policy.Heartbeat, t.environment.ID, t.modules()
	switch t.in.Call {
	case license.CallOpen:
		a.Handshake, err = t.handshake()
	case license.CallFunction:
		return t.runFunction(ctx, a)
	case license.CallFiles:
		a.Files, a.FilesMore, err = t.s.o.Files.List(t.files, a.Environment)
	}
	return a, err
}

// modules are those that the program may use.
func (t *turn) modules() []string {
	if t.card.Modules != nil {
		return t.card.Modules
	}
	return t.policy.Modules
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
