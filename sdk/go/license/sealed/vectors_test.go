package sealed

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the vectors anew")

const vectorFile = "../../../vectors/license-transport.json"

// The vectors, as they stand in the file.
type (
	vectors struct {
		About          string                `json:"about"`
		Keys           vectorKeys            `json:"keys"`
		Exchanges      []vectorExchange      `json:"exchanges"`
		BadRequests    []vectorBadRequest    `json:"bad_requests"`
		BadAnswers     []vectorBadAnswer     `json:"bad_answers"`
		Configurations []vectorConfiguration `json:"configurations"`
	}
	vectorKeys struct {
		PSK    []vectorKey `json:"psk"`
		HPKE   []vectorKey `json:"hpke"`
		Answer []vectorKey `json:"answer"`
		Device vectorKey   `json:"device"`
		Root   vectorKey   `json:"root"`
	}
	vectorKey struct {
		ID     hexBytes `json:"id,omitempty"`
		IDText string   `json:"id_text,omitempty"`
		Secret hexBytes `json:"secret"`
		Public hexBytes `json:"public,omitempty"`
	}
	vectorExchange struct {
		Name    string     `json:"name"`
		Mode    Mode       `json:"mode"`
		Method  string     `json:"method"`
		Path    string     `json:"path"`
		Product string     `json:"product"`
		KeyID   hexBytes   `json:"key_id,omitempty"`
		Replay  hexBytes   `json:"replay_identity,omitempty"`
		Request vectorSide `json:"request"`
		Answer  vectorSide `json:"answer"`
	}
	vectorSide struct {
		Body       string       `json:"body"`
		SignedText string       `json:"signed_text,omitempty"`
		SignedBy   hexBytes     `json:"signed_by,omitempty"`
		Signature  hexBytes     `json:"signature,omitempty"`
		Random     vectorRandom `json:"random,omitzero"`
		Steps      vectorSteps  `json:"steps,omitzero"`
		Wire       vectorWire   `json:"wire"`
	}
	vectorRandom struct {
		Salt             hexBytes `json:"salt,omitempty"`
		EncPrivate       hexBytes `json:"enc_private,omitempty"`
		EphemeralPrivate hexBytes `json:"ephemeral_private,omitempty"`
		Nonce            hexBytes `json:"nonce,omitempty"`
	}
	vectorSteps struct {
		Shared   hexBytes `json:"shared_secret,omitempty"`
		Exported hexBytes `json:"exported,omitempty"`
		PRK      hexBytes `json:"prk,omitempty"`
		Key      hexBytes `json:"key,omitempty"`
		Nonce    hexBytes `json:"nonce,omitempty"`
		Plain    hexBytes `json:"plain,omitempty"`
		AAD      hexBytes `json:"aad,omitempty"`
	}
	vectorWire struct {
		Header map[string]string `json:"header"`
		Body   hexBytes          `json:"body"`
	}
	vectorBadRequest struct {
		Name    string     `json:"name"`
		Wrong   string     `json:"wrong"`
		Error   string     `json:"error"`
		Method  string     `json:"method"`
		Path    string     `json:"path"`
		Product string     `json:"product"`
		Wire    vectorWire `json:"wire"`
	}
	vectorBadAnswer struct {
		Name     string     `json:"name"`
		Wrong    string     `json:"wrong"`
		Error    string     `json:"error"`
		Exchange string     `json:"exchange"`
		Wire     vectorWire `json:"wire"`
	}
	vectorConfiguration struct {
		Name    string          `json:"name"`
		Wrong   string          `json:"wrong,omitempty"`
		Error   string          `json:"error,omitempty"`
		Product string          `json:"product"`
		Serial  uint64          `json:"known_serial"`
		Now     time.Time       `json:"now"`
		Text    string          `json:"text"`
		Payload json.RawMessage `json:"payload,omitempty"`
	}
	hexBytes []byte
)

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// vectorErrors are the errors by their names in the file.
var vectorErrors = map[string]error{
	"format": ErrFormat, "key": ErrKey, "open": ErrOpen, "no_proof": ErrNoProof, "signature": ErrSignature,
	"product": ErrProduct, "older": ErrOlder, "expired": ErrExpired,
}

func (e vectorExchange) params() Params   { return Params{e.Method, e.Path, e.Product} }
func (b vectorBadRequest) params() Params { return Params{b.Method, b.Path, b.Product} }

func (w vectorWire) read() (Wire, error) {
	h := http.Header{}
	for name, value := range w.Header {
		h.Set(name, value)
	}
	return ReadWire(h, w.Body)
}

func (k vectorKeys) lookup() Lookup {
	return Lookup{
		PSK: func(id KeyID) ([]byte, bool) {
			for _, k := range k.PSK {
				if KeyID(k.ID) == id {
					return k.Secret, true
				}
			}
			return nil, false
		},
		HPKE: func(id KeyID) (*ecdh.PrivateKey, bool) {
			for _, k := range k.HPKE {
				if KeyID(k.ID) == id {
					return must(ecdh.X25519().NewPrivateKey(k.Secret)), true
				}
			}
			return nil, false
		},
	}
}

