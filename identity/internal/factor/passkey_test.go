package factor_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	virtual "github.com/descope/virtualwebauthn"
	"github.com/google/go-cmp/cmp"

	"guildhall/identity/internal/factor"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
)

func TestPasskeys(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(*testing.T, *world){
		"what a browser is asked":               passkeyAsked,
		"a passkey signs in without a password": passkeySignsIn,
		"a passkey is a second factor":          passkeySecond,
		"a passkey with an RSA key":             passkeyRSA,
		"an answer is accepted once":            passkeyReplay,
		"one of many with the same answer wins": passkeyParallel,
		"of two open questions one is answered": passkeyTwoQuestions,
		"an answer to a clock that is ahead":    passkeySkew,
		"an answer comes within five minutes":   passkeyLate,
		"another origin is refused":             passkeyOrigin,
		"another domain is refused":             passkeyDomain,
		"its owner must have been checked":      passkeyUnverified,
		"a copy is found by its counter":        passkeyCloned,
		"a counter of zero is no copy":          passkeyCounterless,
		"a state is good for one thing":         passkeyState,
		"another's passkey is none":             passkeyOthers,
		"a passkey of a disabled account":       passkeyDisabled,
		"an answer that names another account":  passkeyHandle,
		"a forged signature":                    passkeyForged,
		"the same passkey twice":                passkeyTwice,
		"a passkey of another account again":    passkeyStolenID,
		"so many and no more":                   passkeyMany,
		"names":                                 passkeyNames,
		"it is removed with its recovery codes": passkeyRemoved,
		"refusals do not lock the owner out":    passkeyNoLock,
		"answers that are none":                 passkeyNonsense,
	})
}

// device is an authenticator with one passkey of an account, in a browser that
// shows the page of an origin.
type device struct {
	rp   virtual.RelyingParty
	auth virtual.Authenticator
	cred virtual.Credential
	// synced passkeys count nothing.
	synced bool
}

// newCredential is a key pair of which the virtual authenticator writes both
// coordinates in full length; it forgets zeros at the front, which devices do not.
func newCredential() virtual.Credential {
	const whole = 77
	for {
		if c := virtual.NewCredential(virtual.KeyTypeEC2); len(c.Key.AttestationData()) == whole {
			return c
		}
	}
}

func newDevice(account string) *device {
	d := &device{rp: virtual.RelyingParty{ID: domain, Name: "guildhall", Origin: origin},
		auth: virtual.NewAuthenticatorWithOptions(virtual.AuthenticatorOptions{UserHandle: []byte(account)}),
		cred: newCredential()}
	d.auth.AddCredential(d.cred)
	return d
}

func (d *device) creates(t *testing.T, options []byte) []byte {
	t.Helper()
	o, err := virtual.ParseAttestationOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(virtual.CreateAttestationResponse(d.rp, d.auth, d.cred, *o))
}

// answers signs, with a counter that goes up by one unless it is synced.
func (d *device) answers(t *testing.T, options []byte) []byte {
	t.Helper()
	o, err := virtual.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	if !d.synced {
		d.cred.Counter++
	}
	return []byte(virtual.CreateAssertionResponse(d.rp, d.auth, d.cred, *o))
}

