package call_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guildhall/license/internal/call"
	"guildhall/license/internal/card"
	"guildhall/license/internal/cardid"
	"guildhall/license/internal/decide"
	"guildhall/license/internal/licensetest"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/license/internal/wasmtest"
	"guildhall/platform/guildtest"
	"guildhall/sdk/go/license"
)

// strangers are card keys of which nothing must be learned: unknown, mistyped, of
// another product, and of a card in the recycle bin.
func strangers(t *testing.T, w *licensetest.World) map[string]string {
	t.Helper()
	binned := w.CardKey(t, nil)
	_, err := w.Cards.Bin(t.Context(), w.Card(t, binned).ID, licensetest.By)
	must(t, err)
	_, err = w.Catalogue.CreateProduct(t.Context(), "loom", "The loom", "", licensetest.By)
	must(t, err)
	p, err := w.Catalogue.CreatePolicy(t.Context(), "loom", "standard", policy.Default(), licensetest.By)
	must(t, err)
	good := string(cardid.New())
	return map[string]string{"unknown": good, "mistyped": "Z" + good[1:], "no key": "hello", "empty": "", "binned": binned,
		"another product's": w.Keys(t, card.Order{Policy: p.ID, Count: 1})[0]}
}

func TestUnknownCardsAnswerTheSame(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		want := license.Answer{Verdict: license.VerdictRefused, Code: string(decide.CardUnknown), Detail: "There is no such card for this product.", Time: w.Clock.Now().UnixMilli()}
		m := w.Machine(t, "m", here)
		for name, key := range strangers(t, w) {
			if got := m.Ask(t, license.CallActivate, key); !reflect.DeepEqual(got, want) {
				t.Errorf("a card that is %s answers %+v", name, got)
			}
		}
	})
}

func TestGuessingIsSlowedByAddress(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		bound, fresh := w.CardKey(t, nil), w.CardKey(t, nil)
		neighbour, guesser := w.Machine(t, "neighbour", here), w.Machine(t, "guesser", here)
		neighbour.Want(t, "activated ok", license.CallActivate, bound)
		elsewhere := w.Machine(t, "elsewhere", there)
		foreign := w.CardKey(t, nil)
		elsewhere.Want(t, "activated ok", license.CallActivate, foreign)
		for range 20 {
			guesser.Want(t, "refused card_unknown", license.CallValidate, string(cardid.New()))
		}
		a := guesser.Want(t, "refused too_many_requests", license.CallValidate, string(cardid.New()))
		if a.RetryAfter < 1 || a.RetryAfter > 11 {
			t.Errorf("to wait are %d s", a.RetryAfter)
		}
		// What he might have found says the same from now on.
		for name, key := range strangers(t, w) {
			if got := guesser.Ask(t, license.CallValidate, key); got.Code != call.TooMany {
				t.Errorf("a card that is %s answers %+v", name, got)
			}
		}
		guesser.Want(t, "refused too_many_requests", license.CallActivate, fresh)
		guesser.Want(t, "refused too_many_requests", license.CallValidate, foreign)
		if c := w.Card(t, fresh); c.State != store.CardNew || len(w.Events(t, foreign, card.Mismatched)) != 0 {
			t.Errorf("who guesses changes %+v", c)
		}
		neighbour.Want(t, "ok ok", license.CallValidate, bound)
		elsewhere.Want(t, "refused card_unknown", license.CallValidate, string(cardid.New()))
		w.Clock.Advance(time.Duration(a.RetryAfter) * time.Second)
		guesser.Want(t, "activated ok", license.CallActivate, fresh)
	})
}

// guess asks for cards that are none until it is delayed, and is for how long.
func guess(t *testing.T, m *licensetest.Machine) (free int, wait time.Duration) {
	t.Helper()
	for {
		a := m.Ask(t, license.CallValidate, string(cardid.New()))
		if a.Code == call.TooMany {
			return free, time.Duration(a.RetryAfter) * time.Second
		}
		if free++; a.Code != string(decide.CardUnknown) || free > 100 {
			t.Fatalf("guess %d: %+v", free, a)
		}
	}
}

