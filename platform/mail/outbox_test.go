package mail

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"guildhall/platform/db"
	"guildhall/platform/guildtest"
	"guildhall/platform/jobs"
	"guildhall/platform/seal"
)

// world is an outbox whose letters arrive in a list.
type world struct {
	db     *db.DB
	queue  *jobs.Queue
	clock  *guildtest.Clock
	outbox *Outbox
	log    *lockedBuffer

	mutex sync.Mutex
	sent  []Letter
	// fail is what the mail server says; nil: it takes the letter.
	fail func(Letter) error
}

// Send is the world's mail server.
func (w *world) Send(_ context.Context, l Letter) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.sent = append(w.sent, l)
	if w.fail != nil {
		return w.fail(l)
	}
	return nil
}

func (w *world) tries() []Letter {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return append([]Letter(nil), w.sent...)
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

var testKey = seal.FromSecret([32]byte{7}, "mail")

// engines runs suite on both engines.
func engines(t *testing.T, suite func(t *testing.T, w *world)) {
	t.Helper()
	guildtest.Engines(t, nil, func(t *testing.T, d *db.DB) {
		w := &world{db: d, clock: guildtest.NewClock(time.Date(2031, 3, 4, 5, 6, 7, 0, time.UTC)), log: &lockedBuffer{}}
		w.open(t, testKey)
		suite(t, w)
	})
}

// open makes the queue and the outbox, as a start of the process does.
func (w *world) open(t *testing.T, key seal.Key) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.queue = jobs.New(jobs.Options{DB: w.db, Now: w.clock.Now, Log: log, Poll: 20 * time.Millisecond, Drain: time.Second})
	if err := w.queue.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var err error
	w.outbox, err = NewOutbox(Options{Jobs: w.queue, Sender: w, Templates: greetings(), From: "Guild <no-reply@example.com>", Key: key,
		Product: "Guild", Log: log, Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.queue.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (w *world) send(t *testing.T, m Message) {
	t.Helper()
	if err := w.db.Group(t.Context(), func(tx *sql.Tx) error { return w.outbox.Send(t.Context(), tx, m) }); err != nil {
		t.Fatal(err)
	}
}

func (w *world) jobs(t *testing.T) []jobs.Job {
	t.Helper()
	list, err := w.queue.List(t.Context(), jobs.Filter{Kind: JobKind})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s did not come", what)
		}
	}
}

func TestLettersAreSentAfterTheCommitAlone(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		errNo := errors.New("no")
		err := w.db.WithTx(t.Context(), func(tx *sql.Tx) error {
			if err := w.outbox.Send(t.Context(), tx, greet("en")); err != nil {
				return err
			}
			return errNo
		})
		if !errors.Is(err, errNo) {
			t.Fatal(err)
		}
		w.send(t, greet("pl"))
		w.run(t)
		eventually(t, "a letter", func() bool { return len(w.tries()) == 1 && w.jobs(t)[0].State == jobs.Done })
		got := w.tries()[0]
		if got.To != "anna@example.com" || got.Subject != "Cześć <Anna> & co" || got.From != `"Guild" <no-reply@example.com>` ||
			!strings.HasSuffix(got.ID, "@example.com") || !got.At.Equal(w.clock.Now()) {
			t.Errorf("got %+v", got)
		}
		if len(w.jobs(t)) != 1 {
			t.Error("the letter that was rolled back is in the queue")
		}
	})
}

func TestNeitherQueueNorLogTellsTheLetter(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.fail = func(l Letter) error {
			return fmt.Errorf("%w: 550 5.1.1 <%s>: no mailbox for Anna (ANNA); %q and %q look like spam", ErrRefused, l.To, l.Subject, l.Subject[:7])
		}
		w.send(t, greet("en"))
		w.run(t)
		eventually(t, "the end", func() bool { return w.jobs(t)[0].State == jobs.Dead })
		j := w.jobs(t)[0]
		if j.Attempt != 1 || !strings.Contains(j.Error, "550 5.1.1") || !strings.Contains(j.Error, "spam") {
			t.Errorf("the job is %+v", j)
		}
		for _, private := range []string{"anna@example.com", "481516", "your code is"} {
			if strings.Contains(string(j.Payload), private) {
				t.Errorf("%q is in the queue", private)
			}
		}
		seen := strings.ToLower(j.Error + w.log.String())
		for _, private := range []string{"anna", "481516", "hello"} {
			if strings.Contains(seen, private) {
				t.Errorf("%q is in what others see:\n%s", private, seen)
			}
		}
	})
}

