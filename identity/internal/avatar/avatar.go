// Package avatar makes a small square picture of what somebody uploads. The picture
// is drawn anew: nothing of the file, such as where it was taken, is kept,
// and it stands as the camera was held.
package avatar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"

	"golang.org/x/image/draw"

	"guildhall/platform/fault"
)

const (
	// Size is the length of each side in pixels.
	Size = 256
	// Type is the media type of what Make returns.
	Type = "image/jpeg"
	// MaxBytes bounds what is taken.
	MaxBytes = 10_000_000
	// maxPixels bounds what is decoded to some 300 MiB: a progressive JPEG takes 15 bytes
	// for each pixel and 24 in CMYK; one of another kind takes 3, and 8 in CMYK.
	maxPixels, maxPlainPixels = 13_000_000, 26_000_000
	quality                   = 88
)

// What can be wrong with a file.
var (
	ErrNone    = fault.New(fault.Invalid, "picture_none", "Choose a file.")
	ErrLarge   = fault.New(fault.Invalid, "picture_large", "The file has more than ten million bytes. Make the picture smaller.")
	ErrType    = fault.New(fault.Invalid, "picture_type", "This is no picture in PNG, JPEG, WebP or GIF.")
	ErrPixels  = fault.New(fault.Invalid, "picture_pixels", "The picture has too many pixels: a JPEG may have 26 million, others and progressive ones 13 million. Make it smaller.")
	ErrDamaged = fault.New(fault.Invalid, "picture_damaged", "The picture cannot be read. Save it anew with another program.")
)

// Maker makes one picture at a time, so that memory is bounded.
type Maker struct{ turn chan struct{} }

// New makes a maker.
func New() *Maker { return &Maker{turn: make(chan struct{}, 1)} }

// Make draws the middle of the picture in a file, or returns one of the errors. The
// file is read at its turn, and should be at hand then.
func (m *Maker) Make(ctx context.Context, file io.Reader) ([]byte, error) {
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	data, err := io.ReadAll(io.LimitReader(file, MaxBytes+1))
	switch {
	case len(data) > MaxBytes || err != nil && fault.As(err).Kind == fault.TooLarge:
		return nil, ErrLarge
	case err != nil:
		return nil, ErrDamaged.Because(err)
	case len(data) == 0:
		return nil, ErrNone
	}
	f, ok := formatOf(data)
	if !ok {
		return nil, ErrType
	}
	width, height, err := f.size(data)
	if err != nil || width <= 0 || height <= 0 {
		return nil, ErrDamaged.Because(err)
	}
	most := maxPixels
	if plainJPEG(data) {
		most = maxPlainPixels
	}
	if width > most || height > most || width*height > most {
		return nil, ErrPixels
	}
	return f.draw(data)
}

// draw decodes and scales; what is transparent becomes white.
func (f format) draw(data []byte) (_ []byte, err error) {
	defer func() {
		if p := recover(); p != nil { // the decoders are not ours
			err = ErrDamaged.Because(fmt.Errorf("decode a picture: %v", p))
		}
	}()
	from, err := f.decode(bytes.NewReader(data))
	if err != nil {
		return nil, ErrDamaged.Because(err)
	}
	middle := square(from.Bounds())
	if middle.Empty() {
		return nil, ErrDamaged.Because(errors.New("a picture without pixels"))
	}
	to := image.NewRGBA(image.Rect(0, 0, Size, Size))
	draw.Draw(to, to.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.CatmullRom.Scale(to, to.Bounds(), from, middle, draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, turned(to, orientation(data)), &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode a picture: %w", err)
	}
	return out.Bytes(), nil
}

// square is the middle of a rectangle.
func square(r image.Rectangle) image.Rectangle {
	side := min(r.Dx(), r.Dy())
	at := image.Pt(r.Min.X+(r.Dx()-side)/2, r.Min.Y+(r.Dy()-side)/2)
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(side, side))}
}
