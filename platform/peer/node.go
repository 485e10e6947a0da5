package peer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"guildhall/platform/fault"
	"guildhall/sdk/go/ca"
)

// DefaultLease is how long a process trusts its last news of revocations when
// nothing else is configured.
const DefaultLease = 30 * time.Second

// NodeOptions are what a Node is made of.
type NodeOptions struct {
	// Dir keeps the certificates and keys of this process's services.
	Dir string
	// Internal is the address, host:port, of this process's internal listener.
	// Services without an entry in URLs are called there.
	Internal string
	// URLs are https addresses of internal listeners by service.
	URLs map[string]string
	// Tokens are the texts of join tokens by service, for services that have
	// no valid certificate.
	Tokens map[string]string
	// Lease is how long the last head of the revocation list is believed; 0 is
	// DefaultLease. The authority's own lease applies when it is shorter.
	Lease time.Duration
	Now   func() time.Time
	Log   *slog.Logger
}

// Node is this process on the internal network: the identities of its services,
// what it knows of revocations, its internal listener and its connections. Make
// it by NewNode, give it routes by Serve, then Join, then Run beside Server.
type Node struct {
	dir       string
	addresses map[string]string // host:port by service
	internal  string
	tokens    map[string]string
	lease     time.Duration
	now       func() time.Time
	log       *slog.Logger
	refusals  *warner

	revoked   *Revocations
	known     *known
	conns     *connections
	trust     atomic.Pointer[trust]
	authority Authority
	open      *openRoutes
	// stopping is closed by stop: the internal listener stops.
	stopping chan struct{}
	stop     func()

	mu         sync.Mutex
	identities map[string]*Identity
	joined     []*Identity
	routes     map[string]*http.ServeMux
}

// trust is what the node believes certificates of others by: the roots of all
// its identities.
type trust struct {
	roots []*x509.Certificate
	pool  *x509.CertPool
}

// NewNode checks the options. It touches neither disk nor network.
func NewNode(o NodeOptions) (*Node, error) {
	n := &Node{dir: o.Dir, internal: dialable(o.Internal), addresses: map[string]string{}, tokens: o.Tokens, lease: o.Lease, now: o.Now, log: o.Log,
		conns: newConnections(), identities: map[string]*Identity{}, routes: map[string]*http.ServeMux{}, stopping: make(chan struct{})}
	n.stop = sync.OnceFunc(func() { close(n.stopping) })
	if n.lease == 0 {
		n.lease = DefaultLease
	}
	if n.now == nil {
		n.now = time.Now
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.refusals = &warner{log: n.log}
	n.revoked = NewRevocations(n.lease, n.now)
	n.known = newKnown(n.now, func(ctx context.Context, certificate []byte) (bool, error) {
		return n.Authority().Knows(ctx, certificate)
	})
	n.trust.Store(&trust{pool: x509.NewCertPool()})
	for service, text := range o.URLs {
		n.addresses[service], _ = addressOf(text) // Check says what is wrong
	}
	return n, Check(o.URLs, o.Tokens)
}

// Check says which addresses and join tokens, by service, cannot be used.
func Check(urls, tokens map[string]string) error {
	var wrong []fault.Field
	refuse := func(key, service string, err error) {
		if err != nil {
			wrong = append(wrong, fault.Field{Name: "peers." + key + "." + service, Code: "invalid", Detail: err.Error()})
		}
	}
	for service, text := range urls {
		_, err := addressOf(text)
		refuse("urls", service, err)
	}
	for service, text := range tokens {
		_, err := ca.ParseJoinToken(text)
		refuse("join_tokens", service, err)
	}
	slices.SortFunc(wrong, func(a, b fault.Field) int { return strings.Compare(a.Name, b.Name) })
	return fault.Fields(wrong...)
}

// addressOf is where to dial for an address such as https://10.0.0.5:8444.
func addressOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", fmt.Errorf("%q is not the address of an internal listener. Write https://host:port", text)
	}
	if _, err := strconv.ParseUint(u.Port(), 10, 16); err != nil && u.Port() != "" {
		return "", fmt.Errorf("%q has a port that does not exist. Write https://host:port, the port at most 65535", text)
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "443"), nil
	}
	return u.Host, nil
}

// dialable is an address to reach a listener that may be bound to all addresses.
func dialable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}

// As is the identity of a service of this process, for the calls it makes.
func (n *Node) As(service string) *Identity {
	n.mu.Lock()
	defer n.mu.Unlock()
	id, ok := n.identities[service]
	if !ok {
		id = &Identity{node: n, service: service, file: filepath.Join(n.dir, service+".pem"),
			wake: make(chan struct{}, 1), clients: map[string]*http.Client{}}
		n.identities[service] = id
	}
	return id
}

// Revocations is what the process knows of revoked certificates.
func (n *Node) Revocations() *Revocations { return n.revoked }

// Authority is what Join was given; nil before.
func (n *Node) Authority() Authority {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.authority
}

// Root is the root certificate of an authority in this process, nil when it is
// elsewhere.
func (n *Node) Root() *x509.Certificate {
	authority := n.Authority()
	if _, remote := authority.(*Remote); authority == nil || remote {
		return nil
	}
	if roots, err := authority.Roots(); err == nil && len(roots) > 0 {
		return roots[0]
	}
	return nil
}

// Health says what keeps this process from talking to others, or nil.
func (n *Node) Health() error {
	errs := []error{n.revoked.Fresh()}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range n.joined {
		errs = append(errs, id.usable())
	}
	return errors.Join(errs...)
}

// believe takes over the roots and the status key of a new credential.
func (n *Node) believe(c *credential) {
	n.mu.Lock()
	defer n.mu.Unlock()
	roots := slices.Clone(n.trust.Load().roots)
	for _, root := range c.roots {
		if !slices.ContainsFunc(roots, root.Equal) {
			roots = append(roots, root)
		}
	}
	n.trust.Store(&trust{roots: roots, pool: poolOf(roots)})
	n.revoked.Trust(c.statusKey)
}
