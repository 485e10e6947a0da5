package blob

import (
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// answerTimeout bounds how long the server may think.
	answerTimeout = time.Minute
	// maxAnswer bounds what is read of a list or of an error, in bytes.
	maxAnswer = 4 << 20
)

// Bucket keeps contents as objects of a bucket, of up to 5 TiB each.
type Bucket struct {
	o    S3Config
	sign signer
	http *http.Client
	now  func() time.Time
}

// NewBucket makes a store of a checked configuration.
func NewBucket(o S3Config, now func() time.Time) *Bucket {
	o.Endpoint = strings.TrimSuffix(o.Endpoint, "/")
	return &Bucket{o: o, sign: signer{o.Region, o.AccessKey, o.SecretKey.Reveal()}, now: now, http: &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: answerTimeout, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *Bucket) key(s Sum) string {
	name := s.String()
	return b.o.Prefix + name[:2] + "/" + name
}

// sum is what an object of ours keeps; false: somebody else put it there.
func (b *Bucket) sum(key string) (Sum, bool) {
	s, err := ParseSum(path.Base(key))
	return s, err == nil && key == b.key(s)
}

// Put sends the draft, a large one in parts; the server checks the sum of what it gets.
func (b *Bucket) Put(ctx context.Context, d *Draft) error {
	if d.Size > maxObject {
		return tooLarge(maxObject)
	}
	if size, err := b.size(ctx, d.Sum); err == nil && size == d.Size {
		d.Discard()
		return nil
	} else if err != nil && !errors.Is(err, ErrMissing) {
		return err
	}
	f, err := os.Open(d.path)
	if err != nil {
		return fmt.Errorf("keep a content: %w", err)
	}
	defer func() { _ = f.Close() }()
	if d.Size > int64(b.o.PartSize) {
		err = b.putParts(ctx, f, d)
	} else {
		err = b.putWhole(ctx, f, d)
	}
	if err == nil {
		d.Discard()
	}
	return err
}

func (b *Bucket) putWhole(ctx context.Context, content io.ReaderAt, d *Draft) error {
	answer, err := b.send(ctx, http.MethodPut, b.key(d.Sum), "", io.NewSectionReader(content, 0, d.Size), d.Sum)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// send sends a body whose SHA-256 is sum. The caller closes the body of the answer.
func (b *Bucket) send(ctx context.Context, method, key, query string, body *io.SectionReader, sum Sum) (*http.Response, error) {
	r, err := b.request(ctx, method, key, query)
	if err != nil {
		return nil, err
	}
	if size := body.Size(); size > 0 { // a body of no bytes would be sent as one of unknown length
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(body, 0, size)), nil }
		r.ContentLength = size
		r.Body, _ = r.GetBody()
	}
	return b.do(r, sum, http.StatusOK)
}

// Open asks how large the object is; its bytes are asked for when they are read.
func (b *Bucket) Open(ctx context.Context, s Sum) (io.ReadSeekCloser, error) {
	size, err := b.size(ctx, s)
	if err != nil {
		return nil, err
	}
	return &object{ctx: ctx, bucket: b, key: b.key(s), size: size}, nil
}

// Remove removes the object.
func (b *Bucket) Remove(ctx context.Context, s Sum) error {
	r, err := b.request(ctx, http.MethodDelete, b.key(s), "")
	if err != nil {
		return err
	}
	return b.gone(r)
}

