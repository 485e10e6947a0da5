package license

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"guildhall/sdk/go/license/sealed"
)

const (
	maxConfiguration = 64 << 10
	// refreshEvery bounds how often a configuration near its end is asked for anew.
	refreshEvery = time.Hour
)

// choose takes the newest of the configurations that are stored and built in. One whose
// time is over still tells whom to ask for the time and for the next.
func (c *Client) choose() error {
	for _, text := range []string{c.state.Configuration, c.o.Kit.Configuration} {
		if text == "" {
			continue
		}
		found, err := sealed.OpenConfiguration(c.pin(0), text, time.Time{})
		switch {
		case err != nil && text == c.o.Kit.Configuration:
			return fmt.Errorf("%w: %w", ErrKit, err)
		case err != nil: // another root key is pinned than before: the server has a new one
			c.o.Trouble(fmt.Errorf("%w: %w", ErrState, err))
		case found.Serial >= c.state.Serial:
			c.state.Configuration, c.state.Serial, c.configuration = text, found.Serial, &found
		}
	}
	return nil
}

func (c *Client) pin(serial uint64) sealed.Pin {
	return sealed.Pin{Root: ed25519.PublicKey(c.o.Kit.Root), Product: c.o.Kit.Product, Serial: serial}
}

// present is the configuration, nil if there is none.
func (c *Client) present() *sealed.Configuration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.configuration
}

// addresses are those of the server that the mode can use, the preferred first.
func (c *Client) addresses() []string {
	var all []string
	if k := c.present(); k != nil {
		all = slices.Clone(k.Addresses)
	}
	var usable []string
	for _, a := range append(all, c.o.Kit.Addresses...) {
		a = strings.TrimRight(a, "/")
		if !slices.Contains(usable, a) && (c.o.Mode != sealed.HTTPS || strings.HasPrefix(a, "https://")) {
			usable = append(usable, a)
		}
	}
	return usable
}

// refresh asks for a newer configuration when the present one, or the key that requests
// are sealed to, comes near its end.
func (c *Client) refresh(ctx context.Context) {
	k, now := c.present(), c.now()
	if k == nil {
		return // the first attempt asks for one
	}
	near := ends(k.IssuedAt, k.ExpiresAt, now)
	if key, err := k.HPKEKeyAt(now); c.o.Mode == sealed.HPKE && err == nil {
		near = near || ends(key.NotBefore, key.NotAfter, now)
	}
	c.mu.Lock()
	asked := c.fetched
	c.mu.Unlock()
	if !near || now.Sub(asked).Abs() < refreshEvery {
		return
	}
	if err := c.fetch(ctx); err != nil {
		c.o.Trouble(err)
	}
}

// ends says whether the last quarter of a time has begun.
func ends(from, to, now time.Time) bool { return to.Sub(now) < to.Sub(from)/4 }

// fetch asks every address for the configuration, until one has it.
func (c *Client) fetch(ctx context.Context) error {
	now := c.now()
	c.mu.Lock()
	c.fetched = now
	c.mu.Unlock()
	wrong := fmt.Errorf("%w: no address can be used in the mode %s", ErrUnreachable, c.o.Mode)
	for i, address := range c.addresses() {
		text, err := c.get(ctx, address)
		if err == nil {
			err = c.take(text, now)
		}
		if err == nil {
			return nil
		}
		wrong = also(wrong, err, i)
	}
	return wrong
}

func (c *Client) get(ctx context.Context, address string) (string, error) {
	target := address + PathConfiguration + "?product=" + url.QueryEscape(c.o.Kit.Product)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	got, err := c.send(r, maxConfiguration)
	if err != nil {
		return "", err
	}
	if got.status != http.StatusOK {
		return "", fmt.Errorf("%w: %s answered %d instead of a configuration", ErrUnreachable, address, got.status)
	}
	return string(got.body), nil
}

// take verifies a configuration and goes by it from now on.
func (c *Client) take(text string, now time.Time) error {
	found, err := sealed.OpenConfiguration(c.pin(c.known().Serial), text, now)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	c.change(func(s *state) {
		if found.Serial < s.Serial {
			return // a newer one came meanwhile
		}
		s.Configuration, s.Serial, c.configuration = text, found.Serial, &found
	})
	return nil
}

// also adds what was wrong with the nth address to what was wrong with those before.
func also(before, err error, n int) error {
	if n == 0 {
		return err
	}
	return fmt.Errorf("%w; %w", before, err)
}
