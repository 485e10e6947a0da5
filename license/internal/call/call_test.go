package call_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"reflect"
	"testing"
	"time"

	"guildhall/license/internal/call"
	"guildhall/license/internal/card"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/db"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/fingerprint"
)

const (
	here  = "198.51.100.7"
	there = "203.0.113.9"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// worlds runs the test in a new world on each engine.
func worlds(t *testing.T, test func(t *testing.T, w *licensetest.World)) {
	t.Helper()
	licensetest.Engines(t, func(t *testing.T, d *db.DB) { test(t, licensetest.New(t, d)) })
}

func TestFirstUseActivatesAndBindsOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		for _, first := range []string{license.CallActivate, license.CallValidate, license.CallHeartbeat, license.CallOpen} {
			key := w.CardKey(t, func(p *policy.Policy) { p.Time.Days = 30 })
			m, stranger := w.Machine(t, "mine", here), w.Machine(t, "stranger", there)
			a := m.Want(t, "activated ok", first, key)
			began := w.Clock.Now()
			if ends := began.AddDate(0, 0, 30); a.ExpiresAt == nil || !a.ExpiresAt.Equal(ends) {
				t.Errorf("%s: the card ends at %v, want %v", first, a.ExpiresAt, ends)
			}
			w.Clock.Advance(time.Hour)
			again := m.Want(t, "ok ok", license.CallActivate, key)
			if again.Environment != a.Environment || !again.ExpiresAt.Equal(*a.ExpiresAt) {
				t.Errorf("%s: the second activation says %+v, the first said %+v", first, again, a)
			}
			stranger.Want(t, "refused environment_mismatch", license.CallActivate, key)
			c := w.Card(t, key)
			if c.State != store.CardActive || !c.ActivatedAt.Equal(began) || !c.ExpiresAt.Equal(*a.ExpiresAt) {
				t.Errorf("%s: the card is %+v", first, c)
			}
			all, err := w.Store.Environments(t.Context(), c.ID)
			must(t, err)
			if len(all) != 1 || all[0].ID != a.Environment || len(all[0].ID) != 32 || all[0].IP != here || all[0].LastCall != license.CallActivate ||
				!all[0].SeenAt.Equal(w.Clock.Now()) || !all[0].BoundAt.Equal(began) {
				t.Errorf("%s: the environments are %+v", first, all)
			}
		}
	})
}

func TestOnlyActivateBindsWhereThePolicySaysSo(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, func(p *policy.Policy) { p.ActivateOnAny = false })
		m := w.Machine(t, "mine", here)
		m.Want(t, "refused card_not_active", license.CallValidate, key)
		if c := w.Card(t, key); c.State != store.CardNew {
			t.Fatalf("the card is %+v", c)
		}
		m.Want(t, "activated ok", license.CallActivate, key)
		m.Want(t, "ok ok", license.CallValidate, key)
	})
}

func TestWhatIsDoneToACardHoldsForTheNextRequest(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, func(p *policy.Policy) { p.Time.Days = 10 })
		m, other := w.Machine(t, "mine", here), w.Machine(t, "other", there)
		m.Want(t, "activated ok", license.CallActivate, key)
		id := w.Card(t, key).ID
		do := func(_ store.Card, err error) { t.Helper(); must(t, err) }

		do(w.Cards.Suspend(t.Context(), id, "unpaid", licensetest.By))
		m.Want(t, "refused card_suspended", license.CallValidate, key)
		do(w.Cards.Resume(t.Context(), id, licensetest.By))
		m.Want(t, "ok ok", license.CallValidate, key)

		w.Clock.Advance(10 * 24 * time.Hour)
		if a := m.Want(t, "refused card_expired", license.CallValidate, key); a.ExpiresAt == nil || a.Detail == "" {
			t.Errorf("the end is told as %+v", a)
		}
		do(w.Cards.Extend(t.Context(), id, 5, time.Time{}, licensetest.By))
		if a := m.Want(t, "ok ok", license.CallValidate, key); !a.ExpiresAt.Equal(w.Clock.Now().AddDate(0, 0, 5)) {
			t.Errorf("the extended card ends at %v", a.ExpiresAt)
		}

		do(w.Cards.Unbind(t.Context(), id, "new machine", licensetest.By))
		if a := other.Want(t, "ok ok", license.CallActivate, key); !a.ExpiresAt.Equal(w.Clock.Now().AddDate(0, 0, 5)) {
			t.Errorf("another machine moved the end to %v", a.ExpiresAt)
		}
		m.Want(t, "refused environment_mismatch", license.CallValidate, key)
		all, err := w.Store.Environments(t.Context(), id)
		must(t, err)
		if len(all) != 2 || !all[0].UnboundAt.IsZero() || all[1].UnboundWhy != "new machine" {
			t.Errorf("the environments are %+v", all)
		}

		do(w.Cards.Bin(t.Context(), id, licensetest.By))
		other.Want(t, "refused card_unknown", license.CallValidate, key)
		do(w.Cards.Restore(t.Context(), id, licensetest.By))
		other.Want(t, "ok ok", license.CallValidate, key)

		do(w.Cards.Revoke(t.Context(), id, "stolen", licensetest.By))
		other.Want(t, "refused card_revoked", license.CallValidate, key)
		if _, err := w.Cards.Resume(t.Context(), id, licensetest.By); err == nil {
			t.Error("a revoked card was resumed")
		}
		var kinds []string
		for _, e := range w.Events(t, key) {
			kinds = append(kinds, e.Kind)
		}
		equal(t, "the time line", kinds, []string{card.Activated, card.Suspended, card.Resumed, card.Extended, card.Unbound, card.Bound, card.Mismatched,
			card.Binned, card.Restored, card.Revoked})
	})
}

