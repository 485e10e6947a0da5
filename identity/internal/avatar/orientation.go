package avatar

import (
	"bytes"
	"encoding/binary"
	"image"
)

// orientation is how a JPEG wants to be held: the tag of that name in its Exif part,
// 1 to 8 (Exif 2.3, 4.6.4). It is 1, as it lies, for whatever cannot be read.
func orientation(data []byte) int {
	const start, app1, scan = 2, 0xe1, 0xda
	if !bytes.HasPrefix(data, []byte("\xff\xd8")) {
		return 1
	}
	for rest := data[start:]; len(rest) >= 4 && rest[0] == 0xff && rest[1] != scan; {
		length := int(binary.BigEndian.Uint16(rest[2:]))
		if length < 2 || 2+length > len(rest) {
			return 1
		}
		if part, ok := bytes.CutPrefix(rest[4:2+length], []byte("Exif\x00\x00")); ok && rest[1] == app1 {
			return tagged(part)
		}
		rest = rest[2+length:]
	}
	return 1
}

// tagged finds the tag in the first directory of a TIFF header.
func tagged(tiff []byte) int {
	const header, entry, tag = 8, 12, 0x112
	var order binary.ByteOrder = binary.BigEndian
	switch {
	case len(tiff) < header:
		return 1
	case bytes.HasPrefix(tiff, []byte("II*\x00")):
		order = binary.LittleEndian
	case !bytes.HasPrefix(tiff, []byte("MM\x00*")):
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	count, rest := int(order.Uint16(tiff[at:])), tiff[at+2:]
	for ; count > 0 && len(rest) >= entry; count, rest = count-1, rest[entry:] {
		if value := order.Uint16(rest[8:]); order.Uint16(rest) == tag && value >= 1 && value <= 8 {
			return int(value)
		}
	}
	return 1
}

// turned is the square picture as its orientation wants it to be held.
func turned(m *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return m
	}
	const last = Size - 1
	to := image.NewRGBA(m.Bounds())
	for y := range Size {
		for x := range Size {
			from := [...]image.Point{{x, y}, {last - x, y}, {last - x, last - y}, {x, last - y}, {y, x}, {y, last - x}, {last - y, last - x}, {last - y, x}}[orientation-1]
			to.SetRGBA(x, y, m.RGBAAt(from.X, from.Y))
		}
	}
	return to
}