// ask begins a sign-in, a moment after whatever was before.
func (w *world) ask(t *testing.T, account string) (options []byte, cookie string) {
	t.Helper()
	w.clock.Advance(time.Second)
	options, cookie, err := w.BeginPasskeySignIn(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return options, cookie
}

func (w *world) finish(t *testing.T, account, cookie string, answer []byte) error {
	t.Helper()
	_, _, err := w.FinishPasskeySignIn(t.Context(), account, cookie, answer, w.by)
	return err
}

// add registers a device's passkey.
func (w *world) add(t *testing.T, account string, d *device) (factor.Passkey, error) {
	t.Helper()
	options, cookie, err := w.BeginPasskey(t.Context(), factor.Owner{Account: account, Email: "ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return w.FinishPasskey(t.Context(), in(account), cookie, "Telephone", d.creates(t, options), w.by)
}

// registered is a device whose passkey is known.
func (w *world) registered(t *testing.T, account string) (*device, factor.Passkey) {
	t.Helper()
	d := newDevice(account)
	p, err := w.add(t, account, d)
	if err != nil {
		t.Fatalf("%v: %v", err, errors.Unwrap(err))
	}
	return d, p
}

func passkeyAsked(t *testing.T, w *world) {
	w.registered(t, w.ann)
	options, cookie, err := w.BeginPasskey(t.Context(), factor.Owner{Account: w.ann, Email: "ann@example.com", Name: "Ann"})
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		PublicKey struct {
			RP                     struct{ ID, Name string }
			User                   struct{ ID, Name, DisplayName string }
			Challenge, Attestation string
			Timeout                int
			ExcludeCredentials     []struct{ ID string }
			AuthenticatorSelection struct{ ResidentKey, UserVerification string }
		}
	}
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	k := o.PublicKey
	if k.RP.ID != domain || k.User.ID != base64.RawURLEncoding.EncodeToString([]byte(w.ann)) || k.User.Name != "ann@example.com" || k.User.DisplayName != "Ann" ||
		len(k.Challenge) < 43 || k.Attestation != "none" || k.Timeout != 300000 || len(k.ExcludeCredentials) != 1 ||
		k.AuthenticatorSelection.ResidentKey != "required" || k.AuthenticatorSelection.UserVerification != "required" {
		t.Errorf("a browser is asked %s", options)
	}
	if strings.Contains(cookie, k.Challenge) || len(cookie) > 1000 {
		t.Errorf("the cookie is %q", cookie)
	}
	if options, _ = w.ask(t, ""); strings.Contains(string(options), "allowCredentials") || !strings.Contains(string(options), `"userVerification":"required"`) {
		t.Errorf("for any passkey a browser is asked %s", options)
	}
	if options, _ = w.ask(t, w.ann); !strings.Contains(string(options), "allowCredentials") {
		t.Errorf("for one of the account a browser is asked %s", options)
	}
	if _, _, err := w.BeginPasskeySignIn(t.Context(), w.bob); !errors.Is(err, factor.ErrNoPasskey) {
		t.Errorf("an account without passkeys is asked for one: %v", err)
	}
}

func passkeySignsIn(t *testing.T, w *world) {
	d, p := w.registered(t, w.ann)
	if f := w.has(t, w.ann); f.Passkeys != 1 || !f.Any() || f.TOTP {
		t.Errorf("the account has %+v", f)
	}
	options, cookie := w.ask(t, "")
	owner, used, err := w.FinishPasskeySignIn(t.Context(), "", cookie, d.answers(t, options), w.by)
	if err != nil || owner != w.ann || used.ID != p.ID || !used.UsedAt.Equal(w.clock.Now()) {
		t.Errorf("signed in %q with %+v: %v", owner, used, err)
	}
	all, err := w.List(t.Context(), w.ann)
	if diff := cmp.Diff([]factor.Passkey{used}, all); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"factor.passkey_added"}, w.actions(t, p.ID)); diff != "" {
		t.Error(diff)
	}
}

func passkeySecond(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	w.registered(t, w.ann)
	for range 3 {
		options, cookie := w.ask(t, w.ann)
		if err := w.finish(t, w.ann, cookie, d.answers(t, options)); err != nil {
			t.Error(err, errors.Unwrap(err))
		}
	}
}

func passkeyRSA(t *testing.T, w *world) {
	d := newDevice(w.ann)
	d.cred = virtual.NewCredential(virtual.KeyTypeRSA)
	if _, err := w.add(t, w.ann, d); err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	options, cookie := w.ask(t, "")
	if err := w.finish(t, "", cookie, d.answers(t, options)); err != nil {
		t.Error(err, errors.Unwrap(err))
	}
}

func passkeyReplay(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	for _, account := range []string{"", w.ann} {
		options, cookie := w.ask(t, account)
		answer := d.answers(t, options)
		if err := w.finish(t, account, cookie, answer); err != nil {
			t.Fatal(err)
		}
		_, other := w.ask(t, account)
		for what, c := range map[string]string{"its own": cookie, "another's": other} {
			if err := w.finish(t, account, c, answer); err == nil {
				t.Errorf("the answer to a question is accepted again, for %s", what)
			}
		}
	}
}

func passkeyParallel(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	options, cookie := w.ask(t, "")
	answer := d.answers(t, options)
	won := race(t, 15, func() error { return w.finish(t, "", cookie, answer) }, factor.ErrPasskey, factor.ErrPasskeySuspected)
	if won != 1 {
		t.Errorf("%d of 15 signed in with one answer", won)
	}
}

// Passkeys that are synced count nothing: the time of the question alone makes
// their answers good for once.
func passkeyTwoQuestions(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	d.synced = true
	one, first := w.ask(t, "")
	two, second := w.ask(t, w.ann)
	late := d.answers(t, one)
	if err := w.finish(t, w.ann, second, d.answers(t, two)); err != nil {
		t.Fatal(err)
	}
	if err := w.finish(t, "", first, late); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("a question from before the last use was answered: %v", err)
	}
	options, cookie := w.ask(t, "")
	if err := w.finish(t, "", cookie, d.answers(t, options)); err != nil {
		t.Errorf("a new question: %v", err)
	}
}

