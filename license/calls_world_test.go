package license

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"guildhall/license/internal/licensetest"
	"guildhall/platform/blob"
	"guildhall/platform/fault"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
	"guildhall/sdk/go/license"
	wire "guildhall/sdk/go/license/manage"
	"guildhall/sdk/go/license/sealed"
)

// counter answers programs as the service's host does, and the plain listener.
func (o *office) counter() http.Handler {
	mux := http.NewServeMux()
	c := &calls{keys: o.transport, service: o.calls, files: o.files, log: slog.New(slog.DiscardHandler)}
	c.Mount(mux)
	c.MountPlain(mux)
	return mux
}

// card is the key of a new card of the product of stock.
func (o *office) card(t testing.TB, rules wire.Policy) string {
	t.Helper()
	b, err := o.client.OrderBatch(t.Context(), wire.BatchOrder{Policy: rules.ID, Count: 1, Days: 365})
	ok(t, err)
	keys, err := o.client.ExportBatch(t.Context(), b.ID)
	ok(t, err)
	return keys.Keys[0].Key
}

// program is a customer's program with a kit.
type program struct {
	o       *office
	counter http.Handler
	mode    sealed.Mode
	kit     *license.Kit
	client  *sealed.Client
	device  ed25519.PrivateKey
	seal    *ecdh.PrivateKey
	parts   map[string]string
	card    string
	ip      string
}

// program is one with a new card, in a mode.
func (o *office) program(t testing.TB, mode sealed.Mode, card string) *program {
	t.Helper()
	kit, err := o.client.Kit(t.Context(), "press")
	ok(t, err)
	_, device, err := ed25519.GenerateKey(rand.Reader)
	ok(t, err)
	sealTo, err := ecdh.X25519().GenerateKey(rand.Reader)
	ok(t, err)
	p := &program{o: o, counter: o.counter(), mode: mode, kit: kit, device: device, seal: sealTo, card: card, ip: "198.51.100.7:4000",
		parts: map[string]string{"tpm": licensetest.Digest(rand.Text()), "machine_id": licensetest.Digest(rand.Text()), "disk": licensetest.Digest(rand.Text())}}
	p.client = p.sealer(t)
	return p
}

// sealer seals by the kit's shared key, or by the newest public key of a configuration
// that is fetched now.
func (p *program) sealer(t testing.TB) *sealed.Client {
	t.Helper()
	switch p.mode {
	case sealed.PSK:
		return pskClient(t, *p.kit.PSK)
	case sealed.HPKE:
		key, err := p.configuration(t).HPKEKeyAt(p.o.clock.Now())
		ok(t, err)
		c, err := sealed.NewHPKE(key.ID, key.Public[:])
		ok(t, err)
		return c
	}
	return sealed.NewHTTPS()
}

func pskClient(t testing.TB, key license.SharedKey) *sealed.Client {
	t.Helper()
	var id sealed.KeyID
	b, err := hex.DecodeString(key.ID)
	ok(t, err)
	copy(id[:], b)
	c, err := sealed.NewPSK(id, key.Key)
	ok(t, err)
	return c
}

// configuration is what the server tells, verified by the kit's root key.
func (p *program) configuration(t testing.TB) sealed.Configuration {
	t.Helper()
	w := httptest.NewRecorder()
	p.counter.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, license.PathConfiguration+"?product=press", nil))
	c, err := sealed.OpenConfiguration(sealed.Pin{Root: p.kit.Root, Product: "press"}, w.Body.String(), p.o.clock.Now())
	ok(t, err)
	return c
}

func (p *program) path(call string) string {
	if p.mode == sealed.HTTPS {
		return license.PathCalls + call
	}
	return license.PathSealed + call
}

// message is what the program asks.
func (p *program) message(call string) license.Request {
	return license.Request{Call: call, Product: "press", Card: p.card, Time: p.o.clock.Now().UnixMilli(), Nonce: rand.Text(), Fingerprint: p.parts,
		Device: &license.Device{Sign: p.device.Public().(ed25519.PublicKey), Seal: p.seal.PublicKey().Bytes()}, SDK: "test/1"}
}

// letter is a request that was sealed, and what opens its answer.
type letter struct {
	path     string
	wire     sealed.Wire
	exchange *sealed.Exchange
}

func (p *program) write(t testing.TB, call string, change ...func(*license.Request)) letter {
	t.Helper()
	m := p.message(call)
	for _, c := range change {
		c(&m)
	}
	body, err := json.Marshal(m)
	ok(t, err)
	l := letter{path: p.path(call)}
	params := sealed.Params{Method: http.MethodPost, Path: l.path, Product: "press"}
	proof, err := sealed.SignProof(p.device, params, body)
	ok(t, err)
	l.wire, l.exchange, err = p.client.SealRequest(params, proof, body)
	ok(t, err)
	return l
}

// post sends a letter as it is.
func post(t testing.TB, to http.Handler, l letter, ip string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, l.path, bytes.NewReader(l.wire.Body))
	l.wire.SetHeader(r.Header)
	r.RemoteAddr = ip
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r)
	return w
}

// read is the answer to a letter, which must verify.
func (p *program) read(t testing.TB, l letter, w *httptest.ResponseRecorder) (a license.Answer) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("%s in the mode %s: status %d: %s", l.path, p.mode, w.Code, w.Body)
	}
	body, err := io.ReadAll(w.Body)
	ok(t, err)
	got, err := sealed.ReadWire(w.Header(), body)
	ok(t, err)
	text, err := l.exchange.Open(got, p.configuration(t).AnswersAt(p.o.clock.Now()))
	ok(t, err)
	ok(t, json.Unmarshal(text, &a))
	return a
}

// ask is the answer to a new request.
func (p *program) ask(t testing.TB, call string, change ...func(*license.Request)) license.Answer {
	t.Helper()
	l := p.write(t, call, change...)
	return p.read(t, l, post(t, p.counter, l, p.ip))
}

// want asks, and fails the test when the answer is another.
func (p *program) want(t testing.TB, want, call string, change ...func(*license.Request)) license.Answer {
	t.Helper()
	a := p.ask(t, call, change...)
	if got := a.Verdict + " " + a.Code; got != want {
		t.Fatalf("%s in the mode %s: %q, want %q", call, p.mode, got, want)
	}
	return a
}

// refuses fails the test unless a letter gets the problem, and nothing else.
func refuses(t testing.TB, to http.Handler, l letter, status int, code string) {
	t.Helper()
	w := post(t, to, l, "198.51.100.7:4000")
	var problem fault.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != status || problem.Code != code {
		t.Fatalf("%s: status %d, %v, %s; want %d %s", l.path, w.Code, err, w.Body, status, code)
	}
}

func modes() []sealed.Mode { return []sealed.Mode{sealed.HTTPS, sealed.PSK, sealed.HPKE} }

const day = 24 * time.Hour

func openOfficeOnSQLite(t testing.TB) *office {
	t.Helper()
	return openOffice(t, guildtest.Open(t, guildtest.SQLite(t), migrations()))
}

// again is another node on the same database, or the next life of this one.
func (o *office) again(t testing.TB) *office {
	t.Helper()
	env := o.env
	env.Metrics = prometheus.NewRegistry()
	env.Jobs = jobs.New(jobs.Options{DB: env.DB, Now: o.clock.Now, Log: env.Log})
	s, err := open(t.Context(), env, Config{Files: blob.Default()})
	ok(t, err)
	return &office{service: s, clock: o.clock}
}