func TestOpenSealsTheHandshakeKeyToTheDevice(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		m := w.Machine(t, "mine", here)
		name, plain, err := w.Catalogue.Handshake(t.Context(), licensetest.Product, licensetest.Version, "")
		must(t, err)
		a := m.Want(t, "activated ok", license.CallOpen, key)
		if a.Handshake.ID != name {
			t.Errorf("the key is %s, want %s", a.Handshake.ID, name)
		}
		if got, err := licensetest.Open(a, m.Seal); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("the device reads %x, %v, want %x", got, err, plain)
		}
		if got, err := licensetest.Open(a, w.Machine(t, "other", there).Seal); err == nil {
			t.Errorf("another device reads %x", got)
		}
		moved := a
		moved.Environment = "0" + a.Environment[1:] + "0"
		if _, err := licensetest.Open(moved, m.Seal); err == nil {
			t.Error("the key opens in another environment")
		}

		_, err = w.Catalogue.RotateHandshakeKey(t.Context(), licensetest.Product, licensetest.Version, licensetest.By)
		must(t, err)
		if a := m.Want(t, "ok ok", license.CallOpen, key); a.Handshake.ID == name {
			t.Error("the rotated key is still given to who names none")
		}
		a = m.Want(t, "ok ok", license.CallOpen, key, func(r *license.Request) { r.HandshakeKey = name })
		if got, err := licensetest.Open(a, m.Seal); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("data under the old key is read by %x, %v", got, err)
		}
		// Who brings no keys has it sealed to those that are registered.
		bare := m.Request(t, license.CallOpen, key, func(r *license.Request) { r.Device = nil })
		if got, err := licensetest.Open(m.Send(t, bare), m.Seal); err != nil || len(got) != 32 {
			t.Errorf("without keys in the request: %x, %v", got, err)
		}
		if a := m.Want(t, "ok ok", license.CallValidate, key); a.Handshake != nil {
			t.Error("validate gives a handshake key")
		}
	})
}

func TestOpenThatCannotBeAnsweredChangesNothing(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		m := w.Machine(t, "mine", here)
		for name, c := range map[string]struct {
			want   string
			change func(*license.Request)
		}{
			"version":       {"refused handshake_key_not_found", func(r *license.Request) { r.Version = "9" }},
			"key":           {"refused handshake_key_not_found", func(r *license.Request) { r.HandshakeKey = "hsk_other" }},
			"useless point": {"refused malformed", func(r *license.Request) { r.Device.Seal = make([]byte, 32) }},
		} {
			key := w.CardKey(t, nil)
			m.Want(t, c.want, license.CallOpen, key, c.change)
			if got := w.Card(t, key); got.State != store.CardNew || len(w.Events(t, key)) != 0 {
				t.Errorf("%s: the card is %+v", name, got)
			}
		}
		key := w.CardKey(t, func(p *policy.Policy) { p.Proof = false })
		bare := m.Request(t, license.CallOpen, key)
		bare.Proof, bare.Device = false, nil
		if a := m.Send(t, bare); a.Code != call.NoDeviceKey || w.Card(t, key).State != store.CardNew {
			t.Errorf("without a key to seal to: %+v", a)
		}
		unproven := m.Request(t, license.CallOpen, key)
		unproven.Proof = false
		if a := m.Send(t, unproven); a.Code != call.NoDeviceKey {
			t.Errorf("a key that nobody proves gets a handshake key: %+v", a)
		}
	})
}

