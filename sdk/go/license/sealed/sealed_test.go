package sealed

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// pair is a client and the server that it knows, in one mode.
type pair struct {
	client *Client
	lookup Lookup
	signer Signer
	device ed25519.PrivateKey
}

func newPair(t testing.TB, mode Mode) pair {
	t.Helper()
	_, device, _ := ed25519.GenerateKey(rand.Reader)
	_, answer, _ := ed25519.GenerateKey(rand.Reader)
	id, shared, private := NewKeyID(), randomBytes(sharedLen), must(ecdh.X25519().GenerateKey(rand.Reader))
	p := pair{client: NewHTTPS(), signer: Signer{NewKeyID(), answer}, device: device, lookup: Lookup{
		PSK:  func(k KeyID) ([]byte, bool) { return shared, k == id },
		HPKE: func(k KeyID) (*ecdh.PrivateKey, bool) { return private, k == id },
	}}
	var err error
	switch mode {
	case HTTPS:
	case PSK:
		p.client, err = NewPSK(id, shared)
	case HPKE:
		p.client, err = NewHPKE(id, private.PublicKey().Bytes())
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p pair) public() ed25519.PublicKey { return p.device.Public().(ed25519.PublicKey) }

func (p pair) answers(id KeyID) (ed25519.PublicKey, error) {
	if id != p.signer.ID {
		return nil, ErrKey
	}
	return p.signer.Key.Public().(ed25519.PublicKey), nil
}

var somewhere = Params{"POST", "/license/v1/activate", "example-studio"}

// sent is a wire as the other side of HTTP reads it.
func sent(t require, w Wire) Wire {
	h := http.Header{}
	w.SetHeader(h)
	got, err := ReadWire(h, w.Body)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return got
}

type require interface{ Fatalf(string, ...any) }

func eachMode(t *testing.T, test func(*testing.T, Mode, pair)) {
	t.Helper()
	for _, mode := range []Mode{HTTPS, PSK, HPKE} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			test(t, mode, newPair(t, mode))
		})
	}
}

func TestWhatIsSealedOpens(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, mode Mode, p pair) {
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.StringMatching(`[!-~\p{Han}]{1,40}`)
			params := Params{text.Draw(t, "method"), text.Draw(t, "path"), text.Draw(t, "product")}
			body, answer := rapid.SliceOf(rapid.Byte()).Draw(t, "body"), rapid.SliceOf(rapid.Byte()).Draw(t, "answer")
			var proof []byte
			if rapid.Bool().Draw(t, "proven") {
				var err error
				if proof, err = SignProof(p.device, params, body); err != nil {
					t.Fatalf("%v", err)
				}
			}
			w, x, err := p.client.SealRequest(params, proof, body)
			if err != nil {
				t.Fatalf("%v", err)
			}
			r, err := OpenRequest(p.lookup, params, sent(t, w))
			if err != nil || r.Mode != mode || !bytes.Equal(r.Body, body) || !bytes.Equal(r.Proof, proof) {
				t.Fatalf("opened %+v, %v", r, err)
			}
			var want error
			if proof == nil {
				want = ErrNoProof
			}
			if err := r.VerifyProof(p.public()); !errors.Is(err, want) {
				t.Fatalf("proof: %v", err)
			}
			back, err := r.Seal(p.signer, answer)
			if err != nil {
				t.Fatalf("%v", err)
			}
			got, err := x.Open(sent(t, back), p.answers)
			if err != nil || !bytes.Equal(got, answer) {
				t.Fatalf("answer %x, %v", got, err)
			}
			if mode != HTTPS && (len(body) > 8 && bytes.Contains(w.Body, body) || len(answer) > 8 && bytes.Contains(back.Body, answer)) {
				t.Fatalf("it can be read")
			}
		})
	})
}

func TestAnyChangedBitIsRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{PSK, HPKE} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			p := newPair(t, mode)
			w, x, err := p.client.SealRequest(somewhere, nil, []byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r, err := OpenRequest(p.lookup, somewhere, w)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := r.Seal(p.signer, []byte("[]"))
			if err != nil {
				t.Fatal(err)
			}
			refused := func(what string, bit int, err error) {
				if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrKey) && !errors.Is(err, ErrOpen) {
					t.Errorf("%s with bit %d changed: %v", what, bit, err)
				}
			}
			for bit := range 8 * len(w.Body) {
				changed := bytes.Clone(w.Body)
				changed[bit/8] ^= 1 << (bit % 8)
				_, err := OpenRequest(p.lookup, somewhere, Wire{Mode: mode, Body: changed})
				refused("request", bit, err)
			}
			for bit := range 8 * len(answer.Body) {
				changed := bytes.Clone(answer.Body)
				changed[bit/8] ^= 1 << (bit % 8)
				_, err := x.Open(Wire{Mode: mode, Body: changed}, p.answers)
				// The highest bit of the server's ephemeral key is one that X25519 ignores,
				// and the additional data not.
				refused("answer", bit, err)
			}
			if _, err := x.Open(answer, p.answers); err != nil {
				t.Errorf("unchanged it does not open: %v", err)
			}
		})
	}
}

// A copy of a request may be answered too, with another text: the answers must
// not share a key with its nonce.
func TestTwoAnswersToOneRequestShareNoKey(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{PSK, HPKE} {
		p := newPair(t, mode)
		w, x, err := p.client.SealRequest(somewhere, nil, []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		header := map[Mode]int{PSK: pskHeader, HPKE: hpkeAnswerHeader}[mode]
		seen := map[string]bool{}
		for range 20 {
			r, err := OpenRequest(p.lookup, somewhere, w) // a copy
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				answer, err := r.Seal(p.signer, []byte("[]"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := x.Open(answer, p.answers); err != nil {
					t.Fatal(err)
				}
				// Ed25519 signs one text one way: under one key the cipher texts were the same.
				text := string(answer.Body[header:])
				if seen[text] {
					t.Fatalf("%s: two answers have one cipher text", mode)
				}
				seen[text] = true
			}
		}
	}
}

// Who steals the key of the server reads the requests that he recorded, and
// learns what HPKE exports; the answers need the client's ephemeral key too.
func TestAStolenKeyOpensNoRecordedAnswer(t *testing.T) {
	t.Parallel()
	p := newPair(t, HPKE)
	w, x, err := p.client.SealRequest(somewhere, nil, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := OpenRequest(p.lookup, somewhere, w)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := r.Seal(p.signer, []byte(`{"key":"secret"}`))
	if err != nil {
		t.Fatal(err)
	}
	v := readVectors(t)
	e := find(v.Exchanges, "hpke, with a proof")
	opened := func(name string, ephemeral []byte) error {
		_, err := hpkeAnswers(e.params(), e.Request.Wire.Body, e.Request.Steps.Exported, must(ecdh.X25519().NewPrivateKey(ephemeral)))(e.Answer.Wire.Body)
		return err
	}
	if err := opened("the client", e.Request.Random.EphemeralPrivate); err != nil {
		t.Errorf("the client: %v", err)
	}
	for name, key := range map[string][]byte{"the server's key": v.Keys.HPKE[0].Secret, "the key of enc": e.Request.Random.EncPrivate, "any": sample("any")} {
		if err := opened(name, key); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := x.Open(answer, p.answers); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerOpensForItsRequestAlone(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, mode Mode, p pair) {
		ask := func(params Params, body string) (*Exchange, Wire) {
			w, x, err := p.client.SealRequest(params, nil, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			r, err := OpenRequest(p.lookup, params, w)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := r.Seal(p.signer, []byte("[]"))
			if err != nil {
				t.Fatal(err)
			}
			return x, answer
		}
		x, answer := ask(somewhere, `{"nonce":1}`)
		_, other := ask(somewhere, `{"nonce":2}`)
		_, elsewhere := ask(Params{"POST", "/license/v1/validate", "example-studio"}, `{"nonce":1}`)
		_, product := ask(Params{"POST", "/license/v1/activate", "example-server"}, `{"nonce":1}`)
		want := map[Mode]error{HTTPS: ErrSignature, PSK: ErrOpen, HPKE: ErrOpen}[mode]
		for name, w := range map[string]Wire{"another request": other, "another path": elsewhere, "another product": product} {
			if body, err := x.Open(w, p.answers); !errors.Is(err, want) || body != nil {
				t.Errorf("%s: %s, %v", name, body, err)
			}
		}
		if _, err := x.Open(answer, newPair(t, mode).answers); !errors.Is(err, ErrKey) {
			t.Errorf("an answer key that is not known: %v", err)
		}
		if _, err := x.Open(answer, p.answers); err != nil {
			t.Error(err)
		}
	})
}

func TestBounds(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, mode Mode, p pair) {
		most, more := bytes.Repeat([]byte("x"), MaxBody), bytes.Repeat([]byte("x"), MaxBody+1)
		w, x, err := p.client.SealRequest(somewhere, nil, most)
		if err != nil || len(w.Body) > MaxSealed {
			t.Fatalf("%d bytes, %v", len(w.Body), err)
		}
		r, err := OpenRequest(p.lookup, somewhere, w)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := r.Seal(p.signer, most)
		if err != nil || len(answer.Body) > MaxSealed {
			t.Fatalf("%d bytes, %v", len(answer.Body), err)
		}
		if got, err := x.Open(answer, p.answers); err != nil || !bytes.Equal(got, most) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if mode == HPKE && len(answer.Body) != MaxSealed {
			t.Errorf("MaxSealed is %d, and the longest message has %d", MaxSealed, len(answer.Body))
		}
		for what, err := range map[string]error{
			"a request":        second(p.client.SealRequest(somewhere, nil, more)),
			"an answer":        last(r.Seal(p.signer, more)),
			"a proof":          last(SignProof(p.device, somewhere, more)),
			"a sealed request": last(OpenRequest(p.lookup, somewhere, Wire{Mode: mode, Body: make([]byte, MaxSealed+1)})),
			"a sealed answer":  last(x.Open(Wire{Mode: mode, Body: make([]byte, MaxSealed+1), Key: "A", Signature: "A"}, p.answers)),
		} {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("%s that is too long: %v", what, err)
			}
		}
	})
}

// In the mode https a body is bounded by MaxBody, although MaxSealed is read.
func TestAnOpenBodyIsBoundedLikeASealedOne(t *testing.T) {
	t.Parallel()
	p := newPair(t, HTTPS)
	if _, err := OpenRequest(p.lookup, somewhere, Wire{Mode: HTTPS, Body: make([]byte, MaxBody+1)}); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v", err)
	}
	// Who holds the shared key cannot send more either.
	psk := newPair(t, PSK)
	w := Wire{Mode: PSK}
	w.Body, _ = psk.client.sealPSK(somewhere, randomBytes(pskSaltLen), appendRequest(nil, nil, make([]byte, MaxBody+1)))
	if _, err := OpenRequest(psk.lookup, somewhere, w); !errors.Is(err, ErrFormat) {
		t.Errorf("got %v", err)
	}
}

