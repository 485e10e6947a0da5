package sealed

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

func seeds(f *testing.F) (v vectors) {
	f.Helper()
	text, err := os.ReadFile(vectorFile)
	if err != nil {
		f.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		f.Fatal(err)
	}
	return v
}

func ours(err error) bool {
	for _, e := range vectorErrors {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Nobody without the key makes a request that opens, and what somebody with the
// key sends inside is either of the format or refused.
func FuzzOpenRequest(f *testing.F) {
	v := seeds(f)
	recorded := map[string]bool{}
	for _, e := range v.Exchanges {
		recorded[string(e.Request.Wire.Body)] = true
		f.Add([]byte(e.Request.Wire.Body), e.Request.Wire.Header["Guildhall-Proof"])
		f.Add([]byte(e.Request.Steps.Plain), "x")
	}
	for _, b := range v.BadRequests {
		if b.Error == "signature" { // sealed as it should be, with a wrong proof
			recorded[string(b.Wire.Body)] = true
		}
		f.Add([]byte(b.Wire.Body), b.Wire.Header["Guildhall-Proof"])
	}
	keys, key, hpke := v.Keys.lookup(), v.Keys.PSK[0], v.Keys.HPKE[0]
	f.Fuzz(func(t *testing.T, data []byte, proof string) {
		for _, mode := range []Mode{HTTPS, PSK, HPKE} {
			r, err := OpenRequest(keys, somewhere, Wire{Mode: mode, Body: data, Proof: proof})
			if (err == nil) == (r == nil) || err != nil && !ours(err) {
				t.Fatalf("%s: %v, %v", mode, r, err)
			}
			if err == nil && mode != HTTPS && !recorded[string(data)] {
				t.Fatalf("%s: a request that nobody sealed opens: %x", mode, data)
			}
		}
		var s vectorSide
		refSealPSK(somewhere, key.ID, key.Secret, sample("fuzz")[:24], data, &s)
		r, err := OpenRequest(keys, somewhere, Wire{Mode: PSK, Body: s.Wire.Body})
		if fits := len(data) >= 64 && len(data) <= 64+MaxBody; fits != (err == nil) || fits && string(r.Body) != string(data[64:]) {
			t.Fatalf("psk: %d bytes inside: %v", len(data), err)
		}
		refSealHPKE(somewhere, hpke.ID, hpke.Public, sample("fuzz"), data, &s)
		if r, err = OpenRequest(keys, somewhere, Wire{Mode: HPKE, Body: s.Wire.Body}); err == nil && string(r.Body) != string(data[96:]) || err != nil && !ours(err) {
			t.Fatalf("hpke: %d bytes inside: %v", len(data), err)
		}
	})
}

// Nobody without the keys makes an answer that opens, and what somebody with the
// shared key alone sends is refused for its signature.
func FuzzOpenAnswer(f *testing.F) {
	v := seeds(f)
	for _, e := range v.Exchanges {
		f.Add([]byte(e.Answer.Wire.Body), e.Answer.Wire.Header["Guildhall-Key"], e.Answer.Wire.Header["Guildhall-Signature"])
		f.Add([]byte(e.Answer.Steps.Plain), "", "")
	}
	for _, b := range v.BadAnswers {
		f.Add([]byte(b.Wire.Body), b.Wire.Header["Guildhall-Key"], b.Wire.Header["Guildhall-Signature"])
	}
	https, psk, hpke := find(v.Exchanges, "https, with a proof"), find(v.Exchanges, "psk, with a proof"), find(v.Exchanges, "hpke, with a proof")
	sharedKey, err := NewPSK(KeyID(psk.KeyID), v.Keys.PSK[0].Secret)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, key, signature string) {
		x := map[Mode]*Exchange{
			HTTPS: {mode: HTTPS, params: https.params(), request: []byte(https.Request.Body)},
			PSK:   {mode: PSK, params: psk.params(), request: []byte(psk.Request.Body)},
			HPKE: {mode: HPKE, params: hpke.params(), request: []byte(hpke.Request.Body),
				open: hpkeAnswers(hpke.params(), hpke.Request.Wire.Body, hpke.Request.Steps.Exported, must(ecdh.X25519().NewPrivateKey(hpke.Request.Random.EphemeralPrivate)))},
		}
		_, x[PSK].open = sharedKey.sealPSK(psk.params(), psk.Request.Random.Salt, psk.Request.Steps.Plain)
		for mode, x := range x {
			body, err := x.Open(Wire{Mode: mode, Body: data, Key: key, Signature: signature}, v.Keys.answers)
			if err == nil && string(body) != activateAnswer || err != nil && (body != nil || !ours(err)) {
				t.Fatalf("%s: %q, %v", mode, body, err)
			}
		}
		e := psk
		refAnswerPSK(e.params(), e.KeyID, e.Request.Steps.PRK, e.Request.Wire.Body, sample("fuzz")[:24], data, &e.Answer)
		body, err := x[PSK].Open(Wire{Mode: PSK, Body: e.Answer.Wire.Body}, v.Keys.answers)
		if err == nil && string(body) != activateAnswer || err != nil && (body != nil || !ours(err)) {
			t.Fatalf("inside psk: %q, %v", body, err)
		}
	})
}

// What opens is what was signed, and signed again it opens again.
func FuzzOpenConfiguration(f *testing.F) {
	v := seeds(f)
	recorded := map[string]bool{}
	for _, c := range v.Configurations {
		recorded[c.Text] = true
		f.Add(c.Text, []byte(c.Payload))
	}
	root, now := ed25519.NewKeyFromSeed(v.Keys.Root.Secret), v.Configurations[0].Now
	pin := Pin{Root: ed25519.PublicKey(v.Keys.Root.Public), Product: "example-studio"}
	f.Fuzz(func(t *testing.T, text string, payload []byte) {
		if c, err := OpenConfiguration(pin, text, now); err == nil && !recorded[strings.TrimSpace(text)] || err != nil && (c.Serial != 0 || !ours(err)) {
			t.Fatalf("%q: %v, %v", text, c, err)
		}
		// What a root key signed by mistake.
		signature := ed25519.Sign(root, append([]byte(purposeConfiguration), payload...))
		c, err := OpenConfiguration(pin, text64(payload)+"."+text64(signature), now)
		if err != nil {
			if !ours(err) {
				t.Fatal(err)
			}
			return
		}
		again, err := SignConfiguration(root, c)
		if err != nil && !errors.Is(err, ErrFormat) { // times that differ by less than a second
			t.Fatalf("%s opens, and does not sign: %v", payload, err)
		}
		if err == nil {
			if _, err := OpenConfiguration(pin, again, c.IssuedAt); err != nil {
				t.Fatalf("%s does not open again: %v", again, err)
			}
		}
	})
}
