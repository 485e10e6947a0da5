package license

import (
	"bytes"
	"database/sql"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"guildhall/license/internal/card"
	"guildhall/license/internal/cardid"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/guildtest"
	wire "guildhall/sdk/go/license/manage"
)

// stock is a product with a policy.
func (o *office) stock(t testing.TB) (wire.Product, wire.Policy) {
	t.Helper()
	p, err := o.client.CreateProduct(t.Context(), wire.ProductCreate{Code: "press", ProductFields: wire.ProductFields{Name: "The Press"}})
	ok(t, err)
	rules, err := o.client.CreatePolicy(t.Context(), wire.PolicyCreate{Product: "press", Name: "One year", Rules: wire.DefaultRules()})
	ok(t, err)
	return *p, *rules
}

func TestAPIOfTheCatalogue(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		product, made := o.stock(t)
		if made.Product != product.ID || made.Revision != 1 {
			t.Errorf("made: %+v", made)
		}
		if diff := cmp.Diff(wire.DefaultRules(), made.Rules); diff != "" {
			t.Error(diff)
		}
		changed, err := c.UpdateProduct(ctx, product.ID, wire.ProductFields{Name: "The Great Press", Note: "v2"})
		ok(t, err)
		product.Name, product.Note = "The Great Press", "v2"
		if diff := cmp.Diff(&product, changed); diff != "" {
			t.Error(diff)
		}
		release, err := c.CreateRelease(ctx, "press", wire.ReleaseCreate{Version: "1.0"})
		ok(t, err)
		o.clock.Advance(time.Hour)
		rotated, err := c.RotateHandshakeKey(ctx, "press", "1.0")
		ok(t, err)
		if len(release.Keys) != 1 || len(rotated.Keys) != 2 || rotated.Keys[1].ID != release.Keys[0].ID || rotated.Keys[1].RetiredAt.IsZero() || !rotated.Keys[0].RetiredAt.IsZero() {
			t.Errorf("keys: %+v, then %+v", release.Keys, rotated.Keys)
		}
		releases, err := c.Releases(ctx, "press")
		ok(t, err)
		if diff := cmp.Diff([]wire.Release{*rotated}, releases.Releases); diff != "" {
			t.Error(diff)
		}

		change := wire.PolicyChange{Name: "One month", Rules: made.Rules, Revision: made.Revision}
		change.Rules.Time.Days = 30
		after, err := c.UpdatePolicy(ctx, made.ID, change)
		ok(t, err)
		if after.Revision != 2 || after.Rules.Time.Days != 30 || after.Name != "One month" {
			t.Errorf("changed: %+v", after)
		}
		if p := problemOf(second(c.UpdatePolicy(ctx, made.ID, change))); p.Status != http.StatusConflict || p.Code != "changed_elsewhere" {
			t.Errorf("change what somebody else has changed: %+v", p)
		}
		change.Revision, change.Rules.Time.Days = 2, -1
		if p := problemOf(second(c.UpdatePolicy(ctx, made.ID, change))); p.Status != http.StatusUnprocessableEntity || len(p.Fields) != 1 || p.Fields[0].Name != "time.days" {
			t.Errorf("a policy of less than no time: %+v", p)
		}

		customer, err := c.CreateCustomer(ctx, wire.CustomerFields{Name: "Printers Ltd", Email: "office@printers.example"})
		ok(t, err)
		if p := problemOf(second(c.CreateCustomer(ctx, wire.CustomerFields{Name: "PRINTERS ltd"}))); len(p.Fields) != 1 || p.Fields[0].Code != "customer_exists" {
			t.Errorf("the same customer again: %+v", p)
		}
		_, err = c.UpdateCustomer(ctx, customer.ID, wire.CustomerFields{Name: "Printers & Sons"})
		ok(t, err)
		list, err := c.Customers(ctx, wire.CustomerRequest{Text: "sons"})
		if err != nil || list.Total != 1 || list.Customers[0].ID != customer.ID || list.Customers[0].Email != "" {
			t.Errorf("customers: %+v, %v", list, err)
		}

		for what, p := range map[string]*wire.Problem{
			"product_not_found":  problemOf(second(c.Product(ctx, "none"))),
			"release_not_found":  problemOf(second(c.RotateHandshakeKey(ctx, "press", "9"))),
			"policy_not_found":   problemOf(second(c.Policy(ctx, "none"))),
			"customer_not_found": problemOf(second(c.Customer(ctx, "none"))),
			"batch_not_found":    problemOf(second(c.Batch(ctx, "none"))),
			"card_not_found":     problemOf(second(c.Card(ctx, "none"))),
		} {
			if p.Code != what || p.Status != http.StatusNotFound {
				t.Errorf("%s: %+v", what, p)
			}
		}
	})
}

