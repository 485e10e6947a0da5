package license

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guildhall/sdk/go/license/sealed"
)

// modes runs a test over each transport.
func modes(t *testing.T, test func(t *testing.T, mode sealed.Mode)) {
	t.Parallel()
	for _, mode := range []sealed.Mode{sealed.HTTPS, sealed.PSK, sealed.HPKE} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			test(t, mode)
		})
	}
}

func TestACardIsActivatedValidatedAndOpened(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx := newWorld(t), t.Context()
		c := w.open(w.options(mode, t.TempDir()))
		if _, err := c.Validate(ctx); code(err) != "card_not_active" {
			t.Fatalf("validated without a card: %v", err)
		}
		s, err := c.Activate(ctx, " 01234567-89abcdef-GHJKMNPQ-rstvwxyz ")
		if err != nil || s.Verdict != VerdictActivated || s.Mode != "run" || s.Cached {
			t.Fatalf("activate: %+v, %v", s, err)
		}
		for name, call := range map[string]func(context.Context) (Standing, error){"validate": c.Validate, "heartbeat": c.Heartbeat} {
			if s, err := call(ctx); err != nil || s.Verdict != VerdictOK || s.Cached {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
		}
		key, s, err := c.OpenKey(ctx, "")
		if err != nil || !bytes.Equal(key, w.handKey) || s.Handshake.ID != "hsk_1" {
			t.Errorf("open: %q, %+v, %v", key, s, err)
		}
		if at, err := c.Time(ctx); err != nil || !at.Equal(w.now) {
			t.Errorf("time: %v, %v", at, err)
		}
	})
}

func code(err error) string {
	var refused *RefusedError
	if !errors.As(err, &refused) || !errors.Is(err, ErrRefused) {
		return ""
	}
	return refused.Code
}

func TestAKilledServerIsOutlivedUntilTheLeaseEnds(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
		c := w.active(mode, dir)
		if _, _, err := c.OpenKey(ctx, "hsk_7"); err != nil {
			t.Fatal(err)
		}
		w.server.Close()
		c = w.open(w.options(mode, dir)) // and the program was started again
		w.set(func() { w.now = w.now.Add(71 * time.Hour) })
		if s, err := c.Validate(ctx); err != nil || !s.Cached || s.Mode != "run" {
			t.Fatalf("validate: %+v, %v", s, err)
		}
		if key, s, err := c.OpenKey(ctx, "hsk_7"); err != nil || !s.Cached || !bytes.Equal(key, w.handKey) {
			t.Fatalf("open: %q, %+v, %v", key, s, err)
		}
		if _, _, err := c.OpenKey(ctx, "hsk_8"); !errors.Is(err, ErrUnreachable) {
			t.Errorf("a key that was never opened: %v", err)
		}
		if s, err := c.Activate(ctx, card); err != nil || !s.Cached {
			t.Errorf("activate again: %+v, %v", s, err)
		}
		w.set(func() {
			if len(w.troubles) == 0 || !errors.Is(w.troubles[len(w.troubles)-1], ErrUnreachable) {
				t.Errorf("the program was not told: %v", w.troubles)
			}
			w.now = w.now.Add(2 * time.Hour)
		})
		if _, err := c.Validate(ctx); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "good until 2026-05-07T12:00:00Z") {
			t.Errorf("after the lease: %v", err)
		}
		if _, _, err := c.OpenKey(ctx, "hsk_7"); !errors.Is(err, ErrUnreachable) {
			t.Errorf("opened after the lease: %v", err)
		}
	})
}

func TestAClockSetBackMakesNoLeaseLonger(t *testing.T) {
	t.Parallel()
	w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
	c := w.active(sealed.HPKE, dir)
	w.set(func() { w.down, w.skew = true, 71*time.Hour })
	if s, err := c.Validate(ctx); err != nil || !s.Cached {
		t.Fatalf("%+v, %v", s, err)
	}
	w.set(func() { w.skew = 73 * time.Hour })
	if _, err := c.Validate(ctx); !errors.Is(err, ErrUnreachable) {
		t.Fatal(err)
	}
	for _, back := range []time.Duration{-1000 * time.Hour, 0, 71*time.Hour - skew - time.Second} {
		w.set(func() { w.skew = back })
		c = w.open(w.options(sealed.HPKE, dir))
		if _, err := c.Validate(ctx); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "set back: it is 2026-05-07T11:00:00Z at least") {
			t.Fatalf("set back to %s: %v", back, err)
		}
	}
	w.set(func() { w.skew = 71*time.Hour - skew })
	if s, err := c.Validate(ctx); err != nil || !s.Cached { // a clock is right or wrong by minutes
		t.Fatalf("%+v, %v", s, err)
	}
	if seen := time.UnixMilli(c.known().Seen).UTC(); !seen.Equal(w.now.Add(71 * time.Hour)) {
		t.Errorf("the latest time seen is %s", seen)
	}
}

