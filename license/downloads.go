package license

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"guildhall/license/internal/file"
)

// download lets a program download a file, whole or from where it broke off. The ticket
// is a parameter because the log of requests has their paths.
func (c *calls) download(w http.ResponseWriter, r *http.Request) {
	what, err := c.files.Redeem(r.Context(), r.URL.Query().Get("ticket"))
	if err != nil {
		c.fail(w, r, err)
		return
	}
	if err := sendFile(w, r, c.files, c.log, what); err != nil {
		c.fail(w, r, err)
	}
}

// sendFile answers with a file, or the part of it that was asked for, and notes what went
// out. After an error nothing was answered yet.
func sendFile(w http.ResponseWriter, r *http.Request, files *file.Desk, log *slog.Logger, what file.Download) error {
	// What bounds how long a request may come must not end a long answer.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	content, err := files.Content(r.Context(), what.File)
	if err != nil {
		log.ErrorContext(r.Context(), "the content of a file is not there", "file", what.ID, "sha256", what.SHA256, "err", err)
		return err
	}
	defer func() { _ = content.Close() }()
	head := w.Header()
	sum, _ := hex.DecodeString(what.SHA256) // it is one
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":"
	head.Set("Content-Type", what.MediaType)
	head.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": what.Name}))
	head.Set("ETag", `"`+what.SHA256+`"`)
	head.Set("Cache-Control", "no-store, no-transform")
	head.Set("Repr-Digest", digest)
	switch {
	case strings.Contains(r.Header.Get("Range"), ","):
		r.Header.Del("Range") // several ranges in one answer are of use to nobody
		fallthrough
	case r.Header.Get("Range") == "":
		head.Set("Content-Digest", digest)
	}
	out := &counted{ResponseWriter: w}
	http.ServeContent(out, r, "", time.Time{}, content)
	if r.Method != http.MethodGet || out.status != http.StatusOK && out.status != http.StatusPartialContent {
		return nil
	}
	if err := files.Log(context.WithoutCancel(r.Context()), what, clientIP(r), out.from(), out.bytes); err != nil {
		log.ErrorContext(r.Context(), "a download was not noted", "file", what.ID, "err", err)
	}
	return nil
}

// counted is an answer that remembers what went out.
type counted struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader keeps the status.
func (c *counted) WriteHeader(status int) {
	c.status = status
	c.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// from is the first byte of the range that was answered (RFC 9110, section 14.4).
func (c *counted) from() int64 {
	text, found := strings.CutPrefix(c.Header().Get("Content-Range"), "bytes ")
	if !found {
		return 0
	}
	first, _, _ := strings.Cut(text, "-")
	n, _ := strconv.ParseInt(first, 10, 64) // ServeContent wrote it
	return n
}
