package license

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/sealed"
)

// Standing is what the program may do now.
type Standing struct {
	Answer
	// Cached says that the server could not be reached: the answer is the last that it
	// gave, and good until its LeaseUntil.
	Cached bool
}

// errNoCard is what the server would say.
func errNoCard() error {
	return &RefusedError{Code: "card_not_active", Detail: "No card is activated here. Activate one first."}
}

// Activate binds a card to this machine and keeps it for the other calls. It may be called
// with the same card again and again, also while the server cannot be reached.
func (c *Client) Activate(ctx context.Context, card string) (Standing, error) {
	s, _, err := c.call(ctx, Request{Call: CallActivate, Card: canonical(card)})
	return s, err
}

// Validate asks whether the program may run. While the server cannot be reached the last
// answer counts, on the same machine and until its lease ends. What the server refuses is
// over at once.
func (c *Client) Validate(ctx context.Context) (Standing, error) {
	return c.carded(ctx, Request{Call: CallValidate})
}

// Heartbeat is Validate for a program that runs already. Run sends them by itself.
func (c *Client) Heartbeat(ctx context.Context) (Standing, error) {
	return c.carded(ctx, Request{Call: CallHeartbeat})
}

// ValidateModule is Validate for a part of the product, which the card has to include.
func (c *Client) ValidateModule(ctx context.Context, module string) (Standing, error) {
	s, err := c.carded(ctx, Request{Call: CallValidate, Module: module})
	if err == nil && !s.Allows(module) { // the kept answer was perhaps for another part
		return Standing{}, &RefusedError{Code: "module_not_allowed", Detail: "The card is not good for this part of the program."}
	}
	return s, err
}

// carded makes a call with the card that is activated here.
func (c *Client) carded(ctx context.Context, r Request) (Standing, error) {
	if r.Card = c.known().Card; r.Card == "" {
		return Standing{}, errNoCard()
	}
	s, _, err := c.call(ctx, r)
	return s, err
}

// OpenKey is the handshake key with the id, or for "" the current one of the program's
// version. It comes from the server sealed to this installation and is kept so: while the
// server cannot be reached, it opens as long as Validate is good.
func (c *Client) OpenKey(ctx context.Context, id string) ([]byte, Standing, error) {
	known := c.known()
	if known.Card == "" {
		return nil, Standing{}, errNoCard()
	}
	s, receipt, err := c.call(ctx, Request{Call: CallOpen, Card: known.Card, HandshakeKey: id})
	if err != nil {
		return nil, Standing{}, err
	}
	if s.Cached {
		if s.Handshake, err = c.keptHandshake(id, s.Environment); err != nil {
			return nil, Standing{}, err
		}
	}
	key, err := openHandshake(known, s.Answer)
	if err != nil {
		return nil, Standing{}, err
	}
	if !s.Cached {
		c.change(func(st *state) { st.Opens = withOpen(st.Opens, id, receipt) })
	}
	return key, s, nil
}

// maxOpens is how many answers of "open" are kept.
const maxOpens = 32

// withOpen is the answers of "open" with another one, and without the oldest when there
// are too many.
func withOpen(had map[string]sealed.Receipt, id string, r sealed.Receipt) map[string]sealed.Receipt {
	all := map[string]sealed.Receipt{}
	maps.Copy(all, had)
	all[id] = r
	for len(all) > maxOpens {
		delete(all, slices.MinFunc(slices.Collect(maps.Keys(all)), func(a, b string) int { return cmp.Compare(givenAt(all[a]), givenAt(all[b])) }))
	}
	return all
}

// givenAt is when an answer was given; what is none is the oldest.
func givenAt(r sealed.Receipt) int64 {
	a, _ := parseAnswer(r)
	return a.Time
}

// keptHandshake is the sealed key of an earlier answer for the same binding.
func (c *Client) keptHandshake(id, environment string) (*Handshake, error) {
	receipt, ok := c.known().Opens[id]
	if !ok {
		return nil, fmt.Errorf("%w, and this handshake key was not opened before", ErrUnreachable)
	}
	a, _, err := c.recall(receipt)
	if err != nil {
		return nil, err
	}
	if a.Environment != environment {
		return nil, fmt.Errorf("%w, and the handshake key is of an earlier binding of the card", ErrUnreachable)
	}
	return a.Handshake, nil
}

func openHandshake(s state, a Answer) ([]byte, error) {
	if a.Handshake == nil {
		return nil, fmt.Errorf("%w: it has no handshake key", ErrAnswer)
	}
	key, err := s.unseal(HandshakeInfo, a.Environment+"\n"+a.Handshake.ID, a.Handshake.Enc, a.Handshake.Ciphertext)
	if err != nil {
		return nil, fmt.Errorf("the handshake key: %w", err)
	}
	return key, nil
}

