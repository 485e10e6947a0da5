package license

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// downloadTries is how often a download goes on after it broke off, without a byte in
	// between.
	downloadTries = 5
	// downloadStall is how long its next bytes may take to come.
	downloadStall = 30 * time.Second
)

// errTicket says that a ticket does not open its file now: the list tells why.
var errTicket = errors.New("the ticket does not open the file")

// Files are those that the card may download: of a version, or for "" of all, those of the
// newest release first. Each can be downloaded for an hour, and Download asks anew when it
// takes longer. Of more than some hundreds only the first come: then name a version. It
// needs the server.
func (c *Client) Files(ctx context.Context, version string) ([]File, error) {
	card := c.known().Card
	if card == "" {
		return nil, errNoCard()
	}
	_, a, err := c.ask(ctx, Request{Call: CallFiles, Card: card, Version: version})
	if err != nil {
		return nil, err
	}
	if a.Verdict == VerdictRefused {
		return nil, c.refused(card, a)
	}
	return a.Files, nil
}

// Download downloads a file of Files to the path dest. What has come so far is beside it
// in dest.part, from which the next Download of the file goes on, also after the program
// ended. dest is there when all has come and the sum is right, and replaces what was
// there. progress, if it is not nil, is told how many bytes of the file are there.
func (c *Client) Download(ctx context.Context, f File, dest string, progress func(done, size int64)) error {
	d, err := c.begin(f, dest, progress)
	if err != nil {
		return err
	}
	err = d.run(ctx)
	if trouble := d.part.Close(); err == nil && trouble != nil {
		err = fmt.Errorf("%w: %w", ErrFile, trouble)
	}
	if errors.Is(err, ErrAnswer) { // what came is of no use
		return errors.Join(err, os.Remove(d.part.Name()))
	}
	if err != nil {
		return err
	}
	if err := os.Rename(d.part.Name(), dest); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	return nil
}

// download is a file that is being downloaded.
type download struct {
	client   *Client
	file     File
	part     *os.File
	sum      hash.Hash // of what is in part
	done     int64     // how much that is
	progress func(done, size int64)
}

// begin opens dest.part and reads what is in it.
func (c *Client) begin(f File, dest string, progress func(done, size int64)) (*download, error) {
	if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != sha256.Size || f.Size < 0 {
		return nil, fmt.Errorf("%w: the file is none of a list", ErrKit)
	}
	if at, err := os.Stat(dest); err == nil && at.IsDir() {
		return nil, fmt.Errorf("%w: %s is a directory", ErrFile, dest)
	}
	part, err := os.OpenFile(dest+".part", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	d := &download{client: c, file: f, part: part, sum: sha256.New(), progress: progress}
	if d.progress == nil {
		d.progress = func(int64, int64) {}
	}
	d.done, err = io.Copy(d.sum, io.LimitReader(part, f.Size+1))
	if err == nil && d.done > f.Size {
		err = d.restart()
	}
	if err != nil {
		_ = part.Close()
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	return d, nil
}

// restart forgets what came so far.
func (d *download) restart() error {
	d.done = 0
	d.sum.Reset()
	if err := d.part.Truncate(0); err != nil {
		return err
	}
	_, err := d.part.Seek(0, io.SeekStart)
	return err
}

// run fetches until all is there and right. A part of another file is found out by its sum
// and fetched anew, once.
func (d *download) run(ctx context.Context) error {
	kept := d.done > 0
	for {
		if err := d.fetch(ctx); err != nil {
			return err
		}
		if hex.EncodeToString(d.sum.Sum(nil)) == strings.ToLower(d.file.SHA256) {
			break
		}
		if !kept {
			return fmt.Errorf("%w: what was downloaded has another SHA-256 than the list says", ErrAnswer)
		}
		kept = false
		if err := d.restart(); err != nil {
			return fmt.Errorf("%w: %w", ErrFile, err)
		}
	}
	if err := d.part.Sync(); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	return nil
}

// fetch goes on until as many bytes are there as the file has.
func (d *download) fetch(ctx context.Context) error {
	d.progress(d.done, d.file.Size)
	renewed := false
	for tries := 0; d.done < d.file.Size; tries++ {
		before := d.done
		err := d.attempt(ctx)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
		case d.done > before && !errors.Is(err, ErrFile):
			tries, renewed = 0, false
		case errors.Is(err, errTicket) && !renewed:
			renewed = true
			if err := d.renew(ctx); err != nil {
				return err
			}
		case errors.Is(err, ErrFile), errors.Is(err, errTicket), tries >= downloadTries:
			return err
		case !d.client.pause(ctx, time.Second<<tries):
			return fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
		}
	}
	return nil
}

// renew asks for another ticket. A card that is good no more is refused here, signed.
func (d *download) renew(ctx context.Context) error {
	all, err := d.client.Files(ctx, d.file.Version)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(f File) bool { return f.ID == d.file.ID && f.SHA256 == d.file.SHA256 && f.Size == d.file.Size })
	if i < 0 {
		return &RefusedError{Code: "file_not_found", Detail: "The release has this file no more."}
	}
	d.file = all[i]
	return nil
}