func TestTheDelayOfGuessesGrowsToAnHourAndFallsBack(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		m, all, longest := w.Machine(t, "guesser", here), 0, time.Duration(0)
		var waits []time.Duration
		for at := w.Clock.Now(); w.Clock.Now().Sub(at) < 24*time.Hour; {
			free, wait := guess(t, m)
			all, longest = all+free, max(longest, wait)
			if len(waits) == 0 || wait > 2*waits[len(waits)-1] {
				waits = append(waits, wait)
			}
			w.Clock.Advance(wait)
		}
		if all > 90 || longest < 59*time.Minute || longest > time.Hour+time.Second || len(waits) < 3 {
			t.Errorf("%d guesses in a day, waits %v, the longest %s", all, waits, longest)
		}
		w.Clock.Advance(72 * time.Hour)
		if free, wait := guess(t, m); free != 20 || wait > 11*time.Second {
			t.Errorf("after three quiet days there are %d guesses, and then to wait %s", free, wait)
		}
	})
}

// Whoever shows a good card from ever new machines waits, from whatever addresses he
// comes; the machine that the card is bound to never does, also when it moved meanwhile.
func TestStrangersWithAGoodCardAreDelayedAndItsMachineIsNot(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key, other := w.CardKey(t, nil), w.CardKey(t, nil)
		mine := w.Machine(t, "mine", here)
		mine.Want(t, "activated ok", license.CallActivate, key)
		n := 0
		stranger := func() *licensetest.Machine {
			n++
			return w.Machine(t, fmt.Sprint("stranger ", n), fmt.Sprintf("203.0.113.%d", n))
		}
		for range 21 {
			stranger().Want(t, "refused environment_mismatch", license.CallValidate, key)
		}
		a := stranger().Want(t, "refused too_many_requests", license.CallValidate, key)
		if a.RetryAfter < 1 || a.RetryAfter > 11 {
			t.Errorf("to wait are %d s", a.RetryAfter)
		}
		mine.Want(t, "ok ok", license.CallValidate, key)
		stranger().Want(t, "activated ok", license.CallActivate, other)
		if all := len(w.Events(t, key, card.Mismatched)); all != 21 {
			t.Errorf("%d mismatches are written down", all)
		}
		mine.IP = netip.MustParseAddr(there)
		mine.Want(t, "ok ok", license.CallValidate, key)
		w.Clock.Advance(time.Duration(a.RetryAfter) * time.Second)
		for range 2 {
			stranger().Want(t, "refused environment_mismatch", license.CallValidate, key)
		}
		// Taken off its machine, it is nobody's: the next one has it at once.
		stranger().Want(t, "refused too_many_requests", license.CallActivate, key)
		_, err := w.Cards.Unbind(t.Context(), w.Card(t, key).ID, "a new machine", licensetest.By)
		must(t, err)
		stranger().Want(t, "ok ok", license.CallActivate, key)
	})
}

// The installation that a card is bound to goes on from wherever it is by now, also from
// an address of guessers; what it takes to find that out is done for every card.
func TestTheOwnerGoesOnAmongGuessers(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		mine, guesser := w.Machine(t, "mine", there), w.Machine(t, "guesser", here)
		mine.Want(t, "activated ok", license.CallActivate, key)
		guess(t, guesser)
		mine.IP = guesser.IP
		mine.Want(t, "ok ok", license.CallValidate, key)
		cards := strangers(t, w)
		cards["another's"], cards["fresh"] = key, w.CardKey(t, nil)
		mine.IP = netip.MustParseAddr(there)
		mine.Want(t, "ok ok", license.CallValidate, key)
		for name, stranger := range cards {
			in, verified := guesser.Request(t, license.CallValidate, stranger), 0
			verify := in.Verify
			in.Verify = func(public []byte) bool { verified++; return verify(public) }
			if a := guesser.Send(t, in); a.Code != call.TooMany || verified != 1 {
				t.Errorf("a card that is %s: %+v after %d verifications", name, a, verified)
			}
		}
	})
}

