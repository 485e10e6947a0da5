package catalogue_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func worlds(t *testing.T, test func(t *testing.T, w *licensetest.World)) {
	t.Helper()
	licensetest.Engines(t, func(t *testing.T, d *db.DB) { test(t, licensetest.New(t, d)) })
}

// wrong fails the test when the error is not the one wanted: "field code, field code", or "code".
func wrong(t testing.TB, err error, want string) {
	t.Helper()
	if err == nil {
		t.Errorf("nothing is wrong, want %s", want)
		return
	}
	f := fault.As(err)
	got := f.Code
	if len(f.Fields) > 0 {
		var all []string
		for _, field := range f.Fields {
			all = append(all, field.Name+" "+field.Code)
		}
		got = strings.Join(all, ", ")
	}
	if got != want {
		t.Errorf("%v is %s, want %s", err, got, want)
	}
}

func TestWhatIsRefused(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		long, bad := strings.Repeat("x", 101), "a\u200bb"
		ctx, by, c := t.Context(), licensetest.By, w.Catalogue
		for _, p := range []struct{ code, name, note, want string }{
			{"", "", "", "code required, name required"},
			{"Mill", "n", "", "code form"},
			{"-mill", "n", "", "code form"},
			{strings.Repeat("m", 41), "n", "", "code form"},
			{"mill\n", "n", "", "code form"},
			{"new", long, "", "name too_long"},
			{"new", bad, "", "name not_text"},
			{"new", "n\x00", "", "name not_text"},
			{"new", "n", strings.Repeat("x", 2001), "note too_long"},
			{"new", "n", "\xff", "note not_text"},
			{licensetest.Product, "n", "", "code product_exists"},
		} {
			_, err := c.CreateProduct(ctx, p.code, p.name, p.note, by)
			wrong(t, err, p.want)
		}
		_, err := c.ChangeProduct(ctx, "none", "n", "", by)
		wrong(t, err, "product_not_found")
		_, err = c.ChangeProduct(ctx, licensetest.Product, " ", bad, by)
		wrong(t, err, "name required, note not_text")

		for _, r := range []struct{ product, version, note, want string }{
			{"none", "1", "", "product_not_found"},
			{licensetest.Product, "", bad, "version required, note not_text"},
			{licensetest.Product, "1 0", "", "version form"},
			{licensetest.Product, "abc", "", "version form"},
			{licensetest.Product, "2026-spring/1", "", "version form"},
			{licensetest.Product, strings.Repeat("1", 65), "", "version form"},
			{licensetest.Product, licensetest.Version, "", "version release_exists"},
		} {
			_, err := c.CreateRelease(ctx, r.product, r.version, r.note, by)
			wrong(t, err, r.want)
		}
		_, err = c.RotateHandshakeKey(ctx, licensetest.Product, "9", by)
		wrong(t, err, "release_not_found")
		_, _, err = c.Handshake(ctx, licensetest.Product, licensetest.Version, "hsk_none")
		wrong(t, err, "handshake_key_not_found")

		w.Policy(t, "Standard", nil)
		rules := policy.Default()
		_, err = c.CreatePolicy(ctx, licensetest.Product, " standard ", rules, by)
		wrong(t, err, "name policy_exists")
		_, err = c.CreatePolicy(ctx, "none", "n", rules, by)
		wrong(t, err, "product_not_found")
		rules.Lease = -1
		_, err = c.CreatePolicy(ctx, licensetest.Product, "", rules, by)
		wrong(t, err, "name required, lease_hours out_of_bounds")

		_, err = c.AddCustomer(ctx, "", "nobody", bad, by)
		wrong(t, err, "name required, email email, note not_text")
		_, err = c.AddCustomer(ctx, "Zażółć", "", "", by)
		must(t, err)
		_, err = c.AddCustomer(ctx, "ZAŻÓŁĆ", "", "", by)
		wrong(t, err, "name customer_exists")
		_, err = c.ChangeCustomer(ctx, "cus_none", "n", "", "", by)
		wrong(t, err, "customer_not_found")

		if all, err := w.Store.Products(ctx); err != nil || len(all) != 1 {
			t.Errorf("the products are %+v, %v", all, err)
		}
	})
}

func TestAProductIsMadeWithItsKeysOrNotAtAll(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		trouble := errors.New("no keys")
		w.Catalogue.Made = func(context.Context, *sql.Tx, store.Product) error { return trouble }
		if _, err := w.Catalogue.CreateProduct(t.Context(), "loom", "The loom", "", licensetest.By); !errors.Is(err, trouble) {
			t.Errorf("the product is made: %v", err)
		}
		if _, err := w.Store.Product(t.Context(), "loom"); !errors.Is(err, store.ErrProduct) {
			t.Errorf("it is there: %v", err)
		}
	})
}