// TestRulesOfTheWireAreThoseOfTheDomain fails when one of them gets a field alone.
func TestRulesOfTheWireAreThoseOfTheDomain(t *testing.T) {
	t.Parallel()
	got, err := rulesOf(wire.DefaultRules())
	ok(t, err)
	if diff := cmp.Diff(policy.Default(), got); diff != "" {
		t.Errorf("the default (-domain +wire):\n%s", diff)
	}
	full := wire.Rules{V: 1, Time: wire.TimeRule{Mode: "trial", Days: 1, GraceDays: 2, Expired: "read_only"}, IP: "score",
		Fingerprint: wire.FingerprintRule{Weights: map[string]int{"mac": 1}, Share: 0.7, Learn: true, IPWeight: 3}, Modules: []string{"*"},
		Functions: map[string]wire.FunctionRule{"f": {PerDay: 4}}, Files: true, Proof: true, ActivateOnAny: true, Lease: 5, Heartbeat: 60,
		Rebind: wire.RebindRule{PerYear: 6, CooldownHours: 7}, Alarms: wire.AlarmRule{Fingerprints: 8, Mismatches: 9}, ReadOnly: wire.ReadOnlyRule{Functions: true, Files: true}}
	if got, err = rulesOf(full); err != nil {
		t.Fatal(err)
	}
	var back wire.Rules
	ok(t, through(got, &back))
	if diff := cmp.Diff(full, back); diff != "" {
		t.Errorf("there and back:\n%s", diff)
	}
}

func TestAPIOfABatch(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		_, rules := o.stock(t)
		b, err := c.OrderBatch(ctx, wire.BatchOrder{Policy: rules.ID, Count: 1000, Days: 365, Note: "fair"})
		ok(t, err)
		if b.Made != 1000 || b.Count != 1000 || b.Days != 365 || b.Note != "fair" || b.MadeBy != "break-glass:test" {
			t.Errorf("ordered: %+v", b)
		}
		export, err := c.ExportBatch(ctx, b.ID)
		ok(t, err)
		table, err := c.ExportBatchCSV(ctx, b.ID) // within a quarter of an hour
		ok(t, err)
		rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
		ok(t, err)
		if len(export.Keys) != 1000 || len(rows) != 1001 || rows[0][1] != "key" || rows[1000][1] != export.Keys[999].Key {
			t.Errorf("%d keys, %d rows", len(export.Keys), len(rows))
		}
		for _, k := range []wire.CardKey{export.Keys[0], export.Keys[999]} {
			found, err := c.FindCard(ctx, " "+strings.ToLower(k.Key))
			if err != nil || !strings.HasPrefix(k.Key, found.Prefix) || found.Batch != b.ID {
				t.Errorf("the card of a key: %+v, %v", found, err)
			}
			for _, typed := range []string{k.Key, strings.ToLower(k.Key[:len(k.Key)-1]) + map[bool]string{true: "1", false: "0"}[k.Key[len(k.Key)-1] == '0']} {
				p := problemOf(second(c.Cards(ctx, wire.CardRequest{Text: typed})))
				if len(p.Fields) != 1 || p.Fields[0].Code != "key_in_address" || strings.Contains(fmt.Sprint(p), typed) {
					t.Errorf("a key in an address: %+v", p)
				}
			}
		}
		o.clock.Advance(card.Again)
		for _, err := range []error{second(c.ExportBatch(ctx, b.ID)), second(c.ExportBatchCSV(ctx, b.ID))} {
			if p := problemOf(err); p.Status != http.StatusConflict || p.Code != "batch_exported" {
				t.Errorf("a second export: %v", err)
			}
		}
		p := problemOf(second(c.OrderBatch(ctx, wire.BatchOrder{Policy: rules.ID, Count: 0, Days: -1, EndsAt: o.clock.Now()})))
		var names []string
		for _, f := range p.Fields {
			names = append(names, f.Name)
		}
		if !slices.Equal(names, []string{"count", "days", "ends_at"}) {
			t.Errorf("what is wrong with an order: %+v", p)
		}
		list, err := c.Batches(ctx, wire.BatchRequest{Product: "press"})
		if err != nil || list.Total != 1 || list.Batches[0].ExportedAt.IsZero() {
			t.Errorf("batches: %+v, %v", list, err)
		}
		var log bytes.Buffer
		ok(t, c.ExportAudit(ctx, &log))
		if key := export.Keys[0].Key; strings.Contains(log.String(), key) || strings.Contains(log.String(), strings.ReplaceAll(key, "-", "")) {
			t.Error("a key is in the audit log")
		}
	})
}