func (k vectorKeys) answers(id KeyID) (ed25519.PublicKey, error) {
	for _, k := range k.Answer {
		if KeyID(k.ID) == id {
			return ed25519.PublicKey(k.Public), nil
		}
	}
	return nil, ErrKey
}

// exchange is the client's side of a recorded request: as if it had been sealed
// a moment ago.
func (k vectorKeys) exchange(t *testing.T, e vectorExchange) *Exchange {
	t.Helper()
	x := &Exchange{mode: e.Mode, params: e.params(), request: []byte(e.Request.Body)}
	switch e.Mode {
	case PSK:
		key, _ := k.lookup().PSK(KeyID(e.KeyID))
		c, err := NewPSK(KeyID(e.KeyID), key)
		if err != nil {
			t.Fatal(err)
		}
		var sealed []byte
		sealed, x.open = c.sealPSK(e.params(), e.Request.Random.Salt, e.Request.Steps.Plain)
		if !bytes.Equal(sealed, e.Request.Wire.Body) {
			t.Errorf("%s: sealed otherwise: %x", e.Name, sealed)
		}
	case HPKE:
		// What the sender exports the recipient exports too.
		x.open = hpkeAnswers(e.params(), e.Request.Wire.Body, e.Request.Steps.Exported, must(ecdh.X25519().NewPrivateKey(e.Request.Random.EphemeralPrivate)))
	case HTTPS:
	}
	return x
}

func TestVectorsAreOfTheFormat(t *testing.T) {
	t.Parallel()
	text, err := json.MarshalIndent(makeVectors(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(vectorFile, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, text) {
		t.Fatal("the vectors are not what the reference makes: clients in the field read the old format. Run the test with -update when that is meant")
	}
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	text, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectorsOpen(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	if len(v.Exchanges) < 6 {
		t.Fatalf("only %d exchanges", len(v.Exchanges))
	}
	for _, e := range v.Exchanges {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			w, err := e.Request.Wire.read()
			if err != nil || w.Mode != e.Mode {
				t.Fatalf("mode %s, %v", w.Mode, err)
			}
			r, err := OpenRequest(v.Keys.lookup(), e.params(), w)
			if err != nil {
				t.Fatal(err)
			}
			if string(r.Body) != e.Request.Body || !bytes.Equal(r.Proof, e.Request.Signature) || !bytes.Equal(r.Salt, e.Replay) ||
				e.Mode != HTTPS && !bytes.Equal(r.KeyID[:], e.KeyID) {
				t.Errorf("opened %+v", r)
			}
			want := error(nil)
			if e.Request.Signature == nil {
				want = ErrNoProof
			}
			if err := r.VerifyProof(ed25519.PublicKey(v.Keys.Device.Public)); !errors.Is(err, want) {
				t.Errorf("the proof: %v", err)
			}
			checkAnswerBytes(t, v, e, r)
			w, err = e.Answer.Wire.read()
			if err != nil {
				t.Fatal(err)
			}
			x := v.Keys.exchange(t, e)
			answer, err := x.Open(w, v.Keys.answers)
			if err != nil || string(answer) != e.Answer.Body {
				t.Errorf("answer %s, %v", answer, err)
			}
		})
	}
}

// checkAnswerBytes seals the answer with the recorded randomness.
func checkAnswerBytes(t *testing.T, v vectors, e vectorExchange, r *Request) {
	t.Helper()
	signature, err := sign(ed25519.NewKeyFromSeed(v.Keys.Answer[0].Secret), answerText(r.Params, r.Body, []byte(e.Answer.Body)))
	if err != nil || !bytes.Equal(signature, e.Answer.Signature) {
		t.Fatalf("signature %x, %v", signature, err)
	}
	plain := signed{KeyID(v.Keys.Answer[0].ID), signature, []byte(e.Answer.Body)}.plain()
	random, request := e.Answer.Random, refHash(e.Request.Wire.Body)
	var got []byte
	switch e.Mode {
	case HTTPS:
		return
	case PSK:
		got = r.answerPSK(e.Request.Steps.PRK, request, random.Salt, plain)
	case HPKE:
		got = r.answerHPKE(e.Request.Wire.Body[1+keyIDLen:hpkeHeader], e.Request.Steps.Exported, e.Answer.Steps.Shared, request, random.Nonce, refPublic(random.EphemeralPrivate), plain)
	}
	if !bytes.Equal(got, e.Answer.Wire.Body) {
		t.Errorf("sealed %x", got)
	}
}

func TestVectorsThatAreWrongAreRefused(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	if len(v.BadRequests) < 25 || len(v.BadAnswers) < 25 {
		t.Fatalf("only %d bad requests and %d bad answers", len(v.BadRequests), len(v.BadAnswers))
	}
	for _, b := range v.BadRequests {
		w, err := b.Wire.read()
		var r *Request
		if err == nil {
			r, err = OpenRequest(v.Keys.lookup(), b.params(), w)
		}
		if err == nil {
			err = r.VerifyProof(ed25519.PublicKey(v.Keys.Device.Public))
		} else if r != nil {
			t.Errorf("request %s: an error, and a request with it", b.Name)
		}
		if want := vectorErrors[b.Error]; want == nil || !errors.Is(err, want) {
			t.Errorf("request %s (%s): %v, want %v", b.Name, b.Wrong, err, want)
		}
	}
	exchanges := map[string]vectorExchange{}
	for _, e := range v.Exchanges {
		exchanges[e.Name] = e
	}
	for _, b := range v.BadAnswers {
		w, err := b.Wire.read()
		var body []byte
		if err == nil {
			body, err = v.Keys.exchange(t, exchanges[b.Exchange]).Open(w, v.Keys.answers)
		}
		if want := vectorErrors[b.Error]; want == nil || !errors.Is(err, want) || body != nil {
			t.Errorf("answer %s (%s): %q, %v, want %v", b.Name, b.Wrong, body, err, want)
		}
	}
}

func TestVectorsOfConfigurations(t *testing.T) {
	t.Parallel()
	v := readVectors(t)
	if len(v.Configurations) < 15 {
		t.Fatalf("only %d", len(v.Configurations))
	}
	for _, c := range v.Configurations {
		got, err := OpenConfiguration(Pin{ed25519.PublicKey(v.Keys.Root.Public), c.Product, c.Serial}, c.Text, c.Now)
		if c.Error != "" {
			if want := vectorErrors[c.Error]; want == nil || !errors.Is(err, want) || got.Serial != 0 {
				t.Errorf("%s (%s): %v, %v, want %v", c.Name, c.Wrong, got, err, want)
			}
			continue
		}
		var want bytes.Buffer
		if err := json.Compact(&want, c.Payload); err != nil {
			t.Fatal(err)
		}
		if text, _ := json.Marshal(got); err != nil || !bytes.Equal(text, want.Bytes()) {
			t.Errorf("%s: %s, %v, want %s", c.Name, text, err, want.Bytes())
		}
		if c.Name == "a field that is not known" {
			continue
		}
		if again, err := SignConfiguration(ed25519.NewKeyFromSeed(v.Keys.Root.Secret), got); err != nil || again != c.Text {
			t.Errorf("%s: signed again it is %s, %v", c.Name, again, err)
		}
	}
}

// The document in another language opens the same and refuses the same.
func TestVectorsInPython(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // that of the system has the system's packages
	if err := exec.CommandContext(t.Context(), python, "-c", "import cryptography").Run(); err != nil {
		t.Fatal("there is no Python with the package cryptography: apt-get install python3-cryptography")
	}
	out, err := exec.CommandContext(t.Context(), python, "testdata/open_vectors.py", vectorFile).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "as it should be: ") {
		t.Errorf("%s%v", out, err)
	}
	t.Logf("%s", out)
}

