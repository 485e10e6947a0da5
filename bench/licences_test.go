package bench

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/sealed"
)

// product is the one whose cards are measured.
const product = "press"

// machine is a customer's, with the card's key that it shows.
type machine struct {
	card        string
	sign        ed25519.PrivateKey
	seal        *ecdh.PrivateKey
	device      *license.Device
	fingerprint fingerprint.Components
}

// licences are customers' programs that ask license.
type licences struct {
	*server
	at          string         // https
	clients     []*http.Client // of the TLS listener
	plain       []*http.Client // of the other
	bare        *bareServer
	bareClients []*http.Client
	kit         license.Kit
	answers     sealed.AnswerKeys
	hpke        *sealed.Client
	psk         *sealed.Client
	https       *sealed.Client
	cards       []string
	machines    []machine
}

// newLicences makes a product whose cards need the proof of possession or not, and its cards.
func newLicences(b *testing.B, s *server, proof bool, cards int) *licences {
	b.Helper()
	l := &licences{server: s, at: s.host(b, "license"), clients: s.connections(b, askers), https: sealed.NewHTTPS(), bare: bare(b)}
	l.bareClients = l.bare.clients(b, askers)
	for range askers {
		t := &http.Transport{}
		b.Cleanup(t.CloseIdleConnections)
		l.plain = append(l.plain, &http.Client{Transport: t, Timeout: patience})
	}
	rules := filepath.Join(b.TempDir(), "rules.json")
	if err := os.WriteFile(rules, []byte(`{"proof": `+strconv.FormatBool(proof)+`}`), 0o600); err != nil {
		b.Fatal(err)
	}
	s.run(b, "license", "product", "add", product, "The Press")
	s.run(b, "license", "release", "add", product, "1.0")
	s.run(b, "license", "policy", "add", product, "Bench", "--rules", rules)
	for made := 0; made < cards; made += maxBatch {
		l.batch(b, min(maxBatch, cards-made))
	}
	var err error
	if l.kit, err = license.ParseKit([]byte(s.run(b, "license", "kit", product, "--out", "-"))); err != nil {
		b.Fatal(err)
	}
	l.keys(b)
	return l
}

// maxBatch is how many cards a batch has at most.
const maxBatch = 100_000

// batch makes cards, and says how long it took until they were exported.
func (l *licences) batch(b *testing.B, count int) time.Duration {
	b.Helper()
	file := filepath.Join(b.TempDir(), "keys-"+strconv.Itoa(len(l.cards))+".csv")
	began := time.Now()
	l.run(b, "license", "batch", "add", "--policy", "Bench", "--count", strconv.Itoa(count), "--export", file)
	took := time.Since(began)
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != count+1 {
		b.Fatalf("the export has %d rows: %v", len(rows), err)
	}
	column := -1
	for i, name := range rows[0] {
		if name == "key" {
			column = i
		}
	}
	if column < 0 {
		b.Fatalf("the export has the columns %v", rows[0])
	}
	for _, row := range rows[1:] {
		l.cards = append(l.cards, row[column])
	}
	return took
}

// keys reads those of the transports out of the kit.
func (l *licences) keys(b *testing.B) {
	b.Helper()
	now := time.Now()
	c, err := sealed.OpenConfiguration(sealed.Pin{Root: l.kit.Root, Product: product}, l.kit.Configuration, now)
	if err != nil {
		b.Fatal(err)
	}
	l.answers = c.AnswersAt(now)
	key, err := c.HPKEKeyAt(now)
	if err != nil {
		b.Fatal(err)
	}
	if l.hpke, err = sealed.NewHPKE(key.ID, key.Public[:]); err != nil {
		b.Fatal(err)
	}
	l.share(b, l.kit.PSK.ID, l.kit.PSK.Key)
}

// share has the requests of psk sealed by a shared key from now on.
func (l *licences) share(b *testing.B, name string, key []byte) {
	b.Helper()
	var id sealed.KeyID
	raw, err := hex.DecodeString(name)
	if err != nil || copy(id[:], raw) != len(id) {
		b.Fatalf("a shared key has the id %q: %v", name, err)
	}
	if l.psk, err = sealed.NewPSK(id, key); err != nil {
		b.Fatal(err)
	}
}