// The node that asks is ahead of the one that hears the answer, which must not
// accept it twice for that.
func passkeySkew(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	d.synced = true
	ahead := w.desk(t, guildtest.NewClock(w.clock.Now().Add(30*time.Second)))
	options, cookie, err := ahead.BeginPasskeySignIn(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	answer := d.answers(t, options)
	if err := w.finish(t, "", cookie, answer); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	if err := w.finish(t, "", cookie, answer); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("accepted twice: %v", err)
	}
	far := w.desk(t, guildtest.NewClock(w.clock.Now().Add(time.Hour)))
	if options, cookie, err = far.BeginPasskeySignIn(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if err := w.finish(t, "", cookie, d.answers(t, options)); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("a question from the future: %v", err)
	}
}

func passkeyLate(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	options, cookie := w.ask(t, "")
	w.clock.Advance(factor.StateLife)
	if err := w.finish(t, "", cookie, d.answers(t, options)); err != nil {
		t.Errorf("within five minutes: %v", err)
	}
	options, cookie = w.ask(t, "")
	w.clock.Advance(factor.StateLife + time.Microsecond)
	if err := w.finish(t, "", cookie, d.answers(t, options)); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("after five minutes: %v", err)
	}
	adding, cookie, err := w.BeginPasskey(t.Context(), factor.Owner{Account: w.bob, Email: "b"})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(factor.StateLife + time.Microsecond)
	if _, err := w.FinishPasskey(t.Context(), in(w.bob), cookie, "x", newDevice(w.bob).creates(t, adding), w.by); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("added after five minutes: %v", err)
	}
}

// refusedAt changes a device and expects that it can neither add nor sign in.
func (w *world) refusedAt(t *testing.T, what string, change func(d *device)) {
	t.Helper()
	known, _ := w.registered(t, w.ann)
	change(known)
	options, cookie := w.ask(t, "")
	if err := w.finish(t, "", cookie, known.answers(t, options)); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("%s signs in: %v", what, err)
	}
	fresh := newDevice(w.ann)
	change(fresh)
	if _, err := w.add(t, w.ann, fresh); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("%s is added: %v", what, err)
	}
}

func passkeyOrigin(t *testing.T, w *world) {
	for _, wrong := range []string{"https://shop.guildhall.localhost:8443", "https://identity.guildhall.localhost", "http://identity.guildhall.localhost:8443",
		"https://identity.guildhall.localhost:8443.evil.example", "https://evil.example", "null", ""} {
		w.refusedAt(t, "a page of "+wrong, func(d *device) { d.rp.Origin = wrong })
	}
}

func passkeyDomain(t *testing.T, w *world) {
	for _, wrong := range []string{"evil.example", "localhost", "identity.guildhall.localhost"} {
		w.refusedAt(t, "a passkey of "+wrong, func(d *device) { d.rp.ID = wrong })
	}
}

func passkeyUnverified(t *testing.T, w *world) {
	w.refusedAt(t, "a passkey that asked for no finger or PIN", func(d *device) { d.auth.Options.UserNotVerified = true })
	w.refusedAt(t, "a passkey that nobody touched", func(d *device) { d.auth.Options.UserNotPresent = true })
}

func passkeyCloned(t *testing.T, w *world) {
	d, p := w.registered(t, w.ann)
	for range 3 {
		options, cookie := w.ask(t, "")
		if err := w.finish(t, "", cookie, d.answers(t, options)); err != nil {
			t.Fatal(err)
		}
	}
	for _, counter := range []uint32{1, 2} { // 2 becomes the 3 that was used
		d.cred.Counter = counter
		options, cookie := w.ask(t, "")
		if err := w.finish(t, "", cookie, d.answers(t, options)); !errors.Is(err, factor.ErrPasskeySuspected) {
			t.Errorf("a copy with the counter %d signs in: %v", counter+1, err)
		}
	}
	if got := w.actions(t, w.ann); len(got) != 2 || got[0] != "factor.passkey_suspected" {
		t.Errorf("the audit log of %s has %q", p.ID, got)
	}
	d.cred.Counter = 3
	options, cookie := w.ask(t, "")
	if err := w.finish(t, "", cookie, d.answers(t, options)); err != nil {
		t.Errorf("the original: %v", err)
	}
}