func TestRotatingAHandshakeKey(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		ctx := t.Context()
		old, plain, err := w.Catalogue.Handshake(ctx, licensetest.Product, licensetest.Version, "")
		must(t, err)
		var group sync.WaitGroup
		desks := []*catalogue.Desk{w.Catalogue, licensetest.Node(t, w.DB, w.Key, w.Clock).Catalogue}
		for i := range 10 {
			group.Go(func() {
				if _, err := desks[i%2].RotateHandshakeKey(ctx, licensetest.Product, licensetest.Version, licensetest.By); err != nil {
					t.Errorf("rotate: %v", err)
				}
			})
		}
		group.Wait()
		all, err := w.Catalogue.HandshakeKeys(ctx, licensetest.Product, licensetest.Version)
		must(t, err)
		current := slices.DeleteFunc(slices.Clone(all), func(k store.HandshakeKey) bool { return !k.RetiredAt.IsZero() })
		if len(all) != 11 || len(current) != 1 || current[0].ID != all[0].ID {
			t.Fatalf("the keys are %+v", all)
		}
		if name, key, err := w.Catalogue.Handshake(ctx, licensetest.Product, "", ""); err != nil || name != all[0].ID || string(key) == string(plain) || len(key) != 32 {
			t.Errorf("the current key is %s, %v", name, err)
		}
		if _, key, err := w.Catalogue.Handshake(ctx, licensetest.Product, licensetest.Version, old); err != nil || string(key) != string(plain) {
			t.Errorf("the first key is another: %v", err)
		}
		for _, k := range all {
			if strings.Contains(string(k.Sealed), string(plain)) {
				t.Error("the key is stored as it is")
			}
		}
	})
}

func TestChangingAPolicy(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		ctx := t.Context()
		w.Policy(t, "taken", nil)
		p, err := w.Catalogue.Policy(ctx, w.Policy(t, "mine", nil))
		must(t, err)
		key := w.CardKey(t, nil)
		w.Machine(t, "m", "198.51.100.7").Want(t, "activated ok", "activate", key)
		p.Rules.Heartbeat = 60
		changed, err := w.Catalogue.ChangePolicy(ctx, p.ID, "Mine too", p.Rules, p.Revision, licensetest.By)
		if err != nil || changed.Revision != p.Revision+1 {
			t.Errorf("the policy is %+v, %v", changed, err)
		}
		read, err := w.Catalogue.Policy(ctx, p.ID)
		if err != nil || read.Rules.Heartbeat != 60 || read.Name != "Mine too" || read.Revision != changed.Revision {
			t.Errorf("it is kept as %+v, %v", read, err)
		}
		_, err = w.Catalogue.ChangePolicy(ctx, p.ID, "Mine", p.Rules, p.Revision, licensetest.By)
		wrong(t, err, "changed_elsewhere")
		_, err = w.Catalogue.ChangePolicy(ctx, p.ID, "TAKEN", p.Rules, changed.Revision, licensetest.By)
		wrong(t, err, "name policy_exists")
		// The next request of a card goes by it, though its policy was read before.
		c := w.Card(t, key)
		rules, err := w.Catalogue.Policy(ctx, c.Policy)
		must(t, err)
		rules.Rules.Heartbeat = 77
		_, err = w.Catalogue.ChangePolicy(ctx, c.Policy, rules.Name, rules.Rules, rules.Revision, licensetest.By)
		must(t, err)
		if a := w.Machine(t, "m", "198.51.100.7").Want(t, "ok ok", "validate", key); a.Heartbeat != 77 {
			t.Errorf("the card goes by %+v", a)
		}
	})
}

// Of several who want one name at the same moment, on two nodes, one gets it.
func TestRacesForAName(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		desks := []*catalogue.Desk{w.Catalogue, licensetest.Node(t, w.DB, w.Key, w.Clock).Catalogue}
		ctx, by := t.Context(), licensetest.By
		for want, try := range map[string]func(d *catalogue.Desk) error{
			"code product_exists": func(d *catalogue.Desk) error { _, err := d.CreateProduct(ctx, "loom", "The loom", "", by); return err },
			"version release_exists": func(d *catalogue.Desk) error {
				_, err := d.CreateRelease(ctx, licensetest.Product, "2.0", "", by)
				return err
			},
			"name policy_exists": func(d *catalogue.Desk) error {
				_, err := d.CreatePolicy(ctx, licensetest.Product, "one", policy.Default(), by)
				return err
			},
			"name customer_exists": func(d *catalogue.Desk) error { _, err := d.AddCustomer(ctx, "Anna", "", "", by); return err },
		} {
			var won atomic.Int64
			var group sync.WaitGroup
			for i := range 8 {
				group.Go(func() {
					if err := try(desks[i%2]); err != nil {
						wrong(t, err, want)
						return
					}
					won.Add(1)
				})
			}
			group.Wait()
			if won.Load() != 1 {
				t.Errorf("%s: %d got the name", want, won.Load())
			}
		}
	})
}

func TestNothingPersonalIsInTheAuditLog(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		c, err := w.Catalogue.AddCustomer(t.Context(), "Anna Nowak", "anna@example.test", "tall", licensetest.By)
		must(t, err)
		c, err = w.Catalogue.ChangeCustomer(t.Context(), c.ID, "Anna Kowalska", "kowalska@example.test", "", licensetest.By)
		if err != nil || c.Name != "Anna Kowalska" {
			t.Errorf("the customer is %+v, %v", c, err)
		}
		page, err := w.Journal.Audit.List(t.Context(), audit.Filter{Limit: audit.MaxLimit})
		must(t, err)
		for _, r := range page.Records {
			for _, personal := range []string{"Anna", "anna@", "tall", "owalska"} {
				if strings.Contains(string(r.Detail), personal) {
					t.Errorf("the entry %s holds %s", r.Action, personal)
				}
			}
		}
	})
}
