// Package factor keeps what an account has besides its password: an
// authenticator app (TOTP, RFC 6238), passkeys (WebAuthn) and, for the day when
// those are lost, recovery codes.
//
// Whatever shows who somebody is works once: a time step, a recovery code, the
// answer of a passkey.
package factor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"guildhall/identity/internal/session"
	"guildhall/identity/internal/store"
	"guildhall/identity/internal/throttle"
	"guildhall/platform/audit"
	"guildhall/platform/fault"
	"guildhall/platform/seal"
)

// Bounds.
const (
	// MaxPasskeys is how many passkeys an account can have.
	MaxPasskeys = 20
	// MaxNameLen is how long the name of a passkey can be, in characters.
	MaxNameLen = 64
	// RecoveryCodes is how many codes MakeRecovery makes.
	RecoveryCodes = 10
	// StateLife is how long a passkey's owner has between Begin and Finish: the
	// Max-Age of the cookie that holds the state.
	StateLife = 5 * time.Minute
	// EnrolLife is how long the secret of an authenticator waits for its first
	// code.
	EnrolLife = 15 * time.Minute
)

var (
	// ErrCode is for a code of the authenticator that is wrong, or not that of
	// this moment.
	ErrCode = fault.New(fault.Invalid, "factor_code_wrong", "The code is wrong or no longer shown. Enter the one that your authenticator shows now; if it stays wrong, compare the clock of that device.")
	// ErrCodeUsed is for a code that was accepted once.
	ErrCodeUsed = fault.New(fault.Invalid, "factor_code_used", "This code was used already. Wait for the next one, which comes within 30 seconds.")
	// ErrRecovery is for a recovery code that is wrong or used.
	ErrRecovery = fault.New(fault.Invalid, "factor_recovery_wrong", "The recovery code is wrong or was used already. Try another one of your list.")
	// ErrNoTOTP says that the account has no authenticator.
	ErrNoTOTP = fault.New(fault.NotFound, "factor_totp_none", "No authenticator is set up for this account.")
	// ErrTOTPExists says that the account has an authenticator already.
	ErrTOTPExists = fault.New(fault.Conflict, "factor_totp_exists", "An authenticator is set up already. Remove it before you set up another.")
	// ErrTOTPOver says that no authenticator waits for its first code any more.
	ErrTOTPOver = fault.New(fault.Gone, "factor_totp_over", "Setting up the authenticator took too long. Begin again with a new picture.")
	// ErrNoFactor says that recovery codes would recover nothing.
	ErrNoFactor = fault.New(fault.Conflict, "factor_none", "Recovery codes stand in for an authenticator or a passkey. Set up one of these first.")
	// ErrPasskey is for every answer that is not that of a known passkey to a
	// question that was asked just now. The cause is for the log.
	ErrPasskey = fault.New(fault.Invalid, "factor_passkey_refused", "The passkey was not accepted: it is not known here, or its answer came too late or twice. Try again, or use another way.")
	// ErrPasskeySuspected is for a passkey that seems to exist twice.
	ErrPasskeySuspected = fault.New(fault.Invalid, "factor_passkey_suspected", "The passkey was not accepted, because it looks like a copy of one that was used elsewhere. Sign in another way and remove it.")
	// ErrNoPasskey says that the account has no passkey, or not this one.
	ErrNoPasskey = fault.New(fault.NotFound, "factor_passkey_none", "There is no such passkey. It may have been removed; load the page again.")
	// ErrPasskeyExists says that a passkey is known already.
	ErrPasskeyExists = fault.New(fault.Conflict, "factor_passkey_exists", "This passkey is known here already.")
	// ErrTooMany says that the account has MaxPasskeys.
	ErrTooMany = fault.New(fault.Conflict, "factor_passkeys_many", "An account can have %d passkeys. Remove one that you no longer use.", MaxPasskeys)
)

// onCode is a refusal that a page shows beside the field "code".
func onCode(f *fault.Error) error {
	c := *f
	c.Fields = []fault.Field{{Name: "code", Code: f.Code, Detail: f.Detail}}
	return &c
}

// Owner is whose factors they are, as an authenticator shows it.
type Owner struct {
	// Account is the id, Email and Name are what its owner recognizes.
	Account, Email, Name string
	// Session is the id of the session that adds something: it must live when that is
	// written, so that nothing is added at the moment when all sessions are ended.
	Session string
}

// Factors are what an account has besides its password.
type Factors struct {
	// TOTP says whether an authenticator is set up and confirmed.
	TOTP bool
	// TOTPSince is since when; zero without one.
	TOTPSince time.Time
	// Passkeys is how many passkeys there are.
	Passkeys int
	// Recovery is how many recovery codes are left.
	Recovery int
}

// Any says whether a sign-in with the password needs a second factor.
func (f Factors) Any() bool { return f.TOTP || f.Passkeys > 0 }

// Options is what a Desk needs; all of it.
type Options struct {
	Store   *store.Store
	Journal *audit.Journal
	Gate    *throttle.Gate
	// Sessions knows which sessions live.
	Sessions *session.Desk
	// Key seals the secrets of authenticators and the states of passkeys.
	Key seal.Key
	// Domain is the relying party's id: the registrable parent of identity's host,
	// for which a passkey is good.
	Domain string
	// Origin is identity's public address, the only place where a passkey may be
	// asked for: "https://identity.example.com".
	Origin string
	// Product names the installation in authenticators.
	Product string
	Now     func() time.Time
}

// Desk sets up, checks and removes factors. It is safe for concurrent use.
type Desk struct {
	store    *store.Store
	journal  *audit.Journal
	gate     *throttle.Gate
	sessions *session.Desk
	key      seal.Key
	product  string
	passkeys *webauthn.WebAuthn
	clock    func() time.Time
}

// New makes a desk; the error says what is wrong with Domain or Origin.
func New(o Options) (*Desk, error) {
	w, err := webauthn.New(&webauthn.Config{
		RPID: o.Domain, RPDisplayName: o.Product, RPOrigins: []string{strings.TrimSuffix(o.Origin, "/")},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout(), Registration: timeout()},
		// Some password managers answer what nobody asked; none of it is used.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys for %s at %s: %w", o.Domain, o.Origin, err)
	}
	return &Desk{store: o.Store, journal: o.Journal, gate: o.Gate, sessions: o.Sessions, key: o.Key, product: o.Product, passkeys: w, clock: o.Now}, nil
}

func timeout() webauthn.TimeoutConfig {
	return webauthn.TimeoutConfig{Timeout: StateLife, TimeoutUVD: StateLife}
}

// now is the clock as the database keeps it.
func (d *Desk) now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

// Has says what factors the account has.
func (d *Desk) Has(ctx context.Context, account string) (Factors, error) {
	n, err := d.store.Factors(ctx, account)
	if err != nil {
		return Factors{}, err
	}
	return Factors{TOTP: !n.TOTPSince.IsZero(), TOTPSince: n.TOTPSince, Passkeys: n.Passkeys, Recovery: n.Recovery}, nil
}
