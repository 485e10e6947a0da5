package peer

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Bounds of what travels between the authority and a subscriber.
const (
	// MaxBatch is the number of revocations in one update.
	MaxBatch = 256
	// maxUpdate is the length of one encoded update in bytes.
	maxUpdate = 64 << 10
	// maxList is the number of revocations that a subscriber holds.
	maxList = 1 << 21
)

// Update is one message of the authority. A snapshot is an update with a Base,
// updates with revocations, and a head; afterwards each revocation comes with a
// new head. Revocations count only once a signed head covers them.
type Update struct {
	// Base starts a snapshot.
	Base        *Base        `json:"base,omitempty"`
	Revocations []Revocation `json:"revocations,omitempty"`
	// Head is what Head.Sign returned.
	Head []byte `json:"head,omitempty"`
}

// Base is the point that a snapshot starts from: the chain hash at a sequence
// number up to which everything has expired.
type Base struct {
	Sequence uint64 `json:"sequence"`
	Hash     Hash   `json:"hash"`
}

// MarshalText writes the hash in hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return fmt.Errorf("a hash has %d digits, this one %d", 2*len(h), len(text))
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("read hash: %w", err)
	}
	return nil
}

// ParseUpdate reads one encoded update and checks its bounds; signatures and
// hashes are checked when it is applied.
func ParseUpdate(line []byte) (Update, error) {
	var u Update
	if len(line) > maxUpdate {
		return u, fmt.Errorf("read update: longer than %d bytes", maxUpdate)
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&u); err != nil {
		return Update{}, fmt.Errorf("read update: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Update{}, errors.New("read update: more than one value on the line")
	}
	return u, u.check()
}

func (u Update) check() error {
	if len(u.Revocations) > MaxBatch {
		return fmt.Errorf("read update: %d revocations, at most %d", len(u.Revocations), MaxBatch)
	}
	if n := len(u.Head); n != 0 && n != signedHeadSize {
		return fmt.Errorf("read update: a head of %d bytes instead of %d", n, signedHeadSize)
	}
	for _, r := range u.Revocations {
		if _, err := parseSerial(r.Serial); err != nil {
			return fmt.Errorf("read update: revocation %d: %w", r.Seq, err)
		}
	}
	return nil
}
