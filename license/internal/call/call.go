// Package call answers the programs of customers: it finds the card, has package decide
// decide, and writes down what follows, all in one transaction.
package call

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"guildhall/license/internal/cardid"
	"guildhall/license/internal/catalogue"
	"guildhall/license/internal/decide"
	"guildhall/license/internal/file"
	"guildhall/license/internal/function"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/limit"
	"guildhall/sdk/go/license"
	"guildhall/sdk/go/license/fingerprint"
)

const (
	// Skew is how far a client's clock may be off: then the answer tells the time, signed.
	Skew = 5 * time.Minute
	// remembered is how long a sealed request is known: one that is Skew ahead is good for
	// twice as long, and the clocks of nodes differ.
	remembered = 2*Skew + time.Minute
)

// The codes of answers that are none of package decide's.
const (
	ClockSkew   = "clock_skew"
	TooMany     = "too_many_requests"
	Malformed   = "malformed"
	Replayed    = "replayed"
	NoHandshake = "handshake_key_not_found"
	NoDeviceKey = "device_key_missing"
	// NoFunction says that there is none of the name, and FunctionOff that the vendor
	// switched it off; InputLarge that its input is too large. How a run can fail package
	// sandbox says.
	NoFunction  = "function_not_found"
	FunctionOff = "function_disabled"
	InputLarge  = "function_input"
)

// ErrReplay says that a sealed request was answered before.
var ErrReplay = fault.New(fault.Conflict, Replayed, "This very request was answered before. Send a new one.")

// Options is what New needs; all of it but Limiter and Answered.
type Options struct {
	Store     *store.Store
	Journal   *audit.Journal
	Catalogue *catalogue.Desk
	Functions *function.Desk
	Files     *file.Desk
	Limiter   limit.Maker
	// Raise notes an alarm within the transaction (alarm.Desk).
	Raise func(ctx context.Context, tx *sql.Tx, a store.Alarm) error
	// Answered is told the call and the code of each answer, or what came instead of one.
	Answered func(call, code string)
	Now      func() time.Time
	Log      *slog.Logger
}

// Service answers calls. It is safe for concurrent use.
type Service struct {
	o     Options
	rules *rules
	quick *quick
	// guesses delay addresses that ask for cards that are none: they get no answer about
	// any card but their own, or they would know the good ones by it. strangers delay
	// other machines than the bound one, by the card that they show.
	guesses, strangers *delays
}

// New makes the service.
func New(o Options) *Service {
	return &Service{o: o, rules: newRules(), quick: newQuick(o), guesses: newDelays(o.Limiter, "license-guesses", o.Now), strangers: newDelays(o.Limiter, "license-strangers", o.Now)}
}

// Incoming is a request as a transport hands it over.
type Incoming struct {
	license.Request
	IP netip.Addr
	// Proof says that there is a proof of possession, and Verify whether it is good under
	// an Ed25519 public key.
	Proof  bool
	Verify func(public []byte) bool
	// Once names a sealed request among all others; nil: it came over TLS, which replays
	// nothing.
	Once []byte
}

// Answer answers a request. An error is one of ours, or ErrReplay; all else is in the answer.
func (s *Service) Answer(ctx context.Context, in Incoming) (license.Answer, error) {
	now := s.o.Now().UTC().Truncate(time.Microsecond)
	answer, err := s.answer(ctx, in, now)
	s.count(in.Call, answer, err)
	if err != nil {
		return license.Answer{}, err
	}
	answer.Time = now.UnixMilli()
	if answer.Code != "" && answer.Detail == "" && answer.Verdict == license.VerdictRefused {
		answer.Detail = detail(answer.Code)
	}
	return answer, nil
}

func (s *Service) count(call string, a license.Answer, err error) {
	if s.o.Answered == nil {
		return
	}
	code := a.Code
	if err != nil {
		code = fault.As(err).Code
	}
	s.o.Answered(call, code)
}

func (s *Service) answer(ctx context.Context, in Incoming, now time.Time) (license.Answer, error) {
	if off := now.Sub(time.UnixMilli(in.Time)); off.Abs() > Skew {
		return refused(ClockSkew), nil
	}
	if in.Call == license.CallTime { // the time is for everybody: a card that comes along is not looked at
		return license.Answer{Verdict: license.VerdictOK, Code: string(decide.Fine)}, s.once(ctx, in, now)
	}
	if wrong := flaw(in.Request); wrong != "" {
		return malformed(wrong), nil
	}
	// A card key that cannot be one is looked for all the same, so that the answer takes
	// as long.
	key, _ := cardid.Parse(in.Card)
	t := &turn{s: s, in: in, now: now, hash: [32]byte(key.Hash()), slow: s.guesses.wait(limit.AddrKey(in.IP.String()), now)}
	if err := t.prepare(ctx); err != nil {
		return license.Answer{}, err
	}
	done, err := t.quickly(ctx)
	if err == nil && !done {
		err = s.o.Journal.Group(ctx, func(tx *sql.Tx) error { return t.run(ctx, tx) })
	}
	if err != nil {
		return license.Answer{}, err
	}
	if t.unknown {
		return s.unknown(ctx, t), nil
	}
	if t.decision.Mismatch {
		if s.strangers.failed(ctx, t.card.ID, now) >= alarming {
			s.raise(ctx, store.Alarm{Kind: store.AlarmStrangers, Card: t.card.ID, Prefix: t.card.Prefix})
		}
	}
	return t.complete(ctx)
}

