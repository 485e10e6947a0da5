package alarm_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/cardid"
	"guildhall/license/internal/journal"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/store"
	"guildhall/platform/db"
	"guildhall/sdk/go/license"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func worlds(t *testing.T, test func(t *testing.T, w *licensetest.World)) {
	t.Parallel()
	licensetest.Engines(t, func(t *testing.T, d *db.DB) { test(t, licensetest.New(t, d)) })
}

func alarms(t testing.TB, w *licensetest.World, open bool) []store.Alarm {
	t.Helper()
	all, total, err := w.Store.Alarms(t.Context(), store.AlarmQuery{Open: open, Limit: 5000})
	must(t, err)
	if total != len(all) {
		t.Errorf("%d alarms of %d", len(all), total)
	}
	return all
}

func TestWhatCardsMeetRaisesAlarmsAndOneLetter(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		w.Machine(t, "mine", "198.51.100.7").Want(t, "activated ok", license.CallActivate, key)
		come := func(n int) {
			for i := range n {
				m := w.Machine(t, fmt.Sprint("stranger ", i), "203.0.113.9")
				for a := m.Ask(t, license.CallValidate, key); a.RetryAfter > 0; a = m.Ask(t, license.CallValidate, key) {
					w.Clock.Advance(time.Duration(a.RetryAfter) * time.Second)
				}
			}
		}
		come(4)
		if all := alarms(t, w, true); len(all) != 0 {
			t.Fatalf("alarms too early: %+v", all)
		}
		come(1)
		all := alarms(t, w, true)
		if len(all) != 1 || all[0].Kind != store.AlarmMismatches || all[0].Card != w.Card(t, key).ID || all[0].Prefix == "" || all[0].Count != 5 {
			t.Fatalf("alarms: %+v", all)
		}
		if len(w.Events(t, key, card.Alarm)) != 1 || len(w.Letters) != 1 || w.Letters[0].To != "desk@vendor.example" || w.Letters[0].Data["Card"] != all[0].Prefix {
			t.Fatalf("letters: %+v", w.Letters)
		}
		come(60) // until they have to wait for ten minutes: another alarm, and no other letter
		all = alarms(t, w, true)
		if len(all) != 2 || all[0].Kind != store.AlarmStrangers || len(w.Letters) != 1 {
			t.Errorf("alarms: %+v, letters: %+v", all, w.Letters)
		}
	})
}

func TestGuessesRaiseAnAlarmByAddress(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		m := w.Machine(t, "guesser", "2001:db8:7::1")
		for range 100 {
			if a := m.Ask(t, license.CallValidate, string(cardid.New())); a.RetryAfter > 0 {
				w.Clock.Advance(time.Duration(a.RetryAfter) * time.Second)
			}
		}
		all := alarms(t, w, true)
		if len(all) != 1 || all[0].Kind != store.AlarmGuesses || all[0].IP != "2001:db8:7::/64" || all[0].Count != 40 || len(w.Letters) != 1 {
			t.Errorf("alarms: %+v, letters %d", all, len(w.Letters))
		}
		if !all[0].LastAt.After(all[0].At) {
			t.Error("what goes on is not counted")
		}
	})
}

func raise(t testing.TB, w *licensetest.World, a store.Alarm) {
	t.Helper()
	must(t, w.Journal.Group(t.Context(), func(tx *sql.Tx) error { return w.Alarms.Raise(context.Background(), tx, a) }))
}

func TestLettersAndAlarmsAreBounded(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		for day := range 2 {
			for i := range 30 {
				for range 2 {
					raise(t, w, store.Alarm{Kind: store.AlarmGuesses, IP: fmt.Sprintf("198.51.100.%d", i), Count: 40})
				}
			}
			if all := alarms(t, w, false); len(all) != 30*(day+1) || len(w.Letters) != 20*(day+1) {
				t.Fatalf("on day %d: %d alarms, %d letters", day, len(all), len(w.Letters))
			}
			w.Clock.Advance(24*time.Hour + time.Second)
		}
	})
}

func TestAnAlarmIsAcknowledgedOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		raise(t, w, store.Alarm{Kind: store.AlarmGuesses, IP: "198.51.100.7", Count: 40})
		id := alarms(t, w, true)[0].ID
		other := licensetest.By
		other.Actor = "usr_second"
		first, err := w.Alarms.Acknowledge(t.Context(), id, licensetest.By)
		must(t, err)
		w.Clock.Advance(time.Minute)
		second, err := w.Alarms.Acknowledge(t.Context(), id, other)
		must(t, err)
		if first.AcknowledgedBy != licensetest.By.Actor || second != first || first.AcknowledgedAt.IsZero() || len(alarms(t, w, true)) != 0 {
			t.Errorf("first %+v, then %+v", first, second)
		}
		if n := len(slices.DeleteFunc(w.Actions(t), func(a string) bool { return a != journal.AlarmAcknowledged })); n != 1 {
			t.Errorf("%d entries in the log", n)
		}
		if _, err := w.Alarms.Acknowledge(t.Context(), "alm_none", other); !errors.Is(err, store.ErrAlarm) {
			t.Errorf("one that is none: %v", err)
		}
	})
}
