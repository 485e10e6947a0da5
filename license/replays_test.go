package license

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"guildhall/platform/fault"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/sealed"
)

// TestRecordedRequestsOpenNothingAgain sends recorded sealed requests again in every way
// that a listener can: as they were, with a bit changed, to another path, late, after
// keys followed each other, and to the server's next life. REPLAYS says how many; the
// 100,000 of the requirements take a few minutes.
func TestRecordedRequestsOpenNothingAgain(t *testing.T) {
	t.Parallel()
	replays := 3_000
	if text := os.Getenv("REPLAYS"); text != "" {
		var err error
		replays, err = strconv.Atoi(text)
		ok(t, err)
	}
	onBothOffices(t, func(t *testing.T, o *office) {
		_, rules := o.stock(t)
		var recorded []letter
		for _, mode := range []sealed.Mode{sealed.PSK, sealed.HPKE} {
			p := o.program(t, mode, o.card(t, rules))
			for _, call := range []string{license.CallActivate, license.CallValidate, license.CallHeartbeat, license.CallValidate, license.CallTime} {
				l := p.write(t, call)
				if a := p.read(t, l, post(t, p.counter, l, p.ip)); a.Verdict == license.VerdictRefused {
					t.Fatalf("%s: %+v", call, a)
				}
				recorded = append(recorded, l)
			}
		}
		random := rand.New(rand.NewPCG(3, 4)) // the same each time
		refused := map[string]int{}
		again := func(to http.Handler, n int) {
			for i := range n {
				l := recorded[random.IntN(len(recorded))]
				switch i % 3 {
				case 1:
					l.wire.Body = append([]byte(nil), l.wire.Body...)
					l.wire.Body[random.IntN(len(l.wire.Body))] ^= 1 << random.IntN(8)
				case 2:
					l.path = license.PathSealed + []string{license.CallActivate, license.CallOpen, license.CallHeartbeat}[random.IntN(3)]
				}
				w := post(t, to, l, "203.0.113.9:4000")
				var problem fault.Problem
				if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code < 400 || w.Code >= 500 {
					if late(l, w.Code, w.Header()) {
						refused["too late"]++ // sealed and signed for who made the request: clock_skew
						continue
					}
					t.Fatalf("%s: status %d, %s", l.path, w.Code, w.Body)
				}
				refused[problem.Code]++
			}
		}
		share := replays / 5
		again(o.counter(), share)
		again(o.again(t).counter(), share) // the next life remembers
		o.clock.Advance(4 * time.Minute)
		ok(t, o.transport.ForgetReplays(t.Context()))
		again(o.counter(), share)
		o.clock.Advance(8 * day) // other keys have followed
		ok(t, o.transport.Keep(t.Context()))
		ok(t, o.transport.ForgetReplays(t.Context()))
		was := o.uses(t)
		again(o.counter(), share)
		o.clock.Advance(30 * day)
		ok(t, o.transport.Keep(t.Context()))
		again(o.counter(), share)
		if now := o.uses(t); now != was || was != 8 {
			t.Errorf("replays were counted as use: %d, and then %d", was, now)
		}
		t.Logf("%d replays: %v", replays, refused)
	})
}

// late says whether an answer is sealed as the request was: then it can only be that the
// request's time is over, which the counted use proves.
func late(l letter, status int, h http.Header) bool {
	got, err := sealed.ReadWire(h, nil)
	return status == http.StatusOK && err == nil && got.Mode == l.wire.Mode
}

// uses is how many requests were accepted.
func (o *office) uses(t testing.TB) (n int) {
	t.Helper()
	ok(t, o.env.DB.Read.QueryRowContext(t.Context(), `SELECT COALESCE(SUM(count), 0) FROM usage`).Scan(&n))
	return n
}
