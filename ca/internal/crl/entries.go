package crl

import (
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cb "golang.org/x/crypto/cryptobyte/asn1"
)

// entries are the revocations that the next list names, encoded. One list
// differs from the next by a few of them, and to read and encode all of them
// again would be most of the work of a long list.
type entries struct {
	mu   sync.Mutex
	upto int64 // the newest that was read
	list []entry
	der  []byte // theirs, one after another; what was handed out does not change
}

// entry is where a revocation ends.
type entry struct {
	seq, end int64 // in the sequence; of the certificate, in microseconds
	size     int   // in der
}

// drop forgets what the last list was the last one to name. The caller holds mu.
func (e *entries) drop(last state) {
	gone := func(x entry) bool { return x.end < last.thisUpdate.UnixMicro() && x.seq <= last.upto }
	var kept entries
	at := 0
	for i, x := range e.list {
		if gone(x) && kept.der == nil { // the first one: from here on nothing is where it was
			kept.list, kept.der = append(make([]entry, 0, len(e.list)), e.list[:i]...), append(make([]byte, 0, len(e.der)), e.der[:at]...)
		}
		if !gone(x) && kept.der != nil {
			kept.list, kept.der = append(kept.list, x), append(kept.der, e.der[at:at+x.size]...)
		}
		at += x.size
	}
	if kept.der != nil {
		e.list, e.der = kept.list, kept.der
	}
}

var reasonExtension = asn1.ObjectIdentifier{2, 5, 29, 21}

// add encodes a revocation (RFC 5280, section 5.1). The caller holds mu.
func (e *entries) add(x entry, serial string, reason int64, revoked time.Time) error {
	number, err := hex.DecodeString(serial)
	if err != nil {
		return fmt.Errorf("read serial %q: %w", serial, err)
	}
	b := cryptobyte.NewBuilder(e.der)
	b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cb.INTEGER, func(b *cryptobyte.Builder) { addUnsigned(b, number) })
		addTime(b, revoked.UTC())
		if reason == 0 { // unspecified is not said
			return
		}
		b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cb.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(reasonExtension)
				b.AddASN1(cb.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1Enum(reason) })
			})
		})
	})
	der, err := b.Bytes()
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	x.size = len(der) - len(e.der)
	e.list, e.der, e.upto = append(e.list, x), der, x.seq
	return nil
}

// addUnsigned is the content of an INTEGER.
func addUnsigned(b *cryptobyte.Builder, number []byte) {
	for len(number) > 0 && number[0] == 0 {
		number = number[1:]
	}
	if len(number) == 0 || number[0] >= 0x80 {
		b.AddUint8(0)
	}
	b.AddBytes(number)
}

// addTime is a Time as RFC 5280 wants it: UTCTime until the year 2049.
func addTime(b *cryptobyte.Builder, t time.Time) {
	if t.Year() < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
}
