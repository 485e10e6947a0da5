package issuer_test

import (
	"strings"
	"sync"
	"testing"

	"guildhall/license/internal/issuer"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/store"
	"guildhall/platform/fault"
)

func TestARequestIsIssuedOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ctx, by := t.Context(), licensetest.By
		must(t, second(w.desk.AddKey(ctx, licensetest.Product, by)))
		o := w.order(t)
		o.Again = false
		first, err := w.desk.Issue(ctx, o, by)
		must(t, err)
		o.Request = w.order(t).Request // the same file, read once more
		draft, err := w.desk.Draft(ctx, o)
		if err != nil || draft.Earlier.ID != first.ID {
			t.Errorf("the draft knows of %q, %v", draft.Earlier.ID, err)
		}
		err = second(w.desk.Issue(ctx, o, by))
		if codes(err) != "again licence_again" || !strings.Contains(fault.As(err).Fields[0].Detail, first.ID) {
			t.Errorf("a second time: %v", err)
		}
		o.Again = true
		next, err := w.desk.Issue(ctx, o, by)
		must(t, err)
		if draft, err = w.desk.Draft(ctx, o); err != nil || draft.Earlier.ID != next.ID && draft.Earlier.ID != first.ID {
			t.Errorf("the draft knows of %q, %v", draft.Earlier.ID, err)
		}
		o.Again = false
		other, err := issuer.ParseRequest([]byte(strings.Replace(written, "    public_key: KEY\n", "", 1)), w.Clock.Now())
		must(t, err)
		o.Request = other
		must(t, second(w.desk.Issue(ctx, o, by)))
	})
}

// However often it is sent at once, on two nodes: one licence.
func TestRacesForOneRequest(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		desks := []*issuer.Desk{w.desk, desk(licensetest.Node(t, w.DB, w.Key, w.Clock))}
		must(t, second(w.desk.AddKey(t.Context(), licensetest.Product, licensetest.By)))
		o := w.order(t)
		o.Again = false
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				if err := second(desks[i%2].Issue(t.Context(), o, licensetest.By)); err != nil && codes(err) != "again licence_again" {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if _, total, err := w.Store.Licences(t.Context(), store.LicenceQuery{Limit: 1}); err != nil || total != 1 {
			t.Errorf("%d licences, %v", total, err)
		}
	})
}
