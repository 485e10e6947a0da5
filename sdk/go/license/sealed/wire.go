package sealed

import (
	"fmt"
	"mime"
	"net/http"
)

// Mode is a way to carry messages.
type Mode string

// The modes.
const (
	HTTPS Mode = "https"
	PSK   Mode = "psk"
	HPKE  Mode = "hpke"
)

// The media types of the modes.
const (
	TypeHTTPS = "application/json"
	TypePSK   = "application/vnd.guildhall.psk"
	TypeHPKE  = "application/vnd.guildhall.hpke"
)

// The headers of the mode https.
const (
	HeaderProof     = "Guildhall-Proof"
	HeaderKey       = "Guildhall-Key"
	HeaderSignature = "Guildhall-Signature"
)

// Wire is a message as HTTP carries it: a body, and in the mode https what
// stands in headers. A request has a Proof or none, an answer the other two.
type Wire struct {
	Mode                  Mode
	Body                  []byte
	Proof, Key, Signature string
}

// ReadWire takes a message from an HTTP request or answer whose body has been
// read, at most MaxSealed bytes of it.
func ReadWire(h http.Header, body []byte) (Wire, error) {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return Wire{}, fmt.Errorf("%w: its media type cannot be read", ErrFormat)
	}
	switch media {
	case TypeHTTPS:
		return Wire{HTTPS, body, h.Get(HeaderProof), h.Get(HeaderKey), h.Get(HeaderSignature)}, nil
	case TypePSK:
		return Wire{Mode: PSK, Body: body}, nil
	case TypeHPKE:
		return Wire{Mode: HPKE, Body: body}, nil
	}
	return Wire{}, fmt.Errorf("%w: no mode has the media type %q", ErrFormat, media)
}

// SetHeader writes the headers of the message, all but its length.
func (w Wire) SetHeader(h http.Header) {
	h.Set("Content-Type", map[Mode]string{HTTPS: TypeHTTPS, PSK: TypePSK, HPKE: TypeHPKE}[w.Mode])
	for name, value := range map[string]string{HeaderProof: w.Proof, HeaderKey: w.Key, HeaderSignature: w.Signature} {
		if value != "" {
			h.Set(name, value)
		}
	}
}
