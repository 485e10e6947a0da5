package avatar_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"strings"
	"testing"

	"guildhall/identity/internal/avatar"
)

// flag is red on the left, green in the middle and blue on the right.
func flag(width, height int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.RGBA{R: 255, A: 255}, color.RGBA{G: 255, A: 255}, color.RGBA{B: 255, A: 255}, color.Transparent})
	for x := range width {
		for y := range height {
			m.SetColorIndex(x, y, uint8(3*x/width))
		}
	}
	return m
}

func encoded(t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := encode(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asPNG(t testing.TB, m image.Image) []byte {
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
}

func TestMake(t *testing.T) {
	t.Parallel()
	m := flag(300, 100)
	webp, err := os.ReadFile("testdata/flag.webp")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"png": asPNG(t, m), "webp": webp, "small": asPNG(t, flag(3, 1)),
		"jpeg": encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, m, nil) }),
		"gif":  encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, m, nil) }),
	} {
		made, err := avatar.New().Make(t.Context(), bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := jpeg.Decode(bytes.NewReader(made))
		if err != nil || got.Bounds() != image.Rect(0, 0, avatar.Size, avatar.Size) {
			t.Errorf("%s: %v, %v", name, got.Bounds(), err)
			continue
		}
		// The middle of the flag is green.
		for _, at := range []image.Point{{20, 20}, {128, 128}, {235, 235}} {
			if r, g, b, _ := got.At(at.X, at.Y).RGBA(); g < 0xd000 || r > 0x3000 || b > 0x3000 {
				t.Errorf("%s at %v: %x %x %x", name, at, r, g, b)
			}
		}
	}
}

func TestWhatIsTransparentIsWhite(t *testing.T) {
	t.Parallel()
	made, err := avatar.New().Make(t.Context(), bytes.NewReader(asPNG(t, image.NewNRGBA(image.Rect(0, 0, 10, 10)))))
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(made))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := got.At(5, 5).RGBA(); r < 0xf000 || g < 0xf000 || b < 0xf000 {
		t.Errorf("it is %x %x %x", r, g, b)
	}
}

// chunk is one of a PNG.
func chunk(kind string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(append(out, kind...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// withComment puts a comment into a PNG, after its header.
func withComment(data []byte, comment string) []byte {
	const header = 8 + 25
	return append(append(bytes.Clone(data[:header]), chunk("tEXt", []byte("Comment\x00"+comment))...), data[header:]...)
}

func TestMakeKeepsNothingOfTheFile(t *testing.T) {
	t.Parallel()
	const secret = "52.2297 N, 21.0122 E"
	plain := asPNG(t, flag(30, 10))
	photo := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, flag(300, 100), nil) })
	exif := append([]byte{0xff, 0xe1, 0, byte(2 + 6 + len(secret))}, "Exif\x00\x00"+secret...)
	for name, data := range map[string][]byte{"png": withComment(plain, secret), "behind the end": append(plain, secret...),
		"jpeg": append(append(bytes.Clone(photo[:2]), exif...), photo[2:]...)} {
		made, err := avatar.New().Make(t.Context(), bytes.NewReader(data))
		if err != nil || bytes.Contains(made, []byte(secret)) {
			t.Errorf("%s: %d bytes, %v", name, len(made), err)
		}
	}
}

// bomb is a PNG of a few bytes that says that it is as large.
func bomb(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(header, 8, 6, 0, 0, 0))...)
}

// webpBomb has a canvas of one pixel and a picture of 16384 by 16384.
func webpBomb() []byte {
	body := []byte("WEBPVP8X\x0a\x00\x00\x00" + strings.Repeat("\x00", 10))
	lossless := []byte{0x2f, 0xff, 0xff, 0xff, 0x0f, 0}
	body = append(append(body, "VP8L\x06\x00\x00\x00"...), lossless...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	good := asPNG(t, flag(30, 10))
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":                 {nil, avatar.ErrNone},
		"too many bytes":          {append(good, make([]byte, avatar.MaxBytes)...), avatar.ErrLarge},
		"a text":                  {[]byte("hello"), avatar.ErrType},
		"a drawing with a script": {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), avatar.ErrType},
		"a web page":              {[]byte("<html>"), avatar.ErrType},
		"another RIFF":            {[]byte("RIFF\x04\x00\x00\x00WAVEfmt "), avatar.ErrType},
		"half of it":              {good[:len(good)/2], avatar.ErrDamaged},
		"its first bytes":         {good[:8], avatar.ErrDamaged},
		"a bomb":                  {bomb(50000, 50000), avatar.ErrPixels},
		"a long bomb":             {bomb(1<<31-1, 1), avatar.ErrPixels},
		"a bomb behind a canvas":  {webpBomb(), avatar.ErrPixels},
		"a bomb in GIF":           {[]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), avatar.ErrPixels},
		"no pixels":               {bomb(0, 10), avatar.ErrDamaged},
	} {
		if _, err := avatar.New().Make(t.Context(), bytes.NewReader(c.data)); !errors.Is(err, c.want) || err.Error() != c.want.Error() {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// frame is the beginning of a JPEG of such a size, whose frame has the marker.
func frame(marker byte, width, height uint16, before ...byte) []byte {
	out := append([]byte{0xff, 0xd8}, before...)
	out = append(out, 0xff, marker, 0, 17, 8)
	out = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(out, height), width)
	return append(out, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1, 0xff, 0xda, 0, 2)
}

// A JPEG as telephones make them may have more pixels than what takes more memory for
// each, and than what does not show at once which of both it is.
func TestPixelsByTheMemoryTheyTake(t *testing.T) {
	t.Parallel()
	const baseline, progressive = 0xc0, 0xc2
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"12 megapixels":              {frame(baseline, 4032, 3024), avatar.ErrDamaged},
		"24 megapixels":              {frame(baseline, 5712, 4284), avatar.ErrDamaged},
		"50 megapixels":              {frame(baseline, 8160, 6120), avatar.ErrPixels},
		"108 megapixels":             {frame(baseline, 12000, 9000), avatar.ErrPixels},
		"12 megapixels, progressive": {frame(progressive, 4032, 3024), avatar.ErrDamaged},
		"24 megapixels, progressive": {frame(progressive, 5712, 4284), avatar.ErrPixels},
		"24 megapixels, hidden":      {frame(baseline, 5712, 4284, 0xff, 0xd0), avatar.ErrPixels},
		"24 megapixels, PNG":         {bomb(5712, 4284), avatar.ErrPixels},
	} {
		if _, err := avatar.New().Make(t.Context(), bytes.NewReader(c.data)); !errors.Is(err, c.want) || err.Error() != c.want.Error() {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// Who waits for his turn and goes is not served.
func TestMakeWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	m := avatar.New()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	avatar.Hold(m)
	if _, err := m.Make(gone, bytes.NewReader(asPNG(t, flag(30, 10)))); !errors.Is(err, context.Canceled) {
		t.Errorf("while another is made: %v", err)
	}
}

func FuzzMake(f *testing.F) {
	for _, data := range [][]byte{asPNG(f, flag(3, 1)), bomb(50000, 50000), webpBomb(), []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00"), []byte("\xff\xd8\xff")} {
		f.Add(data)
	}
	m := avatar.New()
	f.Fuzz(func(t *testing.T, data []byte) {
		made, err := m.Make(t.Context(), bytes.NewReader(data))
		if err != nil {
			return
		}
		if c, err := jpeg.DecodeConfig(bytes.NewReader(made)); err != nil || c.Width != avatar.Size || c.Height != avatar.Size {
			t.Fatalf("made %dx%d, %v", c.Width, c.Height, err)
		}
	})
}
