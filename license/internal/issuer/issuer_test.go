package issuer_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/license/internal/issuer"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
)

// world is license with a desk that issues, and a machine that asks.
type world struct {
	*licensetest.World
	desk *issuer.Desk
	key  *offline.InstallKey
}

func worlds(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	licensetest.Engines(t, func(t *testing.T, d *db.DB) {
		w := &world{World: licensetest.New(t, d)}
		w.desk = desk(w.World)
		var err error
		w.key, err = offline.LoadInstallKey(filepath.Join(t.TempDir(), "install.key"))
		must(t, err)
		test(t, w)
	})
}

func desk(w *licensetest.World) *issuer.Desk {
	return &issuer.Desk{Store: w.Store, Journal: w.Journal, Catalogue: w.Catalogue, Key: w.Key, Now: w.Clock.Now}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// codes are those of an error: its own, or "field code, field code".
func codes(err error) string {
	if err == nil {
		return ""
	}
	f := fault.As(err)
	var all []string
	for _, field := range f.Fields {
		all = append(all, field.Name+" "+field.Code)
	}
	if len(all) == 0 {
		return f.Code
	}
	return strings.Join(all, ", ")
}

const (
	machine = "machine_id: 7c1f5e0a9d2b4c6e8f0a1b2c3d4e5f60"
	written = `# What we want
product: mill
company: Żuraw
contact: anna@zuraw.example
modules: [export, report]
users: 20
nodes:
  - name: plant
    public_key: KEY
    identifiers:
      ` + machine + `
      mac:
        - 00:1b:44:11:3a:b7
        - 00:1b:44:11:3a:b8
`
)

func (w *world) order(t testing.TB) issuer.Order {
	t.Helper()
	r, err := issuer.ParseRequest([]byte(strings.Replace(written, "KEY", w.key.Public(), 1)), w.Clock.Now())
	must(t, err)
	return issuer.Order{Request: r, To: w.Clock.Now().AddDate(1, 0, 0), Release: licensetest.Version, Note: "fair", Again: true} // as often as a test likes
}

// options are those of the customer's program.
func (w *world) options(t testing.TB) offline.Options {
	t.Helper()
	set, err := w.desk.KeySet(t.Context(), licensetest.Product)
	must(t, err)
	c := fingerprint.Components{}
	_, id, _ := strings.Cut(machine, ": ")
	issuer.AddIdentifier(c, licensetest.Product, fingerprint.MachineID, id)
	issuer.AddIdentifier(c, licensetest.Product, fingerprint.MAC, "00:1b:44:11:3a:b7") // the other card was changed
	return offline.Options{Keys: set.Trusted(), Product: set.Product, Version: "1.0", Components: c, Now: w.Clock.Now()}
}

func TestFromARequestToTheMachine(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ctx, by := t.Context(), licensetest.By
		if _, err := w.desk.Issue(ctx, w.order(t), by); codes(err) != "no_signing_key" {
			t.Fatalf("without a key: %v", err)
		}
		key, err := w.desk.AddKey(ctx, licensetest.Product, by)
		must(t, err)
		customer, err := w.Catalogue.AddCustomer(ctx, "Żuraw", "", "", by)
		must(t, err)
		o := w.order(t)
		o.Customer = customer.ID
		draft, err := w.desk.Draft(ctx, o)
		must(t, err)
		if draft.SigningKey != key.ID || draft.Code || len(draft.Keys) != 1 || draft.Claims.Restrictions.MaxUsers != 20 {
			t.Errorf("the draft is %+v", draft)
		}
		made, err := w.desk.Issue(ctx, o, by)
		must(t, err)
		licence, err := offline.Verify(made.Text, w.options(t))
		must(t, err)
		secret, err := licence.Secret(w.key)
		must(t, err)
		name, want, err := w.Catalogue.Handshake(ctx, licensetest.Product, licensetest.Version, "")
		must(t, err)
		if string(secret) != string(want) || made.Confidential != name || made.Code != "" || licence.Node != "plant" || !licence.Has("report") {
			t.Errorf("issued: %+v, opened %x", made, secret)
		}
		read, err := w.Store.Licence(ctx, made.ID)
		must(t, err)
		if read != made.Licence || read.Note != "fair" || read.IssuedBy != by.Actor || strings.Contains(read.Text, string(want)) {
			t.Errorf("kept as %+v, made as %+v", read, made.Licence)
		}
		must(t, w.Journal.Group(ctx, func(tx *sql.Tx) error {
			_, err := w.Store.LinkAccount(ctx, tx, store.Account{Customer: customer.ID, ID: "usr_anna", Name: "Anna", LinkedAt: w.Clock.Now()})
			return err
		}))
		own, total, err := w.Store.LicencesOf(ctx, "usr_anna", 10, 0)
		if err != nil || total != 1 || len(own) != 1 || own[0] != made.Licence {
			t.Errorf("the customer's account sees %+v of %d, %v", own, total, err)
		}
		if none, total, err := w.Store.LicencesOf(ctx, "usr_other", 10, 0); err != nil || total != 0 || len(none) != 0 {
			t.Errorf("another account sees %+v of %d, %v", none, total, err)
		}
		if _, err := w.Store.LicenceOf(ctx, "usr_anna", made.ID); err != nil {
			t.Error(err)
		}
		if _, err := w.Store.LicenceOf(ctx, "usr_other", made.ID); !errors.Is(err, store.ErrLicence) {
			t.Errorf("another account opens it: %v", err)
		}
		looked, err := w.desk.Look(ctx, "Hello\n"+must1(offline.Armour(made.Text)))
		if err != nil || !looked.Genuine || looked.Refused != nil || looked.Record.ID != made.ID || looked.Key.ID != key.ID {
			t.Errorf("looked at: %+v, %v", looked, err)
		}
		read, err = w.desk.SetNote(ctx, made.ID, "sent again", by)
		if err != nil || read.Note != "sent again" {
			t.Errorf("%+v, %v", read, err)
		}
		page, err := w.Journal.Audit.List(ctx, audit.Filter{Limit: audit.MaxLimit})
		must(t, err)
		for _, r := range page.Records {
			if strings.Contains(string(r.Detail), "uraw") || strings.Contains(string(r.Detail), "anna") {
				t.Errorf("%s holds who it is for: %s", r.Action, r.Detail)
			}
		}
	})
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestWithoutAnInstallKeyThereIsACode(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		must(t, second(w.desk.AddKey(t.Context(), licensetest.Product, licensetest.By)))
		o := w.order(t)
		o.Release, o.Value, o.AnyMachine, o.Modules = "", []byte("mine"), true, &[]string{"export"}
		users := 3
		o.Users = &users
		made, err := w.desk.Issue(t.Context(), o, licensetest.By)
		must(t, err)
		options := w.options(t)
		options.Components = nil
		licence, err := offline.Verify(made.Text, options)
		must(t, err)
		if secret, err := licence.SecretByCode(made.Code); err != nil || string(secret) != "mine" || made.Confidential != "value" {
			t.Errorf("%+v opens %q, %v", made, secret, err)
		}
		if licence.Has("report") || licence.Restrictions.MaxUsers != 3 {
			t.Errorf("granted: %+v", licence.Claims)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestSigningKeysComeAndGo(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ctx, by, product := t.Context(), licensetest.By, licensetest.Product
		if err := second(w.desk.RotateKey(ctx, product, by)); codes(err) != "no_signing_key" {
			t.Errorf("rotated without a key: %v", err)
		}
		if err := second(w.desk.KeySet(ctx, product)); codes(err) != "no_signing_key" {
			t.Errorf("exported without a key: %v", err)
		}
		first, err := w.desk.AddKey(ctx, product, by)
		must(t, err)
		old, err := w.desk.Issue(ctx, w.order(t), by)
		must(t, err)
		next, err := w.desk.AddKey(ctx, product, by)
		must(t, err)
		if first.State != store.SigningCurrent || next.State != store.SigningNext {
			t.Errorf("made: %+v, %+v", first, next)
		}
		if err := second(w.desk.AddKey(ctx, product, by)); codes(err) != "next_signing_key" {
			t.Errorf("a third key: %v", err)
		}
		if err := second(w.desk.RetireKey(ctx, product, first.ID, true, by)); codes(err) != "signing_key_in_use" {
			t.Errorf("the key that signs was retired: %v", err)
		}
		shipped := w.options(t) // a release that knows both
		w.Clock.Advance(time.Hour)
		signs, err := w.desk.RotateKey(ctx, product, by)
		if err != nil || signs.ID != next.ID || signs.State != store.SigningCurrent {
			t.Errorf("after rotating: %+v, %v", signs, err)
		}
		fresh, err := w.desk.Issue(ctx, w.order(t), by)
		must(t, err)
		if fresh.SigningKey != next.ID {
			t.Errorf("signed by %s", fresh.SigningKey)
		}
		for _, text := range []string{old.Text, fresh.Text} {
			if _, err := offline.Verify(text, shipped); err != nil {
				t.Errorf("a release that knows both: %v", err)
			}
		}
		all, err := w.Store.SigningKeys(ctx, product)
		must(t, err)
		if len(all) != 0 {
			t.Errorf("by the code: %+v", all)
		}
		all, err = w.Store.SigningKeys(ctx, first.Product)
		must(t, err)
		if len(all) != 2 || all[0].ID == all[1].ID || sealed(all, first.ID) || !sealed(all, next.ID) {
			t.Errorf("the keys are %+v", all)
		}
		must(t, second(w.desk.RetireKey(ctx, product, first.ID, false, by)))
		if err := second(w.desk.RetireKey(ctx, product, first.ID, false, by)); codes(err) != "signing_key_over" {
			t.Errorf("retired twice: %v", err)
		}
		must(t, second(w.desk.RetireKey(ctx, product, first.ID, true, by)))
		if err := second(w.desk.RetireKey(ctx, product, "none", true, by)); codes(err) != "signing_key_not_found" {
			t.Errorf("one that there is not: %v", err)
		}
		if _, err := offline.Verify(old.Text, w.options(t)); offline.CodeOf(err) != offline.KeyUnknown {
			t.Errorf("a release that does not know the first key: %v", err)
		}
		looked, err := w.desk.Look(ctx, old.Text)
		if err != nil || !looked.Genuine || codes(looked.Refused) != "signing_key_over" {
			t.Errorf("looked at: %+v, %v", looked, err)
		}
	})
}

