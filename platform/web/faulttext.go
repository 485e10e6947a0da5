package web

import (
	"context"

	"guildhall/platform/fault"
	"guildhall/platform/i18n"
)

// FaultText is what the reader is told of err: the catalogue's sentence under
// "fault.<code>", else the English detail.
func FaultText(ctx context.Context, err error) string {
	e := fault.As(err)
	args := make([]any, 0, 2*len(e.Args))
	for name, value := range e.Args {
		args = append(args, name, value)
	}
	if s, ok := i18n.Lookup(ctx, "fault."+e.Code, args...); ok {
		return s
	}
	return e.Detail
}
