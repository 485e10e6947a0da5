package licensetest

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"

	"guildhall/license/internal/call"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/sealed"
)

// Machine is a customer's machine with an installation of the product.
type Machine struct {
	World      *World
	Name       string
	Components fingerprint.Components
	IP         netip.Addr
	Sign       ed25519.PrivateKey
	Seal       *ecdh.PrivateKey
	asked      *atomic.Int64
}

// Machine is one with four components, and with keys that follow from its name.
func (w *World) Machine(t testing.TB, name, ip string) *Machine {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	key, err := ecdh.X25519().NewPrivateKey(seed[:])
	must(t, err)
	m := &Machine{World: w, Name: name, Components: fingerprint.Components{}, IP: netip.MustParseAddr(ip), Sign: ed25519.NewKeyFromSeed(seed[:]), Seal: key, asked: new(atomic.Int64)}
	for _, kind := range []string{fingerprint.TPM, fingerprint.MachineID, fingerprint.Disk, fingerprint.MAC} {
		m.Components[kind] = Digest(name + kind)
	}
	return m
}

// Digest is a digest as a component has it.
func Digest(of string) string {
	sum := sha256.Sum256([]byte(of))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Request is what the machine sends, with a proof by its key, and changed by those that
// are given.
func (m *Machine) Request(t testing.TB, name, key string, changes ...func(*license.Request)) call.Incoming {
	t.Helper()
	r := license.Request{Call: name, Product: Product, Card: key, Time: m.World.Clock.Now().UnixMilli(), Fingerprint: m.Components,
		Nonce: fmt.Sprintf("%016d", m.asked.Add(1)), SDK: "test/1", Version: Version,
		Device: &license.Device{Sign: m.Sign.Public().(ed25519.PublicKey), Seal: m.Seal.PublicKey().Bytes()}}
	for _, change := range changes {
		change(&r)
	}
	body, err := json.Marshal(r)
	must(t, err)
	p := sealed.Params{Method: "POST", Path: "/v1/" + name, Product: Product}
	proof, err := sealed.SignProof(m.Sign, p, body)
	must(t, err)
	received := &sealed.Request{Params: p, Body: body, Proof: proof}
	return call.Incoming{Request: r, IP: m.IP, Proof: true, Verify: func(public []byte) bool { return received.VerifyProof(public) == nil }}
}

// Ask is the answer to a request of the machine.
func (m *Machine) Ask(t testing.TB, name, key string, changes ...func(*license.Request)) license.Answer {
	t.Helper()
	return m.Send(t, m.Request(t, name, key, changes...))
}

// Send is the answer to a request.
func (m *Machine) Send(t testing.TB, in call.Incoming) license.Answer {
	t.Helper()
	a, err := m.World.Calls.Answer(t.Context(), in)
	must(t, err)
	return a
}

// Want asks, and fails the test when the answer is another: "activated ok", "refused card_unknown".
func (m *Machine) Want(t testing.TB, want, name, key string, changes ...func(*license.Request)) license.Answer {
	t.Helper()
	a := m.Ask(t, name, key, changes...)
	if got := a.Verdict + " " + a.Code; got != want {
		t.Fatalf("%s of the machine %s from %s: %s, want %s", name, m.Name, m.IP, got, want)
	}
	return a
}

// Open is the handshake key in an answer, opened by the key.
func Open(a license.Answer, by *ecdh.PrivateKey) ([]byte, error) {
	key, err := hpke.NewDHKEMPrivateKey(by)
	if err != nil {
		return nil, err
	}
	r, err := hpke.NewRecipient(a.Handshake.Enc, key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(license.HandshakeInfo))
	if err != nil {
		return nil, err
	}
	return r.Open([]byte(a.Environment+"\n"+a.Handshake.ID), a.Handshake.Ciphertext)
}
