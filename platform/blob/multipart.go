package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// maxParts is how many parts an upload of the protocol has at most.
	maxParts = 10_000
	// minPart and maxPart bound all parts but the last one, in bytes.
	minPart, maxPart = 5 << 20, 5 << 30
	// maxObject is what the protocol keeps under one name, in bytes.
	maxObject = 5 << 40
)

// upload is one that has begun: its parts take room in the bucket until it is completed
// or aborted.
type upload struct {
	Key       string
	ID        string `xml:"UploadId"`
	Initiated time.Time
}

func (u upload) query(pairs ...string) string { return query(append(pairs, "uploadId", u.ID)...) }

// sent is a part that the server has.
type sent struct {
	PartNumber int
	ETag       string
}

// putParts sends a content in parts: it is there whole, or nothing of it is.
func (b *Bucket) putParts(ctx context.Context, content io.ReaderAt, d *Draft) error {
	u := upload{Key: b.key(d.Sum)}
	if err := b.exchange(ctx, http.MethodPost, u.Key, query("uploads", ""), nil, "InitiateMultipartUploadResult", &u); err != nil {
		return err
	}
	parts, err := b.sendParts(ctx, u, content, d.Size)
	if err == nil {
		err = b.complete(ctx, u, parts)
	}
	if err == nil {
		return nil
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	return errors.Join(err, b.abort(ending, u))
}

func (b *Bucket) sendParts(ctx context.Context, u upload, content io.ReaderAt, size int64) (all []sent, err error) {
	most := max(int64(b.o.PartSize), (size+maxParts-1)/maxParts)
	for at := int64(0); at < size; at += most {
		part, number := io.NewSectionReader(content, at, min(most, size-at)), len(all)+1
		h := sha256.New()
		if _, err := io.Copy(h, part); err != nil {
			return nil, fmt.Errorf("read a draft: %w", err)
		}
		answer, err := b.send(ctx, http.MethodPut, u.Key, u.query("partNumber", strconv.Itoa(number)), part, Sum(h.Sum(nil)))
		if err != nil {
			return nil, err
		}
		all = append(all, sent{number, answer.Header.Get("ETag")})
		if err := answer.Body.Close(); err != nil {
			return nil, unavailable(err)
		}
	}
	return all, nil
}

func (b *Bucket) complete(ctx context.Context, u upload, parts []sent) error {
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"CompleteMultipartUpload"`
		Part    []sent
	}{Part: parts})
	if err != nil {
		return fmt.Errorf("complete an upload: %w", err)
	}
	return b.exchange(ctx, http.MethodPost, u.Key, u.query(), body, "CompleteMultipartUploadResult", &struct{}{})
}

// abort removes the parts of an upload. That it is not there is no error.
func (b *Bucket) abort(ctx context.Context, u upload) error {
	r, err := b.request(ctx, http.MethodDelete, u.Key, u.query())
	if err != nil {
		return err
	}
	return b.gone(r)
}

// exchange sends a document and reads the one called name. Servers tell failures of long
// work with a status of success.
func (b *Bucket) exchange(ctx context.Context, method, key, query string, body []byte, name string, into any) error {
	answer, err := b.send(ctx, method, key, query, io.NewSectionReader(bytes.NewReader(body), 0, int64(len(body))), sha256.Sum256(body))
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return unavailable(fmt.Errorf("read what the bucket answers: %w", err))
	}
	var root struct {
		XMLName       xml.Name
		Code, Message string
	}
	if err := errors.Join(xml.Unmarshal(text, &root), xml.Unmarshal(text, into)); err != nil {
		return unavailable(fmt.Errorf("read what the bucket answers: %w", err))
	}
	if root.XMLName.Local != name {
		return unavailable(fmt.Errorf("the bucket answered %s instead of %s: %q %q", root.XMLName.Local, name, root.Code, root.Message))
	}
	return nil
}

// uploads is a part of the list of those that have begun.
type uploads struct {
	Upload     []upload
	Truncated  bool   `xml:"IsTruncated"`
	NextKey    string `xml:"NextKeyMarker"`
	NextUpload string `xml:"NextUploadIdMarker"`
}

// Tidy aborts uploads that have begun before a time: whoever began them was killed.
func (b *Bucket) Tidy(ctx context.Context, before time.Time) error {
	pairs := []string{"uploads", "", "prefix", b.o.Prefix}
	for marks := []string(nil); ; {
		var page uploads
		if err := b.exchange(ctx, http.MethodGet, "", query(append(pairs, marks...)...), nil, "ListMultipartUploadsResult", &page); err != nil {
			return err
		}
		for _, u := range page.Upload {
			if _, ours := b.sum(u.Key); !ours || !u.Initiated.Before(before) {
				continue
			}
			if err := b.abort(ctx, u); err != nil {
				return err
			}
		}
		if !page.Truncated || page.NextKey == "" {
			return nil
		}
		marks = []string{"key-marker", page.NextKey, "upload-id-marker", page.NextUpload}
	}
}
