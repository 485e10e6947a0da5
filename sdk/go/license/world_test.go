package license

import (
	"cmp"
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/sealed"
)

const (
	product = "example-studio"
	card    = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// world is a small server with the keys of one product, and a program on one machine.
type world struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	now      time.Time     // the server's
	skew     time.Duration // the client's clock shows more
	modules  []string      // of the card
	down     bool
	refuse   string
	lease    time.Duration
	calls    []string // accepted requests
	fetches  int
	seen     map[string]bool
	root     ed25519.PrivateKey
	answers  map[sealed.KeyID]ed25519.PrivateKey
	signer   sealed.KeyID
	sealTo   map[sealed.KeyID]*ecdh.PrivateKey
	psk      map[sealed.KeyID][]byte
	next     *SharedKey // told, sealed to the device
	told     []byte     // other than next's key, if any
	under    []string   // the shared keys of accepted requests
	serial   uint64
	listed   []sealed.PublicKey // answer keys
	hpke     []sealed.PublicKey
	bound    *Device
	handKey  []byte
	tamper   func(w http.ResponseWriter, r *http.Request, then http.Handler)
	troubles []error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), lease: 72 * time.Hour, seen: map[string]bool{},
		answers: map[sealed.KeyID]ed25519.PrivateKey{}, sealTo: map[sealed.KeyID]*ecdh.PrivateKey{}, psk: map[sealed.KeyID][]byte{}, handKey: []byte("the handshake key of version 2.1.")}
	_, w.root, _ = ed25519.GenerateKey(rand.Reader)
	w.rotateAnswers()
	w.rotateHPKE()
	w.addPSK()
	handler := http.HandlerFunc(w.serve)
	w.server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		tamper := w.tamper
		w.mu.Unlock()
		if tamper != nil {
			tamper(rw, r, handler)
			return
		}
		handler(rw, r)
	}))
	t.Cleanup(w.server.Close)
	return w
}

// set changes the world while the server may be answering.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) rotateAnswers() {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	id := sealed.NewKeyID()
	w.answers[id], w.signer = private, id
	w.listed = []sealed.PublicKey{{ID: id, Public: sealed.KeyBytes(public), NotBefore: w.now.AddDate(0, 0, -30), NotAfter: w.now.AddDate(1, 0, 0)}}
	w.serial++
}

func (w *world) rotateHPKE() {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	id := sealed.NewKeyID()
	w.sealTo = map[sealed.KeyID]*ecdh.PrivateKey{id: key}
	w.hpke = []sealed.PublicKey{{ID: id, Public: sealed.KeyBytes(key.PublicKey().Bytes()), NotBefore: w.now.AddDate(0, 0, -1), NotAfter: w.now.AddDate(0, 0, 20)}}
	w.serial++
}

func (w *world) addPSK() *SharedKey {
	key, id := make([]byte, 32), sealed.NewKeyID()
	_, _ = rand.Read(key)
	w.psk[id] = key
	return &SharedKey{ID: hex.EncodeToString(id[:]), Key: key}
}

func (w *world) configuration() string {
	text, err := sealed.SignConfiguration(w.root, sealed.Configuration{Product: product, Serial: w.serial, IssuedAt: w.now, ExpiresAt: w.now.AddDate(0, 0, 14),
		AnswerKeys: w.listed, HPKEKeys: w.hpke, Addresses: []string{w.server.URL}})
	if err != nil {
		w.t.Error(err)
	}
	return text
}

// kit is what the server exports now.
func (w *world) kit() Kit {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := Kit{Product: product, Addresses: []string{w.server.URL}, Root: w.root.Public().(ed25519.PublicKey), Configuration: w.configuration()}
	for id, key := range w.psk {
		k.PSK = &SharedKey{ID: hex.EncodeToString(id[:]), Key: key}
	}
	return k
}

func (w *world) options(mode sealed.Mode, dir string) Options {
	return Options{Kit: w.kit(), Dir: dir, Version: "2.1", Mode: mode, HTTP: w.server.Client(), Components: machine("a", "b", "c"),
		Now: func() time.Time {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.now.Add(w.skew)
		},
		Trouble: func(err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.troubles = append(w.troubles, err)
		}}
}

func machine(values ...string) fingerprint.Components {
	c := fingerprint.Components{}
	for i, kind := range []string{fingerprint.MachineID, fingerprint.DMIUUID, fingerprint.Disk} {
		digest, _ := fingerprint.Digest(product, kind, "part-"+values[i])
		c.Add(kind, digest)
	}
	return c
}