func TestAnswersWithKeysAreKeptNowhere(t *testing.T) {
	t.Parallel()
	o := openOffice(t, guildtest.Open(t, guildtest.SQLite(t), migrations()))
	_, rules := o.stock(t)
	b, err := o.client.OrderBatch(t.Context(), wire.BatchOrder{Policy: rules.ID, Count: 1})
	ok(t, err)
	for _, path := range []string{"/export", "/export.csv"} {
		w := o.as(t, adminRole, http.MethodPost, "/api/v1/batches/"+b.ID+path)
		if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

// made are some cards.
func (o *office) made(t testing.TB, n int) []wire.Card {
	t.Helper()
	_, rules := o.stock(t)
	b, err := o.client.OrderBatch(t.Context(), wire.BatchOrder{Policy: rules.ID, Count: n, Days: 30})
	ok(t, err)
	list, err := o.client.Cards(t.Context(), wire.CardRequest{Batch: b.ID})
	ok(t, err)
	return list.Cards
}

func TestAPIOfACardsLife(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		id := o.made(t, 1)[0].ID
		for _, step := range []struct {
			name, state string
			do          func() (*wire.Card, error)
		}{
			{"suspend", "suspended", func() (*wire.Card, error) { return c.SuspendCard(ctx, id, "unpaid") }},
			{"suspend again", "suspended", func() (*wire.Card, error) { return c.SuspendCard(ctx, id, "unpaid") }},
			{"resume", "new", func() (*wire.Card, error) { return c.ResumeCard(ctx, id) }},
			{"extend", "new", func() (*wire.Card, error) { return c.ExtendCard(ctx, id, wire.CardExtension{Days: 10}) }},
			{"unbind", "new", func() (*wire.Card, error) { return c.UnbindCard(ctx, id, "new laptop") }},
			{"bin", "new", func() (*wire.Card, error) { return c.BinCard(ctx, id) }},
			{"restore", "new", func() (*wire.Card, error) { return c.RestoreCard(ctx, id) }},
			{"revoke", "revoked", func() (*wire.Card, error) { return c.RevokeCard(ctx, id, "leaked") }},
		} {
			o.clock.Advance(time.Second)
			if got, err := step.do(); err != nil || got.State != step.state {
				t.Errorf("%s: %+v, %v", step.name, got, err)
			}
		}
		for name, err := range map[string]error{"resume": second(c.ResumeCard(ctx, id)), "extend": second(c.ExtendCard(ctx, id, wire.CardExtension{Days: 1}))} {
			if p := problemOf(err); p.Status != http.StatusConflict || p.Code != "card_state" {
				t.Errorf("%s one that is revoked: %v", name, err)
			}
		}
		if p := problemOf(second(c.ExtendCard(ctx, id, wire.CardExtension{Days: 1, Until: o.clock.Now().AddDate(1, 0, 0)}))); len(p.Fields) != 1 || p.Fields[0].Code != "both" {
			t.Errorf("extend by both: %+v", p)
		}
		whole, err := c.Card(ctx, id)
		ok(t, err)
		var kinds []string
		for _, e := range slices.Backward(whole.Events) {
			kinds = append(kinds, e.Kind)
		}
		if want := []string{"suspended", "resumed", "extended", "binned", "restored", "revoked"}; !slices.Equal(kinds, want) || whole.Days != 40 {
			t.Errorf("time line: %q, %+v", kinds, whole.Card)
		}
		log, err := c.Audit(ctx, wire.AuditRequest{Subject: id})
		if err != nil || len(log.Entries) != 6 || log.Entries[0].Action != "card.revoked" || log.Entries[0].Detail["reason"] != nil {
			t.Errorf("audit log: %+v, %v", log, err)
		}
		customer, err := c.CreateCustomer(ctx, wire.CustomerFields{Name: "Printers"})
		ok(t, err)
		changed, err := c.UpdateCard(ctx, id, wire.CardFields{Policy: whole.Policy, Customer: customer.ID, Note: "second desk"})
		if err != nil || changed.Customer != customer.ID || changed.Note != "second desk" {
			t.Errorf("changed: %+v, %v", changed, err)
		}
	})
}

