package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The gzip header carries one extra field, "GH", of the 32 bytes of the file's
// SHA-256, taken with these bytes as zeros (RFC 1952, section 2.3.1.1).
const (
	digestAt  = 16
	digestEnd = digestAt + sha256.Size
)

// head is how every archive begins, up to the digest: the fixed gzip header and
// that of the extra field.
func head() []byte {
	return []byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 4 + sha256.Size, 0, 'G', 'H', sha256.Size, 0}
}

// writeArchive packs the manifest and the members under content into file.
func writeArchive(file, content string, m Manifest) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	err = pack(io.MultiWriter(f, sum), content, m)
	if err == nil {
		_, err = f.WriteAt(sum.Sum(nil), digestAt)
	}
	return errors.Join(err, f.Close())
}

func pack(w io.Writer, content string, m Manifest) error {
	z := gzip.NewWriter(w)
	z.Extra = append([]byte{'G', 'H', sha256.Size, 0}, make([]byte, sha256.Size)...)
	t := tar.NewWriter(z)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := packOne(t, m, manifestName, 0o600, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	for _, member := range m.Members {
		if err := packFile(t, m, content, member); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}

func packFile(t *tar.Writer, m Manifest, content string, member Member) error {
	f, err := os.Open(filepath.Join(content, filepath.FromSlash(member.Name)))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return packOne(t, m, member.Name, member.Mode, member.Size, f)
}

func packOne(t *tar.Writer, m Manifest, name string, mode fs.FileMode, size int64, src io.Reader) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(mode), Size: size, ModTime: m.CreatedAt, Format: tar.FormatPAX}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(t, src)
	return err
}
