package license

import (
	"slices"
	"time"
)

// The calls of a client.
const (
	CallActivate  = "activate"  // binds the card to this machine
	CallValidate  = "validate"  // may the program run?
	CallHeartbeat = "heartbeat" // it is still running
	CallOpen      = "open"      // validate, and the handshake key
	CallFunction  = "function"  // runs a function on the server
	CallFiles     = "files"     // lists what may be downloaded
	CallTime      = "time"      // the server's signed time
)

// Request is what a client sends, the same over all transports.
type Request struct {
	// Call is one of the calls, Product the product's code, Card the card's key.
	Call    string `json:"call"`
	Product string `json:"product"`
	Card    string `json:"card,omitempty"`
	// Time is the client's, in milliseconds since 1970 UTC; Nonce is random, of 16 to 64
	// characters, so that no two requests are the same.
	Time  int64  `json:"time"`
	Nonce string `json:"nonce"`
	// Fingerprint are the digests of the machine's components (package fingerprint).
	Fingerprint map[string]string `json:"fingerprint,omitempty"`
	// Device are the keys of this installation.
	Device *Device `json:"device,omitempty"`
	// Version is that of the program, HandshakeKey the id that stands in its data; empty:
	// the current key of the version, or of the newest.
	Version      string `json:"version,omitempty"`
	HandshakeKey string `json:"handshake_key,omitempty"`
	// Module is the part of the product that wants to run, Function the one to call, and
	// Input what it gets: at most MaxInput bytes.
	Module   string `json:"module,omitempty"`
	Function string `json:"function,omitempty"`
	Input    []byte `json:"input,omitempty"`
	// SDK says what wrote the request: "go/1".
	SDK string `json:"sdk,omitempty"`
}

// Bounds of what a function on the server gets and gives, in bytes: with both in base64 a
// message still has room for all else.
const (
	MaxInput  = 128 << 10
	MaxOutput = 128 << 10
)

// Device is the public keys that an installation makes once and keeps.
type Device struct {
	// Sign (Ed25519) verifies the proof that comes with each request; handshake keys are
	// sealed to Seal (X25519).
	Sign []byte `json:"sign"`
	Seal []byte `json:"seal"`
}

// The verdicts.
const (
	VerdictOK        = "ok"
	VerdictActivated = "activated" // ok, and the card's first use
	VerdictRefused   = "refused"
)

// Answer is what the server says, the same over all transports. It is signed.
type Answer struct {
	Verdict string `json:"verdict"`
	// Code says why; codes are stable. Detail is an English sentence.
	Code   string `json:"code"`
	Detail string `json:"detail,omitempty"`
	// Time is the server's, in milliseconds since 1970 UTC.
	Time int64 `json:"time"`
	// Mode is "run" or "read_only"; empty when refused.
	Mode string `json:"mode,omitempty"`
	// ExpiresAt is the card's end (nil: none), GraceUntil until when it goes on after it,
	// LeaseUntil until when the program may go on without the server.
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	GraceUntil *time.Time `json:"grace_until,omitempty"`
	LeaseUntil *time.Time `json:"lease_until,omitempty"`
	// Heartbeat is how many seconds lie between heartbeats; 0: none are asked for.
	Heartbeat int `json:"heartbeat,omitempty"`
	// Environment is the id of this machine's binding.
	Environment string   `json:"environment,omitempty"`
	Modules     []string `json:"modules,omitempty"`
	// Changed are the components that are others than enrolled.
	Changed []string `json:"changed,omitempty"`
	// Handshake is the key of "open".
	Handshake *Handshake `json:"handshake,omitempty"`
	// Output is what the function of a call "function" wrote.
	Output []byte `json:"output,omitempty"`
	// Files are those of "files", the newest release first; FilesMore says that there are
	// others, which a version names.
	Files     []File `json:"files,omitempty"`
	FilesMore bool   `json:"files_more,omitempty"`
	// NextPSK is the shared key to use from now on, where the request came sealed by the
	// key of a kit or by one that another has followed.
	NextPSK *SealedPSK `json:"next_psk,omitempty"`
	// RetryAfter is how many seconds to wait, when there were too many requests.
	RetryAfter int `json:"retry_after,omitempty"`
}

// Allows says whether a part of the product may run.
func (a Answer) Allows(module string) bool {
	return slices.Contains(a.Modules, module) || slices.Contains(a.Modules, "*")
}

// File is a file of a release. It is downloaded with a GET of PathFiles, with the
// ticket as its parameter, below one of the server's addresses: whole or by a range of
// bytes.
type File struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Name    string `json:"name"`
	// Size is in bytes, SHA256 64 hexadecimal digits.
	Size      int64     `json:"size"`
	SHA256    string    `json:"sha256"`
	MediaType string    `json:"media_type"`
	MadeAt    time.Time `json:"made_at"`
	// Ticket opens the download until TicketUntil, to whoever has it.
	Ticket      string    `json:"ticket"`
	TicketUntil time.Time `json:"ticket_until"`
}

// Handshake is a handshake key that only the device can open: HPKE (RFC 9180, base mode,
// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM) to Device.Seal, with
// HandshakeInfo as info and the card's environment and ID, joined by a line feed, as aad.
type Handshake struct {
	ID         string `json:"id"`
	Enc        []byte `json:"enc"`
	Ciphertext []byte `json:"ciphertext"`
}

// HandshakeInfo is the info of a Handshake.
const HandshakeInfo = "guildhall license handshake v1"

// SharedKey is a key of the transport psk.
type SharedKey struct {
	ID  string    `json:"id"` // 16 hexadecimal digits
	Key []byte    `json:"key"`
	To  time.Time `json:"to,omitzero"` // until when it is used; zero: until it is ended by hand
}

// SealedPSK is a SharedKey that only the device can open, so that the key of a kit opens
// none of what follows: HPKE as in Handshake, with NextPSKInfo as info and the product's
// code and ID, joined by a line feed, as aad.
type SealedPSK struct {
	ID         string    `json:"id"`
	To         time.Time `json:"to"`
	Enc        []byte    `json:"enc"`
	Ciphertext []byte    `json:"ciphertext"`
}

// NextPSKInfo is the info of a SealedPSK.
const NextPSKInfo = "guildhall license shared key v1"
