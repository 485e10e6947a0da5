package mail

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/mail"
	"strings"
	"time"

	"guildhall/platform/id"
	"guildhall/platform/jobs"
	"guildhall/platform/seal"
)

// JobKind is the kind of the jobs that send letters.
const JobKind = "mail.send"

// Letters are tried after 30 s, then after twice as long each time up to an hour:
// the last time about a day after the first.
const (
	firstPause  = 30 * time.Second
	longPause   = time.Hour
	maxAttempts = 31
	// sendTimeout bounds one attempt.
	sendTimeout = 2 * time.Minute
	// atOnce is how many letters a node sends at the same time.
	atOnce = 4
)

// Options are what an Outbox needs; all are required but Now.
type Options struct {
	Jobs   *jobs.Queue
	Sender Sender
	// Templates holds <language>/<template>.txt and .html for each language.
	Templates fs.FS
	// From is the sender's address, with or without a name.
	From string
	// Key seals the letters in the queue.
	Key seal.Key
	// Product is what letters call this installation.
	Product string
	// Language is that of letters whose reader has none; empty: English.
	Language string
	Log      *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Outbox renders letters and queues them. It is safe for concurrent use.
type Outbox struct {
	jobs    *jobs.Queue
	sender  Sender
	letters *templates
	key     seal.Key
	from    string
	lang    string
	host    string // of the Message-IDs
	log     *slog.Logger
	now     func() time.Time
}

// NewOutbox reads the templates, and registers the job that sends with the
// queue, so call it before Jobs.Run. A template that lacks a language, a subject
// or a half is an error.
func NewOutbox(o Options) (*Outbox, error) {
	from, err := mail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("read the sender's address %q: %w", o.From, err)
	}
	_, domain, _ := cutLast(from.Address)
	host, err := asciiDomain(domain)
	if err != nil {
		return nil, fmt.Errorf("read the sender's address %q: %w", o.From, err)
	}
	if o.Key == (seal.Key{}) {
		return nil, errors.New("there is no mail key to seal letters with")
	}
	b := &Outbox{jobs: o.Jobs, sender: o.Sender, from: from.String(), lang: o.Language, host: host, key: o.Key, log: o.Log, now: o.Now}
	if b.now == nil {
		b.now = time.Now
	}
	if b.letters, err = readTemplates(o.Templates, o.Product); err != nil {
		return nil, err
	}
	o.Jobs.Handle(JobKind, jobs.HandlerOptions{MaxAttempts: maxAttempts, Backoff: firstPause, MaxBackoff: longPause, Concurrency: atOnce}, b.deliver)
	return b, nil
}

// payload is what the queue keeps of a letter.
type payload struct {
	// Template names the letter. All who see the queue see it; it tells of nobody.
	Template string `json:"template"`
	// Key names the key under which Letter is sealed, ID the letter.
	Key    string `json:"key"`
	ID     string `json:"id"`
	Letter []byte `json:"letter"`
	// Until is when the letter is out of date; zero means never.
	Until time.Time `json:"until,omitzero"`
}

// Send renders the letter and queues it in the caller's transaction: it is sent
// exactly if that is committed. The error is ErrAddress, or about the program's
// own templates.
func (o *Outbox) Send(ctx context.Context, tx *sql.Tx, m Message) error {
	to, err := ParseAddress(m.To)
	if err != nil {
		return err
	}
	m.To, m.Name, m.Language = to, personName(m.Name), cmp.Or(m.Language, o.lang)
	l := Letter{ID: strings.ReplaceAll(id.New("ltr"), "_", ".") + "@" + o.host, From: o.from, To: m.To, ToName: m.Name, At: o.now().UTC()}
	if err := o.letters.render(m, &l); err != nil {
		return err
	}
	plain, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode a letter: %w", err)
	}
	return o.jobs.Enqueue(ctx, tx, JobKind, payload{Template: m.Template, Key: o.key.ID(), ID: l.ID, Letter: o.key.Seal(sealName(l.ID), plain), Until: m.Until.UTC()}, jobs.EnqueueOptions{})
}

// deliver sends one queued letter.
func (o *Outbox) deliver(ctx context.Context, j jobs.Job) error {
	var p payload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return jobs.Final(fmt.Errorf("read a queued letter: %w", err))
	}
	if !p.Until.IsZero() && !o.now().Before(p.Until) {
		return jobs.Final(fmt.Errorf("the letter could not be sent before %s, when what it says ran out; the reader can ask for another", p.Until.Format(time.RFC3339)))
	}
	plain, err := o.open(p)
	if err != nil {
		return err
	}
	var l Letter
	if err := json.Unmarshal(plain, &l); err != nil {
		return jobs.Final(fmt.Errorf("read a queued letter: %w", err))
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return o.outcome(ctx, l, o.sender.Send(ctx, l))
}

// open is the queued letter, if it was sealed under this process's key.
func (o *Outbox) open(p payload) ([]byte, error) {
	if p.Key != o.key.ID() {
		return nil, fmt.Errorf("the letter is sealed under the mail key %s and this process has %s: give all processes of a database the same mail.key", p.Key, o.key.ID())
	}
	plain, err := o.key.Open(sealName(p.ID), p.Letter)
	if err != nil {
		return nil, fmt.Errorf("open a queued letter: it was changed: %w", err)
	}
	return plain, nil
}

// sealName binds a sealed letter to its id.
func sealName(id string) string { return JobKind + "/" + id }
