package license

import (
	"bytes"
	"crypto/hpke"
	"net/http"
	"strings"
	"testing"
	"time"

	"guildhall/sdk/go/license"
	wire "guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/sealed"
)

func TestEveryTransportCarriesTheCalls(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		_, rules := o.stock(t)
		ok(t, second(o.client.CreateRelease(t.Context(), "press", wire.ReleaseCreate{Version: "1.0"})))
		for _, mode := range modes() {
			p := o.program(t, mode, o.card(t, rules))
			if a := p.want(t, "ok ok", license.CallTime, func(r *license.Request) { r.Card = "" }); a.Time != o.clock.Now().UnixMilli() {
				t.Errorf("the time is %d", a.Time)
			}
			p.want(t, "refused card_unknown", license.CallValidate, func(r *license.Request) { r.Card = "" })
			p.want(t, "activated ok", license.CallActivate)
			p.want(t, "ok ok", license.CallValidate)
			p.want(t, "ok ok", license.CallHeartbeat)
			a := p.want(t, "ok ok", license.CallOpen)
			key, err := hpke.NewDHKEMPrivateKey(p.seal)
			ok(t, err)
			recipient, err := hpke.NewRecipient(a.Handshake.Enc, key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(license.HandshakeInfo))
			ok(t, err)
			if plain, err := recipient.Open([]byte(a.Environment+"\n"+a.Handshake.ID), a.Handshake.Ciphertext); err != nil || len(plain) != 32 {
				t.Errorf("the handshake key: %x, %v", plain, err)
			}
			p.want(t, "refused malformed", license.CallValidate, func(r *license.Request) { r.Call = license.CallOpen })
			p.want(t, "refused malformed", license.CallValidate, func(r *license.Request) { r.Nonce = "short" })
			other := o.program(t, mode, p.card)
			other.ip = "203.0.113.9:4000"
			other.want(t, "refused environment_mismatch", license.CallValidate)
			p.want(t, "ok ok", license.CallValidate)
		}
	})
}

func TestAReplayIsAnsweredByNobody(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		_, rules := o.stock(t)
		for _, mode := range []sealed.Mode{sealed.PSK, sealed.HPKE} {
			p := o.program(t, mode, o.card(t, rules))
			p.want(t, "activated ok", license.CallActivate)
			l := p.write(t, license.CallValidate)
			if a := p.read(t, l, post(t, p.counter, l, p.ip)); a.Verdict != license.VerdictOK {
				t.Fatalf("the first: %+v", a)
			}
			refuses(t, p.counter, l, http.StatusConflict, "replayed")
			elsewhere := l
			elsewhere.path = p.path(license.CallOpen)
			refuses(t, p.counter, elsewhere, http.StatusBadRequest, "request_not_opened")
			ok(t, o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: string(mode)}))
			refuses(t, p.counter, l, http.StatusConflict, "replayed")
			refuses(t, o.again(t).counter(), l, http.StatusConflict, "replayed")
			o.clock.Advance(4 * time.Minute)
			ok(t, o.transport.ForgetReplays(t.Context()))
			refuses(t, p.counter, l, http.StatusConflict, "replayed")
			o.clock.Advance(2 * time.Minute)
			if a := p.read(t, l, post(t, p.counter, l, p.ip)); a.Verdict+" "+a.Code != "refused clock_skew" || a.Time != o.clock.Now().UnixMilli() {
				t.Errorf("too late: %+v", a)
			}
			o.clock.Advance(time.Hour)
			ok(t, o.transport.ForgetReplays(t.Context()))
			if a := p.read(t, l, post(t, p.counter, l, p.ip)); a.Verdict+" "+a.Code != "refused clock_skew" {
				t.Errorf("an hour too late: %+v", a)
			}
		}
	})
}

func TestNoChangedByteIsTaken(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	_, rules := o.stock(t)
	for _, mode := range modes() {
		p := o.program(t, mode, o.card(t, rules))
		p.want(t, "activated ok", license.CallActivate)
		l := p.write(t, license.CallValidate)
		var said []byte
		for i := range l.wire.Body {
			changed := l
			changed.wire.Body = bytes.Clone(l.wire.Body)
			changed.wire.Body[i] ^= 1
			w := post(t, p.counter, changed, "203.0.113.50:4000") // an address that guesses cards is slowed down
			if mode == sealed.HTTPS {                             // JSON may say something else and be read
				if strings.Contains(w.Body.String(), `"verdict":"ok"`) || w.Code == http.StatusInternalServerError {
					t.Fatalf("byte %d changed: status %d, %s", i, w.Code, w.Body)
				}
				continue
			}
			// One sentence, whatever is wrong: a key's id, its version, the seal.
			if said == nil {
				said = w.Body.Bytes()
			}
			if w.Code != http.StatusBadRequest || !bytes.Equal(w.Body.Bytes(), said) {
				t.Fatalf("mode %s, byte %d changed: status %d, %s", mode, i, w.Code, w.Body)
			}
		}
		for _, n := range []int{0, 8, 9, len(l.wire.Body) - 1} {
			if mode != sealed.HTTPS {
				short := l
				short.wire.Body = l.wire.Body[:n]
				refuses(t, p.counter, short, http.StatusBadRequest, "request_not_opened")
			}
		}
		if a := p.read(t, l, post(t, p.counter, l, p.ip)); a.Verdict != license.VerdictOK {
			t.Errorf("unchanged, mode %s: %+v", mode, a)
		}
	}
}

func TestWhatCannotBeAnswered(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	_, rules := o.stock(t)
	open, shared := o.program(t, sealed.HTTPS, o.card(t, rules)), o.program(t, sealed.PSK, o.card(t, rules))
	l := open.write(t, license.CallActivate)
	l.path = license.PathSealed + license.CallActivate
	refuses(t, open.counter, l, http.StatusBadRequest, "media_type_wrong") // in the open over plain HTTP
	s := shared.write(t, license.CallActivate)
	s.path = license.PathCalls + license.CallActivate
	refuses(t, open.counter, s, http.StatusBadRequest, "media_type_wrong")
	s.path, s.wire.Mode = license.PathSealed+license.CallActivate, sealed.HPKE // a key of another mode
	refuses(t, open.counter, s, http.StatusBadRequest, "request_not_opened")
	refuses(t, open.counter, open.write(t, license.CallActivate, func(r *license.Request) { r.Product = "loom" }), http.StatusNotFound, "product_not_found")
	l = open.write(t, license.CallActivate)
	l.wire.Body = []byte("{")
	refuses(t, open.counter, l, http.StatusBadRequest, "request_not_read")
	l.wire.Body = bytes.Repeat([]byte(" "), sealed.MaxSealed+1)
	refuses(t, open.counter, l, http.StatusRequestEntityTooLarge, "too_large")
	// A key of one product carries no message for another.
	ok(t, second(o.client.CreateProduct(t.Context(), wire.ProductCreate{Code: "loom", ProductFields: wire.ProductFields{Name: "The Loom"}})))
	shared.want(t, "refused malformed", license.CallActivate, func(r *license.Request) { r.Product = "loom" })
	// Without a key to sign with nothing is even decided.
	o.clock.Advance(2 * 365 * day)
	refuses(t, open.counter, open.write(t, license.CallActivate), http.StatusServiceUnavailable, "keys_missing")
	ok(t, o.transport.Keep(t.Context()))
	open.want(t, "activated ok", license.CallActivate)
}