// unknown is the answer about a card that is none, and about any card to whoever guessed
// too often.
func (s *Service) unknown(ctx context.Context, t *turn) license.Answer {
	wait := t.slow
	if wait <= 0 {
		address := limit.AddrKey(t.in.IP.String())
		if wait = s.guesses.failed(ctx, address, t.now); wait >= alarming {
			s.raise(ctx, store.Alarm{Kind: store.AlarmGuesses, IP: address})
		}
	}
	if wait <= 0 {
		return refused(string(decide.CardUnknown))
	}
	return later(wait)
}

// raise notes an alarm about who has to wait for long. That it cannot be noted is ours: the
// answer stays the same.
func (s *Service) raise(ctx context.Context, a store.Alarm) {
	a.Count = waitsBefore(alarming)
	err := s.o.Journal.Group(ctx, func(tx *sql.Tx) error { return s.o.Raise(ctx, tx, a) })
	if err != nil {
		s.o.Log.ErrorContext(ctx, "an alarm was not noted", "kind", a.Kind, "err", err)
	}
}

func later(wait time.Duration) license.Answer {
	a := refused(TooMany)
	a.RetryAfter = int(wait.Seconds()) + 1
	return a
}

// Malformed is the answer to what is no message, or one that was sent elsewhere, with a
// sentence that says what is wrong.
func (s *Service) Malformed(wrong string) license.Answer {
	a := malformed(wrong)
	a.Time = s.o.Now().UnixMilli()
	return a
}

func malformed(wrong string) license.Answer {
	a := refused(Malformed)
	a.Detail = "The request is not of the format. " + wrong
	return a
}

// once notes a sealed request that touches no card.
func (s *Service) once(ctx context.Context, in Incoming, now time.Time) error {
	if in.Once == nil {
		return nil
	}
	return s.o.Journal.Group(ctx, func(tx *sql.Tx) error { return s.note(ctx, tx, in, now) })
}

// note fails for a sealed request that was answered before.
func (s *Service) note(ctx context.Context, tx *sql.Tx, in Incoming, now time.Time) error {
	if in.Once == nil {
		return nil
	}
	fresh, err := s.o.Store.Once(ctx, tx, in.Once, now.Add(remembered))
	if err == nil && !fresh {
		return ErrReplay
	}
	return err
}

func refused(code string) license.Answer {
	return license.Answer{Verdict: license.VerdictRefused, Code: code}
}

// Bounds of what a request holds, in bytes.
const (
	maxText  = 200
	minNonce = 16
	maxNonce = 64
)

// flaw is a sentence with what breaks the format of a message, empty if nothing does.
func flaw(r license.Request) string {
	if len(r.Nonce) < minNonce || len(r.Nonce) > maxNonce {
		return fmt.Sprintf("The nonce has %d bytes, and not %d to %d.", len(r.Nonce), minNonce, maxNonce)
	}
	if err := fingerprint.Components(r.Fingerprint).Check(); err != nil {
		return "Of the fingerprint: " + err.Error() + "."
	}
	for _, f := range [...]struct{ name, text string }{{"call", r.Call}, {"card", r.Card}, {"version", r.Version}, {"handshake_key", r.HandshakeKey},
		{"module", r.Module}, {"function", r.Function}, {"sdk", r.SDK}, {"product", r.Product}} {
		if len(f.text) > maxText || !utf8.ValidString(f.text) || strings.ContainsFunc(f.text, unicode.IsControl) {
			return fmt.Sprintf("The field %s has more than %d bytes, or a control character.", f.name, maxText)
		}
	}
	if r.Device != nil && (len(r.Device.Sign) != ed25519.PublicKeySize || len(r.Device.Seal) != x25519Size) {
		return "The keys sign and seal of the device have 32 bytes each."
	}
	return ""
}

// policyAt is the rules of a card as of a revision, or as they are by now.
func (s *Service) policyAt(ctx context.Context, id string, revision int64) (policy.Policy, error) {
	if p, known := s.rules.at(id, revision); known {
		return p, nil
	}
	return s.policyOf(ctx, id)
}

// policyOf reads the rules of a card.
func (s *Service) policyOf(ctx context.Context, id string) (policy.Policy, error) {
	row, err := s.o.Store.Policy(ctx, id)
	if err != nil {
		return policy.Policy{}, err
	}
	return s.rules.of(row)
}