// TestAWrongClockHasItsLease sees that what the server said of the clock outlives the program.
func TestAWrongClockHasItsLease(t *testing.T) {
	t.Parallel()
	w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
	w.skew = -48 * time.Hour
	w.active(sealed.HPKE, dir)
	w.set(func() { w.down, w.now = true, w.now.Add(71*time.Hour) })
	if s, err := w.open(w.options(sealed.HPKE, dir)).Validate(ctx); err != nil || !s.Cached {
		t.Errorf("within the lease: %+v, %v", s, err)
	}
	w.set(func() { w.now = w.now.Add(2 * time.Hour) })
	if _, err := w.open(w.options(sealed.HPKE, dir)).Validate(ctx); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "good until 2026-05-07T12:00:00Z") {
		t.Errorf("after it: %v", err)
	}
}

// TestNobodyThereIsNoWrongAnswer is a program without the network for so long that the
// server's keys are over.
func TestNobodyThereIsNoWrongAnswer(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx := newWorld(t), t.Context()
		c := w.active(mode, t.TempDir())
		w.set(func() { w.down, w.now = true, w.now.AddDate(0, 2, 0) })
		if _, err := c.Validate(ctx); !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrAnswer) {
			t.Errorf("two months later: %v", err)
		}
	})
}

func TestAPartOfTheProduct(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	w.modules = []string{"editor"}
	c := w.active(sealed.HPKE, t.TempDir())
	for _, down := range []bool{false, true} {
		w.set(func() { w.down = down })
		if s, err := c.ValidateModule(ctx, "editor"); err != nil || s.Cached != down {
			t.Errorf("without the server %t: %+v, %v", down, s, err)
		}
		if _, err := c.ValidateModule(ctx, "printer"); code(err) != "module_not_allowed" {
			t.Errorf("without the server %t: another part: %v", down, err)
		}
	}
	if s, err := c.Validate(ctx); err != nil || !s.Allows("editor") || s.Allows("printer") {
		t.Errorf("what was refused of a part ended the lease: %+v, %v", s, err)
	}
}

func TestARefusalEndsTheLeaseAtOnce(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx := newWorld(t), t.Context()
		c := w.active(mode, t.TempDir())
		if _, _, err := c.OpenKey(ctx, ""); err != nil {
			t.Fatal(err)
		}
		w.set(func() { w.refuse = "card_revoked" })
		if _, err := c.Files(ctx, ""); code(err) != "card_revoked" { // whatever is asked for
			t.Fatal(err)
		}
		w.set(func() { w.down = true })
		if _, err := c.Validate(ctx); !errors.Is(err, ErrUnreachable) {
			t.Errorf("validated after the refusal: %v", err)
		}
		if _, _, err := c.OpenKey(ctx, ""); !errors.Is(err, ErrUnreachable) {
			t.Errorf("opened after the refusal: %v", err)
		}
		w.set(func() { w.down, w.refuse = false, "" })
		if s, err := c.Validate(ctx); err != nil || s.Cached {
			t.Errorf("after the card was resumed: %+v, %v", s, err)
		}
	})
}