// gone sends a request to remove something. That it is not there is no error.
func (b *Bucket) gone(r *http.Request) error {
	answer, err := b.do(r, none(), http.StatusNoContent, http.StatusOK)
	if errors.Is(err, ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// Each lists the objects below the prefix, a thousand at a time.
func (b *Bucket) Each(ctx context.Context, fn func(Sum) error) error {
	for after := ""; ; {
		pairs := []string{"list-type", "2", "prefix", b.o.Prefix}
		if after != "" {
			pairs = append(pairs, "continuation-token", after)
		}
		var page page
		if err := b.exchange(ctx, http.MethodGet, "", query(pairs...), nil, "ListBucketResult", &page); err != nil {
			return err
		}
		for _, one := range page.Contents {
			sum, ours := b.sum(one.Key)
			if !ours {
				continue
			}
			if err := fn(sum); err != nil {
				return err
			}
		}
		if after = page.Next; !page.Truncated || after == "" {
			return nil
		}
	}
}

// page is a part of a list.
type page struct {
	Contents  []struct{ Key string }
	Truncated bool   `xml:"IsTruncated"`
	Next      string `xml:"NextContinuationToken"`
}

func (b *Bucket) size(ctx context.Context, s Sum) (int64, error) {
	r, err := b.request(ctx, http.MethodHead, b.key(s), "")
	if err != nil {
		return 0, err
	}
	answer, err := b.do(r, none(), http.StatusOK)
	if err != nil {
		return 0, err
	}
	if answer.ContentLength < 0 { // it would pass for a content of no bytes
		err = unavailable(errors.New("the bucket does not tell the length of an object"))
	}
	return answer.ContentLength, errors.Join(err, answer.Body.Close())
}

func (b *Bucket) request(ctx context.Context, method, key, query string) (*http.Request, error) {
	address := b.o.Endpoint + "/" + b.o.Bucket
	if key != "" {
		address += "/" + key
	}
	if query != "" {
		address += "?" + query
	}
	r, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask the bucket: %w", err)
	}
	return r, nil
}

// do sends a request. The caller closes the body of an answer with a wanted status;
// any other is an error.
func (b *Bucket) do(r *http.Request, payload Sum, wanted ...int) (*http.Response, error) {
	b.sign.sign(r, payload, b.now())
	answer, err := b.http.Do(r)
	if err != nil {
		return nil, unavailable(fmt.Errorf("ask the bucket: %w", err))
	}
	if slices.Contains(wanted, answer.StatusCode) {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct{ Code, Message string }
	_ = xml.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&said) // it need not say anything
	err = fmt.Errorf("the bucket answered %s %s of %s: %q %q", answer.Status, r.Method, r.URL.Path, said.Code, said.Message)
	if answer.StatusCode == http.StatusNotFound && said.Code != "NoSuchBucket" {
		return nil, ErrMissing.Because(err)
	}
	return nil, unavailable(err)
}

func unavailable(err error) error { return ErrUnavailable.Because(err) }

// none is the sum of no bytes.
func none() Sum { return sha256.Sum256(nil) }

// object reads an object from wherever it is sought to.
type object struct {
	ctx      context.Context //nolint:containedctx // it reads for the one request that opened it
	bucket   *Bucket
	key      string
	size, at int64
	body     io.ReadCloser // what comes from at on; nil: nothing was asked for
}

// Read asks for the rest of the object at the first read, and after each seek.
func (o *object) Read(p []byte) (int, error) {
	if o.at >= o.size {
		return 0, io.EOF
	}
	if o.body == nil {
		if err := o.ask(); err != nil {
			return 0, err
		}
	}
	n, err := o.body.Read(p)
	o.at += int64(n)
	if err == io.EOF && o.at < o.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (o *object) ask() error {
	r, err := o.bucket.request(o.ctx, http.MethodGet, o.key, "")
	if err != nil {
		return err
	}
	wanted := http.StatusOK
	if o.at > 0 {
		r.Header.Set("Range", "bytes="+strconv.FormatInt(o.at, 10)+"-")
		wanted = http.StatusPartialContent
	}
	answer, err := o.bucket.do(r, none(), wanted) //nolint:bodyclose // Close of the object does
	if err != nil {
		return err
	}
	o.body = answer.Body
	return nil
}

// Seek moves to where the next read begins.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning of an object")
	}
	if offset == o.at {
		return offset, nil
	}
	err := o.Close()
	o.at = offset
	return offset, err
}

// Close ends what is being read.
func (o *object) Close() error {
	if o.body == nil {
		return nil
	}
	body := o.body
	o.body = nil
	return body.Close()
}