func TestASealedRequestIsAnsweredOnce(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		m := w.Machine(t, "m", here)
		key, known := w.CardKey(t, nil), w.CardKey(t, nil)
		m.Want(t, "activated ok", license.CallActivate, known)
		n := byte(0)
		for name, in := range map[string]call.Incoming{
			"accepted": m.Request(t, license.CallActivate, key),
			"known":    m.Request(t, license.CallValidate, known),
			"refused":  m.Request(t, license.CallFunction, key),
			"unknown":  m.Request(t, license.CallValidate, string(cardid.New())),
			"time":     m.Request(t, license.CallTime, ""),
		} {
			n++
			in.Once = []byte{n}
			in.Time = w.Clock.Now().Add(call.Skew).UnixMilli() // ahead, so that it is good for longest
			m.Send(t, in)
			began := w.Clock.Now()
			other := licensetest.Node(t, w.DB, w.Key, guildtest.NewClock(began))
			for _, node := range []*licensetest.World{w, other} {
				if a, err := node.Calls.Answer(t.Context(), in); !errors.Is(err, call.ErrReplay) || a.Verdict != "" {
					t.Errorf("%s: the replay is answered by %+v, %v", name, a, err)
				}
			}
			w.Clock.Advance(2 * call.Skew)
			must(t, w.DB.WithTx(t.Context(), func(tx *sql.Tx) error {
				_, err := w.Store.ForgetReplays(t.Context(), tx, w.Clock.Now())
				return err
			}))
			if a, err := w.Calls.Answer(t.Context(), in); !errors.Is(err, call.ErrReplay) {
				t.Errorf("%s: at the end of its time the replay is answered by %+v, %v", name, a, err)
			}
			w.Clock.Advance(time.Millisecond)
			if a, err := w.Calls.Answer(t.Context(), in); err != nil || a.Code != call.ClockSkew {
				t.Errorf("%s: a late replay is answered by %+v, %v", name, a, err)
			}
		}
		c := w.Card(t, key)
		use, err := w.Store.Usage(t.Context(), c.ID, c.MadeAt)
		must(t, err)
		if len(use) != 1 || use[0].Count != 1 {
			t.Errorf("replays count as %+v", use)
		}
	})
}

func TestOfASealedRequestAtOnceOneIsAnswered(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		const times = 32
		m, key := w.Machine(t, "m", here), w.CardKey(t, nil)
		m.Want(t, "activated ok", license.CallActivate, key)
		in := m.Request(t, license.CallHeartbeat, key)
		in.Once = []byte("this one")
		var answered, replays atomic.Int32
		var wg sync.WaitGroup
		for range times {
			wg.Go(func() {
				switch a, err := w.Calls.Answer(t.Context(), in); {
				case errors.Is(err, call.ErrReplay):
					replays.Add(1)
				case err == nil && a.Verdict == license.VerdictOK:
					answered.Add(1)
				default:
					t.Errorf("the answer is %+v, %v", a, err)
				}
			})
		}
		wg.Wait()
		if answered.Load() != 1 || replays.Load() != times-1 {
			t.Errorf("%d were answered and %d refused, of %d", answered.Load(), replays.Load(), times)
		}
	})
}

func TestClockSkew(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		m := w.Machine(t, "m", here)
		key := w.CardKey(t, nil)
		off := func(by time.Duration) func(*license.Request) {
			return func(r *license.Request) { r.Time += by.Milliseconds() }
		}
		for _, by := range []time.Duration{call.Skew + time.Millisecond, -call.Skew - time.Millisecond, 1 << 62, -1 << 62} {
			if a := m.Want(t, "refused clock_skew", license.CallActivate, key, off(by)); a.Time != w.Clock.Now().UnixMilli() {
				t.Errorf("the time is %d", a.Time)
			}
		}
		if c := w.Card(t, key); c.State != store.CardNew {
			t.Fatalf("a request of another time changed %+v", c)
		}
		m.Want(t, "activated ok", license.CallActivate, key, off(call.Skew))
		m.Want(t, "ok ok", license.CallValidate, key, off(-call.Skew))
		m.Want(t, "ok ok", license.CallTime, "")
	})
}