func TestARefusalOfOneRequestLeavesTheLease(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	c := w.active(sealed.HPKE, t.TempDir())
	w.set(func() { w.refuse = tooMany })
	if s, err := c.Validate(ctx); err != nil || !s.Cached {
		t.Errorf("too many requests: %+v, %v", s, err)
	}
	_, err := c.Activate(ctx, "ANOTHER")
	if later := (*TryLaterError)(nil); !errors.As(err, &later) || later.RetryAfter != 7*time.Second || !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrRefused) {
		t.Errorf("too many requests, and no lease: %v", err)
	}
	for _, refused := range []string{"handshake_key_not_found", "module_not_allowed", "function_quota", "files_not_allowed"} {
		w.set(func() { w.refuse = refused })
		if _, _, err := c.OpenKey(ctx, "none"); code(err) != refused {
			t.Errorf("%s: %v", refused, err)
		}
	}
	w.set(func() { w.refuse = "card_unknown" })
	if _, err := c.Activate(ctx, "ANOTHER"); code(err) != "card_unknown" {
		t.Errorf("another card: %v", err)
	}
	w.set(func() { w.down = true })
	if s, err := c.Validate(ctx); err != nil || !s.Cached {
		t.Errorf("the card that is good: %+v, %v", s, err)
	}
}

func TestAWrongClockIsCorrectedBySignedTime(t *testing.T) {
	for name, skew := range map[string]time.Duration{"an hour late": -time.Hour, "an hour early": time.Hour, "ten years late": -10 * 365 * 24 * time.Hour, "ten years early": 10 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			modes(t, func(t *testing.T, mode sealed.Mode) {
				w, ctx := newWorld(t), t.Context()
				w.skew = skew
				c := w.active(mode, t.TempDir())
				w.set(func() { w.skew = 0 }) // somebody sets the clock
				if s, err := c.Validate(ctx); err != nil || s.Cached {
					t.Errorf("%+v, %v", s, err)
				}
			})
		})
	}
}

func TestNewKeysOfTheServerAreFetched(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
		o := w.options(mode, dir)
		c := w.active(mode, dir)
		w.set(func() { w.rotateAnswers(); w.rotateHPKE() })
		if s, err := c.Validate(ctx); err != nil || s.Cached {
			t.Fatalf("%+v, %v", s, err)
		}
		if got := c.known().Serial; got != w.serial {
			t.Errorf("serial %d, and %d is the newest", got, w.serial)
		}
		c = w.open(o) // the program still has the old kit
		if got := c.present().Serial; got != w.serial {
			t.Errorf("after a new start the client went back to %d", got)
		}
		w.set(func() { w.serial -= 2 })
		if err := c.fetch(ctx); !errors.Is(err, sealed.ErrOlder) {
			t.Errorf("an older configuration: %v", err)
		}
		w.set(func() { w.serial += 3; w.now = w.now.AddDate(0, 0, 12); w.fetches = 0 })
		for range 3 {
			if s, err := c.Validate(ctx); err != nil || s.Cached {
				t.Fatalf("%+v, %v", s, err)
			}
		}
		if w.fetches != 1 || c.known().Serial != w.serial {
			t.Errorf("near its end the configuration was fetched %d times, serial %d", w.fetches, c.known().Serial)
		}
	})
}