// learn takes the key of the week in place of the kit's, as a client does that proves its
// device.
func (l *licences) learn(b *testing.B) {
	b.Helper()
	m := l.machines[0]
	a, err := l.answer(0, l.psk, license.CallValidate, m, true)
	if err != nil || a.NextPSK == nil {
		b.Fatalf("no shared key is told: %+v, %v", a, err)
	}
	own, err := hpke.NewDHKEMPrivateKey(m.seal)
	if err != nil {
		b.Fatal(err)
	}
	r, err := hpke.NewRecipient(a.NextPSK.Enc, own, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(license.NextPSKInfo))
	if err != nil {
		b.Fatal(err)
	}
	key, err := r.Open([]byte(product+"\n"+a.NextPSK.ID), a.NextPSK.Ciphertext)
	if err != nil {
		b.Fatal(err)
	}
	l.share(b, a.NextPSK.ID, key)
}

// machine is a new one, which has a card of its own.
func (l *licences) machine(b *testing.B) machine {
	b.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	box, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	m := machine{card: l.cards[len(l.machines)], sign: private, seal: box, fingerprint: fingerprint.Components{},
		device: &license.Device{Sign: private.Public().(ed25519.PublicKey), Seal: box.PublicKey().Bytes()}}
	for _, kind := range []string{fingerprint.DMIUUID, fingerprint.MachineID, fingerprint.Disk, fingerprint.MAC} {
		sum := sha256.Sum256([]byte(kind + m.card))
		m.fingerprint[kind] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	l.machines = append(l.machines, m)
	return m
}

// activate activates so many new machines, by https.
func (l *licences) activate(b *testing.B, count int) {
	b.Helper()
	first := len(l.machines)
	for range count {
		l.machine(b)
	}
	turns := make(chan machine, count)
	for _, m := range l.machines[first:] {
		turns <- m
	}
	parallel(b, askers, count, func(worker int) error { return l.ask(worker, l.https, license.CallActivate, <-turns, true) })
}

// ask asks license as a machine, which must be answered with yes.
func (l *licences) ask(worker int, by *sealed.Client, call string, m machine, proven bool) error {
	a, err := l.answer(worker, by, call, m, proven)
	if err == nil && a.Verdict == license.VerdictRefused {
		err = fmt.Errorf("%s was refused: %s", call, a.Code)
	}
	return err
}

func (l *licences) answer(worker int, by *sealed.Client, call string, m machine, proven bool) (answer license.Answer, err error) {
	client, at, path := l.plain[worker], "http://"+l.server.plain, license.PathSealed+call
	if by == l.https {
		client, at, path = l.clients[worker], l.at, license.PathCalls+call
	}
	r := license.Request{Call: call, Product: product, Card: m.card, Time: time.Now().UnixMilli(), Nonce: rand.Text(), Fingerprint: m.fingerprint, SDK: "bench/1"}
	if proven {
		r.Device = m.device
	}
	body, err := json.Marshal(r)
	if err != nil {
		return answer, err
	}
	p := sealed.Params{Method: http.MethodPost, Path: path, Product: product}
	var proof []byte
	if proven {
		if proof, err = sealed.SignProof(m.sign, p, body); err != nil {
			return answer, err
		}
	}
	wire, exchange, err := by.SealRequest(p, proof, body)
	if err != nil {
		return answer, err
	}
	got, err := post(client, at+path, wire)
	if err != nil {
		return answer, err
	}
	text, err := exchange.Open(got, l.answers)
	if err != nil {
		return answer, err
	}
	return answer, json.Unmarshal(text, &answer)
}

// post sends what a client sealed.
func post(client *http.Client, to string, wire sealed.Wire) (sealed.Wire, error) {
	r, err := http.NewRequest(http.MethodPost, to, bytes.NewReader(wire.Body))
	if err != nil {
		return sealed.Wire{}, err
	}
	wire.SetHeader(r.Header)
	res, err := client.Do(r)
	if err != nil {
		return sealed.Wire{}, err
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return sealed.Wire{}, err
	}
	if res.StatusCode != http.StatusOK {
		return sealed.Wire{}, fmt.Errorf("%s: status %d: %.300s", to, res.StatusCode, body)
	}
	return sealed.ReadWire(res.Header, body)
}

// askBare sends a request of such a size to the bare endpoint, over TLS or not.
func (l *licences) askBare(worker int, tls bool) error {
	client, to := l.plain[worker], l.bare.plain
	if tls {
		client, to = l.bareClients[worker], l.bare.https
	}
	m := l.machines[0]
	body, err := json.Marshal(license.Request{Call: license.CallValidate, Product: product, Card: m.card, Time: time.Now().UnixMilli(), Nonce: rand.Text(),
		Fingerprint: m.fingerprint, SDK: "bench/1", Device: m.device})
	if err != nil {
		return err
	}
	res, err := client.Post(to, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	var answer license.Answer
	return expect(res, http.StatusOK, &answer)
}
