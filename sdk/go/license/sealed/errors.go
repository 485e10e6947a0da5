package sealed

import "errors"

// What can be wrong with a message. The text around an error says more.
var (
	// ErrFormat says that a message is not of this format, or out of its bounds.
	ErrFormat = errors.New("the message is not of this format")
	// ErrKey says that a message names a key that is not known, or not of use now.
	ErrKey = errors.New("the key of the message is not known")
	// ErrOpen says that a message does not open: it was sealed under another key,
	// for another path or product, as the answer to another request, or was changed.
	ErrOpen = errors.New("the message does not open")
	// ErrNoProof says that a request brings no proof of a device key.
	ErrNoProof = errors.New("the request brings no proof of its device key")
	// ErrSignature says that a signature is missing or wrong.
	ErrSignature = errors.New("the signature does not verify")
)

// What can be wrong with a configuration that its root key signed.
var (
	// ErrProduct says that it is one for another product.
	ErrProduct = errors.New("the configuration is for another product")
	// ErrOlder says that a newer one is known already.
	ErrOlder = errors.New("the configuration is older than the one in use")
	// ErrExpired says that its time is over.
	ErrExpired = errors.New("the configuration has expired")
)
