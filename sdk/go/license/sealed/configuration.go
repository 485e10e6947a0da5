package sealed

import (
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	configurationVersion = 1
	maxConfiguration     = 64 << 10
	maxListed            = 32
	maxSerial            = 1<<53 - 1 // what every JSON parser keeps exact
)

// Configuration is what a client must know of its server and what changes: keys
// and addresses. It is signed by the root key that the vendor pins in his program.
type Configuration struct {
	Version int    `json:"v"`
	Product string `json:"product"`
	// Serial grows with each configuration of a product.
	Serial    uint64    `json:"serial"`
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
	// AnswerKeys are of Ed25519, HPKEKeys of X25519.
	AnswerKeys []PublicKey `json:"answer_keys"`
	HPKEKeys   []PublicKey `json:"hpke_keys"`
	// Addresses are base URLs of the server, the preferred first.
	Addresses []string `json:"addresses"`
}

// PublicKey is a key of the server and the time of its use.
type PublicKey struct {
	ID        KeyID     `json:"id"`
	Public    KeyBytes  `json:"public"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

// KeyBytes are the 32 bytes of a public key, in JSON as base64url.
type KeyBytes [32]byte

// MarshalText writes base64url.
func (k KeyBytes) MarshalText() ([]byte, error) { return []byte(text64(k[:])), nil }

// UnmarshalText reads base64url.
func (k *KeyBytes) UnmarshalText(text []byte) error {
	return read64(k[:], string(text), "a public key")
}

// Pin is what a client knows beforehand: the root key and the product that are
// built into its program, and the serial of the configuration that it has (0 for
// none).
type Pin struct {
	Root    ed25519.PublicKey
	Product string
	Serial  uint64
}

// SignConfiguration is the text of a configuration, signed by the root key.
// Times are cut to seconds.
func SignConfiguration(root ed25519.PrivateKey, c Configuration) (string, error) {
	c.Version = configurationVersion
	c.IssuedAt, c.ExpiresAt = whole(c.IssuedAt), whole(c.ExpiresAt)
	c.AnswerKeys, c.HPKEKeys = wholeKeys(c.AnswerKeys), wholeKeys(c.HPKEKeys)
	if err := c.check(); err != nil {
		return "", err
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signature, err := sign(root, append([]byte(purposeConfiguration), payload...))
	if err != nil {
		return "", err
	}
	text := text64(payload) + "." + text64(signature)
	if len(text) > maxConfiguration {
		return "", fmt.Errorf("%w: the configuration has %d bytes and may have %d", ErrFormat, len(text), maxConfiguration)
	}
	return text, nil
}

// OpenConfiguration reads a text that SignConfiguration made, and looks into it
// only when the root key signed it.
func OpenConfiguration(pin Pin, text string, now time.Time) (Configuration, error) {
	text = strings.TrimSpace(text)
	first, second, found := strings.Cut(text, ".")
	if !found || len(text) > maxConfiguration {
		return Configuration{}, fmt.Errorf("%w: a configuration is two parts with a dot between, at most %d bytes", ErrFormat, maxConfiguration)
	}
	payload, ok := parse64(first)
	if !ok {
		return Configuration{}, fmt.Errorf("%w: the first part of a configuration is base64url", ErrFormat)
	}
	signature := make([]byte, ed25519.SignatureSize)
	if err := read64(signature, second, "the signature of a configuration"); err != nil {
		return Configuration{}, err
	}
	if err := verify(pin.Root, append([]byte(purposeConfiguration), payload...), signature); err != nil {
		return Configuration{}, fmt.Errorf("the configuration: %w", err)
	}
	var c Configuration
	if err := json.Unmarshal(payload, &c); err != nil {
		return Configuration{}, fmt.Errorf("%w: the configuration: %w", ErrFormat, err)
	}
	if err := c.check(); err != nil {
		return Configuration{}, err
	}
	switch {
	case c.Product != pin.Product:
		return Configuration{}, fmt.Errorf("%w: %q and not %q", ErrProduct, c.Product, pin.Product)
	case c.Serial < pin.Serial:
		return Configuration{}, fmt.Errorf("%w: it has serial %d, and %d is known", ErrOlder, c.Serial, pin.Serial)
	case !now.Before(c.ExpiresAt):
		return Configuration{}, fmt.Errorf("%w on %s", ErrExpired, c.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return c, nil
}

// AnswersAt finds the keys that may sign answers at a time. At the zero time
// all listed may: only the call by which a client with a wrong clock asks for
// the right time is made so.
func (c Configuration) AnswersAt(now time.Time) AnswerKeys {
	return func(id KeyID) (ed25519.PublicKey, error) {
		for _, k := range c.AnswerKeys {
			if k.ID == id && (now.IsZero() || k.validAt(now)) {
				return k.Public[:], nil
			}
		}
		return nil, fmt.Errorf("%w: no answer key of configuration %d is %s", ErrKey, c.Serial, id)
	}
}

// HPKEKeyAt is the newest key to seal to at a time.
func (c Configuration) HPKEKeyAt(now time.Time) (PublicKey, error) {
	valid := slices.DeleteFunc(slices.Clone(c.HPKEKeys), func(k PublicKey) bool { return !k.validAt(now) })
	if len(valid) == 0 {
		return PublicKey{}, fmt.Errorf("%w: configuration %d lists none for the mode hpke at this time", ErrKey, c.Serial)
	}
	return slices.MaxFunc(valid, func(a, b PublicKey) int { return a.NotBefore.Compare(b.NotBefore) }), nil
}

func (k PublicKey) validAt(now time.Time) bool {
	return !now.Before(k.NotBefore) && now.Before(k.NotAfter)
}

// check says what cannot be in a configuration.
func (c Configuration) check() error {
	var wrong error
	switch {
	case c.Version != configurationVersion:
		wrong = fmt.Errorf("it has version %d; this program knows %d", c.Version, configurationVersion)
	case c.Product == "":
		wrong = errors.New("it names no product")
	case c.Serial == 0 || c.Serial > maxSerial:
		wrong = fmt.Errorf("its serial is not from 1 to %d", maxSerial)
	case !c.IssuedAt.Before(c.ExpiresAt):
		wrong = errors.New("it expires before it is issued")
	case len(c.AnswerKeys) == 0:
		wrong = errors.New("it lists no answer key")
	case len(c.AnswerKeys) > maxListed || len(c.HPKEKeys) > maxListed || len(c.Addresses) > maxListed:
		wrong = fmt.Errorf("it lists more than %d of something", maxListed)
	default:
		wrong = cmp.Or(checkKeys(c.AnswerKeys), checkKeys(c.HPKEKeys), CheckAddresses(c.Addresses))
	}
	if wrong != nil {
		return fmt.Errorf("%w: the configuration: %w", ErrFormat, wrong)
	}
	return nil
}

func checkKeys(keys []PublicKey) error {
	seen := map[KeyID]bool{}
	for _, k := range keys {
		if seen[k.ID] {
			return fmt.Errorf("two keys have the id %s", k.ID)
		}
		if !k.NotBefore.Before(k.NotAfter) {
			return fmt.Errorf("the time of key %s ends before it begins", k.ID)
		}
		seen[k.ID] = true
	}
	return nil
}

// CheckAddresses says which of them is no base URL of a server.
func CheckAddresses(addresses []string) error {
	for _, a := range addresses {
		u, err := url.Parse(a)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return fmt.Errorf("the address %q is not a base URL such as https://license.example.com", a)
		}
	}
	return nil
}

func whole(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

func wholeKeys(keys []PublicKey) []PublicKey {
	out := make([]PublicKey, len(keys)) // never nil: the JSON has lists
	for i, k := range keys {
		k.NotBefore, k.NotAfter = whole(k.NotBefore), whole(k.NotAfter)
		out[i] = k
	}
	return out
}
