package offline

import (
	"errors"
	"fmt"
)

// Code says why something was refused. Codes are stable.
type Code string

// Why a licence, a request, a key or a code is refused.
const (
	// Malformed: the text is no licence, or was damaged on its way.
	Malformed Code = "malformed"
	// KeyUnknown: signed by a key that the program does not trust.
	KeyUnknown Code = "key_unknown"
	// SignatureWrong: changed after it was signed, or never signed by that key.
	SignatureWrong Code = "signature_wrong"
	// VersionUnknown: the claims are of a later version of the format.
	VersionUnknown Code = "version_unknown"
	// ClaimsWrong: signed, but it breaks the format's rules.
	ClaimsWrong Code = "claims_wrong"
	// ProductOther: a licence for another product.
	ProductOther Code = "product_other"
	// NotYetValid and Expired: outside the time of the licence.
	NotYetValid Code = "not_yet_valid"
	Expired     Code = "expired"
	// ReleaseOutside: the program's version is not one of the licence's.
	ReleaseOutside Code = "release_outside"
	// ModuleMissing: the licence does not have the module.
	ModuleMissing Code = "module_missing"
	// TooManyUsers: more users than the licence allows.
	TooManyUsers Code = "too_many_users"
	// MachineOther: none of the licence's nodes is this machine.
	MachineOther Code = "machine_other"
	// NotSaid: the licence limits something that the program did not say of itself.
	NotSaid Code = "not_said"
	// SecretMissing: the licence has no confidential part for this key or code.
	SecretMissing Code = "secret_missing"
	// SecretClosed: the confidential part does not open with this key or code.
	SecretClosed Code = "secret_closed"
	// CodeTypo: a code that cannot be right: somebody mistyped it.
	CodeTypo Code = "code_typo"
	// KeyFile: the file of the install key is damaged or others can read it.
	KeyFile Code = "key_file"
	// RequestWrong: a request that cannot be read.
	RequestWrong Code = "request_wrong"
	// ClockBack: the clock was set back, for longer than is tolerated. Package clock
	// says so, and the next two.
	ClockBack Code = "clock_back"
	// RunOut: the program has run the hours that the licence is for.
	RunOut Code = "run_out"
	// StateUnwritable: what is known of the clock cannot be kept.
	StateUnwritable Code = "state_unwritable"
)

// Error is a refusal. Its text is a sentence for the operator.
type Error struct {
	Code Code
	Text string
}

func (e *Error) Error() string { return e.Text }

// CodeOf is the code of a refusal, "" for any other error.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

func refuse(code Code, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// Problem is what is wrong with one field of a request or of claims.
type Problem struct {
	// Field is where: "nodes[1].public_key".
	Field string `json:"field"`
	// Code is "missing", "malformed", "too_many" or "mismatch".
	Code string `json:"code"`
	// Detail is a sentence.
	Detail string `json:"detail"`
}

// problems collects them.
type problems []Problem

func (p *problems) add(wrong bool, field, code, format string, args ...any) {
	if wrong {
		*p = append(*p, Problem{field, code, fmt.Sprintf(format, args...)})
	}
}