func passkeyCounterless(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	d.synced = true
	for range 3 {
		options, cookie := w.ask(t, "")
		if err := w.finish(t, "", cookie, d.answers(t, options)); err != nil {
			t.Error(err)
		}
	}
}

func passkeyState(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	options, anybody := w.ask(t, "")
	answer := d.answers(t, options)
	if err := w.finish(t, w.ann, anybody, answer); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("a question for anybody is one for a second factor: %v", err)
	}
	options, second := w.ask(t, w.ann)
	answer = d.answers(t, options)
	for _, account := range []string{"", w.bob} {
		if err := w.finish(t, account, second, answer); !errors.Is(err, factor.ErrPasskey) {
			t.Errorf("a question for a second factor is one for %q: %v", account, err)
		}
	}
	adding, cookie, err := w.BeginPasskey(t.Context(), factor.Owner{Account: w.ann, Email: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.finish(t, w.ann, cookie, d.answers(t, adding)); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("a question for a new passkey signs in: %v", err)
	}
	created := newDevice(w.bob).creates(t, adding)
	for account, state := range map[string]string{w.bob: cookie, w.ann: second} {
		if _, err := w.FinishPasskey(t.Context(), in(account), state, "x", created, w.by); !errors.Is(err, factor.ErrPasskey) {
			t.Errorf("added to %s: %v", account, err)
		}
	}
	for _, state := range []string{"", "x", second[:len(second)-2], second + "AA", strings.Repeat("A", 4096), base64.RawURLEncoding.EncodeToString([]byte(`{"k":"sign-in"}`))} {
		if err := w.finish(t, w.ann, state, answer); !errors.Is(err, factor.ErrPasskey) {
			t.Errorf("the state %.40q: %v", state, err)
		}
	}
}

func passkeyOthers(t *testing.T, w *world) {
	w.registered(t, w.ann)
	bobs, p := w.registered(t, w.bob)
	options, cookie := w.ask(t, w.ann)
	if err := w.finish(t, w.ann, cookie, bobs.answers(t, options)); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("another's passkey is a second factor: %v", err)
	}
	options, cookie = w.ask(t, "")
	if err := w.finish(t, "", cookie, newDevice(w.ann).answers(t, options)); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("a passkey that nobody knows signs in: %v", err)
	}
	if err := w.Rename(t.Context(), w.ann, p.ID, "mine", w.by); !errors.Is(err, factor.ErrNoPasskey) {
		t.Errorf("another's passkey was renamed: %v", err)
	}
	if err := w.Remove(t.Context(), w.ann, p.ID, w.by); !errors.Is(err, factor.ErrNoPasskey) {
		t.Errorf("another's passkey was removed: %v", err)
	}
}

func passkeyDisabled(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	w.exec(t, `UPDATE accounts SET state = 'disabled' WHERE id = $1`, w.ann)
	for _, account := range []string{"", w.ann} {
		options, cookie := w.ask(t, account)
		if err := w.finish(t, account, cookie, d.answers(t, options)); !errors.Is(err, factor.ErrPasskey) {
			t.Errorf("it signs in: %v", err)
		}
	}
}

func passkeyHandle(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	for _, handle := range []string{w.bob, "", "x"} {
		d.auth.Options.UserHandle = []byte(handle)
		options, cookie := w.ask(t, "")
		if err := w.finish(t, "", cookie, d.answers(t, options)); !errors.Is(err, factor.ErrPasskey) {
			t.Errorf("it names %q: %v", handle, err)
		}
	}
}

func passkeyForged(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	d.cred.Key = newCredential().Key
	options, cookie := w.ask(t, "")
	if err := w.finish(t, "", cookie, d.answers(t, options)); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("another key signs in: %v", err)
	}
}

func passkeyTwice(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	if _, err := w.add(t, w.ann, d); !errors.Is(err, factor.ErrPasskeyExists) {
		t.Errorf("added twice: %v", err)
	}
}

// Somebody registers the public name of Ann's passkey with a key of his own.
func passkeyStolenID(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	thief := newDevice(w.bob)
	thief.cred.ID = d.cred.ID
	if _, err := w.add(t, w.bob, thief); !errors.Is(err, factor.ErrPasskeyExists) {
		t.Errorf("added: %v", err)
	}
	options, cookie := w.ask(t, "")
	if err := w.finish(t, "", cookie, d.answers(t, options)); err != nil {
		t.Errorf("Ann's no longer works: %v", err)
	}
}