func TestProofOfPossession(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		m := w.Machine(t, "mine", here)
		none := m.Request(t, license.CallActivate, key)
		none.Proof = false
		if a := m.Send(t, none); a.Code != "proof_missing" {
			t.Errorf("without proof: %+v", a)
		}
		m.Want(t, "activated ok", license.CallActivate, key)

		copied := w.Machine(t, "copy", here) // has the components, but not the key
		copied.Components = m.Components
		copied.Want(t, "refused device_mismatch", license.CallValidate, key)
		stolen := copied.Request(t, license.CallValidate, key, func(r *license.Request) { r.Device = nil })
		if a := m.Send(t, stolen); a.Code != "proof_wrong" {
			t.Errorf("by another key, without naming it: %+v", a)
		}
		claimed := copied.Request(t, license.CallValidate, key, func(r *license.Request) { r.Device.Sign = m.Sign.Public().(ed25519.PublicKey) })
		if a := m.Send(t, claimed); a.Code != "proof_wrong" {
			t.Errorf("by another key, in the name of this one: %+v", a)
		}
		got := w.Events(t, key, card.Mismatched)
		if len(got) != 1 || got[0].Detail["code"] != "device_mismatch" {
			t.Fatalf("the mismatches are %+v", got)
		}
		then, _ := got[0].Detail["recorded"].(map[string]any)
		if sign := base64.StdEncoding.EncodeToString(m.Sign.Public().(ed25519.PublicKey)); then["sign"] != sign || then["ip"] != here || !reflect.DeepEqual(then["fingerprint"], any(texts(m.Components))) {
			t.Errorf("recorded of the bound machine is %+v", then)
		}
		m.Want(t, "ok ok", license.CallValidate, key)
	})
}

func TestDriftAndMismatch(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, func(p *policy.Policy) { p.Proof = false })
		m := w.Machine(t, "mine", here)
		m.Want(t, "activated ok", license.CallActivate, key)

		moved := *m
		moved.IP = w.Machine(t, "x", there).IP
		moved.Want(t, "ok ok", license.CallValidate, key)
		moved.Want(t, "ok ok", license.CallValidate, key) // recorded: no drift any more
		rebuilt := w.Machine(t, "rebuilt", there)
		if a := rebuilt.Want(t, "ok ok", license.CallValidate, key); len(a.Changed) != 4 {
			t.Errorf("the changed components are %v", a.Changed)
		}
		drifts := w.Events(t, key, card.Drifted)
		if len(drifts) != 2 || drifts[0].Detail["what"] != "ip" || drifts[0].IP != there || drifts[1].Detail["what"] != "hardware" {
			t.Fatalf("the drifts are %+v", drifts)
		}
		// Now both differ: the first machine, where it was first.
		a := m.Want(t, "refused environment_mismatch", license.CallFunction, key, func(r *license.Request) { r.Function, r.Module = "price", "basic" })
		if len(a.Changed) != 0 || a.ExpiresAt != nil || a.Environment != "" {
			t.Errorf("a stranger is told %+v", a)
		}
		got := w.Events(t, key, card.Mismatched)
		if len(got) != 1 || got[0].IP != here {
			t.Fatalf("the mismatches are %+v", got)
		}
		detail := got[0].Detail
		sent, _ := detail["fingerprint"].(map[string]any)
		device, _ := detail["device"].(map[string]any)
		if sent[fingerprint.TPM] != m.Components[fingerprint.TPM] || len(sent) != 4 || device["sign"] == nil || detail["call"] != license.CallFunction || detail["function"] != "price" ||
			detail["module"] != "basic" || detail["sdk"] != "test/1" || detail["version"] != licensetest.Version || detail["client_time"] == nil {
			t.Errorf("what was sent is kept as %+v", detail)
		}
		rebuilt.Want(t, "ok ok", license.CallValidate, key)
	})
}

func TestOneNewPartIsLearned(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		m := w.Machine(t, "mine", here)
		m.Want(t, "activated ok", license.CallActivate, key)
		m.Components = m.Components.Clone()
		m.Components[fingerprint.MAC] = licensetest.Digest("another card")
		if a := m.Want(t, "ok ok", license.CallValidate, key); len(a.Changed) != 1 || a.Changed[0] != fingerprint.MAC {
			t.Errorf("the changed components are %v", a.Changed)
		}
		if a := m.Want(t, "ok ok", license.CallValidate, key); len(a.Changed) != 0 {
			t.Errorf("the new network card was not learned: %v", a.Changed)
		}
		if got := w.Events(t, key, card.Drifted); len(got) != 0 {
			t.Errorf("one part of a machine is %+v", got)
		}
	})
}