func TestMask(t *testing.T) {
	t.Parallel()
	l := letter()
	l.To, l.ToName, l.Subject = "anna.nowak+guild@example.com", "Anna Nowak-Żak", "481516 is your code"
	for text, want := range map[string]string{
		"550 5.1.1 <anna.nowak@example.com>: User unknown":     "550 5.1.1 <(address)>: User unknown",
		"550 anna.nowak+guild: User unknown":                   "550 (hidden): User unknown",
		"550 ANNA.NOWAK unknown here, ask root@mx.example.com": "550 (hidden) unknown here, ask (address)",
		"554 spam: \"481516 is your code\"":                    "554 spam: \"(hidden)\"",
		"554 spam: 481516 is yo...":                            "554 spam: (hidden) is yo...",
		"554 Nowak-Żak, Anna\r\n is away":                      "554 (hidden), (hidden) is away",
		"454 4.7.0 TLS not available":                          "454 4.7.0 TLS not available",
	} {
		if got := mask(text, l); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestLettersAreTriedForADay(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.fail = func(Letter) error { return errors.New("dial tcp: connection refused") }
		began := w.clock.Now()
		w.send(t, greet("en"))
		w.run(t)
		for n := 1; ; n++ {
			eventually(t, "a try", func() bool { return len(w.tries()) == n && w.jobs(t)[0].State != jobs.Running })
			j := w.jobs(t)[0]
			if j.State == jobs.Dead {
				break
			}
			w.clock.Set(j.Due)
		}
		if took := w.clock.Now().Sub(began); took < 18*time.Hour || took > 30*time.Hour {
			t.Errorf("given up after %v", took)
		}
		for _, l := range w.tries() {
			if l != w.tries()[0] {
				t.Fatalf("the letter changed between tries:\n%+v\n%+v", w.tries()[0], l)
			}
		}
		// An administrator who has mended the server retries it.
		w.mutex.Lock()
		w.fail = nil
		w.mutex.Unlock()
		if err := w.queue.Retry(t.Context(), w.jobs(t)[0].ID); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the letter", func() bool { return w.jobs(t)[0].State == jobs.Done })
	})
}

func TestFirstPausesAreShort(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.fail = func(Letter) error { return errors.New("451 greylisted") }
		w.send(t, greet("en"))
		w.run(t)
		eventually(t, "a try", func() bool { return len(w.tries()) == 1 && w.jobs(t)[0].State == jobs.Waiting })
		if pause := w.jobs(t)[0].Due.Sub(w.clock.Now()); pause < 20*time.Second || pause > 40*time.Second {
			t.Errorf("the first pause is %v", pause)
		}
	})
}

func TestALetterThatRanOutIsNotSent(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.fail = func(Letter) error { return errors.New("451 greylisted") }
		m := greet("en")
		m.Until = w.clock.Now().Add(5 * time.Minute)
		w.send(t, m)
		w.run(t)
		eventually(t, "a try", func() bool { return len(w.tries()) == 1 && w.jobs(t)[0].State == jobs.Waiting })
		w.clock.Set(m.Until)
		eventually(t, "the end", func() bool { return w.jobs(t)[0].State == jobs.Dead })
		if tries := len(w.tries()); tries != 1 || !strings.Contains(w.jobs(t)[0].Error, "ran out") {
			t.Errorf("%d tries, %s", tries, w.jobs(t)[0].Error)
		}
	})
}

func TestLettersOfAnotherKeyStay(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.send(t, greet("en"))
		w.open(t, seal.NewKey("mail"))
		stop := w.run(t)
		eventually(t, "a try", func() bool { return w.jobs(t)[0].Error != "" && w.jobs(t)[0].State == jobs.Waiting })
		if text := w.jobs(t)[0].Error; !strings.Contains(text, "mail.key") {
			t.Errorf("the error is %q", text)
		}
		stop()
		w.open(t, testKey)
		w.clock.Set(w.jobs(t)[0].Due)
		w.run(t)
		eventually(t, "the letter", func() bool { return len(w.tries()) == 1 })
	})
}

func TestSendRefusesWrongAddresses(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		err := w.db.Group(t.Context(), func(tx *sql.Tx) error {
			m := greet("en")
			m.To = "anna@example.com\r\nBcc: eve@example.com"
			return w.outbox.Send(t.Context(), tx, m)
		})
		if !errors.Is(err, ErrAddress) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNewOutboxRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"no sender's address": func(o *Options) { o.From = "" },
		"a host that is none": func(o *Options) { o.From = "a@b..c" },
		"no key":              func(o *Options) { o.Key = seal.Key{} },
		"no templates":        func(o *Options) { o.Templates = fstest.MapFS{} },
	} {
		o := Options{Jobs: jobs.New(jobs.Options{}), Sender: &Mailbox{}, Templates: greetings(), From: "a@example.com", Key: testKey, Product: "Guild"}
		change(&o)
		if _, err := NewOutbox(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A letter put into another's row is not sent.
func TestChangedLettersAreNotSent(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		sealed := testKey.Seal(sealName("a"), []byte("letter"))
		for name, p := range map[string]payload{
			"another's": {Key: testKey.ID(), ID: "b", Letter: sealed},
			"cut":       {Key: testKey.ID(), ID: "a", Letter: sealed[:5]},
			"empty":     {Key: testKey.ID(), ID: "a"},
		} {
			if plain, err := w.outbox.open(p); !errors.Is(err, seal.ErrOpen) || plain != nil {
				t.Errorf("%s: %q, %v", name, plain, err)
			}
		}
		if plain, err := w.outbox.open(payload{Key: testKey.ID(), ID: "a", Letter: sealed}); err != nil || string(plain) != "letter" {
			t.Errorf("got %q, %v", plain, err)
		}
	})
}

// A letter to somebody whose language nobody knows is in that of the installation.
func TestTheInstallationsLanguage(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, w *world) {
		w.outbox.lang = "zh-CN"
		for language, want := range map[string]string{"": "你好", "pl": "Cześć", "xx": "Hello"} {
			w.send(t, greet(language))
			var p payload
			newest := slices.MaxFunc(w.jobs(t), func(a, b jobs.Job) int { return strings.Compare(a.ID, b.ID) })
			if err := json.Unmarshal(newest.Payload, &p); err != nil {
				t.Fatal(err)
			}
			plain, err := w.outbox.open(p)
			if err != nil || !strings.Contains(string(plain), want) {
				t.Errorf("%q: %s, %v", language, plain, err)
			}
		}
	})
}
