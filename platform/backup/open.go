package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"guildhall/platform/fault"
)

// ageIntro begins every file that age encrypted.
const ageIntro = "age-encryption.org/v1\n"

// Inspect reads the whole file, checks every byte of it and says what it holds.
// identity is the age secret key ("AGE-SECRET-KEY-1...") of an encrypted one.
// The errors are ErrDamaged and ErrEncrypted.
func Inspect(file, identity string) (Manifest, error) {
	accept := func(Manifest) error { return nil }
	return unpack(context.Background(), file, identity, accept, func(_ Member, content io.Reader) error {
		_, err := io.Copy(io.Discard, content)
		return err
	})
}

// unpack shows the manifest to begin, which may refuse it, and gives each member's
// content to take, in order. Only when it returns nil is what they have seen what
// Create wrote. take is never given more than the manifest says.
func unpack(ctx context.Context, file, identity string, begin func(Manifest) error, take func(Member, io.Reader) error) (Manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return Manifest{}, fault.New(fault.NotFound, "backup_unreadable", "The backup %s cannot be read: %w.", file, reason(err))
	}
	defer func() { _ = f.Close() }()
	plain, err := decrypt(bufio.NewReader(f), file, identity)
	if err != nil {
		return Manifest{}, err
	}
	a := &archive{ctx: ctx, file: file, sum: sha256.New(), in: plain}
	return a.read(begin, take)
}

// decrypt undoes age, if it was used.
func decrypt(r *bufio.Reader, file, identity string) (io.Reader, error) {
	intro, err := r.Peek(len(ageIntro))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.NotFound, "backup_unreadable", "The backup %s cannot be read: %w.", file, reason(err))
	}
	if string(intro) != ageIntro {
		return r, nil
	}
	if identity == "" {
		return nil, fault.New(fault.Invalid, ErrEncrypted.Code, "The backup %s is encrypted. Give the age identity that belongs to backup.recipient. Nothing was changed.", filepath.Base(file))
	}
	key, err := age.ParseX25519Identity(identity)
	if err != nil {
		// The parser's text may quote the key.
		return nil, fault.New(fault.Invalid, ErrEncrypted.Code, "This is no age identity: it begins with AGE-SECRET-KEY-1. Nothing was changed.")
	}
	plain, err := age.Decrypt(r, key)
	if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
		return nil, fault.New(fault.Invalid, ErrEncrypted.Code, "The backup %s is encrypted for another age identity, or its header is damaged. Nothing was changed.", filepath.Base(file))
	}
	if err != nil {
		return nil, damaged(file, "it cannot be decrypted (%v)", err)
	}
	return plain, nil
}

// archive reads a tar.gz that writeArchive wrote and checks it on the way.
type archive struct {
	ctx   context.Context //nolint:containedctx // it lives for one call of read
	file  string
	in    io.Reader
	at    int64
	stamp []byte // the digest that the header holds
	sum   hash.Hash
}

// Read passes the archive's bytes on and adds them to the sum, with zeros in
// place of the digest.
func (a *archive) Read(p []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := a.in.Read(p)
	seen := p[:n]
	if a.at < digestEnd {
		seen = bytes.Clone(seen)
		for i := range seen {
			if at := a.at + int64(i); at >= digestAt && at < digestEnd {
				a.stamp = append(a.stamp, seen[i])
				seen[i] = 0
			}
		}
	}
	a.at += int64(n)
	a.sum.Write(seen)
	return n, err
}

func (a *archive) read(begin func(Manifest) error, take func(Member, io.Reader) error) (Manifest, error) {
	in := bufio.NewReader(a)
	if begin, err := in.Peek(digestEnd); err != nil || !bytes.Equal(begin[:digestAt], head()) {
		return Manifest{}, damaged(a.file, "it does not begin as a guildhall backup does")
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return Manifest{}, damaged(a.file, "its header cannot be read (%v)", err)
	}
	z.Multistream(false)
	t := tar.NewReader(z)
	m, err := a.manifest(t)
	if err != nil {
		return Manifest{}, err
	}
	if m.Format != format {
		// The number itself may be what is damaged.
		if _, err := io.Copy(io.Discard, in); err != nil {
			return Manifest{}, a.failed(err)
		}
		if err := a.check(); err != nil {
			return Manifest{}, err
		}
		return Manifest{}, fault.New(fault.Invalid, ErrMismatch.Code, "The backup %s has format %d; this program knows %d. Restore it with a newer guildhall. Nothing was changed.", filepath.Base(a.file), m.Format, format)
	}
	if err := begin(m); err != nil {
		return Manifest{}, err
	}
	for _, member := range m.Members {
		if err := a.member(t, member, take); err != nil {
			return Manifest{}, err
		}
	}
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		return Manifest{}, damaged(a.file, "it holds more than its manifest names")
	}
	return m, a.finish(z, in)
}

// finish sees that nothing is left, and checks the whole.
func (a *archive) finish(z, in io.Reader) error {
	for _, r := range []io.Reader{z, in} {
		n, err := io.CopyN(io.Discard, r, 1)
		if n > 0 {
			return damaged(a.file, "it goes on behind its end")
		}
		if !errors.Is(err, io.EOF) {
			return a.failed(err)
		}
	}
	return a.check()
}

// check compares the sum of all that was read.
func (a *archive) check() error {
	if !bytes.Equal(a.sum.Sum(nil), a.stamp) {
		return damaged(a.file, "its checksum is wrong")
	}
	return nil
}

func (a *archive) manifest(t *tar.Reader) (Manifest, error) {
	h, err := t.Next()
	if err != nil {
		return Manifest{}, a.failed(err)
	}
	if h.Name != manifestName || h.Size > maxManifest {
		return Manifest{}, damaged(a.file, "it does not begin with its manifest")
	}
	text, err := io.ReadAll(t)
	if err != nil {
		return Manifest{}, a.failed(err)
	}
	m, wrong := parseManifest(text)
	if wrong != "" {
		return Manifest{}, damaged(a.file, "%s", wrong)
	}
	return m, nil
}

// member checks the next entry against the manifest while take reads it.
func (a *archive) member(t *tar.Reader, m Member, take func(Member, io.Reader) error) error {
	h, err := t.Next()
	if err != nil {
		return a.failed(err)
	}
	if h.Name != m.Name || h.Size != m.Size || h.Typeflag != tar.TypeReg {
		return damaged(a.file, "%s is not where its manifest says", m.Name)
	}
	for key := range h.PAXRecords {
		// Holes have a size and nothing behind it, so that reading them never ends.
		if strings.HasPrefix(key, "GNU.sparse.") {
			return damaged(a.file, "%s has holes", m.Name)
		}
	}
	sum := sha256.New()
	src := &source{in: io.TeeReader(t, sum)}
	if err := take(m, src); err != nil {
		if src.err != nil {
			return a.failed(src.err)
		}
		return fmt.Errorf("unpack %s: %w", m.Name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != m.SHA256 {
		return damaged(a.file, "the checksum of %s is wrong", m.Name)
	}
	return nil
}

// failed is the fault for an error while reading the archive.
func (a *archive) failed(err error) error {
	if a.ctx.Err() != nil {
		return a.ctx.Err()
	}
	return damaged(a.file, "it cannot be read to its end (%v)", reason(err))
}

// source remembers its own error, to tell a damaged archive from a full disk.
type source struct {
	in  io.Reader
	err error
}

// Read reads from the archive.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}
