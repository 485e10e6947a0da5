package license

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"guildhall/license/internal/store"
	"guildhall/platform/session"
	"guildhall/sdk/go/license"
	wire "guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/sealed"
)

// TestKeysFollowEachOther runs the schedule day by day over three years: a program that
// asks every ten days always has a key, and believes every answer.
func TestKeysFollowEachOther(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	o.stock(t)
	shared, public := o.program(t, sealed.PSK, ""), o.program(t, sealed.HPKE, "")
	kit := *shared
	known := shared.configuration(t)
	answered := map[sealed.KeyID]bool{}
	for range 110 {
		for range 10 {
			o.clock.Advance(day)
			ok(t, o.transport.Keep(t.Context()))
		}
		l := shared.write(t, license.CallTime)
		w := post(t, shared.counter, l, shared.ip)
		got, err := sealed.ReadWire(w.Header(), w.Body.Bytes())
		ok(t, err)
		// What was fetched ten days ago knows the key that signs today.
		if _, err := l.exchange.Open(got, known.AnswersAt(o.clock.Now())); err != nil {
			t.Fatalf("on %s: %v", o.clock.Now(), err)
		}
		now := shared.configuration(t)
		if now.Serial <= known.Serial || len(now.HPKEKeys) > 4 || len(now.AnswerKeys) > 2 {
			t.Fatalf("the configuration %+v follows %+v", now, known)
		}
		known = now
		for _, k := range now.AnswerKeys {
			answered[k.ID] = true
		}
		next := o.told(t, shared)
		if next == nil {
			t.Fatalf("on %s no shared key is told to who has one of ten days ago", o.clock.Now())
		}
		shared.client = pskClient(t, *next)
		if o.told(t, shared) != nil {
			t.Fatal("who has the newest key is told another")
		}
		if found := o.told(t, &kit); found == nil || found.ID != next.ID {
			t.Fatalf("on %s a kit of the first day tells %v, and the key is %s", o.clock.Now(), found, next.ID)
		}
		public.want(t, "ok ok", license.CallTime)
		public.client = public.sealer(t)
	}
	if len(answered) != 4 {
		t.Errorf("%d answer keys in three years", len(answered))
	}
	// Keys that are over are kept nowhere.
	var n int
	ok(t, o.env.DB.Read.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM transport_keys`).Scan(&n))
	if n > 1+1+2+4+4 {
		t.Errorf("%d keys are kept", n)
	}
}

// told is the next shared key in an answer about a card, for which the program needs one
// of its own: cards are no matter here.
func (o *office) told(t testing.TB, p *program) *license.SharedKey {
	t.Helper()
	rules, err := o.client.Policies(t.Context(), "press")
	ok(t, err)
	fresh := *p
	fresh.card = o.card(t, rules.Policies[0])
	return fresh.opens(t, fresh.want(t, "activated ok", license.CallActivate).NextPSK)
}

// opens is a shared key that was sealed to the program.
func (p *program) opens(t testing.TB, next *license.SealedPSK) *license.SharedKey {
	t.Helper()
	if next == nil {
		return nil
	}
	key, err := hpke.NewDHKEMPrivateKey(p.seal)
	ok(t, err)
	r, err := hpke.NewRecipient(next.Enc, key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(license.NextPSKInfo))
	ok(t, err)
	text, err := r.Open([]byte("press\n"+next.ID), next.Ciphertext)
	ok(t, err)
	return &license.SharedKey{ID: next.ID, Key: text, To: next.To}
}

// A kit that was built into a program is good for years, and tells nothing to whoever
// took its key out but has no good card.
func TestAKitOpensForYearsAndTellsNobodyWithoutACard(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	_, rules := o.stock(t)
	p := o.program(t, sealed.PSK, o.card(t, rules))
	stranger, keyless := o.program(t, sealed.PSK, "no card"), o.program(t, sealed.PSK, o.card(t, rules))
	o.clock.Advance(7 * 365 * day)
	ok(t, o.transport.Keep(t.Context()))
	if a := stranger.want(t, "ok ok", license.CallTime); a.NextPSK != nil {
		t.Error("the time tells the shared key to everybody")
	}
	if a := stranger.want(t, "refused card_unknown", license.CallActivate); a.NextPSK != nil {
		t.Error("a refusal tells the shared key")
	}
	other := *keyless
	_, other.device, _ = ed25519.GenerateKey(rand.Reader)
	l := other.write(t, license.CallActivate, func(r *license.Request) { r.Device.Sign = keyless.device.Public().(ed25519.PublicKey) })
	if a := other.read(t, l, post(t, other.counter, l, other.ip)); a.NextPSK != nil {
		t.Errorf("keys that nobody proves to hold are told %+v", a)
	}
	next := p.opens(t, p.want(t, "activated ok", license.CallActivate).NextPSK)
	if next == nil || next.ID == p.kit.PSK.ID {
		t.Fatal("the kit's first answer tells no other key")
	}
	p.client = pskClient(t, *next)
	if a := p.want(t, "ok ok", license.CallValidate); a.NextPSK != nil {
		t.Error("whoever has the key of the week is told it again")
	}
	// One that leaked is ended by hand: with it nothing opens, and programs that have the
	// key of the week go on.
	old := stranger.write(t, license.CallTime)
	ok(t, o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: "kit", End: true}))
	refuses(t, p.counter, old, http.StatusBadRequest, "request_not_opened")
	p.want(t, "ok ok", license.CallValidate)
	o.program(t, sealed.PSK, "").want(t, "ok ok", license.CallTime)
}

func TestOneKeyIsEnded(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		o.stock(t)
		first := o.program(t, sealed.PSK, "")
		o.clock.Advance(time.Second)
		ok(t, o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: "kit"}))
		o.clock.Advance(time.Second)
		next := o.program(t, sealed.PSK, "")
		if first.kit.PSK.ID == next.kit.PSK.ID {
			t.Fatal("the kit after a rotation has the key of before")
		}
		old := first.write(t, license.CallTime)
		first.want(t, "ok ok", license.CallTime)
		ok(t, o.client.EndTransportKey(t.Context(), "press", first.kit.PSK.ID))
		refuses(t, first.counter, old, http.StatusBadRequest, "request_not_opened")
		next.want(t, "ok ok", license.CallTime)
		for _, k := range o.keys(t) {
			if k.Kind != store.KeyRoot {
				ok(t, o.client.EndTransportKey(t.Context(), "press", k.ID))
			}
		}
		// Of each kind there is one all the same.
		o.program(t, sealed.PSK, "").want(t, "ok ok", license.CallTime)
		o.program(t, sealed.HPKE, "").want(t, "ok ok", license.CallTime)
		all := o.keys(t)
		if len(all) != 5 {
			t.Errorf("%d keys: %+v", len(all), all)
		}
		for id, code := range map[string]string{first.kit.PSK.ID: "transport_key_not_found", "none": "transport_key_not_found", all[len(all)-1].ID: "root_key_stays"} {
			if p := problemOf(o.client.EndTransportKey(t.Context(), "press", id)); p.Code != code {
				t.Errorf("end %s: %+v", id, p)
			}
		}
	})
}

func (o *office) keys(t testing.TB) []wire.TransportKey {
	t.Helper()
	list, err := o.client.TransportKeys(t.Context(), "press")
	ok(t, err)
	return list.Keys
}

func TestAnOldKeyOpensForTwoWeeksMore(t *testing.T) {
	t.Parallel()
	for _, mode := range []sealed.Mode{sealed.PSK, sealed.HPKE} {
		o := openOfficeOnSQLite(t)
		o.stock(t)
		p := o.program(t, mode, "")
		if mode == sealed.PSK {
			p.client = pskClient(t, *o.told(t, p))
		}
		o.clock.Advance(21*day - time.Second)
		ok(t, o.transport.Keep(t.Context()))
		p.want(t, "ok ok", license.CallTime)
		o.clock.Advance(time.Second)
		refuses(t, p.counter, p.write(t, license.CallTime), http.StatusBadRequest, "request_not_opened")
	}
}

func TestKeysInWrongHandsEndAtOnce(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	o.stock(t)
	p, q := o.program(t, sealed.PSK, ""), o.program(t, sealed.HPKE, "")
	p.client = pskClient(t, *o.told(t, p))
	was := p.configuration(t)
	ok(t, o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: "psk"}))
	p.want(t, "ok ok", license.CallTime) // the overlap
	for _, kind := range []string{"psk", "hpke", "answer"} {
		o.clock.Advance(time.Minute)
		ok(t, o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: kind, End: true}))
	}
	for _, r := range []*program{p, q} {
		refuses(t, r.counter, r.write(t, license.CallTime), http.StatusBadRequest, "request_not_opened")
		anew := o.program(t, r.mode, "")
		if r.mode == sealed.PSK {
			anew.client = pskClient(t, *o.told(t, anew))
		}
		l := anew.write(t, license.CallTime)
		w := post(t, anew.counter, l, anew.ip)
		got, err := sealed.ReadWire(w.Header(), w.Body.Bytes())
		ok(t, err)
		if _, err := l.exchange.Open(got, was.AnswersAt(o.clock.Now())); !errors.Is(err, sealed.ErrKey) {
			t.Errorf("the ended answer key still signs: %v", err)
		}
		anew.want(t, "ok ok", license.CallTime)
	}
	if now := p.configuration(t); now.Serial <= was.Serial || len(now.AnswerKeys) != 1 || len(now.HPKEKeys) != 1 || now.AnswerKeys[0].ID == was.AnswerKeys[0].ID {
		t.Errorf("the configuration %+v follows %+v", now, was)
	}
	for range 15 {
		ok(t, o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: "hpke"}))
	}
	if p := problemOf(o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: "hpke"})); p.Code != "too_many_keys" {
		t.Errorf("the seventeenth: %+v", p)
	}
	if p := problemOf(o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: "root"})); p.Status != http.StatusUnprocessableEntity {
		t.Errorf("another root key: %+v", p)
	}
	if p := problemOf(o.client.RotateTransportKey(t.Context(), "loom", wire.TransportRotation{Kind: "psk"})); p.Code != "product_not_found" {
		t.Errorf("a key of no product: %+v", p)
	}
}

// TestNodesFollow has two nodes on a database of which one knows more.
func TestNodesFollow(t *testing.T) {
	t.Parallel()
	onBothOffices(t, func(t *testing.T, o *office) {
		_, rules := o.stock(t)
		p := o.program(t, sealed.PSK, "")
		other := o.again(t).counter()
		p.counter = other
		p.want(t, "ok ok", license.CallTime) // the other has read its keys
		ok(t, o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: "kit", End: true}))
		old := p.write(t, license.CallTime)
		o.clock.Advance(time.Second)
		anew := o.program(t, sealed.PSK, "")
		anew.counter = other
		anew.want(t, "ok ok", license.CallTime) // a key that it did not know
		refuses(t, other, old, http.StatusBadRequest, "request_not_opened")

		ok(t, o.client.RotateTransportKey(t.Context(), "press", wire.TransportRotation{Kind: "kit", End: true}))
		last := anew.write(t, license.CallTime)
		o.clock.Advance(10 * time.Second)
		refuses(t, other, last, http.StatusBadRequest, "request_not_opened") // one that was ended elsewhere
		activated := o.program(t, sealed.PSK, o.card(t, rules))
		l := activated.write(t, license.CallActivate)
		if a := activated.read(t, l, post(t, activated.counter, l, activated.ip)); a.Verdict != license.VerdictActivated {
			t.Fatalf("activate: %+v", a)
		}
		refuses(t, other, l, http.StatusConflict, "replayed")
	})
}

func TestSecretsRestSealed(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	o.stock(t)
	kit, err := o.client.Kit(t.Context(), "press")
	ok(t, err)
	rows, err := o.store.TransportKeys(t.Context(), "", o.clock.Now())
	ok(t, err)
	if len(rows) != 5 {
		t.Fatalf("%d keys", len(rows))
	}
	for _, k := range rows {
		if bytes.Contains(k.Sealed, kit.PSK.Key) || (k.Kind == store.KeyPSK || k.Kind == store.KeyKit) && len(k.Public) != 0 {
			t.Errorf("the key %s is legible", k.ID)
		}
	}
}

func TestKeysComeWithTheProductOrNotAtAll(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	made := o.catalogue.Made
	o.catalogue.Made = func(ctx context.Context, tx *sql.Tx, p store.Product) error {
		return errors.Join(made(ctx, tx, p), errors.New("the disk is full"))
	}
	if err := second(o.client.CreateProduct(t.Context(), wire.ProductCreate{Code: "press", ProductFields: wire.ProductFields{Name: "The Press"}})); err == nil {
		t.Fatal("made")
	}
	if rows, err := o.store.TransportKeys(t.Context(), "", o.clock.Now()); err != nil || len(rows) != 0 {
		t.Errorf("%d keys of no product, %v", len(rows), err)
	}
	// A product of before there were keys gets them at the next start.
	o.catalogue.Made = func(context.Context, *sql.Tx, store.Product) error { return nil }
	o.stock(t)
	if p := problemOf(second(o.client.Kit(t.Context(), "press"))); p.Code != "keys_missing" {
		t.Errorf("a kit without keys: %+v", p)
	}
	o.again(t)
	ok(t, second(o.client.Kit(t.Context(), "press")))
}

func TestTheKitIsASecretThatIsRecorded(t *testing.T) {
	t.Parallel()
	o := openOfficeOnSQLite(t)
	o.stock(t)
	w := o.as(t, adminRole, http.MethodGet, "/api/v1/products/press/kit")
	kit, err := license.ParseKit(w.Body.Bytes())
	if err != nil || w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("status %d, %v: %v", w.Code, w.Header(), err)
	}
	if _, err := sealed.OpenConfiguration(sealed.Pin{Root: kit.Root, Product: "press"}, kit.Configuration, o.clock.Now()); err != nil {
		t.Error(err)
	}
	if got := strings.Join(kit.Addresses, " "); got != "https://license.guild.example.test http://license.guild.example.test" {
		t.Errorf("the addresses are %s", got)
	}
	list, err := o.client.Audit(t.Context(), wire.AuditRequest{})
	ok(t, err)
	text, err := json.Marshal(list)
	ok(t, err)
	if !strings.Contains(string(text), "kit.exported") || !strings.Contains(string(text), kit.PSK.ID) {
		t.Errorf("the log: %s", text)
	}
	// Who signed in long ago shows who he is first.
	o.clock.Advance(time.Hour)
	ctx := session.With(t.Context(), session.Principal{ID: "usr_1", Roles: []string{adminRole}, SessionID: "ses_1", ACR: "aal1", AuthTime: o.clock.Now().Add(-time.Hour)})
	if _, err := o.getKit(ctx, &productInput{Product: "press"}); err == nil {
		t.Error("an old sign-in gets the kit")
	}
}