// Time is the server's, signed; the client counts from it.
func (c *Client) Time(ctx context.Context) (time.Time, error) {
	_, a, err := c.ask(ctx, Request{Call: CallTime})
	if err != nil {
		return time.Time{}, err
	}
	c.correct(a.Time)
	return time.UnixMilli(a.Time).UTC(), nil
}

// call asks the server, and goes by an earlier answer when there is none.
func (c *Client) call(ctx context.Context, r Request) (Standing, sealed.Receipt, error) {
	receipt, answer, err := c.ask(ctx, r)
	if err == nil && answer.Verdict == VerdictRefused {
		err = c.refused(r.Card, answer)
		if !passing(answer.Code) {
			return Standing{}, sealed.Receipt{}, err
		}
	}
	if err != nil {
		s, err := c.cached(ctx, r.Card, err)
		return s, sealed.Receipt{}, err
	}
	c.change(func(s *state) {
		if s.Card != r.Card {
			s.Opens = nil
		}
		s.Card, s.Last, s.Seen = r.Card, &receipt, answer.Time
	})
	return Standing{Answer: answer}, receipt, nil
}

// passing says whether a refusal is about this one request: the next may be answered.
func passing(code string) bool {
	return code == clockSkew || code == tooMany || code == "replayed"
}

// aboutCard says whether a refusal ends what earlier answers allow; others are about what
// was asked for: a function, a file, a part of the product.
func aboutCard(code string) bool {
	switch code {
	case "handshake_key_not_found", "device_key_missing", "malformed", "module_not_allowed", "call_unknown":
		return false
	}
	return !strings.HasPrefix(code, "function_") && !strings.HasPrefix(code, "file")
}

// skew is how far the server lets a clock be off.
const skew = 5 * time.Minute

// cached is what the last answer allows when there is none now, for the cause.
func (c *Client) cached(ctx context.Context, card string, cause error) (Standing, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return Standing{}, cause
	}
	known := c.known()
	if known.Last == nil || known.Card != card {
		return Standing{}, cause
	}
	a, r, err := c.recall(*known.Last)
	if err != nil {
		return Standing{}, errors.Join(cause, err)
	}
	if a.LeaseUntil == nil {
		return Standing{}, fmt.Errorf("%w; the card is good with the server alone", cause)
	}
	now, seen := c.now().UnixMilli(), max(known.Seen, a.Time)
	if now < seen-skew.Milliseconds() { // else the lease would not end while the clock is held back
		return Standing{}, fmt.Errorf("%w; the clock of this machine was set back: it is %s at least", cause, time.UnixMilli(seen).UTC().Format(time.RFC3339))
	}
	now = max(now, seen)
	if now >= a.LeaseUntil.UnixMilli() {
		return Standing{}, fmt.Errorf("%w; the last answer was good until %s", cause, a.LeaseUntil.UTC().Format(time.RFC3339))
	}
	if (fingerprint.Rule{}).Weigh(r.Fingerprint) > 0 && !fingerprint.Compare(r.Fingerprint, c.o.Components, fingerprint.Rule{}).Same {
		return Standing{}, fmt.Errorf("%w; the last answer was for another machine", cause)
	}
	c.change(func(s *state) { s.Seen = max(s.Seen, now) })
	c.o.Trouble(cause)
	return Standing{Answer: a, Cached: true}, nil
}

// recall verifies an answer that was kept, with the request that it answered.
func (c *Client) recall(receipt sealed.Receipt) (a Answer, r Request, err error) {
	k := c.present()
	if k == nil {
		return a, r, fmt.Errorf("%w: there is no configuration", ErrAnswer)
	}
	if err := receipt.Verify(k.AnswersAt(time.Time{})); err != nil {
		return a, r, fmt.Errorf("%w: the one that was kept: %w", ErrAnswer, err)
	}
	if err := json.Unmarshal(receipt.Request, &r); err != nil {
		return a, r, fmt.Errorf("%w: the one that was kept: %w", ErrAnswer, err)
	}
	a, err = parseAnswer(receipt)
	if err != nil {
		return a, r, err
	}
	if a.Verdict == VerdictRefused || receipt.Params.Product != c.o.Kit.Product || !c.known().ours(r, c.o.Kit.Product) {
		return a, r, fmt.Errorf("%w: the one that was kept is for another installation or card", ErrAnswer)
	}
	return a, r, nil
}

// canonical is a card's key without what people put in.
func canonical(card string) string {
	return strings.ToUpper(strings.Join(strings.FieldsFunc(card, func(r rune) bool { return r == '-' || r <= ' ' }), ""))
}