func TestAKitWithoutConfigurationFetchesOne(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w := newWorld(t)
		o := w.options(mode, t.TempDir())
		o.Kit.Configuration = ""
		if _, err := w.open(o).Activate(t.Context(), card); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheNextSharedKeyIsTakenOver(t *testing.T) {
	t.Parallel()
	w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
	o := w.options(sealed.PSK, dir)
	w.set(func() { w.next = w.addPSK() })
	c := w.open(o)
	if _, err := c.Activate(ctx, card); err != nil {
		t.Fatal(err)
	}
	forget := func(id string) {
		w.set(func() {
			for known := range w.psk {
				if hex.EncodeToString(known[:]) == id {
					delete(w.psk, known)
				}
			}
		})
	}
	forget(o.Kit.PSK.ID)
	c = w.open(o)
	if s, err := c.Validate(ctx); err != nil || s.Cached {
		t.Fatalf("under the next key: %+v, %v", s, err)
	}
	w.set(func() { w.next = w.addPSK() })
	if _, err := c.Validate(ctx); err != nil {
		t.Fatal(err)
	}
	forget(w.next.ID)
	if s, err := c.Validate(ctx); err != nil || s.Cached {
		t.Errorf("a told key that the server lost again: %+v, %v", s, err)
	}
}

// A program that was shipped years ago, and one that was not started for years, connect
// by the kit's key, and go on by the one of the week that they are told.
func TestAKitConnectsAfterYears(t *testing.T) {
	t.Parallel()
	w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
	o := w.options(sealed.PSK, dir)
	kit := o.Kit.PSK.ID
	week := func() (id string) {
		w.set(func() {
			for known := range w.psk { // those of weeks before are over
				if hex.EncodeToString(known[:]) != kit {
					delete(w.psk, known)
				}
			}
			w.next = w.addPSK()
			w.next.To = w.now.AddDate(0, 0, 21)
			id = w.next.ID
		})
		return id
	}
	ask := func(want ...string) {
		t.Helper()
		w.set(func() { w.under = nil })
		c := w.open(o)
		call := func() (Standing, error) { return c.Activate(ctx, card) }
		if c.known().Card != "" {
			call = func() (Standing, error) { return c.Validate(ctx) }
		}
		for range want {
			if s, err := call(); err != nil || s.Cached {
				t.Fatalf("%+v, %v", s, err)
			}
		}
		if !slices.Equal(w.under, want) {
			t.Fatalf("asked under %v, want %v", w.under, want)
		}
	}
	years := func() {
		w.set(func() {
			w.now = w.now.AddDate(4, 0, 0)
			w.rotateAnswers()
		})
	}
	years()
	first := week()
	ask(kit, first, first)
	years()
	second := week()
	ask(kit, second, second)
	ask(second)
	// A key that somebody ended before its time is left as well.
	third := week()
	ask(kit, third)
}

func TestASharedKeyForAnotherInstallationIsNotTaken(t *testing.T) {
	t.Parallel()
	w, ctx := newWorld(t), t.Context()
	c := w.active(sealed.PSK, t.TempDir())
	w.set(func() { w.next, w.told = w.addPSK(), make([]byte, 31) })
	for range 2 {
		if s, err := c.Validate(ctx); err != nil || s.Cached {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	if known := c.known(); len(known.PSK) != 0 {
		t.Errorf("kept: %+v", known.PSK)
	}
	if len(w.troubles) != 2 || !errors.Is(w.troubles[0], ErrAnswer) {
		t.Errorf("troubles: %v", w.troubles)
	}
}

func TestAProxyThatSendsRequestsTwiceGivesNoVerdict(t *testing.T) {
	t.Parallel()
	for _, mode := range []sealed.Mode{sealed.PSK, sealed.HPKE} {
		w := newWorld(t)
		c := w.active(mode, t.TempDir())
		w.set(func() {
			w.calls = nil
			w.tamper = func(rw http.ResponseWriter, r *http.Request, then http.Handler) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					panic(http.ErrAbortHandler)
				}
				for _, to := range []http.ResponseWriter{&recorder{header: http.Header{}}, rw} {
					r.Body = io.NopCloser(bytes.NewReader(body))
					then.ServeHTTP(to, r)
				}
			}
		})
		if s, err := c.Validate(t.Context()); err != nil || !s.Cached {
			t.Errorf("%s: the answer to a copy: %+v, %v", mode, s, err)
		}
	}
}

func TestAReplayingProxyGivesNoVerdict(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
		var recorded *recorder
		w.tamper = func(rw http.ResponseWriter, r *http.Request, then http.Handler) {
			rec := &recorder{header: http.Header{}, status: http.StatusOK}
			then.ServeHTTP(rec, r)
			if strings.HasSuffix(r.URL.Path, CallValidate) {
				recorded = rec
			}
			rec.play(rw)
		}
		c := w.active(mode, dir)
		if _, err := c.Validate(ctx); err != nil {
			t.Fatal(err)
		}
		w.set(func() {
			w.refuse = "card_revoked"
			w.tamper = func(rw http.ResponseWriter, r *http.Request, then http.Handler) {
				if r.Method == http.MethodPost {
					recorded.play(rw)
					return
				}
				then.ServeHTTP(rw, r)
			}
		})
		s, err := c.Validate(ctx)
		if err != nil || !s.Cached {
			t.Fatalf("an old answer was taken for a new one: %+v, %v", s, err)
		}
		w.set(func() {
			if !errors.Is(w.troubles[len(w.troubles)-1], ErrAnswer) {
				t.Errorf("%v", w.troubles)
			}
			w.now = w.now.Add(73 * time.Hour)
		})
		if _, err := c.Validate(ctx); !errors.Is(err, ErrAnswer) {
			t.Errorf("after the lease: %v", err)
		}
	})
}