func (w *world) open(o Options) *Client {
	w.t.Helper()
	c, err := Open(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// active is a client with an activated card.
func (w *world) active(mode sealed.Mode, dir string) *Client {
	w.t.Helper()
	c := w.open(w.options(mode, dir))
	s, err := c.Activate(context.Background(), card)
	if err != nil || s.Cached || s.Verdict == VerdictRefused {
		w.t.Fatalf("activate: %+v, %v", s, err)
	}
	return c
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		panic(http.ErrAbortHandler)
	}
	if r.URL.Path == PathConfiguration {
		w.fetches++
		_, _ = io.WriteString(rw, w.configuration())
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	answer, err := w.answer(r, body)
	if err != nil {
		rw.Header().Set("Content-Type", "application/problem+json")
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	answer.SetHeader(rw.Header())
	_, _ = rw.Write(answer.Body)
}

func (w *world) answer(r *http.Request, body []byte) (sealed.Wire, error) {
	wire, err := sealed.ReadWire(r.Header, body)
	if err != nil {
		return sealed.Wire{}, err
	}
	opened, err := sealed.OpenRequest(sealed.Lookup{
		PSK:  func(id sealed.KeyID) ([]byte, bool) { k, ok := w.psk[id]; return k, ok },
		HPKE: func(id sealed.KeyID) (*ecdh.PrivateKey, bool) { k, ok := w.sealTo[id]; return k, ok },
	}, sealed.Params{Method: r.Method, Path: r.URL.Path, Product: product}, wire)
	if err != nil {
		return sealed.Wire{}, err
	}
	var in Request
	if err := json.Unmarshal(opened.Body, &in); err != nil {
		return sealed.Wire{}, err
	}
	if opened.Salt != nil && w.seen[string(opened.Salt)] {
		return sealed.Wire{}, sealed.ErrOpen
	}
	w.seen[string(opened.Salt)] = true
	text, err := json.Marshal(w.decide(in, opened))
	if err != nil {
		return sealed.Wire{}, err
	}
	return opened.Seal(sealed.Signer{ID: w.signer, Key: w.answers[w.signer]}, text)
}

// decide answers as package license's server does.
func (w *world) decide(in Request, r *sealed.Request) Answer {
	a := Answer{Verdict: VerdictRefused, Time: w.now.UnixMilli()}
	switch {
	case w.now.Sub(time.UnixMilli(in.Time)).Abs() > 5*time.Minute:
		a.Code = clockSkew
		return a
	case in.Call == CallTime:
		a.Verdict, a.Code = VerdictOK, "ok"
		return a
	case w.refuse != "":
		a.Code, a.Detail, a.RetryAfter = w.refuse, "Because the test says so.", 7
		return a
	case in.Card != card || in.Product != product:
		a.Code = "card_unknown"
		return a
	case r.VerifyProof(in.Device.Sign) != nil:
		a.Code = "proof_wrong"
		return a
	case w.bound != nil && !slices.Equal(w.bound.Sign, in.Device.Sign):
		a.Code = "device_mismatch"
		return a
	}
	if in.Module != "" && !slices.Contains(w.modules, in.Module) {
		a.Code = "module_not_allowed"
		return a
	}
	w.calls = append(w.calls, in.Call)
	if r.Mode == sealed.PSK {
		w.under = append(w.under, hex.EncodeToString(r.KeyID[:]))
	}
	until := w.now.Add(w.lease)
	a.Verdict, a.Code, a.Mode, a.LeaseUntil, a.Heartbeat, a.Environment = VerdictOK, "ok", "run", &until, 900, "ENVIRONMENT"
	a.Modules = w.modules
	if w.next != nil {
		a.NextPSK = &SealedPSK{ID: w.next.ID, To: w.next.To}
		a.NextPSK.Enc, a.NextPSK.Ciphertext = w.seal(in.Device.Seal, NextPSKInfo, product+"\n"+w.next.ID, cmp.Or(string(w.told), string(w.next.Key)))
	}
	if w.bound == nil {
		a.Verdict, w.bound = VerdictActivated, in.Device
	}
	if in.Call == CallFunction {
		a.Output = in.Input
	}
	if in.Call == CallOpen {
		a.Handshake = w.handshake(in.Device.Seal, in.HandshakeKey)
	}
	return a
}

func (w *world) handshake(to []byte, id string) *Handshake {
	if id == "" {
		id = "hsk_1"
	}
	enc, text := w.seal(to, HandshakeInfo, "ENVIRONMENT\n"+id, string(w.handKey))
	return &Handshake{ID: id, Enc: enc, Ciphertext: text}
}

// seal seals a key to a device.
func (w *world) seal(to []byte, info, aad, key string) (enc, text []byte) {
	public, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(to)
	if err != nil {
		w.t.Error(err)
		return nil, nil
	}
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info))
	if err != nil {
		w.t.Error(err)
		return nil, nil
	}
	if text, err = sender.Seal([]byte(aad), []byte(key)); err != nil {
		w.t.Error(err)
	}
	return enc, text
}
