package file

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"

	"guildhall/license/internal/card"
	"guildhall/license/internal/decide"
	"guildhall/license/internal/policy"
	"guildhall/license/internal/store"
	"guildhall/platform/fault"
	"guildhall/sdk/go/license"
)

const (
	// ticketLife is how long a ticket opens a download. One that has begun goes on.
	ticketLife = time.Hour
	// maxFiles and maxList bound a list, by files and in bytes of JSON: an answer has its
	// bound too.
	maxFiles = 1000
	maxList  = 192 << 10
)

var (
	// ErrTicket says that a ticket is none.
	ErrTicket = fault.New(fault.Forbidden, "ticket_wrong", "This ticket opens nothing. Ask for a list of the files: it has new ones.")
	// ErrTicketOver says that the time of a ticket is over.
	ErrTicketOver = fault.New(fault.Forbidden, "ticket_over", "The time of this ticket is over. Ask for a list of the files: it has new ones.")
)

// Of are the files of the product with the code, and of the version unless that is empty:
// those of the newest release first.
func (d *Desk) Of(ctx context.Context, product, version string) ([]store.File, error) {
	return d.o.Store.ProductFiles(ctx, product, version, maxFiles+1)
}

// List is files as a program sees them, each with a ticket for the environment; more says
// that there are others, which did not fit.
func (d *Desk) List(files []store.File, environment string) (all []license.File, more bool, err error) {
	until, size := d.now().Add(ticketLife), 0
	for _, f := range files {
		one := license.File{ID: f.ID, Version: f.Version, Name: f.Name, Size: f.Size, SHA256: f.SHA256, MediaType: f.MediaType, MadeAt: f.MadeAt,
			Ticket: d.Ticket(f.ID, environment, until), TicketUntil: until}
		text, err := json.Marshal(one)
		if err != nil {
			return nil, false, err
		}
		if size += len(text) + 1; size > maxList || len(all) == maxFiles {
			return all, true, nil
		}
		all = append(all, one)
	}
	return all, false, nil
}

// Ticket lets an environment download a file until a time. It holds that time in seconds
// and both ids, and a mark (HMAC-SHA256) by which we know it.
func (d *Desk) Ticket(file, environment string, until time.Time) string {
	body := binary.BigEndian.AppendUint64(nil, uint64(until.Unix())) //nolint:gosec // no time before 1970
	body = append(body, file+"\n"+environment...)
	return base64.RawURLEncoding.EncodeToString(append(body, d.mark(body)...))
}

func (d *Desk) mark(body []byte) []byte {
	h := hmac.New(sha256.New, d.ticket)
	h.Write(body)
	return h.Sum(nil)
}

func (d *Desk) read(ticket string) (file, environment string, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(raw) < 8+sha256.Size {
		return "", "", ErrTicket
	}
	body, mark := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(mark, d.mark(body)) {
		return "", "", ErrTicket
	}
	if until := time.Unix(int64(binary.BigEndian.Uint64(body)), 0); !d.now().Before(until) { //nolint:gosec // we wrote it
		return "", "", ErrTicketOver
	}
	file, environment, _ = strings.Cut(string(body[8:]), "\n")
	return file, environment, nil
}

// Download is a file that may be downloaded, by whom.
type Download struct {
	store.File
	Card string
	// Environment is the machine whose ticket it was, By else the customer's account.
	Environment, By string
}

// Redeem is what a ticket opens. Whether the card is still good for it is decided anew:
// if not, the code of the error is that of the decision.
func (d *Desk) Redeem(ctx context.Context, ticket string) (Download, error) {
	file, environment, err := d.read(ticket)
	if err != nil {
		return Download{}, err
	}
	e, err := d.o.Store.BoundEnvironment(ctx, environment)
	if err != nil {
		return Download{}, err
	}
	if e == nil {
		return Download{}, refused(decide.CardNotActive)
	}
	c, err := d.o.Store.Card(ctx, e.Card)
	if err != nil {
		return Download{}, err
	}
	rules, err := d.rules(ctx, c)
	if err != nil {
		return Download{}, err
	}
	if code := decide.Download(card.Known(c), &decide.Environment{}, rules, d.now()); code != "" {
		return Download{}, refused(code)
	}
	f, err := d.o.Store.File(ctx, file)
	return Download{File: f, Card: c.ID, Environment: e.ID}, err
}

// rules are those of the card's policy.
func (d *Desk) rules(ctx context.Context, c store.Card) (policy.Policy, error) {
	row, err := d.o.Store.Policy(ctx, c.Policy)
	if err != nil {
		return policy.Policy{}, err
	}
	return policy.Parse([]byte(row.Body))
}

func refused(code decide.Code) error {
	return fault.New(fault.Forbidden, string(code), "The card is not good for this download (%s).", code)
}