func TestAProxyThatChangesAByteGivesNoVerdict(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w := newWorld(t)
		w.tamper = func(rw http.ResponseWriter, r *http.Request, then http.Handler) {
			rec := &recorder{header: http.Header{}, status: http.StatusOK}
			then.ServeHTTP(rec, r)
			if b := rec.body.Bytes(); r.Method == http.MethodPost && len(b) > 0 {
				b[len(b)/2] ^= 1
			}
			rec.play(rw)
		}
		if s, err := w.open(w.options(mode, t.TempDir())).Activate(t.Context(), card); !errors.Is(err, ErrAnswer) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

func (r *recorder) play(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes())
}

func TestTheStateIsOfOneInstallation(t *testing.T) {
	t.Parallel()
	w, ctx, dir := newWorld(t), t.Context(), t.TempDir()
	w.active(sealed.HPKE, dir)
	path := filepath.Join(dir, product+".licence.json")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	w.set(func() { w.down = true })
	o := w.options(sealed.HPKE, dir)
	o.Components = machine("x", "y", "z")
	if _, err := w.open(o).Validate(ctx); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "another machine") {
		t.Errorf("the state on another machine: %v", err)
	}
	o.Components = machine("a", "b", "z")
	if s, err := w.open(o).Validate(ctx); err != nil || !s.Cached {
		t.Errorf("the machine with another disk: %+v, %v", s, err)
	}

	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	w.open(w.options(sealed.HPKE, other)) // keys of its own
	fresh, err := newStateFile(other, product).read()
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := newStateFile(dir, product).read()
	if err != nil {
		t.Fatal(err)
	}
	stolen.Sign, stolen.Seal = fresh.Sign, fresh.Seal
	if err := newStateFile(other, product).save(stolen); err != nil {
		t.Fatal(err)
	}
	if _, err := w.open(w.options(sealed.HPKE, other)).Validate(ctx); !errors.Is(err, ErrUnreachable) || !errors.Is(err, ErrAnswer) {
		t.Errorf("an answer to another installation: %v", err)
	}

	longer := stolen
	longer.Sign, longer.Seal = mustState(t, text).Sign, mustState(t, text).Seal
	receipt := *longer.Last
	receipt.Answer = bytes.Replace(receipt.Answer, []byte("2026-05-07"), []byte("2036-05-07"), 1)
	longer.Last = &receipt
	if err := newStateFile(dir, product).save(longer); err != nil {
		t.Fatal(err)
	}
	if _, err := w.open(w.options(sealed.HPKE, dir)).Validate(ctx); !errors.Is(err, sealed.ErrSignature) {
		t.Errorf("an answer with a longer lease: %v", err)
	}
}