func TestAlarmsComeOnceForEachKind(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, func(p *policy.Policy) { p.Alarms = policy.Alarms{Fingerprints: 3, Mismatches: 2}; p.Proof = false })
		at := func(name, ip string) *licensetest.Machine { return w.Machine(t, name, ip) }
		at("a", here).Want(t, "activated ok", license.CallActivate, key)
		for range 4 { // two machines behind one address, again and again
			at("b", here).Want(t, "ok ok", license.CallValidate, key)
			at("a", here).Want(t, "ok ok", license.CallValidate, key)
		}
		if got := w.Events(t, key, card.Alarm); len(got) != 0 {
			t.Fatalf("two machines are alarming: %+v", got)
		}
		for _, name := range []string{"c", "d", "e"} {
			at(name, here).Want(t, "ok ok", license.CallValidate, key)
		}
		for i := range 4 {
			at("e", here).Want(t, "ok ok", license.CallValidate, key)
			at("f", "203.0.113."+string(rune('1'+i))).Want(t, "refused environment_mismatch", license.CallValidate, key)
		}
		alarms := w.Events(t, key, card.Alarm)
		if len(alarms) != 2 || alarms[0].Detail["kind"] != card.Drifted || alarms[0].Detail["count"] != 3.0 || alarms[1].Detail["kind"] != card.Mismatched || alarms[1].Detail["count"] != 2.0 {
			t.Fatalf("the alarms are %+v", alarms)
		}
		w.Clock.Advance(25 * time.Hour)
		for range 2 {
			at("f", there).Want(t, "refused environment_mismatch", license.CallValidate, key)
		}
		if got := w.Events(t, key, card.Alarm); len(got) != 3 {
			t.Errorf("the next day has the alarms %+v", got[2:])
		}
	})
}

func TestTrialOnceForAMachine(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		trial := w.Keys(t, card.Order{Count: 2, Policy: w.Policy(t, "trial", func(p *policy.Policy) { p.Time = policy.Time{Mode: policy.Trial, Days: 14, Expired: policy.Refuse} })})
		m := w.Machine(t, "mine", here)
		m.Want(t, "activated ok", license.CallActivate, trial[0])
		m.Want(t, "ok ok", license.CallValidate, trial[0])
		m.IP = w.Machine(t, "x", there).IP
		m.Components = fingerprint.Components{fingerprint.TPM: m.Components[fingerprint.TPM], fingerprint.MAC: licensetest.Digest("new"), fingerprint.Disk: licensetest.Digest("new disk")}
		m.Want(t, "refused trial_used", license.CallActivate, trial[1])
		w.Machine(t, "other", here).Want(t, "activated ok", license.CallActivate, trial[1])
		m.Want(t, "activated ok", license.CallActivate, w.CardKey(t, nil))
	})
}

// Weak components tell a machine that had a trial when two of them are the same.
func TestATrialIsRecognisedByWeakComponentsTogether(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		trial := w.Keys(t, card.Order{Count: 4, Policy: w.Policy(t, "trial", func(p *policy.Policy) { p.Time = policy.Time{Mode: policy.Trial, Days: 14, Expired: policy.Refuse} })})
		machine := func(name string, components fingerprint.Components) *licensetest.Machine {
			m := w.Machine(t, name, here)
			m.Components = components
			return m
		}
		dock, wifi, d := licensetest.Digest("dock"), licensetest.Digest("wifi"), licensetest.Digest
		machine("first", fingerprint.Components{"mac": dock, "mac#2": wifi, "machine_id": d("a")}).Want(t, "activated ok", license.CallActivate, trial[0])
		machine("at the same dock", fingerprint.Components{"mac": dock, "mac#2": d("its own"), "machine_id": d("b")}).Want(t, "activated ok", license.CallActivate, trial[1])
		machine("first, with a new system", fingerprint.Components{"mac": wifi, "mac#2": dock, "machine_id": d("c")}).Want(t, "refused trial_used", license.CallActivate, trial[2])
		machine("first, with other cards", fingerprint.Components{"mac": d("new"), "machine_id": d("a")}).Want(t, "refused trial_used", license.CallActivate, trial[2])
		machine("another, with a kind that nobody weighs", fingerprint.Components{"cpu": d("same"), "machine_id": d("d")}).Want(t, "activated ok", license.CallActivate, trial[2])
		machine("and one more", fingerprint.Components{"cpu": d("same"), "machine_id": d("e")}).Want(t, "activated ok", license.CallActivate, trial[3])
	})
}

func equal[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
	}
}

// texts is what JSON makes of components.
func texts(c fingerprint.Components) map[string]any {
	all := map[string]any{}
	for kind, digest := range c {
		all[kind] = digest
	}
	return all
}