// The document names what the code has: a number changed here alone is found.
func TestTheDocumentSaysTheSame(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../../docs/formats/license-transport.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, purpose := range []string{purposeRequest, purposeAnswer, purposeConfiguration} {
		says(t, text, `"`+strings.TrimSpace(purpose)+`"`)
	}
	for _, quoted := range []string{infoPSKRequest, infoPSKAnswer, infoHPKE, infoHPKEAnswer} {
		says(t, text, `"`+quoted+`"`)
	}
	for _, code := range []string{TypeHTTPS, TypePSK, TypeHPKE, HeaderProof, HeaderKey, HeaderSignature} {
		says(t, text, "`"+code+"`")
	}
	says(t, text, "at most 262,144 bytes", "has 262,305 ", "at most 65,536 bytes", "1 to 1024 bytes", "at most 32 entries",
		"At least 113 bytes", "At least 121 bytes", "At least 153 bytes", "At least 161 bytes")
	for name, is := range map[string]bool{
		"bodies": MaxBody == 262144 && MaxSealed == 262305, "configurations": maxConfiguration == 65536 && maxListed == 32, "params": maxParam == 1024,
		"psk":  pskHeader+proofLen+tagLen == 113 && pskHeader+answerFrame+tagLen == 121,
		"hpke": hpkeHeader+x25519Len+proofLen+tagLen == 153 && hpkeAnswerHeader+answerFrame+tagLen == 161,
	} {
		if !is {
			t.Errorf("the bounds of %s are not those of the document", name)
		}
	}
	for name := range vectorErrors {
		says(t, text, "`"+name+"`")
	}
}

func says(t *testing.T, text []byte, what ...string) {
	t.Helper()
	for _, w := range what {
		if !bytes.Contains(text, []byte(w)) {
			t.Errorf("the document does not say %s", w)
		}
	}
}