// Who holds the shared key cannot send a longer answer than the server can.
func TestALongAnswerIsNotLookedInto(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	e := find(v.Exchanges, "psk, with a proof")
	x := v.Keys.exchange(t, e)
	refAnswerPSK(e.params(), e.KeyID, e.Request.Steps.PRK, e.Request.Wire.Body, e.Answer.Random.Salt, make([]byte, answerFrame+MaxBody+1), &e.Answer)
	if body, err := x.Open(Wire{Mode: PSK, Body: e.Answer.Wire.Body}, v.Keys.answers); !errors.Is(err, ErrFormat) || body != nil {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestPrintingAClientTellsNoKey(t *testing.T) {
	t.Parallel()
	p := newPair(t, PSK)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got, want := fmt.Sprintf(verb, p.client), "client in the mode psk, key "+p.client.id.String(); got != want {
			t.Errorf("%s prints %s", verb, got)
		}
	}
}

func second[A, B any](_ A, _ B, err error) error { return err }
func last[T any](_ T, err error) error           { return err }

func TestWhatCannotBeIsSaid(t *testing.T) {
	t.Parallel()
	p := newPair(t, PSK)
	w, x, err := p.client.SealRequest(somewhere, nil, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := OpenRequest(p.lookup, somewhere, w)
	if err != nil {
		t.Fatal(err)
	}
	toNobody, err := NewHPKE(NewKeyID(), make([]byte, 32)) // a point of low order
	if err != nil {
		t.Fatal(err)
	}
	line, long := somewhere, somewhere
	line.Path, long.Product = "/api\n/v1", strings.Repeat("p", maxParam+1)
	for _, c := range []struct {
		what string
		err  error
		is   error
		says string
	}{
		{"a short shared key", last(NewPSK(NewKeyID(), make([]byte, 16))), ErrKey, "32 bytes and not 16"},
		{"a short public key", last(NewHPKE(NewKeyID(), make([]byte, 31))), ErrKey, "not 31"},
		{"a public key of low order", second(toNobody.SealRequest(somewhere, nil, nil)), ErrKey, "sealed to it"},
		{"a short proof", second(p.client.SealRequest(somewhere, make([]byte, 63), nil)), ErrFormat, "64 bytes and not 63"},
		{"no method", second(p.client.SealRequest(Params{"", "/", "p"}, nil, nil)), ErrFormat, "its method is empty"},
		{"no product", last(OpenRequest(p.lookup, Params{"POST", "/", ""}, w)), ErrFormat, "its product is empty"},
		{"two lines", last(SignProof(p.device, line, nil)), ErrFormat, "its path has a control character"},
		{"a long product", second(p.client.SealRequest(long, nil, nil)), ErrFormat, "its product is longer than 1024 bytes"},
		{"no device key", last(SignProof(nil, somewhere, nil)), ErrKey, "no key to sign with"},
		{"no answer key", last(r.Seal(Signer{}, nil)), ErrKey, "no key to sign with"},
		{"a public key for Ed25519 of another length", (&Request{Params: somewhere, Proof: make([]byte, 64)}).VerifyProof(nil), ErrKey, "32 bytes"},
		{"no keys at all", last(OpenRequest(Lookup{}, somewhere, w)), ErrKey, p.client.id.String()},
		{"no keys of hpke", last(OpenRequest(Lookup{}, somewhere, Wire{Mode: HPKE, Body: append([]byte{1}, make([]byte, 200)...)})), ErrKey, "hpke"},
		{"a key that is nil", last(OpenRequest(Lookup{HPKE: func(KeyID) (*ecdh.PrivateKey, bool) { return nil, true }}, somewhere, Wire{Mode: HPKE, Body: append([]byte{1}, make([]byte, 200)...)})), ErrKey, "hpke"},
		{"a shared key of another length", last(OpenRequest(Lookup{PSK: func(KeyID) ([]byte, bool) { return make([]byte, 16), true }}, somewhere, w)), ErrKey, "no shared key"},
		{"an unknown mode", last(OpenRequest(p.lookup, somewhere, Wire{Mode: "post"})), ErrFormat, `"post"`},
		{"an answer in another mode", last(x.Open(Wire{Mode: HTTPS}, p.answers)), ErrFormat, "in the mode psk is in the mode https"},
	} {
		if !errors.Is(c.err, c.is) || !strings.Contains(fmt.Sprint(c.err), c.says) {
			t.Errorf("%s: %v", c.what, c.err)
		}
	}
}

// An ephemeral key of low order would mix nothing into the answer: a client that
// sends one gets none.
func TestAClientWithAKeyOfLowOrderGetsNoAnswer(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	e := find(v.Exchanges, "hpke, with a proof")
	e.Request.Steps.Plain = append(make([]byte, x25519Len), e.Request.Steps.Plain[x25519Len:]...)
	refSealHPKE(e.params(), e.KeyID, v.Keys.HPKE[0].Public, e.Request.Random.EncPrivate, e.Request.Steps.Plain, &e.Request)
	if r, err := OpenRequest(v.Keys.lookup(), e.params(), Wire{Mode: HPKE, Body: e.Request.Wire.Body}); !errors.Is(err, ErrFormat) || r != nil {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestOneClientForMany(t *testing.T) {
	t.Parallel()
	eachMode(t, func(t *testing.T, mode Mode, p pair) {
		var mu sync.Mutex
		salts := map[string]bool{}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				w, x, err := p.client.SealRequest(somewhere, nil, []byte("{}"))
				if err != nil {
					t.Error(err)
					return
				}
				r, err := OpenRequest(p.lookup, somewhere, w)
				if err != nil {
					t.Error(err)
					return
				}
				answer, err := r.Seal(p.signer, []byte("[]"))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := x.Open(answer, p.answers); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				salts[string(r.Salt)] = true
			})
		}
		wg.Wait()
		if want := map[Mode]int{HTTPS: 1, PSK: 8, HPKE: 8}[mode]; len(salts) != want {
			t.Errorf("%d salts of 8 requests", len(salts))
		}
	})
}

func TestReadWireTakesParameters(t *testing.T) {
	t.Parallel()
	w, err := ReadWire(http.Header{"Content-Type": {"Application/JSON; charset=utf-8"}}, nil)
	if err != nil || w.Mode != HTTPS {
		t.Errorf("%v, %v", w, err)
	}
	if _, err := ReadWire(http.Header{"Content-Type": {"/;"}}, nil); !errors.Is(err, ErrFormat) {
		t.Errorf("nonsense: %v", err)
	}
}
