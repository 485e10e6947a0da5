package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"guildhall/platform/fault"
	"guildhall/platform/limit"
	"guildhall/platform/shared"
)

// The bounds of shared.timeout: less is not enough for any network, and nobody
// waits longer for a page because of a count.
const (
	minSharedTimeout = time.Millisecond
	maxSharedTimeout = 10 * time.Second
)

// errAlone says what is missing while the server for shared state does not work.
var errAlone = fault.New(fault.Unavailable, "shared_away",
	"The server for shared state does not work. Until it does, each node counts requests by itself.")

// check never repeats the address: it may hold a password.
func (c *SharedConfig) check(r *refusals) {
	if c.URL != "" {
		if _, err := shared.ParseAddress(c.URL.Reveal(), nil); err != nil {
			r.add("shared.url", "It cannot be used: %v.", err)
		}
	}
	if t := c.Timeout.Std(); t < minSharedTimeout || t > maxSharedTimeout {
		r.add("shared.timeout", "%v is no time to wait for an answer. Write 100ms, or another from %v to %v.", t, minSharedTimeout, maxSharedTimeout)
	}
}

// address is where the server is; the error names the key. It reads the file of
// certificates.
func (c *SharedConfig) address() (a shared.Address, err error) {
	var r refusals
	roots := c.roots(&r)
	if len(r) > 0 {
		return a, fault.Fields(r...)
	}
	if a, err = shared.ParseAddress(c.URL.Reveal(), roots); err != nil {
		r.add("shared.url", "It cannot be used: %v.", err)
	}
	return a, fault.Fields(r...)
}

// checkFiles checks the file of certificates, and that it fits the address.
func (c *SharedConfig) checkFiles(r *refusals) {
	if c.URL == "" || c.CA == "" {
		return // nothing is read, or check has said all
	}
	if _, err := c.address(); err != nil {
		*r = append(*r, fault.As(err).Fields...)
	}
}

// roots are those of the file, nil without one.
func (c *SharedConfig) roots(r *refusals) *x509.CertPool {
	if c.CA == "" {
		return nil
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		r.add("shared.ca", "The file cannot be read: %v. Check the path, the owner and the mode.", err)
		return nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		r.add("shared.ca", "%s holds no certificate. Give those that the server's certificate may end in, in PEM.", c.CA)
	}
	return roots
}

// openShared begins to reach the server for shared state, if there is one and
// requests are to be served.
func (a *App) openShared(ctx context.Context, domain string) error {
	if a.cfg.Shared.URL == "" || a.offline {
		return nil
	}
	address, err := a.cfg.Shared.address()
	if err != nil {
		return err
	}
	a.shared = shared.Open(ctx, shared.Options{Address: address, Timeout: a.cfg.Shared.Timeout.Std(), Scope: domain, Log: a.log, Metrics: a.metrics.Registry})
	return nil
}

// limiter is the limit.Maker of this process.
func (a *App) limiter(name string, o limit.Options) limit.Limiter {
	if a.shared == nil {
		return limit.New(o)
	}
	return limit.NewShared(a.shared, name, o)
}

// sharedHealth is "ok" or what is wrong, empty when nothing is shared.
func (a *App) sharedHealth(say func(error) string) string {
	if a.shared == nil {
		return ""
	}
	if err := a.shared.Problem(); err != nil {
		return say(fmt.Errorf("%w (%w)", errAlone, err))
	}
	return "ok"
}
