package avatar_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"

	"guildhall/identity/internal/avatar"
)

// exif is a JPEG with the orientation in its Exif part.
func exif(t testing.TB, m image.Image, order binary.AppendByteOrder, value uint16) []byte {
	t.Helper()
	plain := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, &jpeg.Options{Quality: 100}) })
	tiff := []byte("MM\x00*")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		tiff = []byte("II*\x00")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, e := range []struct{ tag, value uint16 }{{0x100, 7}, {0x112, value}} {
		tiff = order.AppendUint16(tiff, e.tag)
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, e.value)
		tiff = order.AppendUint16(tiff, 0)
	}
	part := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xe1"), uint16(2+len(part)))
	return slices.Concat(head, part, plain[2:])
}

// TestPicturesStandUpright turns a square with a red corner at the top left.
func TestPicturesStandUpright(t *testing.T) {
	t.Parallel()
	m := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for x := range 64 {
		for y := range 64 {
			c := color.RGBA{B: 255, A: 255}
			switch {
			case x < 32 && y < 32:
				c = color.RGBA{R: 255, A: 255}
			case x >= 32 && y < 32:
				c = color.RGBA{G: 255, A: 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	// Where the first row's left end, red, and its right end, green, are to be seen:
	// Exif 2.3, 4.6.4, table of the tag Orientation.
	const topLeft, topRight, bottomLeft, bottomRight = "top left", "top right", "bottom left", "bottom right"
	corners := map[string]image.Point{topLeft: {40, 40}, topRight: {215, 40}, bottomLeft: {40, 215}, bottomRight: {215, 215}}
	for value, want := range map[uint16][2]string{
		0: {topLeft, topRight}, 1: {topLeft, topRight}, 2: {topRight, topLeft}, 3: {bottomRight, bottomLeft}, 4: {bottomLeft, bottomRight},
		5: {topLeft, bottomLeft}, 6: {topRight, bottomRight}, 7: {bottomRight, topRight}, 8: {bottomLeft, topLeft}, 9: {topLeft, topRight},
	} {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			made, err := avatar.New().Make(t.Context(), bytes.NewReader(exif(t, m, order, value)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := jpeg.Decode(bytes.NewReader(made))
			if err != nil {
				t.Fatal(err)
			}
			red, green := corners[want[0]], corners[want[1]]
			if r, _, b, _ := got.At(red.X, red.Y).RGBA(); r < 0xd000 || b > 0x3000 {
				t.Errorf("orientation %d in %v: red is not %s", value, order, want[0])
			}
			if _, g, b, _ := got.At(green.X, green.Y).RGBA(); g < 0xd000 || b > 0x3000 {
				t.Errorf("orientation %d in %v: green is not %s", value, order, want[1])
			}
		}
	}
}

func FuzzOrientation(f *testing.F) {
	f.Add(exif(f, flag(3, 1), binary.BigEndian, 6))
	f.Add(exif(f, flag(3, 1), binary.LittleEndian, 8))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00MM\x00*\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := avatar.Orientation(data); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
