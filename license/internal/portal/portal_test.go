package portal_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/portal"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/db"
	"guildhall/platform/fault"
	"guildhall/platform/mail"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// worlds runs the test with a desk and the letters that it writes, on each engine.
func worlds(t *testing.T, test func(t *testing.T, w *licensetest.World, d *portal.Desk, letters *[]mail.Message)) {
	t.Helper()
	licensetest.Engines(t, func(t *testing.T, engine *db.DB) {
		w, letters := licensetest.New(t, engine), &[]mail.Message{}
		test(t, w, &portal.Desk{Store: w.Store, Journal: w.Journal, URL: "https://license.example.com", Now: w.Clock.Now,
			Mail: func(_ context.Context, _ *sql.Tx, m mail.Message) error { *letters = append(*letters, m); return nil }}, letters)
	})
}

func customer(t *testing.T, w *licensetest.World, name string) string {
	t.Helper()
	c, err := w.Catalogue.AddCustomer(t.Context(), name, "", "", licensetest.By)
	must(t, err)
	return c.ID
}

// token is what a link holds.
func token(t *testing.T, link string) string {
	t.Helper()
	u, err := url.Parse(link)
	must(t, err)
	if u.Path != portal.Path || len(u.Query().Get("link")) < 26 {
		t.Fatalf("the link is %s", link)
	}
	return u.Query().Get("link")
}

var anna = audit.Caller{Actor: "usr_anna", Name: "Anna", From: "192.0.2.9"}

func TestAnInvitationLinksOneAccountOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, d *portal.Desk, letters *[]mail.Message) {
		ctx, one := t.Context(), customer(t, w, "Printers")
		invitation, link, err := d.Invite(ctx, one, " office@printers.example ", "pl", licensetest.By)
		must(t, err)
		if len(*letters) != 1 || (*letters)[0].To != "office@printers.example" || (*letters)[0].Data["Link"] != link || (*letters)[0].Until != invitation.UntilAt {
			t.Errorf("the letters are %+v", *letters)
		}
		secret := token(t, link)
		if c, err := d.Invited(ctx, secret, "usr_anna"); err != nil || c.ID != one {
			t.Errorf("who is invited: %+v, %v", c, err)
		}
		must(t, d.Accept(ctx, secret, "usr_anna", "Anna", anna))
		for _, err := range []error{d.Accept(ctx, secret, "usr_berta", "Berta", anna), second(d.Invited(ctx, secret, "usr_berta")), d.Withdraw(ctx, one, invitation.ID, licensetest.By)} {
			if !errors.Is(err, store.ErrInvitation) {
				t.Errorf("again: %v", err)
			}
		}
		for _, err := range []error{d.Accept(ctx, secret, "usr_anna", "Anna", anna), second(d.Invited(ctx, secret, "usr_anna"))} {
			if !errors.Is(err, portal.ErrAccepted) {
				t.Errorf("again by who accepted it: %v", err)
			}
		}
		if open, err := w.Store.Invitations(ctx, one, w.Clock.Now()); err != nil || len(open) != 0 {
			t.Errorf("an invitation that was accepted is open: %+v, %v", open, err)
		}
		all, err := w.Store.Accounts(ctx, one)
		must(t, err)
		if len(all) != 1 || all[0] != (store.Account{Customer: one, ID: "usr_anna", Name: "Anna", LinkedAt: w.Clock.Now()}) {
			t.Errorf("the accounts are %+v", all)
		}
		must(t, d.Unlink(ctx, one, "usr_anna", licensetest.By))
		if err := d.Unlink(ctx, one, "usr_anna", licensetest.By); !errors.Is(err, portal.ErrAccount) {
			t.Errorf("unlinked again: %v", err)
		}
		if _, err := d.Invited(ctx, secret, "usr_anna"); !errors.Is(err, store.ErrInvitation) {
			t.Errorf("the link leads who was unlinked: %v", err)
		}
		want := []string{"customer.invited", "customer.account_linked", "customer.account_unlinked"}
		if got := w.Actions(t); !slices.Equal(got[len(got)-3:], want) {
			t.Errorf("the audit log has %v", got)
		}
		var log strings.Builder
		page, err := w.Journal.Audit.List(ctx, audit.Filter{Limit: audit.MaxLimit})
		must(t, err)
		for _, r := range page.Records {
			log.Write(r.Detail)
		}
		if strings.Contains(log.String(), secret) || strings.Contains(log.String(), "office@") {
			t.Error("the audit log has the link or the address")
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestInvitationsEnd(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, d *portal.Desk, letters *[]mail.Message) {
		ctx, one, other := t.Context(), customer(t, w, "Printers"), customer(t, w, "Binders")
		if _, _, err := d.Invite(ctx, one, "nobody", "en", licensetest.By); len(fault.As(err).Fields) != 1 {
			t.Errorf("to what is no address: %v", err)
		}
		if _, _, err := d.Invite(ctx, "none", "", "en", licensetest.By); !errors.Is(err, store.ErrCustomer) {
			t.Errorf("to nobody's: %v", err)
		}
		withdrawn, a, err := d.Invite(ctx, one, "", "en", licensetest.By)
		must(t, err)
		if err := d.Withdraw(ctx, other, withdrawn.ID, licensetest.By); !errors.Is(err, store.ErrInvitation) {
			t.Errorf("withdrawn by the name of another customer: %v", err)
		}
		must(t, d.Withdraw(ctx, one, withdrawn.ID, licensetest.By))
		_, b, err := d.Invite(ctx, one, "", "en", licensetest.By)
		must(t, err)
		w.Clock.Advance(portal.InvitationLife)
		for what, link := range map[string]string{"withdrawn": a, "over": b} {
			if err := d.Accept(ctx, token(t, link), "usr_anna", "Anna", anna); !errors.Is(err, store.ErrInvitation) {
				t.Errorf("one that is %s: %v", what, err)
			}
		}
		must(t, d.Purge(ctx))
		if all, err := w.Store.Invitations(ctx, one, time.Time{}); err != nil || len(all) != 0 || len(*letters) != 0 {
			t.Errorf("kept: %+v, %v; letters: %+v", all, err, *letters)
		}
		for range 20 {
			_, _, err := d.Invite(ctx, one, "", "en", licensetest.By)
			must(t, err)
		}
		if _, _, err := d.Invite(ctx, one, "", "en", licensetest.By); !errors.Is(err, portal.ErrManyInvitations) {
			t.Errorf("too many: %v", err)
		}
	})
}

