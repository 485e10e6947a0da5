package offline

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
)

const (
	// header begins every PASETO v4.public.
	header = "v4.public."
	// purpose and the product are the implicit assertion: signed, not sent.
	purpose = "guildhall offline licence v1\n"
	// maxToken bounds a licence, maxFooter its footer, in bytes.
	maxToken  = 32 << 10
	maxFooter = 255
)

// token is a licence taken apart. Nothing of it is verified.
type token struct {
	claims, signature, footer []byte
}

// KeyID names an issuer's key: the first 8 bytes of its SHA-256 in hex.
func KeyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

func sign(claims []byte, product string, key ed25519.PrivateKey) token {
	public, _ := key.Public().(ed25519.PublicKey)
	t := token{claims: claims, footer: []byte(`{"kid":"` + KeyID(public) + `"}`)}
	t.signature = ed25519.Sign(key, t.signed(product))
	return t
}

// signed is what the signature is over.
func (t token) signed(product string) []byte {
	return preAuthEncode([]byte(header), t.claims, t.footer, []byte(purpose+product))
}

func (t token) verifies(product string, key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, t.signed(product), t.signature)
}

func (t token) String() string {
	return header + encode(append(append([]byte{}, t.claims...), t.signature...)) + "." + encode(t.footer)
}

// keyID is the key that the footer names.
func (t token) keyID() (string, error) {
	var footer struct {
		KeyID string `json:"kid"`
	}
	if err := json.Unmarshal(t.footer, &footer); err != nil || footer.KeyID == "" {
		return "", refuse(Malformed, "The licence does not say which key signed it: its footer is not {\"kid\":\"...\"}.")
	}
	return footer.KeyID, nil
}

// parseToken takes the text of a PASETO apart, white space already removed.
func parseToken(text string) (token, error) {
	rest, ok := strings.CutPrefix(text, header)
	if other := otherFile([]byte(text)); !ok && other != "" {
		return token{}, refuse(Malformed, "This is %s, and no licence.", other)
	}
	if !ok {
		return token{}, refuse(Malformed, "This is no licence: it begins neither with %q nor with %q.", header, "-----"+begin+"-----")
	}
	body, foot, ok := strings.Cut(rest, ".")
	if !ok {
		return token{}, refuse(Malformed, "The licence is cut: the part after its second point, which names the key, is missing. Copy it to its end.")
	}
	payload, err := decode(body)
	if err != nil {
		return token{}, refuse(Malformed, "The licence was damaged on its way: %s.", damage(body))
	}
	footer, err := decode(foot)
	if err != nil {
		return token{}, refuse(Malformed, "The end of the licence was damaged on its way: %s.", damage(foot))
	}
	return split(payload, footer)
}

// split is the token of a payload: the claims and, in its last 64 bytes, the signature.
func split(payload, footer []byte) (token, error) {
	at := len(payload) - ed25519.SignatureSize
	if at <= 0 || len(footer) > maxFooter {
		return token{}, refuse(Malformed, "The licence is too short to hold claims and a signature. Copy it from its beginning to its end.")
	}
	return token{payload[:at], payload[at:], footer}, nil
}

// damage says what of a text is no base64url.
func damage(text string) string {
	for _, r := range text {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", r) {
			return "it has the character " + string(r) + ", which no licence has"
		}
	}
	return "characters are missing"
}

// encode and decode are base64url without padding.
func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func decode(text string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(text) }

// preAuthEncode is PAE of PASETO: the number of the pieces, then each with its length
// before it, all numbers little-endian in 8 bytes.
func preAuthEncode(pieces ...[]byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(pieces)))
	for _, p := range pieces {
		out = append(binary.LittleEndian.AppendUint64(out, uint64(len(p))), p...)
	}
	return out
}