func TestAPIDoesTheSameToManyCards(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		all := o.made(t, 3)
		_, err := c.RevokeCard(ctx, all[1].ID, "")
		ok(t, err)
		got, err := c.ActOnCards(ctx, wire.CardAction{Action: "suspend", IDs: []string{all[0].ID, all[1].ID, "none", all[2].ID}, Reason: "recall"})
		ok(t, err)
		want := []wire.CardResult{{ID: all[0].ID, State: "suspended"}, {ID: all[1].ID, Code: card.ErrState.Code, Detail: "The card is revoked. That is for good: nobody suspends or extends it any more. Make another card."},
			{ID: "none", Code: store.ErrCard.Code, Detail: store.ErrCard.Detail}, {ID: all[2].ID, State: "suspended"}}
		if diff := cmp.Diff(&wire.CardResults{Done: 2, Results: want}, got); diff != "" {
			t.Error(diff)
		}
		if p := problemOf(second(c.ActOnCards(ctx, wire.CardAction{Action: "burn", IDs: []string{all[0].ID}}))); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("an action that nobody knows: %+v", p)
		}
		if p := problemOf(second(c.ActOnCards(ctx, wire.CardAction{Action: "bin", IDs: make([]string, 1001)}))); p.Status != http.StatusUnprocessableEntity {
			t.Errorf("too many: %+v", p)
		}
		thousand := make([]string, 1000)
		for i := range thousand {
			thousand[i] = all[2].ID
		}
		if got, err = c.ActOnCards(ctx, wire.CardAction{Action: "bin", IDs: thousand}); err != nil || got.Done != 1000 {
			t.Errorf("a thousand: %v", err)
		}
	})
}

// Each filter finds the one card that it is about.
func TestAPIFindsCards(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		all := o.made(t, 4)
		now := o.clock.Now()
		bound, machine := all[0], store.Environment{ID: string(cardid.New()), Card: all[0].ID, IP: "192.0.2.7", BoundAt: now, SeenAt: now, Fingerprint: map[string]string{"mac": "x", "disk": "y"}}
		row, err := o.store.Card(ctx, bound.ID)
		ok(t, err)
		row.State, row.ActivatedAt, row.ExpiresAt = store.CardActive, now, now.AddDate(0, 0, 7).Add(-time.Second)
		ok(t, o.journal.Group(ctx, func(tx *sql.Tx) error {
			if _, err := o.store.SetCard(ctx, tx, row); err != nil {
				return err
			}
			if err := o.store.InsertEvent(ctx, tx, store.Event{ID: "evt_1", Card: bound.ID, Kind: card.Mismatched, IP: "198.51.100.9", At: now, Detail: map[string]any{"sent": "all"}}); err != nil {
				return err
			}
			return o.store.InsertEnvironment(ctx, tx, machine)
		}))
		_, err = c.UpdateCard(ctx, all[1].ID, wire.CardFields{Policy: all[1].Policy, Note: "For the FAIR"})
		ok(t, err)
		_, err = c.BinCard(ctx, all[2].ID)
		ok(t, err)
		for name, x := range map[string]struct {
			r    wire.CardRequest
			want string
		}{
			"address":         {wire.CardRequest{IP: "::ffff:192.0.2.7"}, bound.ID},
			"within a week":   {wire.CardRequest{EndsWithin: 7}, bound.ID},
			"ends":            {wire.CardRequest{EndsFrom: now, EndsTo: now.AddDate(0, 0, 7)}, bound.ID},
			"active":          {wire.CardRequest{State: "active"}, bound.ID},
			"note":            {wire.CardRequest{Text: "fair"}, all[1].ID},
			"recycle bin":     {wire.CardRequest{State: "binned", MadeTo: now.Add(time.Hour)}, all[2].ID},
			"prefix":          {wire.CardRequest{Prefix: strings.ToLower(all[3].Prefix), Product: "press"}, all[3].ID},
			"first of a sort": {wire.CardRequest{Sort: "expires", Order: "asc", Limit: 1}, bound.ID},
		} {
			list, err := c.Cards(ctx, x.r)
			if err != nil || len(list.Cards) != 1 || list.Cards[0].ID != x.want {
				t.Errorf("%s: %+v, %v", name, list, err)
			}
		}
		for field, r := range map[string]wire.CardRequest{"ip": {IP: "here"}, "q": {Text: strings.Repeat("0", 31) + "1"}, "ends_within_days": {EndsWithin: 1, EndsTo: now}} {
			if p := problemOf(second(c.Cards(ctx, r))); p.Status != http.StatusUnprocessableEntity || len(p.Fields) != 1 || p.Fields[0].Name != field {
				t.Errorf("a wrong %s: %+v", field, p)
			}
		}
		machines, err := c.Environments(ctx, wire.EnvironmentRequest{IP: "192.0.2.7", Product: "press", Bound: true})
		if err != nil || machines.Total != 1 || !slices.Equal(machines.Environments[0].Components, []string{"disk", "mac"}) {
			t.Errorf("machines: %+v, %v", machines, err)
		}
		wrong, err := c.Mismatches(ctx, wire.MismatchRequest{Since: now})
		if err != nil || wrong.Total != 1 || wrong.Cards[0] != (wire.Mismatches{Card: bound.ID, Prefix: bound.Prefix, Count: 1, First: now, Last: now}) {
			t.Errorf("mismatches: %+v, %v", wrong, err)
		}
		if wrong, err = c.Mismatches(ctx, wire.MismatchRequest{Until: now}); err != nil || wrong.Total != 0 {
			t.Errorf("mismatches before: %+v, %v", wrong, err)
		}
		events, err := c.Events(ctx, wire.EventRequest{Kind: "mismatch", IP: "198.51.100.9"})
		if err != nil || events.Total != 1 || events.Events[0].Detail["sent"] != "all" {
			t.Errorf("events: %+v, %v", events, err)
		}
		o.clock.Advance(8 * 24 * time.Hour)
		if list, err := c.Cards(ctx, wire.CardRequest{State: "expired"}); err != nil || list.Total != 1 || list.Cards[0].State != "expired" {
			t.Errorf("expired: %+v, %v", list, err)
		}
	})
}

