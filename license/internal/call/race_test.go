package call_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/license/internal/call"
	"guildhall/license/internal/card"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/wasmtest"
	"guildhall/platform/db"
	"guildhall/sdk/go/license"
)

// One card, and everybody wants it at the same moment.
func TestExactlyOneMachineGetsACard(t *testing.T) {
	licensetest.Engines(t, func(t *testing.T, d *db.DB) {
		w := licensetest.New(t, d)
		key := w.CardKey(t, nil)
		machines := 10_000
		if d.Engine == db.Postgres {
			machines = 1_000
		}
		if testing.Short() {
			machines = 200
		}
		var next, won, lost atomic.Int64
		var group sync.WaitGroup
		for range 64 {
			group.Go(func() {
				for {
					n := int(next.Add(1))
					if n > machines {
						return
					}
					m := w.Machine(t, fmt.Sprint("machine ", n), fmt.Sprintf("10.%d.%d.7", n/256, n%256))
					a, err := w.Calls.Answer(t.Context(), m.Request(t, license.CallActivate, key))
					switch {
					case err == nil && a.Verdict == license.VerdictActivated:
						won.Add(1)
					case err == nil && (a.Code == "environment_mismatch" || a.Code == call.TooMany):
						lost.Add(1)
					default:
						t.Errorf("machine %d: %+v, %v", n, a, err)
					}
				}
			})
		}
		group.Wait()
		if won.Load() != 1 || lost.Load() != int64(machines-1) {
			t.Errorf("%d machines got the card, %d were refused", won.Load(), lost.Load())
		}
		all, err := w.Store.Environments(t.Context(), w.Card(t, key).ID)
		must(t, err)
		if len(all) != 1 {
			t.Errorf("the card has %d environments", len(all))
		}
		if n := len(w.Events(t, key, card.Activated)); n != 1 {
			t.Errorf("it was activated %d times", n)
		}
	})
}

// The database keeps a second machine out by itself.
func TestTheDatabaseRefusesASecondBinding(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		w.Machine(t, "m", here).Want(t, "activated ok", license.CallActivate, key)
		all, err := w.Store.Environments(t.Context(), w.Card(t, key).ID)
		must(t, err)
		second := all[0]
		second.ID = "SECOND"
		err = w.DB.WithTx(t.Context(), func(tx *sql.Tx) error { return w.Store.InsertEnvironment(t.Context(), tx, second) })
		if !db.IsUnique(err) {
			t.Errorf("a second binding gives %v", err)
		}
	})
}

// One recorded trace has the same answers on both engines, but for what is random.
func TestBothEnginesAnswerATraceAlike(t *testing.T) {
	traces := map[db.Engine][]string{}
	licensetest.Engines(t, func(t *testing.T, d *db.DB) { traces[d.Engine] = trace(t, licensetest.New(t, d)) })
	if len(traces[db.SQLite]) == 0 {
		t.Fatal("nothing was recorded")
	}
	equal(t, "PostgreSQL answers", traces[db.Postgres], traces[db.SQLite])
}

func trace(t *testing.T, w *licensetest.World) (answers []string) {
	t.Helper()
	upload(t, w, "price", wasmtest.EchoProgram(), 10_000)
	// The same on both engines.
	random := rand.New(rand.NewPCG(1, 2))
	var keys []string
	for _, differs := range []func(*policy.Policy){
		func(*policy.Policy) {},
		func(p *policy.Policy) {
			p.IP, p.Functions = policy.HW, map[string]policy.Function{"price": {PerDay: 3}}
		},
		func(p *policy.Policy) {
			p.IP, p.Time = policy.HWAndIP, policy.Time{Mode: policy.Trial, Days: 3, GraceDays: 1, Expired: policy.ReadOnly}
		},
		func(p *policy.Policy) { p.IP, p.ActivateOnAny, p.Proof = policy.Score, false, false },
	} {
		keys = append(keys, w.Keys(t, card.Order{Count: 3, Policy: w.Policy(t, fmt.Sprint("policy ", len(keys)), differs)})...)
	}
	var machines []*licensetest.Machine
	for i := range 6 {
		machines = append(machines, w.Machine(t, fmt.Sprint("machine ", i), fmt.Sprintf("198.51.100.%d", 1+i/2)))
	}
	calls := []string{license.CallActivate, license.CallValidate, license.CallHeartbeat, license.CallOpen, license.CallFunction, license.CallFiles, license.CallTime}
	for range 400 {
		w.Clock.Advance(time.Duration(random.IntN(60)) * time.Minute)
		key, m := keys[random.IntN(len(keys))], machines[random.IntN(len(machines))]
		id := w.Card(t, key).ID
		var err error
		switch random.IntN(40) {
		case 0:
			_, err = w.Cards.Unbind(t.Context(), id, "a race", licensetest.By)
		case 1:
			_, err = w.Cards.Suspend(t.Context(), id, "", licensetest.By)
		case 2:
			_, err = w.Cards.Resume(t.Context(), id, licensetest.By)
		case 3:
			_, err = w.Cards.Extend(t.Context(), id, 2, time.Time{}, licensetest.By)
		}
		a := m.Ask(t, calls[random.IntN(len(calls))], key, func(r *license.Request) { r.Function = "price" })
		if a.Handshake != nil {
			a.Handshake = &license.Handshake{}
		}
		if a.Environment != "" {
			a.Environment = "bound"
		}
		text, marshal := json.Marshal(a)
		must(t, marshal)
		answers = append(answers, fmt.Sprintf("%s %v", text, err))
	}
	for _, key := range keys {
		for _, e := range w.Events(t, key) {
			text, err := json.Marshal(e.Detail)
			must(t, err)
			answers = append(answers, fmt.Sprint(e.Kind, e.IP, e.At, string(text)))
		}
	}
	return answers
}
