package oauth

import (
	"errors"
	"fmt"
	"net/url"
)

// The error codes of the protocol: RFC 6749, 4.1.2.1 and 5.2, and what the RFCs
// named beside them add.
const (
	InvalidRequest          = "invalid_request"
	InvalidClient           = "invalid_client"
	InvalidGrant            = "invalid_grant"
	UnauthorizedClient      = "unauthorized_client"
	UnsupportedGrantType    = "unsupported_grant_type"
	UnsupportedResponseType = "unsupported_response_type"
	InvalidScope            = "invalid_scope"
	AccessDenied            = "access_denied"
	ServerError             = "server_error"
	TemporarilyUnavailable  = "temporarily_unavailable"

	LoginRequired            = "login_required"                    // OpenID Connect Core, 3.1.2.6
	ConsentRequired          = "consent_required"                  // the same
	InteractionRequired      = "interaction_required"              // the same
	AccountSelectionRequired = "account_selection_required"        // the same
	RequestNotSupported      = "request_not_supported"             // the same
	RequestURINotSupported   = "request_uri_not_supported"         // the same
	RegistrationNotSupported = "registration_not_supported"        // the same
	InvalidRequestURI        = "invalid_request_uri"               // the same
	UnmetAuthentication      = "unmet_authentication_requirements" // OpenID Connect Core Error Code UNMET 1.0

	InvalidToken         = "invalid_token"          // RFC 6750, 3.1
	InsufficientScope    = "insufficient_scope"     // RFC 6750, 3.1
	UnsupportedTokenType = "unsupported_token_type" // RFC 7009, 2.2.1
	AuthorizationPending = "authorization_pending"  // RFC 8628, 3.5
	SlowDown             = "slow_down"              // RFC 8628, 3.5
	ExpiredToken         = "expired_token"          // RFC 8628, 3.5
	InvalidTarget        = "invalid_target"         // RFC 8707, 2
	InvalidDPoPProof     = "invalid_dpop_proof"     // RFC 9449, 5
)

// Error is what the protocol answers with. Anything else that fails is
// ServerError to the client, and told in the log alone.
type Error struct {
	// Code is one of the constants.
	Code string
	// Description is an English sentence for the client's developer: what was
	// wrong and what to do. It has only characters that RFC 6749 allows there.
	Description string
	cause       error
}

// NewError makes an error.
func NewError(code, format string, args ...any) *Error {
	return &Error{Code: code, Description: describe(fmt.Sprintf(format, args...))}
}

// Because returns a copy whose cause is err. The cause is for the log alone.
func (e *Error) Because(err error) *Error {
	c := *e
	c.cause = err
	return &c
}

// Error is the code and the description.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is matches by code and description, so that a package can export a sentinel.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Description == e.Description
}

// Values are the parameters "error" and "error_description".
func (e *Error) Values() url.Values {
	v := url.Values{"error": {e.Code}}
	if e.Description != "" {
		v.Set("error_description", e.Description)
	}
	return v
}

// AsError is the protocol's error in err. What is none becomes ServerError, with
// err as its cause; ours says so.
func AsError(err error) (e *Error, ours bool) {
	if errors.As(err, &e) {
		return e, false
	}
	return NewError(ServerError, "Something failed here. Try again; if it stays, the log of the server says why.").Because(err), true
}

// describe replaces what RFC 6749 does not allow in error_description.
func describe(text string) string {
	out := []byte(text)
	for i, c := range out {
		switch {
		case c == '"' || c == '\\':
			out[i] = '\''
		case c < ' ' || c > '~':
			out[i] = '?'
		}
	}
	return string(out)
}
