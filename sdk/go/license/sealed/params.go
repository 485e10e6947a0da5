package sealed

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Bounds of messages, in bytes.
const (
	// MaxBody bounds the JSON of a request and of an answer.
	MaxBody = 256 << 10
	// MaxSealed bounds a body in whatever mode: the longest frame, and MaxBody.
	MaxSealed = MaxBody + hpkeHeader + x25519Len + answerFrame + tagLen

	maxParam = 1024
)

// Params say what a request is for. A message opens and verifies only for the
// same.
type Params struct {
	// Method and Path are those of the HTTP request: "POST", "/license/v1/validate".
	Method, Path string
	// Product is the identifier of the product.
	Product string
}

// CheckProduct says why nothing could be sealed for a product.
func CheckProduct(product string) error { return Params{"POST", "/", product}.check() }

// check finds what would be ambiguous in a signed text: its lines end with a
// line feed.
func (p Params) check() error {
	for _, f := range []struct{ name, value string }{{"method", p.Method}, {"path", p.Path}, {"product", p.Product}} {
		switch {
		case f.value == "":
			return fmt.Errorf("%w: its %s is empty", ErrFormat, f.name)
		case len(f.value) > maxParam:
			return fmt.Errorf("%w: its %s is longer than %d bytes", ErrFormat, f.name, maxParam)
		case strings.ContainsFunc(f.value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return fmt.Errorf("%w: its %s has a control character", ErrFormat, f.name)
		}
	}
	return nil
}

// aad is the additional data of a sealed message: its header, what it is for,
// and of an answer the hash of the request, each after its length in two bytes.
func (p Params) aad(header []byte, more ...[]byte) []byte {
	fields := append([][]byte{header, []byte(p.Method), []byte(p.Path), []byte(p.Product)}, more...)
	var out []byte
	for _, f := range fields {
		out = binary.BigEndian.AppendUint16(out, uint16(len(f))) //nolint:gosec // check bounds them
		out = append(out, f...)
	}
	return out
}

// checkBody bounds a JSON that is to be sent.
func checkBody(body []byte) error {
	if len(body) > MaxBody {
		return fmt.Errorf("%w: it has %d bytes and may have %d", ErrFormat, len(body), MaxBody)
	}
	return nil
}
