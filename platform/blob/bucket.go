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
	// maxObject is what one PUT of the protocol takes, in bytes.
	maxObject = 5 << 30
	// answerTimeout bounds how long the server may think.
	answerTimeout = time.Minute
	// maxAnswer bounds what is read of a list or of an error, in bytes.
	maxAnswer = 4 << 20
)

// Bucket keeps contents as objects of a bucket, of up to 5 GiB each.
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

// Put sends the draft; the server checks its sum.
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
	r, err := b.request(ctx, http.MethodPut, b.key(d.Sum), "")
	if err != nil {
		return err
	}
	if d.Size > 0 { // a body of no bytes would be sent as one of unknown length
		r.Body, r.ContentLength = io.NopCloser(f), d.Size
	}
	answer, err := b.do(r, d.Sum, http.StatusOK)
	if err != nil {
		return err
	}
	d.Discard()
	return answer.Body.Close()
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
		page, err := b.list(ctx, query(pairs...))
		if err != nil {
			return err
		}
		for _, one := range page.Contents {
			sum, err := ParseSum(path.Base(one.Key))
			if err != nil || one.Key != b.key(sum) {
				continue // what somebody else put there is none of ours
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

func (b *Bucket) list(ctx context.Context, query string) (p page, err error) {
	r, err := b.request(ctx, http.MethodGet, "", query)
	if err != nil {
		return p, err
	}
	answer, err := b.do(r, none(), http.StatusOK)
	if err != nil {
		return p, err
	}
	defer func() { _ = answer.Body.Close() }()
	if err := xml.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(&p); err != nil {
		return p, unavailable(fmt.Errorf("read the list of the bucket: %w", err))
	}
	return p, nil
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
	return answer.ContentLength, answer.Body.Close()
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
