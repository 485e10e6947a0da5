package license

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"guildhall/sdk/go/license/sealed"
)

const (
	clockSkew = "clock_skew"        // the server's code for a request whose time is wrong
	tooMany   = "too_many_requests" // and for one that came too soon
	maxPSK    = 3                   // how many told keys are kept
	sharedLen = 32                  // bytes of a shared key
)

// errUnsigned says that the server did not open the request: it may have other keys than
// the ones known here.
var errUnsigned = errors.New("the request was not opened")

// ask sends a request and verifies the answer. It asks once for newer keys when those it
// has do not do, and corrects its clock once by the server's signed time.
func (c *Client) ask(ctx context.Context, r Request) (sealed.Receipt, Answer, error) {
	c.refresh(ctx)
	receipt, answer, err := c.attempt(ctx, r)
	if keysWrong(err) || errors.Is(err, errUnsigned) {
		if trouble := c.fetch(ctx); trouble != nil {
			c.o.Trouble(trouble)
		}
		receipt, answer, err = c.attempt(ctx, r)
	}
	if keysWrong(err) && r.Call != CallTime {
		switch told := c.tell(ctx); {
		case told == nil:
			receipt, answer, err = c.attempt(ctx, r)
			if keysWrong(err) && c.fetch(ctx) == nil {
				receipt, answer, err = c.attempt(ctx, r)
			}
		case !errors.Is(told, ErrAnswer): // nobody is there: it is not for the keys
			err = told
		}
	}
	if err == nil && answer.Code == clockSkew {
		c.correct(answer.Time)
		receipt, answer, err = c.attempt(ctx, r)
	}
	return receipt, answer, err
}

// keysWrong says whether no key known here is of use at this time.
func keysWrong(err error) bool {
	return errors.Is(err, sealed.ErrKey) || errors.Is(err, sealed.ErrExpired)
}

// tell asks for the server's time and goes by it.
func (c *Client) tell(ctx context.Context) error {
	_, answer, err := c.attempt(ctx, Request{Call: CallTime})
	if err == nil {
		c.correct(answer.Time)
	}
	return err
}

