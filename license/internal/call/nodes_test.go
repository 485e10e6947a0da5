package call_test

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"guildhall/license/internal/call"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/db"
	"guildhall/sdk/go/license"
)

// A node that has a card in memory answers as if it read it anew, whatever another node
// did to it meanwhile.
func TestWhatAnotherNodeDoesToACardHoldsForTheNextRequest(t *testing.T) {
	licensetest.Engines(t, func(t *testing.T, d *db.DB) {
		w := licensetest.New(t, d)
		desk := licensetest.Node(t, d, w.Key, w.Clock) // where people work; customers ask w
		key := w.CardKey(t, func(p *policy.Policy) { p.Proof = true })
		m, other := w.Machine(t, "mine", here), w.Machine(t, "other", there)
		m.Want(t, "activated ok", license.CallActivate, key)
		c := w.Card(t, key)
		do := func(_ store.Card, err error) { t.Helper(); must(t, err) }
		known := func() {
			t.Helper()
			for range 2 {
				m.Want(t, "ok ok", license.CallValidate, key)
			}
		}

		known()
		do(desk.Cards.Suspend(t.Context(), c.ID, "unpaid", licensetest.By))
		m.Want(t, "refused card_suspended", license.CallValidate, key)
		do(desk.Cards.Resume(t.Context(), c.ID, licensetest.By))
		known()

		p, err := desk.Store.Policy(t.Context(), c.Policy)
		must(t, err)
		rules, err := policy.Parse([]byte(p.Body))
		must(t, err)
		rules.Heartbeat = 4321
		_, err = desk.Catalogue.ChangePolicy(t.Context(), p.ID, p.Name, rules, p.Revision, licensetest.By)
		must(t, err)
		if a := m.Want(t, "ok ok", license.CallHeartbeat, key); a.Heartbeat != 4321 {
			t.Errorf("after the policy changed the heartbeat is %d", a.Heartbeat)
		}

		known()
		do(desk.Cards.Unbind(t.Context(), c.ID, "a new machine", licensetest.By))
		other.World = desk
		other.Want(t, "ok ok", license.CallActivate, key)
		m.Want(t, "refused environment_mismatch", license.CallValidate, key)

		do(desk.Cards.Revoke(t.Context(), c.ID, "stolen", licensetest.By))
		m.Want(t, "refused card_revoked", license.CallValidate, key)
	})
}

// A request that was noted when the card turned out to be another is answered, once.
func TestASealedRequestAboutAStaleCardIsAnsweredOnce(t *testing.T) {
	licensetest.Engines(t, func(t *testing.T, d *db.DB) {
		w := licensetest.New(t, d)
		desk := licensetest.Node(t, d, w.Key, w.Clock)
		key := w.CardKey(t, nil)
		m := w.Machine(t, "mine", here)
		m.Want(t, "activated ok", license.CallActivate, key)
		m.Want(t, "ok ok", license.CallValidate, key)
		_, err := desk.Cards.Extend(t.Context(), w.Card(t, key).ID, 0, w.Clock.Now().Add(1000*time.Hour), licensetest.By)
		must(t, err)
		in := m.Request(t, license.CallValidate, key)
		name := sha256.Sum256([]byte("once"))
		in.Once = name[:]
		if a := m.Send(t, in); a.Verdict != license.VerdictOK || !a.ExpiresAt.Equal(w.Clock.Now().Add(1000*time.Hour)) {
			t.Errorf("the answer is %+v", a)
		}
		if _, err := w.Calls.Answer(t.Context(), in); !errors.Is(err, call.ErrReplay) {
			t.Errorf("the second time: %v", err)
		}
	})
}