// Of many who come with one link at the same moment, one is linked.
func TestOneOfManyUsesAnInvitation(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, d *portal.Desk, _ *[]mail.Message) {
		one := customer(t, w, "Printers")
		_, link, err := d.Invite(t.Context(), one, "", "en", licensetest.By)
		must(t, err)
		secret := token(t, link)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				if err := d.Accept(t.Context(), secret, "usr_"+string(rune('a'+i)), "x", anna); err != nil && !errors.Is(err, store.ErrInvitation) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if linked, err := w.Store.Accounts(t.Context(), one); err != nil || len(linked) != 1 {
			t.Errorf("linked are %+v, %v", linked, err)
		}
	})
}

// An account sees the cards of its customers, and no others.
func TestAnAccountSeesItsOwnCards(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World, d *portal.Desk, _ *[]mail.Message) {
		ctx, one, other := t.Context(), customer(t, w, "Printers"), customer(t, w, "Binders")
		cards := map[string]store.Card{}
		for _, c := range []string{one, other, ""} {
			card := w.Card(t, w.CardKey(t, nil))
			changed, err := w.Cards.Change(ctx, card.ID, card.Policy, c, "", licensetest.By)
			must(t, err)
			cards[c] = changed
		}
		for account, customers := range map[string][]string{"usr_anna": {one}, "usr_berta": {other}, "usr_both": {one, other}} {
			for _, c := range customers {
				_, link, err := d.Invite(ctx, c, "", "en", licensetest.By)
				must(t, err)
				must(t, d.Accept(ctx, token(t, link), account, account, anna))
			}
			all, total, err := w.Store.CardsOf(ctx, account, 10, 0)
			if err != nil || len(all) != len(customers) || total != len(all) {
				t.Errorf("%s sees %+v of %d, %v", account, all, total, err)
			}
			for c, card := range cards {
				_, err := w.Store.CardOf(ctx, account, card.ID)
				if own := slices.Contains(customers, c); own != (err == nil) || !own && !errors.Is(err, store.ErrCard) {
					t.Errorf("%s looks at the card of %q: %v", account, c, err)
				}
			}
			if all, err := w.Store.CustomersOf(ctx, account); err != nil || len(all) != len(customers) {
				t.Errorf("%s is of %+v, %v", account, all, err)
			}
		}
		_, err := w.Cards.Bin(ctx, cards[one].ID, licensetest.By)
		must(t, err)
		if _, err := w.Store.CardOf(ctx, "usr_anna", cards[one].ID); !errors.Is(err, store.ErrCard) {
			t.Errorf("a card in the recycle bin: %v", err)
		}
	})
}