func passkeyMany(t *testing.T, w *world) {
	options, cookie, err := w.BeginPasskey(t.Context(), factor.Owner{Account: w.ann, Email: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for range factor.MaxPasskeys {
		w.registered(t, w.ann)
	}
	if _, _, err := w.BeginPasskey(t.Context(), factor.Owner{Account: w.ann, Email: "a"}); !errors.Is(err, factor.ErrTooMany) {
		t.Errorf("one more was asked for: %v", err)
	}
	if _, err := w.FinishPasskey(t.Context(), in(w.ann), cookie, "x", newDevice(w.ann).creates(t, options), w.by); !errors.Is(err, factor.ErrTooMany) {
		t.Errorf("one more was added: %v", err)
	}
	if _, cookie = w.ask(t, w.ann); len(cookie) > 1000 {
		t.Errorf("with many passkeys the cookie has %d bytes", len(cookie))
	}
}

func passkeyNames(t *testing.T, w *world) {
	d, p := w.registered(t, w.ann)
	for name, want := range map[string]string{" Key\n\t ring\x00 ": "Key ring", strings.Repeat("界", 64): strings.Repeat("界", 64), "a\xffb": "ab"} {
		if err := w.Rename(t.Context(), w.ann, p.ID, name, w.by); err != nil {
			t.Fatal(err)
		}
		if all, err := w.List(t.Context(), w.ann); err != nil || all[0].Name != want {
			t.Errorf("%q became %+v: %v", name, all, err)
		}
	}
	for name, code := range map[string]string{"": "required", " \n": "required", "\x00": "required", strings.Repeat("x", 65): "too_long"} {
		err := w.Rename(t.Context(), w.ann, p.ID, name, w.by)
		_, adding := w.FinishPasskey(t.Context(), in(w.ann), "", name, nil, w.by)
		for _, err := range []error{err, adding} {
			if f := fault.As(err).Fields; len(f) != 1 || f[0].Name != "name" || f[0].Code != code {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	options, cookie := w.ask(t, "")
	if err := w.finish(t, "", cookie, d.answers(t, options)); err != nil {
		t.Errorf("a renamed passkey: %v", err)
	}
}

func passkeyRemoved(t *testing.T, w *world) {
	d, p := w.registered(t, w.ann)
	_, other := w.registered(t, w.ann)
	if _, err := w.MakeRecovery(t.Context(), in(w.ann), w.by); err != nil {
		t.Fatal(err)
	}
	options, cookie := w.ask(t, "")
	if err := w.Remove(t.Context(), w.ann, p.ID, w.by); err != nil {
		t.Fatal(err)
	}
	if err := w.finish(t, "", cookie, d.answers(t, options)); !errors.Is(err, factor.ErrPasskey) {
		t.Errorf("a removed passkey signs in: %v", err)
	}
	if f := w.has(t, w.ann); f.Passkeys != 1 || f.Recovery != factor.RecoveryCodes {
		t.Errorf("left are %+v", f)
	}
	if err := w.Remove(t.Context(), w.ann, other.ID, w.by); err != nil {
		t.Fatal(err)
	}
	if f := w.has(t, w.ann); f != (factor.Factors{}) {
		t.Errorf("left are %+v", f)
	}
	if err := w.Remove(t.Context(), w.ann, other.ID, w.by); !errors.Is(err, factor.ErrNoPasskey) {
		t.Errorf("removed twice: %v", err)
	}
}

// Somebody who knows Ann's password sends nonsense for her passkey, from an
// address of his own.
func passkeyNoLock(t *testing.T, w *world) {
	d, _ := w.registered(t, w.ann)
	thief := w.fresh(t)
	for range 30 {
		_, cookie := w.ask(t, w.ann)
		if err := thief.finish(t, w.ann, cookie, []byte("{}")); err == nil {
			t.Fatal("nonsense signs in")
		}
	}
	options, cookie := w.ask(t, w.ann)
	if err := w.finish(t, w.ann, cookie, d.answers(t, options)); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

func passkeyNonsense(t *testing.T, w *world) {
	for _, answer := range []string{"", "null", "{}", "[]", `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`, strings.Repeat("[", 70000), strings.Repeat(" ", 70000)} {
		w := w.fresh(t)
		_, cookie := w.ask(t, "")
		if err := w.finish(t, "", cookie, []byte(answer)); !errors.Is(err, factor.ErrPasskey) {
			t.Errorf("%.60q signs in: %v", answer, err)
		}
		_, cookie, err := w.BeginPasskey(t.Context(), factor.Owner{Account: w.ann, Email: "a"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.FinishPasskey(t.Context(), in(w.ann), cookie, "x", []byte(answer), w.by); !errors.Is(err, factor.ErrPasskey) {
			t.Errorf("%.60q was added: %v", answer, err)
		}
	}
}
