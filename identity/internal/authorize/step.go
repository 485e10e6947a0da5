package authorize

import (
	"slices"
	"time"

	"guildhall/identity/internal/client"
	"guildhall/identity/internal/oauth"
	"guildhall/identity/internal/session"
	"guildhall/platform/audit"
)

// Kind is what comes next.
type Kind int

// The kinds of steps, in the order in which they are asked for.
const (
	// SignIn: nobody is signed in, or with Step.Switch somebody else than the
	// application wants.
	SignIn Kind = iota + 1
	// ChangePassword: a password that somebody else gave comes first.
	ChangePassword
	// Enrol: a second factor, which the account needs and has not, comes first.
	Enrol
	// Choose: the person says which account to go on with.
	Choose
	// Confirm: the person shows again who it is.
	Confirm
	// StepUp: the person shows more surely who it is, by a second factor.
	StepUp
	// Consent: the person allows or denies what is asked for.
	Consent
	// Done: there is an answer.
	Done
)

// Step is what a request waits for.
type Step struct {
	Kind    Kind
	Request *Request
	Client  *client.Client
	// Scopes are, with Consent, those that were not allowed before.
	Scopes oauth.Scopes
	// Local says, with Consent, that another program on the person's device could be
	// asking in the application's place.
	Local bool
	// Switch says, with SignIn, that who is signed in is not who is wanted.
	Switch bool
	// Answer is there when it is Done.
	Answer Answer
}

// Visitor is who is signed in in the browser.
type Visitor struct {
	Account, Session string
	Level            session.Level
	Methods          []string
	AuthenticatedAt  time.Time
	// CanStepUp says that the account has a second factor.
	CanStepUp bool
	// MustChange says that its password is one that somebody else gave.
	MustChange bool
	// MustEnrol says that it needs a second factor and has none.
	MustEnrol bool
	By        audit.Caller
}

// ACR is how surely a session of the level knows who it is.
func ACR(level session.Level) string {
	if level >= session.Strong {
		return oauth.ACRStrong
	}
	return oauth.ACRPassword
}

// AMR is how somebody showed who it is, in the words of RFC 8176.
func AMR(level session.Level, methods []string) []string {
	var list []string
	for _, m := range methods {
		for _, word := range references[m] {
			if !slices.Contains(list, word) {
				list = append(list, word)
			}
		}
	}
	if level >= session.Strong {
		list = append(list, "mfa")
	}
	return list
}

// A passkey is a key that its owner was asked for; a recovery code is a password
// that works once.
var references = map[string][]string{
	session.MethodPassword: {"pwd"},
	session.MethodTOTP:     {"otp"},
	session.MethodRecovery: {"otp"},
	session.MethodPasskey:  {"pop", "user"},
}