func TestAPIOfACustomersAccounts(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		one, err := c.CreateCustomer(ctx, wire.CustomerFields{Name: "Printers"})
		ok(t, err)
		made, err := c.Invite(ctx, one.ID, wire.InvitationFields{Email: "office@printers.example", Language: "zh"})
		ok(t, err)
		_, token, _ := strings.Cut(made.Link, "link=")
		all, err := c.Accounts(ctx, one.ID)
		if err != nil || len(all.Accounts) != 0 || len(all.Invitations) != 1 || all.Invitations[0] != made.Invitation {
			t.Errorf("invited: %+v, %v", all, err)
		}
		ok(t, o.portal.Accept(ctx, token, "usr_anna", "Anna", boss))
		all, err = c.Accounts(ctx, one.ID)
		if err != nil || len(all.Accounts) != 1 || all.Accounts[0].Name != "Anna" || len(all.Invitations) != 0 {
			t.Errorf("accepted: %+v, %v", all, err)
		}
		ok(t, c.UnlinkAccount(ctx, one.ID, "usr_anna"))
		for code, err := range map[string]error{"account_not_linked": c.UnlinkAccount(ctx, one.ID, "usr_anna"), "invitation_over": c.WithdrawInvitation(ctx, one.ID, made.ID),
			"customer_not_found": second(c.Invite(ctx, "none", wire.InvitationFields{}))} {
			if p := problemOf(err); p.Code != code {
				t.Errorf("%s: %v", code, err)
			}
		}
		if p := problemOf(second(c.Invite(ctx, one.ID, wire.InvitationFields{Email: "nobody"}))); len(p.Fields) != 1 || p.Fields[0].Name != "email" {
			t.Errorf("to what is no address: %+v", p)
		}
	})
}

func TestAPIOfACardsModulesAndMoves(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		ctx, c := t.Context(), o.client
		id := o.made(t, 1)[0].ID
		for _, modules := range [][]string{{"draw", "print"}, {}, nil} {
			got, err := c.SetCardModules(ctx, id, modules)
			if err != nil || !slices.Equal(got.Modules, modules) || (got.Modules == nil) != (modules == nil) {
				t.Errorf("%v: %+v, %v", modules, got, err)
			}
		}
		if p := problemOf(second(c.SetCardModules(ctx, id, []string{"no name"}))); len(p.Fields) != 1 {
			t.Errorf("what is no name: %+v", p)
		}
		if p := problemOf(second(c.UnbindCard(ctx, id, " "))); len(p.Fields) != 1 || p.Fields[0].Name != "reason" {
			t.Errorf("unbound without a reason: %+v", p)
		}
		if whole, err := c.Card(ctx, id); err != nil || whole.Moves != (wire.CardMoves{PerYear: 2}) {
			t.Errorf("moves: %+v, %v", whole, err)
		}
	})
}
