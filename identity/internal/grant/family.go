package grant

import "context"

// ByFamily is the live grant of a refresh token, also of one that was replaced; else
// ErrRefresh. It changes nothing.
func (d *Desk) ByFamily(ctx context.Context, text string) (Grant, error) {
	t, ok := parse(text)
	if !ok {
		return Grant{}, ErrRefresh
	}
	row, err := d.o.Store.Family(ctx, t.family(), d.now())
	if err != nil {
		return Grant{}, err
	}
	if row == nil || !row.Grant.Lives {
		return Grant{}, ErrRefresh
	}
	return of(row.Grant)
}