func sealed(all []store.SigningKey, id string) bool {
	for _, k := range all {
		if k.ID == id {
			return len(k.Sealed) > 0
		}
	}
	return false
}

// However many rotate at once on two nodes, one key signs.
func TestRacesForTheSigningKey(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		desks := []*issuer.Desk{w.desk, desk(licensetest.Node(t, w.DB, w.Key, w.Clock))}
		first, err := w.desk.AddKey(t.Context(), licensetest.Product, licensetest.By)
		must(t, err)
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				if _, err := desks[i%2].RotateKey(t.Context(), licensetest.Product, licensetest.By); err != nil {
					t.Errorf("rotate: %v", err)
				}
				if _, err := desks[i%2].Issue(t.Context(), w.order(t), licensetest.By); err != nil {
					t.Errorf("issue: %v", err)
				}
			})
		}
		group.Wait()
		all, err := w.Store.SigningKeys(t.Context(), first.Product)
		must(t, err)
		counts := map[string]int{}
		for _, k := range all {
			counts[k.State]++
		}
		if counts[store.SigningCurrent] != 1 || counts[store.SigningOld] != 8 {
			t.Errorf("the keys are %v", counts)
		}
	})
}

// What is wrong with versions and times is said of their fields.
func TestWrongTermsHaveTheirFields(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		for want, change := range map[string]func(o *issuer.Order){
			"version_from license_numbers":  func(o *issuer.Order) { o.Versions.From = "spring" },
			"version_to license_no_version": func(o *issuer.Order) { o.Versions = offline.Versions{From: "3", To: "2"} },
			"to past":                       func(o *issuer.Order) { o.To = w.Clock.Now() },
			"to license_before":             func(o *issuer.Order) { o.From = o.To },
		} {
			o := w.order(t)
			change(&o)
			if err := second(w.desk.Draft(t.Context(), o)); codes(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
	})
}