// attempt tries the addresses, and the shared keys, until one answers.
func (c *Client) attempt(ctx context.Context, r Request) (sealed.Receipt, Answer, error) {
	keys, seals, err := c.keys(r.Call == CallTime)
	if err != nil {
		return sealed.Receipt{}, Answer{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	wrong := fmt.Errorf("%w: no address can be used in the mode %s", ErrUnreachable, c.o.Mode)
	for i, address := range c.addresses() {
		for j, s := range seals {
			receipt, answer, err := c.post(ctx, address, s, c.fill(r), keys)
			if err == nil {
				c.learn(s, answer)
				return receipt, answer, nil
			}
			wrong = also(wrong, err, i+j)
			if !errors.Is(err, errUnsigned) {
				break // another key changes nothing
			}
		}
	}
	return sealed.Receipt{}, Answer{}, wrong
}

// fill completes a request, so that no two are the same.
func (c *Client) fill(r Request) Request {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails: it ends the process instead
	r.Product, r.Time, r.Nonce, r.SDK = c.o.Kit.Product, c.now().UnixMilli(), hex.EncodeToString(nonce), sdk
	if r.Call != CallTime {
		r.Device, r.Fingerprint = c.known().device(), c.o.Components
	}
	if r.Call != CallTime && r.Call != CallFiles { // a program lists the files of other versions too
		r.Version = c.o.Version
	}
	return r
}

// seal is a way to seal a request, with the id of its shared key if it has one.
type seal struct {
	by     *sealed.Client
	shared string
}

// keys are those that may sign the answer, and the ways to seal the request. The call for
// the time may be answered under keys whose time it is not: our clock may be wrong.
func (c *Client) keys(anyTime bool) (sealed.AnswerKeys, []seal, error) {
	k, now := c.present(), c.now()
	if k == nil {
		return nil, nil, fmt.Errorf("%w: there is no configuration yet", sealed.ErrKey)
	}
	answers := k.AnswersAt(now)
	if anyTime {
		answers = k.AnswersAt(time.Time{})
	} else if !now.Before(k.ExpiresAt) {
		return nil, nil, sealed.ErrExpired
	}
	switch c.o.Mode {
	case sealed.HTTPS:
		return answers, []seal{{by: sealed.NewHTTPS()}}, nil
	case sealed.PSK:
		return answers, c.shared(now), nil
	}
	key, err := k.HPKEKeyAt(now)
	if err != nil && anyTime {
		key, err = k.HPKEKeyAt(k.IssuedAt)
	}
	if err != nil {
		return nil, nil, err
	}
	by, err := sealed.NewHPKE(key.ID, key.Public[:])
	return answers, []seal{{by: by}}, err
}

// shared are the shared keys: the one that the server told last comes first, or else
// the one that worked; those that are over come last.
func (c *Client) shared(now time.Time) []seal {
	s := c.known()
	all := append(slices.Clone(s.PSK), *c.o.Kit.PSK)
	rank := func(k SharedKey) int {
		switch {
		case !k.To.IsZero() && !now.Before(k.To):
			return 2
		case k.ID == s.Using:
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b SharedKey) int { return cmp.Compare(rank(a), rank(b)) })
	var seals []seal
	for _, k := range all {
		if slices.ContainsFunc(seals, func(s seal) bool { return s.shared == k.ID }) {
			continue
		}
		by, err := k.sealer()
		if err != nil {
			continue // the kit's was checked: somebody else wrote this one into the state
		}
		seals = append(seals, seal{by, k.ID})
	}
	return seals
}

// sealer seals by the key.
func (k SharedKey) sealer() (*sealed.Client, error) {
	id, err := readSharedID(k.ID)
	if err != nil {
		return nil, err
	}
	return sealed.NewPSK(id, k.Key)
}

// learn keeps what an answer says for later: which shared key worked, and the next.
func (c *Client) learn(s seal, a Answer) {
	if s.shared == "" {
		return
	}
	using, known := s.shared, c.known()
	var told *SharedKey
	if a.NextPSK != nil {
		key, err := openPSK(known, c.o.Kit.Product, *a.NextPSK)
		if err != nil {
			c.o.Trouble(err)
		} else {
			using, told = key.ID, &key // it is in use already
		}
	}
	if known.Using == using {
		return
	}
	c.change(func(st *state) {
		st.Using = using
		if told != nil && !slices.ContainsFunc(st.PSK, func(k SharedKey) bool { return k.ID == told.ID }) {
			st.PSK = append(slices.Clone(st.PSK), *told)
			st.PSK = st.PSK[max(0, len(st.PSK)-maxPSK):]
		}
	})
}

// openPSK opens a shared key that was sealed to this installation.
func openPSK(s state, product string, next SealedPSK) (SharedKey, error) {
	key, err := s.unseal(NextPSKInfo, product+"\n"+next.ID, next.Enc, next.Ciphertext)
	if err == nil {
		_, err = readSharedID(next.ID)
	}
	if err == nil && len(key) != sharedLen {
		err = fmt.Errorf("%w: it has %d bytes and not %d", ErrAnswer, len(key), sharedLen)
	}
	if err != nil {
		return SharedKey{}, fmt.Errorf("the next shared key: %w", err)
	}
	return SharedKey{ID: next.ID, Key: key, To: next.To}, nil
}

func readSharedID(text string) (id sealed.KeyID, err error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != len(id) {
		return id, fmt.Errorf("%w: %q is no id of a shared key", sealed.ErrFormat, text)
	}
	copy(id[:], raw)
	return id, nil
}

// post sends one request to one address.
func (c *Client) post(ctx context.Context, address string, s seal, r Request, keys sealed.AnswerKeys) (sealed.Receipt, Answer, error) {
	var none sealed.Receipt
	path := PathSealed + r.Call
	if c.o.Mode == sealed.HTTPS {
		path = PathCalls + r.Call
	}
	p := sealed.Params{Method: http.MethodPost, Path: path, Product: c.o.Kit.Product}
	body, err := json.Marshal(r)
	if err != nil {
		return none, Answer{}, fmt.Errorf("%w: %w", ErrKit, err)
	}
	proof, err := sealed.SignProof(c.known().signer(), p, body)
	if err != nil {
		return none, Answer{}, fmt.Errorf("%w: %w", ErrKit, err)
	}
	wire, exchange, err := s.by.SealRequest(p, proof, body)
	if err != nil {
		return none, Answer{}, fmt.Errorf("%w: %w", ErrKit, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+path, bytes.NewReader(wire.Body))
	if err != nil {
		return none, Answer{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	wire.SetHeader(request.Header)
	got, err := c.send(request, sealed.MaxSealed)
	if err != nil {
		return none, Answer{}, err
	}
	return receive(address, exchange, got, keys)
}

// receive verifies an answer, and only then looks into it.
func receive(address string, x *sealed.Exchange, got response, keys sealed.AnswerKeys) (sealed.Receipt, Answer, error) {
	var none sealed.Receipt
	wire, err := sealed.ReadWire(got.header, got.body)
	if err != nil || wire.Mode == sealed.HTTPS && wire.Signature == "" {
		if got.status >= http.StatusInternalServerError || got.status == http.StatusTooManyRequests {
			return none, Answer{}, fmt.Errorf("%w: %s answered %d", ErrUnreachable, address, got.status)
		}
		return none, Answer{}, fmt.Errorf("%w: %s answered %d: %w", ErrAnswer, address, got.status, errUnsigned)
	}
	receipt, err := x.Receive(wire, keys)
	if err != nil {
		return none, Answer{}, fmt.Errorf("%w: %s: %w", ErrAnswer, address, err)
	}
	answer, err := parseAnswer(receipt)
	return receipt, answer, err
}

func parseAnswer(r sealed.Receipt) (a Answer, err error) {
	if err := json.Unmarshal(r.Answer, &a); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	switch a.Verdict {
	case VerdictOK, VerdictActivated, VerdictRefused:
		return a, nil
	}
	return Answer{}, fmt.Errorf("%w: this program does not know the verdict %q", ErrAnswer, a.Verdict)
}

// response is an HTTP answer that was read.
type response struct {
	status int
	header http.Header
	body   []byte
}

// send sends an HTTP request and reads what comes, up to most bytes and one.
func (c *Client) send(r *http.Request, most int64) (response, error) {
	got, err := c.http.Do(r)
	if err != nil {
		return response{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(got.Body, most+1))
	if err != nil {
		return response{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return response{got.StatusCode, got.Header, body}, nil
}
