package license

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/sealed"
)

// sdk is what Request.SDK says.
const sdk = "go/1"

// Options is what Open needs.
type Options struct {
	// Kit is what the server exported for the product.
	Kit Kit
	// Dir is an existing directory of this installation, which the program can write to;
	// "." is the one that the program runs in. The file in it holds the installation's keys
	// and its card.
	Dir string
	// Version is that of the program.
	Version string
	// Components tell this machine from others (fingerprint.Collect).
	Components fingerprint.Components
	// Mode is the transport; empty: sealed.HPKE.
	Mode sealed.Mode
	// HTTP sends the requests; nil: a client that waits 15 seconds.
	HTTP *http.Client
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Trouble is told what the program should log and need not act upon, because an earlier
	// answer is good or the next try may do better; Run tells it refusals too. It may be
	// called by several goroutines at once. Nil: nobody is told.
	Trouble func(error)
}

// Client is one installation of a program. It is safe for concurrent use.
type Client struct {
	o    Options
	http *http.Client
	file stateFile
	// pause waits, and is false if the context ended before.
	pause func(ctx context.Context, d time.Duration) bool

	mu            sync.Mutex
	state         state
	configuration *sealed.Configuration // nil: none yet
	fetched       time.Time             // when a newer one was last asked for
}

// Open reads the state of this installation, which it makes the first time. It sends
// nothing.
func Open(o Options) (*Client, error) {
	if err := o.Kit.check(); err != nil {
		return nil, err
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	c := &Client{o: o, http: noRedirects(o.HTTP), file: newStateFile(o.Dir, o.Kit.Product), pause: pause}
	var err error
	if c.state, err = c.file.load(); err != nil {
		return nil, err
	}
	return c, c.choose()
}

// complete fills in what was left out.
func (o *Options) complete() error {
	if o.Mode == "" {
		o.Mode = sealed.HPKE
	}
	switch o.Mode {
	case sealed.HTTPS, sealed.HPKE:
	case sealed.PSK:
		if o.Kit.PSK == nil {
			return fmt.Errorf("%w: it has no shared key, which the mode psk needs", ErrKit)
		}
	default:
		return fmt.Errorf("%w: there is no mode %q", ErrKit, o.Mode)
	}
	if o.Dir == "" {
		return fmt.Errorf("%w: Options.Dir names no directory", ErrKit)
	}
	if err := o.Components.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrKit, err)
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 15 * time.Second}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Trouble == nil {
		o.Trouble = func(error) {}
	}
	return nil
}

// noRedirects sends requests nowhere but to the addresses that are signed.
func noRedirects(h *http.Client) *http.Client {
	direct := *h
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &direct
}

// now is the server's time, as far as it is known.
func (c *Client) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.o.Now().Add(time.Duration(c.state.Offset) * time.Millisecond)
}

// correct takes over the server's time.
func (c *Client) correct(server int64) {
	c.change(func(s *state) { s.Offset = server - c.o.Now().UnixMilli() })
}

// known is the state as it is now. Nobody writes to what it refers to.
func (c *Client) known() state {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// change changes the state and writes it. That it cannot be written stops nobody.
func (c *Client) change(f func(*state)) {
	c.mu.Lock()
	f(&c.state)
	err := c.file.save(c.state)
	c.mu.Unlock()
	if err != nil {
		c.o.Trouble(err)
	}
}

// ours says whether a request was made by this installation with its present card.
func (s state) ours(r Request, product string) bool {
	return r.Product == product && r.Card == s.Card && r.Device != nil && bytes.Equal(r.Device.Sign, s.device().Sign)
}