func TestFindingLicences(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		must(t, second(w.desk.AddKey(ctx, licensetest.Product, licensetest.By)))
		began := w.Clock.Now()
		for _, company := range []string{"Żuraw 100%", "Printers Ltd"} {
			o := w.order(t)
			o.Request.Company = company
			must(t, second(w.desk.Issue(ctx, o, licensetest.By)))
			w.Clock.Advance(time.Hour)
		}
		product, err := w.Store.Product(ctx, licensetest.Product)
		must(t, err)
		for _, c := range []struct {
			q    store.LicenceQuery
			want string
		}{
			{store.LicenceQuery{}, "Printers Ltd, Żuraw 100%"},
			{store.LicenceQuery{Licensee: issuer.LicenseeKey("ŻURAW 100%")}, "Żuraw 100%"},
			{store.LicenceQuery{Licensee: "anna@"}, "Printers Ltd, Żuraw 100%"},
			{store.LicenceQuery{Licensee: "1%0"}, ""},
			{store.LicenceQuery{Product: product.ID, Limit: 1}, "Printers Ltd"},
			{store.LicenceQuery{Product: "other"}, ""},
			{store.LicenceQuery{Customer: "cus_other"}, ""},
			{store.LicenceQuery{IssuedFrom: began.Add(time.Minute)}, "Printers Ltd"},
			{store.LicenceQuery{IssuedTo: began.Add(time.Minute)}, "Żuraw 100%"},
			{store.LicenceQuery{EndFrom: began.AddDate(1, 0, 0).Add(time.Minute)}, "Printers Ltd"},
			{store.LicenceQuery{EndTo: began}, ""},
		} {
			if c.q.Limit == 0 {
				c.q.Limit = 10
			}
			all, total, err := w.Store.Licences(ctx, c.q)
			must(t, err)
			var found []string
			for _, l := range all {
				found = append(found, l.Company)
			}
			if got := strings.Join(found, ", "); got != c.want || total < len(all) {
				t.Errorf("%+v: %q of %d, want %q", c.q, got, total, c.want)
			}
		}
	})
}