func TestMalformedRequests(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		m := w.Machine(t, "m", here)
		for said, change := range map[string]func(*license.Request){
			"The nonce has 5 bytes":           func(r *license.Request) { r.Nonce = "short" },
			"The nonce has 65 bytes":          func(r *license.Request) { r.Nonce = strings.Repeat("n", 65) },
			"The field function":              func(r *license.Request) { r.Call, r.Function = license.CallFunction, "a\x00" },
			"The field version":               func(r *license.Request) { r.Call, r.Version = license.CallOpen, "\x00" },
			"The field sdk":                   func(r *license.Request) { r.SDK = "\xff" },
			"The field module":                func(r *license.Request) { r.Module = strings.Repeat("m", 201) },
			"the component tpm has no digest": func(r *license.Request) { r.Fingerprint = map[string]string{"tpm": "x"} },
			`"T P M" is no name`:              func(r *license.Request) { r.Fingerprint = map[string]string{"T P M": licensetest.Digest("x")} },
			"have 32 bytes each":              func(r *license.Request) { r.Device = &license.Device{Sign: r.Device.Sign, Seal: []byte{1}} },
			"32 bytes each":                   func(r *license.Request) { r.Device = &license.Device{Sign: make([]byte, 33), Seal: r.Device.Seal} },
			"the key seal of the device":      func(r *license.Request) { r.Device = &license.Device{Sign: r.Device.Sign, Seal: make([]byte, 32)} },
			"33 components": func(r *license.Request) {
				r.Fingerprint = map[string]string{}
				for i := range 33 {
					r.Fingerprint[fmt.Sprintf("k%d", i)] = licensetest.Digest(fmt.Sprint(i))
				}
			},
		} {
			in := m.Request(t, license.CallActivate, key)
			change(&in.Request)
			if a := m.Send(t, in); a.Code != call.Malformed || !strings.Contains(a.Detail, said) {
				t.Errorf("want %q: %+v", said, a)
			}
		}
		m.Want(t, "refused call_unknown", "format", key)
		if c := w.Card(t, key); c.State != store.CardNew || len(w.Events(t, key)) != 0 {
			t.Errorf("the card is %+v", c)
		}
	})
}

func TestUseIsCountedByTheHourAndBounded(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		upload(t, w, "price", wasmtest.EchoProgram(), 10_000)
		key := w.CardKey(t, func(p *policy.Policy) { p.Functions = map[string]policy.Function{"price": {PerDay: 2}} })
		m := w.Machine(t, "m", here)
		price := func(r *license.Request) { r.Function = "price" }
		m.Want(t, "activated ok", license.CallActivate, key)
		for range 3 {
			m.Want(t, "ok ok", license.CallHeartbeat, key)
		}
		m.Want(t, "ok ok", license.CallFunction, key, price)
		w.Clock.Advance(time.Hour)
		m.Want(t, "ok ok", license.CallFunction, key, price)
		m.Want(t, "refused function_quota", license.CallFunction, key, price)
		m.Want(t, "refused function_not_allowed", license.CallFunction, key, func(r *license.Request) { r.Function = "other" })
		c := w.Card(t, key)
		use, err := w.Store.Usage(t.Context(), c.ID, c.MadeAt)
		must(t, err)
		hour := c.MadeAt.Truncate(time.Hour)
		equal(t, "the use", use, []store.Use{{Hour: hour.Add(time.Hour), Call: license.CallFunction, Function: "price", Count: 1},
			{Hour: hour, Call: license.CallActivate, Count: 1}, {Hour: hour, Call: license.CallFunction, Function: "price", Count: 1}, {Hour: hour, Call: license.CallHeartbeat, Count: 3}})
		w.Clock.Set(w.Clock.Now().Truncate(24 * time.Hour).Add(24 * time.Hour))
		m.Want(t, "ok ok", license.CallFunction, key, price)
	})
}

func TestWhatIsWrittenOfMismatchesIsBounded(t *testing.T) {
	worlds(t, func(t *testing.T, w *licensetest.World) {
		key := w.CardKey(t, nil)
		w.Machine(t, "mine", here).Want(t, "activated ok", license.CallActivate, key)
		id := w.Card(t, key).ID
		must(t, w.DB.WithTx(context.Background(), func(tx *sql.Tx) error {
			for i := range 999 {
				if err := w.Store.InsertEvent(t.Context(), tx, store.Event{ID: fmt.Sprintf("evt_%d", i), Card: id, Kind: card.Mismatched, At: w.Clock.Now()}); err != nil {
					return err
				}
			}
			return nil
		}))
		for range 3 {
			w.Machine(t, "thief", there).Want(t, "refused environment_mismatch", license.CallValidate, key)
		}
		if n := len(w.Events(t, key, card.Mismatched)); n != 1000 {
			t.Errorf("%d mismatches are kept", n)
		}
	})
}
