package peer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"guildhall/platform/fault"
	"guildhall/sdk/go/ca"
)

// ErrNoCertificate is returned when a service has no valid certificate and
// cannot get one without an operator.
var ErrNoCertificate = fault.New(fault.Unavailable, "no_peer_certificate", "The service has no valid certificate.")

// Identity is one service of this process: its certificate, and the calls it
// makes under it.
type Identity struct {
	node    *Node
	service string
	file    string
	current atomic.Pointer[credential]
	lost    atomic.Pointer[error] // why current is nil, if there was one
	wake    chan struct{}

	mu      sync.Mutex // one application or renewal at a time
	calling sync.Mutex // guards clients
	clients map[string]*http.Client
}

// Service is the identity's service.
func (i *Identity) Service() string { return i.service }

// Serial is the serial number of the present certificate, empty before Join.
func (i *Identity) Serial() string {
	if c := i.current.Load(); c != nil {
		return SerialText(c.chain[0])
	}
	return ""
}

// load takes the stored certificate, if there is one that the authority's roots
// still stand for.
func (i *Identity) load(ctx context.Context, roots []*x509.Certificate) error {
	c, err := loadCredential(ctx, i.file, i.service, i.node.log)
	if err != nil || c == nil {
		return err
	}
	if roots == nil {
		roots = c.roots
	}
	err = c.verify(roots, i.node.now())
	if err == nil {
		if err = i.recorded(ctx, c); err != nil && !errors.Is(err, ErrUnknown) {
			return err
		}
	}
	if err != nil {
		i.node.log.WarnContext(ctx, "the stored certificate is of no use; applying for another", "service", i.service, "err", err)
		return nil
	}
	if i.moved(c) {
		i.node.log.InfoContext(ctx, "the join token is of another authority; enrolling there", "service", i.service)
		return nil
	}
	i.adopt(c)
	return nil
}

// recorded is ErrUnknown when an authority in this process has no record of the
// certificate, which is so after its database was restored from a backup. One
// elsewhere refuses the connection, see firstNews.
func (i *Identity) recorded(ctx context.Context, c *credential) error {
	if _, remote := i.node.Authority().(*Remote); remote {
		return nil
	}
	return i.node.known.check(ctx, c.chain[0])
}

// moved is true when the configured token is of an authority that c is not from.
func (i *Identity) moved(c *credential) bool {
	t, err := ca.ParseJoinToken(i.node.tokens[i.service])
	return err == nil && !slices.ContainsFunc(c.roots, func(r *x509.Certificate) bool { return t.Trusts(r.Raw) })
}

func (i *Identity) adopt(c *credential) {
	i.current.Store(c)
	i.node.believe(c)
	i.closeIdle()
}

// lose gives the present certificate up.
func (i *Identity) lose(why error) {
	i.lost.Store(&why)
	i.current.Store(nil)
}

// usable says why the present certificate will not do, or nil.
func (i *Identity) usable() error {
	c := i.current.Load()
	if lost := i.lost.Load(); c == nil && lost != nil {
		return *lost
	}
	if c == nil {
		return fmt.Errorf("%s has no certificate", i.service)
	}
	if now := i.node.now(); now.After(c.chain[0].NotAfter) {
		return fmt.Errorf("the certificate of %s expired at %s", i.service, c.chain[0].NotAfter.Format(time.RFC3339))
	}
	if err := i.node.revoked.CheckListed(c.chain); err != nil {
		return fmt.Errorf("%s: %w", i.service, err)
	}
	return nil
}

// tend gets a certificate when there is none to use, or renews it when two
// thirds of its life are over.
func (i *Identity) tend(ctx context.Context) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if why := i.usable(); why != nil {
		return i.apply(ctx, why)
	}
	if i.node.now().Before(i.current.Load().renewAt) {
		return nil
	}
	return i.obtain(ctx, "renewed", func(csr []byte) (*Bundle, error) { return i.node.Authority().Renew(ctx, csr) })
}

// apply enrols: by a join token, or by nothing in the authority's own process.
// The authority refuses the latter for a service that was revoked.
func (i *Identity) apply(ctx context.Context, why error) error {
	token := i.node.tokens[i.service]
	_, remote := i.node.Authority().(*Remote)
	if token == "" && remote {
		return i.stranded(why, errors.New("no join token is configured"))
	}
	enrol := func(token string) error {
		return i.obtain(ctx, "enrolled", func(csr []byte) (*Bundle, error) {
			return i.node.Authority().Enrol(ctx, EnrolRequest{CSR: csr, Token: token})
		})
	}
	var err error
	if !remote {
		err = enrol("")
	}
	if remote || err != nil && token != "" {
		err = enrol(token)
	}
	if err != nil && refused(err) {
		return i.stranded(why, err)
	}
	return err
}

// refused is true for an answer that the same question will get again.
func refused(err error) bool {
	switch fault.As(err).Kind {
	case fault.Internal, fault.Unavailable, fault.TooMany:
		return false
	}
	return true
}

func (i *Identity) stranded(why, err error) error {
	e := fault.New(ErrNoCertificate.Kind, ErrNoCertificate.Code,
		"%s has no valid certificate and cannot get one: %w; %s. Make a join token on the authority with \"guildhall ca token create %s\", set it as peers.join_tokens.%s, and start again.",
		i.service, why, strings.TrimSuffix(err.Error(), "."), i.service, i.service)
	return e.Because(errors.Join(why, err))
}

// obtain asks for a certificate on a fresh key, stores it and takes it into use.
func (i *Identity) obtain(ctx context.Context, how string, ask func(csr []byte) (*Bundle, error)) error {
	key, csr, err := newKey(Name(i.service))
	if err != nil {
		return err
	}
	b, err := ask(csr)
	if err != nil {
		return fmt.Errorf("get a certificate for %s: %w", i.service, err)
	}
	c, err := newCredential(i.service, key, b)
	if err != nil {
		return fmt.Errorf("take the certificate for %s: %w", i.service, err)
	}
	if err := c.save(i.file); err != nil {
		return err
	}
	i.adopt(c)
	i.node.log.InfoContext(ctx, "the service has a new certificate", "service", i.service, "how", how, "serial", i.Serial(), "until", c.chain[0].NotAfter)
	return nil
}