func TestWhatCannotBeIssued(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		must(t, second(w.desk.AddKey(t.Context(), licensetest.Product, licensetest.By)))
		must(t, second(w.Catalogue.CreateProduct(t.Context(), "loom", "The loom", "", licensetest.By)))
		for want, differs := range map[string]func(o *issuer.Order){
			"to required":                        func(o *issuer.Order) { o.To = time.Time{} },
			"to past":                            func(o *issuer.Order) { o.To = w.Clock.Now() },
			"to license_before":                  func(o *issuer.Order) { o.From = o.To },
			"version_from license_numbers":       func(o *issuer.Order) { o.Versions.From = "two" },
			"value both":                         func(o *issuer.Order) { o.Value = []byte("x") },
			"value too_long":                     func(o *issuer.Order) { o.Release, o.Value = "", make([]byte, 4097) },
			"release_not_found":                  func(o *issuer.Order) { o.Release = "9" },
			"customer_not_found":                 func(o *issuer.Order) { o.Customer = "cus_none" },
			"note too_long":                      func(o *issuer.Order) { o.Note = strings.Repeat("x", 2001) },
			"product_not_found":                  func(o *issuer.Order) { o.Product = "none" },
			"request request_line_other_product": func(o *issuer.Order) { o.Product = "loom" },
			"request request_line_missing":       func(o *issuer.Order) { o.Request.Company = "" },
			"request request_line_malformed":     func(o *issuer.Order) { o.Request.Nodes[0].PublicKey = "AAAA" },
			"request request_line_mismatch":      func(o *issuer.Order) { o.Request.Nodes = nil },
			"request request_unreadable":         func(o *issuer.Order) { o.Request = nil },
		} {
			o := w.order(t)
			differs(&o)
			if _, err := w.desk.Issue(t.Context(), o, licensetest.By); codes(err) != want {
				t.Errorf("%s: %s, %v", want, codes(err), err)
			}
		}
		if all, total, err := w.Store.Licences(t.Context(), store.LicenceQuery{Limit: 1}); err != nil || total != 0 {
			t.Errorf("there are %+v, %v", all, err)
		}
	})
}

func TestLookingAtOthers(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		if _, err := w.desk.Look(ctx, "hello"); codes(err) != "text licence_foreign" {
			t.Errorf("no licence: %v", err)
		}
		must(t, second(w.desk.AddKey(ctx, licensetest.Product, licensetest.By)))
		made, err := w.desk.Issue(ctx, w.order(t), licensetest.By)
		must(t, err)
		changed := []byte(made.Text)
		changed[40] ^= 1
		if looked, err := w.desk.Look(ctx, string(changed)); err == nil && looked.Genuine {
			t.Errorf("changed, and genuine: %+v", looked)
		}
		w.Clock.Advance(366 * 24 * time.Hour)
		looked, err := w.desk.Look(ctx, made.Text)
		if err != nil || !looked.Genuine || offline.CodeOf(looked.Refused) != offline.Expired {
			t.Errorf("after its end: %+v, %v", looked, err)
		}
	})
}