// attempt tries the addresses until one sends something.
func (d *download) attempt(ctx context.Context) error {
	err := fmt.Errorf("%w: no address can be used in the mode %s", ErrUnreachable, d.client.o.Mode)
	for i, address := range d.client.addresses() {
		before := d.done
		trouble := d.get(ctx, address)
		if trouble == nil || d.done > before || errors.Is(trouble, errTicket) || errors.Is(trouble, ErrFile) {
			return trouble
		}
		err = also(err, trouble, i)
	}
	return err
}

// get fetches what is missing from one address.
func (d *download) get(ctx context.Context, address string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stall := time.AfterFunc(downloadStall, cancel)
	defer stall.Stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+PathFiles+"?ticket="+url.QueryEscape(d.file.Ticket), nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if d.done > 0 {
		r.Header.Set("Range", "bytes="+strconv.FormatInt(d.done, 10)+"-")
		r.Header.Set("If-Range", `"`+d.file.SHA256+`"`)
	}
	long := *d.client.http
	long.Timeout = 0 // a large file takes its time
	got, err := long.Do(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, withoutAddress(err))
	}
	defer func() { _ = got.Body.Close() }()
	if err := d.accept(got); err != nil {
		return err
	}
	return d.copy(got.Body, stall)
}

// withoutAddress leaves out the address, which has the ticket.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// accept says whether the answer is what is missing, or the whole.
func (d *download) accept(got *http.Response) error {
	switch got.StatusCode {
	case http.StatusPartialContent:
		if !strings.HasPrefix(got.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(d.done, 10)+"-") {
			return fmt.Errorf("%w: it sends another part of the file", ErrUnreachable)
		}
		return nil
	case http.StatusOK:
		if err := d.restart(); err != nil {
			return fmt.Errorf("%w: %w", ErrFile, err)
		}
		return nil
	case http.StatusForbidden, http.StatusNotFound:
		var problem struct{ Code string }
		_ = json.NewDecoder(io.LimitReader(got.Body, 1<<16)).Decode(&problem) // it need not say anything
		return fmt.Errorf("%w: %w: %d %q", ErrUnreachable, errTicket, got.StatusCode, problem.Code)
	}
	return fmt.Errorf("%w: it answered %d", ErrUnreachable, got.StatusCode)
}

// copy keeps what comes.
func (d *download) copy(body io.Reader, stall *time.Timer) error {
	piece := make([]byte, 64<<10)
	for {
		n, err := body.Read(piece)
		stall.Reset(downloadStall)
		if n = int(min(int64(n), d.file.Size-d.done)); n > 0 { // no more than the list says
			if _, err := d.part.Write(piece[:n]); err != nil {
				return fmt.Errorf("%w: %w", ErrFile, err)
			}
			_, _ = d.sum.Write(piece[:n]) // never fails
			d.done += int64(n)
			d.progress(d.done, d.file.Size)
		}
		switch {
		case d.done == d.file.Size:
			return nil
		case err != nil:
			return fmt.Errorf("%w: the file broke off: %w", ErrUnreachable, err)
		}
	}
}
