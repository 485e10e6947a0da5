package call

import (
	"context"
	"database/sql"
	"errors"

	"guildhall/license/internal/decide"
	"guildhall/license/internal/sandbox"
	"guildhall/license/internal/store"
	"guildhall/sdk/go/license"
)

// prepareFunction finds the function that is called.
func (t *turn) prepareFunction(ctx context.Context) error {
	p, err := t.s.o.Store.Product(ctx, t.in.Product)
	if err == nil {
		var f store.Function
		if f, err = t.s.o.Store.Function(ctx, p.ID, t.in.Function); err == nil {
			t.function = &f
		}
	}
	if errors.Is(err, store.ErrProduct) || errors.Is(err, store.ErrFunction) {
		return nil
	}
	return err
}

// callable says why a function that the card may call cannot run: such a call is not
// counted.
func (t *turn) callable() decide.Code {
	switch {
	case t.function == nil:
		return NoFunction
	case !t.function.Enabled:
		return FunctionOff
	case len(t.in.Input) > license.MaxInput:
		return InputLarge
	}
	return ""
}

// runFunction runs the function after the call was counted, outside the transaction: a
// slow one keeps nobody waiting. One that found no turn did not run, and is counted no more.
func (t *turn) runFunction(ctx context.Context, a license.Answer) (license.Answer, error) {
	r, err := t.s.o.Functions.Call(ctx, *t.function, t.card.ID, t.in.Input)
	if err != nil {
		return license.Answer{}, err
	}
	switch r.Code {
	case sandbox.Fine:
		a.Output = r.Output
		return a, nil
	case sandbox.Busy:
		failed := refused(string(r.Code))
		failed.RetryAfter = 1
		return failed, t.uncount(ctx)
	}
	return refused(string(r.Code)), nil
}

func (t *turn) uncount(ctx context.Context) error {
	return t.s.o.Journal.Group(ctx, func(tx *sql.Tx) error {
		return t.s.o.Store.UncountUse(ctx, tx, t.card.ID, t.in.Call, t.in.Function, t.now)
	})
}
