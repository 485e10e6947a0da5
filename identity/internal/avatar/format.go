package avatar

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
	"golang.org/x/image/webp"
)

// format is how files of one kind are read.
type format struct {
	// size tells how large the picture will be when it is decoded, without doing so.
	size   func(data []byte) (width, height int, err error)
	decode func(io.Reader) (image.Image, error)
}

// formatOf knows a file by its first bytes.
func formatOf(data []byte) (format, bool) {
	begins := func(magic string) bool { return bytes.HasPrefix(data, []byte(magic)) }
	switch {
	case begins("\x89PNG\r\n\x1a\n"):
		return format{configured(png.DecodeConfig), png.Decode}, true
	case begins("\xff\xd8\xff"):
		return format{configured(jpeg.DecodeConfig), jpeg.Decode}, true
	case begins("GIF87a"), begins("GIF89a"):
		return format{configured(gif.DecodeConfig), gif.Decode}, true
	case begins("RIFF") && len(data) >= riffHeader && string(data[8:riffHeader]) == "WEBP":
		return format{webpSize, webp.Decode}, true
	}
	return format{}, false
}

func configured(config func(io.Reader) (image.Config, error)) func([]byte) (int, int, error) {
	return func(data []byte) (int, int, error) {
		c, err := config(bytes.NewReader(data))
		return c.Width, c.Height, err
	}
}

const (
	riffHeader  = 12
	chunkHeader = 8
)

// webpSize is the largest of the sizes that a file claims: that of its canvas and
// that of each of its pictures, which need not be the same.
func webpSize(data []byte) (width, height int, err error) {
	c, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return 0, 0, err
	}
	width, height = c.Width, c.Height
	for rest := data[riffHeader:]; len(rest) >= chunkHeader; {
		length := uint64(binary.LittleEndian.Uint32(rest[4:]))
		content := rest[chunkHeader:]
		if length > uint64(len(content)) {
			return 0, 0, errors.New("a chunk is longer than the file")
		}
		w, h, err := chunkSize(string(rest[:4]), content[:length])
		if err != nil {
			return 0, 0, err
		}
		width, height = max(width, w), max(height, h)
		rest = content[min(length+length%2, uint64(len(content))):]
	}
	return width, height, nil
}

// chunkSize is the size of the picture in a chunk, zero for a chunk of another kind.
func chunkSize(kind string, content []byte) (width, height int, err error) {
	switch kind {
	case "VP8 ":
		d := vp8.NewDecoder()
		d.Init(bytes.NewReader(content), len(content))
		h, err := d.DecodeFrameHeader()
		return h.Width, h.Height, err
	case "VP8L":
		c, err := vp8l.DecodeConfig(bytes.NewReader(content))
		return c.Width, c.Height, err
	}
	return 0, 0, nil
}

// plainJPEG says whether data is a JPEG that is surely not progressive: one whose
// segments follow one another without a gap up to the frame's.
func plainJPEG(data []byte) bool {
	const start, baseline, extended, progressive = 2, 0xc0, 0xc1, 0xc2
	if !bytes.HasPrefix(data, []byte("\xff\xd8")) {
		return false
	}
	for rest := data[start:]; len(rest) >= 4 && rest[0] == 0xff; {
		switch marker := rest[1]; {
		case marker == baseline, marker == extended:
			return true
		case marker < baseline, marker == progressive, marker >= 0xd0 && marker <= 0xd9, marker == 0xff: // RST, SOI and EOI have no length
			return false
		}
		length := int(binary.BigEndian.Uint16(rest[2:]))
		if length < 2 || 2+length > len(rest) {
			return false
		}
		rest = rest[2+length:]
	}
	return false
}
