package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"guildhall/platform/db"
	"guildhall/platform/fault"
)

// addresses are what the listeners are bound to. They are kept in the data
// directory, so that a command that works without the server writes the same
// addresses into certificates as the server does.
type addresses struct {
	HTTP     string `json:"http"`
	HTTPS    string `json:"https"`
	Internal string `json:"internal"`
	Domain   string `json:"domain"`
	// Engines are the services' databases: "sqlite" or "postgres".
	Engines map[string]db.Engine `json:"engines,omitempty"`
}

type listeners struct {
	http, https, internal net.Listener
}

// listen binds all three, or none.
func listen(ctx context.Context, c ServerConfig) (l listeners, err error) {
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.http, err = bind(ctx, "server.http", "--http", c.HTTP); err != nil {
		return l, err
	}
	if l.https, err = bind(ctx, "server.https", "--https", c.HTTPS); err != nil {
		return l, err
	}
	l.internal, err = bind(ctx, "server.internal", "--internal", c.Internal)
	return l, err
}

func bind(ctx context.Context, key, flag, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.New(fault.Conflict, "address_in_use",
			"%s: another program listens on %s. Stop it, or give another address with %s.", key, addr, flag).Because(err)
	case errors.Is(err, syscall.EACCES):
		return nil, fault.New(fault.Forbidden, "address_forbidden",
			"%s: this user may not listen on %s. Use a port over 1023, or give the binary CAP_NET_BIND_SERVICE.", key, addr).Because(err)
	case err != nil:
		return nil, fmt.Errorf("listen for %s: %w", key, err)
	}
	return l, nil
}

func (l listeners) close() {
	for _, x := range []net.Listener{l.http, l.https, l.internal} {
		if x != nil {
			_ = x.Close()
		}
	}
}

func (l listeners) addresses(domain string) addresses {
	return addresses{HTTP: l.http.Addr().String(), HTTPS: l.https.Addr().String(), Internal: l.internal.Addr().String(), Domain: domain}
}

func addressFile(dir string) string { return filepath.Join(dir, "addresses.json") }

func (a addresses) save(dir string) error {
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode addresses: %w", err)
	}
	if err := os.WriteFile(addressFile(dir), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("save addresses: %w", err)
	}
	return nil
}

// lastAddresses are those of the last start in the directory, or the configured
// ones when there was none.
func lastAddresses(c ServerConfig) (addresses, error) {
	a := addresses{HTTP: c.HTTP, HTTPS: c.HTTPS, Internal: c.Internal, Domain: c.Domain, Engines: map[string]db.Engine{}}
	text, err := os.ReadFile(addressFile(c.Data))
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return a, fmt.Errorf("read addresses: %w", err)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("read addresses: %s is damaged (%w); remove it", addressFile(c.Data), err)
	}
	if a.Engines == nil {
		a.Engines = map[string]db.Engine{}
	}
	return a, nil
}

// checkEngine refuses to make a second, empty database beside the one that the
// last start used, because a configuration was forgotten.
func (a addresses) checkEngine(service string, now db.Engine) error {
	last, known := a.Engines[service]
	if !known || last == now {
		return nil
	}
	return fault.New(fault.Conflict, "database_changed",
		"%s kept its data in %s at the last start, and would use %s now. Give the --config of the last start. (To move on purpose, remove \"engines\" from addresses.json in the data directory.)",
		service, last, now)
}

// port of a bound address.
func port(addr string) int {
	_, text, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(text)
	return n
}
