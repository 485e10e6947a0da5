package license

import (
	"context"
	"fmt"
)

// Call runs a function of the product on the server and returns what it wrote, at most
// MaxOutput bytes; the input has at most MaxInput. It needs the server, and the error is
// ErrUnreachable without it. When an answer is lost on its way, the function may have run
// and be asked to run again. One that fails is a *RefusedError whose code begins with
// "function_", and changes nothing else.
func (c *Client) Call(ctx context.Context, name string, input []byte) ([]byte, error) {
	if len(input) > MaxInput {
		return nil, fmt.Errorf("%w: the input of a function has %d bytes and may have %d", ErrKit, len(input), MaxInput)
	}
	card := c.known().Card
	if card == "" {
		return nil, errNoCard()
	}
	_, answer, err := c.ask(ctx, Request{Call: CallFunction, Card: card, Function: name, Input: input})
	if err != nil {
		return nil, err
	}
	if answer.Verdict == VerdictRefused {
		return nil, c.refused(card, answer)
	}
	return answer.Output, nil
}

// refused is the refusal of an answer, which ends what earlier ones allow if it is about
// the card.
func (c *Client) refused(card string, a Answer) error {
	if !passing(a.Code) && aboutCard(a.Code) && card == c.known().Card {
		c.change(func(s *state) { s.Last, s.Opens = nil, nil })
	}
	return refusal(a)
}