func mustState(t *testing.T, text []byte) state {
	t.Helper()
	f := newStateFile(t.TempDir(), product)
	if err := os.WriteFile(f.path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := f.read()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatCannotBeUsedIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		change func(o *Options)
		want   error
	}{
		"no product":        {func(o *Options) { o.Kit.Product = "" }, ErrKit},
		"no address":        {func(o *Options) { o.Kit.Addresses = nil }, ErrKit},
		"half a root key":   {func(o *Options) { o.Kit.Root = o.Kit.Root[:16] }, ErrKit},
		"another root key":  {func(o *Options) { o.Kit.Root = make([]byte, 32) }, ErrKit},
		"no shared key":     {func(o *Options) { o.Mode, o.Kit.PSK = sealed.PSK, nil }, ErrKit},
		"a shared key cut":  {func(o *Options) { o.Kit.PSK.Key = o.Kit.PSK.Key[:31] }, ErrKit},
		"no id of a key":    {func(o *Options) { o.Kit.PSK.ID = "week" }, ErrKit},
		"no URL":            {func(o *Options) { o.Kit.Addresses = []string{"ftp://x"} }, ErrKit},
		"a user in it":      {func(o *Options) { o.Kit.Addresses = []string{"https://a:b@license.example"} }, ErrKit},
		"two lines":         {func(o *Options) { o.Kit.Product = "a\nb" }, ErrKit},
		"no such mode":      {func(o *Options) { o.Mode = "smoke" }, ErrKit},
		"a wrong component": {func(o *Options) { o.Components = map[string]string{"mac": "x"} }, ErrKit},
		"no directory":      {func(o *Options) { o.Dir = "" }, ErrKit},
		"none there":        {func(o *Options) { o.Dir = filepath.Join(o.Dir, "none") }, ErrState},
		"no JSON":           {func(o *Options) { put(t, o.Dir, "{", 0o600) }, ErrState},
		"a later version":   {func(o *Options) { put(t, o.Dir, `{"v":2}`, 0o600) }, ErrState},
		"no keys":           {func(o *Options) { put(t, o.Dir, `{"v":1}`, 0o600) }, ErrState},
		"open to others":    {func(o *Options) { put(t, o.Dir, `{"v":1}`, 0o644) }, ErrState},
	} {
		o := w.options(sealed.HPKE, t.TempDir())
		c.change(&o)
		if _, err := Open(o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseKit([]byte("no")); !errors.Is(err, ErrKit) {
		t.Errorf("a kit that is no JSON: %v", err)
	}
}

func put(t *testing.T, dir, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(newStateFile(dir, product).path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestManyStartsAtOnceMakeOneInstallation(t *testing.T) {
	t.Parallel()
	f := newStateFile(t.TempDir(), product)
	keys := make([]string, 16)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			s, err := f.load()
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(s.Sign)
		})
	}
	all.Wait()
	for _, k := range keys {
		if k == "" || k != keys[0] {
			t.Fatal("two installations were made")
		}
	}
}

// TestRunOutlivesWhateverComes sends heartbeats to a server that refuses, lies, answers
// nonsense or not at all, and to a good one in the end.
func TestRunOutlivesWhateverComes(t *testing.T) {
	modes(t, func(t *testing.T, mode sealed.Mode) {
		w := newWorld(t)
		c := w.active(mode, t.TempDir())
		answer := func(status int, header http.Header, body string) func(http.ResponseWriter, *http.Request, http.Handler) {
			return func(rw http.ResponseWriter, _ *http.Request, _ http.Handler) {
				maps.Copy(rw.Header(), header)
				rw.WriteHeader(status)
				_, _ = io.WriteString(rw, body)
			}
		}
		days := []func(){
			func() { w.down = true },
			func() { w.down, w.refuse = false, "too_many_requests" },
			func() { w.refuse = "a_code_that_is_not_known" },
			func() { w.refuse, w.tamper = "", answer(http.StatusOK, nil, "") },
			func() { w.tamper = answer(http.StatusInternalServerError, nil, "{}") },
			func() { w.tamper = answer(http.StatusFound, http.Header{"Location": {"http://127.0.0.1:1/"}}, "") },
			func() {
				w.tamper = answer(http.StatusOK, http.Header{"Content-Type": {sealed.TypeHPKE}}, strings.Repeat("x", 1<<20))
			},
			func() {
				w.tamper = func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }
			},
			func() { w.skew = 1000 * time.Hour },
			func() { w.tamper, w.skew = nil, -1000*time.Hour },
			func() { w.skew = 0 },
		}
		n := 0
		c.pause = func(context.Context, time.Duration) bool {
			if n < len(days) {
				w.set(days[n])
			}
			n++
			return n <= len(days)
		}
		c.Run(t.Context())
		if s, err := c.Validate(t.Context()); err != nil || s.Cached {
			t.Errorf("in the end: %+v, %v", s, err)
		}
		for _, told := range w.troubles {
			if !errors.Is(told, ErrRefused) && !errors.Is(told, ErrUnreachable) && !errors.Is(told, ErrAnswer) {
				t.Errorf("told what is not documented: %v", told)
			}
		}
	})
}

func TestRunSendsHeartbeatsAndTellsARefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.active(sealed.HPKE, t.TempDir())
	var pauses []time.Duration
	c.pause = func(_ context.Context, d time.Duration) bool {
		pauses = append(pauses, d)
		w.set(func() {
			switch len(pauses) {
			case 3:
				w.refuse = "card_suspended"
			case 4:
				w.refuse = ""
			}
		})
		return len(pauses) < 6
	}
	c.Run(t.Context())
	beats := 0
	for _, call := range w.calls {
		if call == CallHeartbeat {
			beats++
		}
	}
	if beats != 4 {
		t.Errorf("%d heartbeats were accepted: %v", beats, w.calls)
	}
	for i, d := range pauses {
		if d < 810*time.Second || d > 990*time.Second {
			t.Errorf("pause %d is %s", i, d)
		}
	}
	if len(w.troubles) != 1 || code(w.troubles[0]) != "card_suspended" {
		t.Errorf("told: %v", w.troubles)
	}
}
