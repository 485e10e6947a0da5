package peer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"guildhall/platform/fault"
	"guildhall/sdk/go/ca"
)

// AuthorityService is the service that issues certificates.
const AuthorityService = "ca"

// leaveTimeout bounds the last word to the authority.
const leaveTimeout = 2 * time.Second

// Remote is the Authority over the network.
type Remote struct {
	node *Node

	mu      sync.Mutex
	clients map[*Identity]*http.Client
	turn    int // the identity to begin with
}

// Remote is the authority at peers.urls.ca.
func (n *Node) Remote() (Authority, error) {
	if _, ok := n.addresses[AuthorityService]; !ok {
		return nil, fault.Fields(fault.Field{Name: "peers.urls." + AuthorityService, Code: "required",
			Detail: "The authority is not in this process. Give the address of its internal listener, https://host:port."})
	}
	return &Remote{node: n, clients: map[*Identity]*http.Client{}}, nil
}

// client calls the authority under an identity, whatever the age of our news.
func (a *Remote) client(i *Identity) *http.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.clients[i]
	if !ok {
		c = newLink(i, AuthorityService, true).client()
		a.clients[i] = c
	}
	return c
}

// any is an identity to call under.
func (a *Remote) any() (*Identity, error) {
	a.mu.Lock()
	turn := a.turn
	a.mu.Unlock()
	a.node.mu.Lock()
	all := a.node.joined
	a.node.mu.Unlock()
	var errs []error
	for k := range all {
		i := all[(turn+k)%len(all)]
		why := i.usable()
		if why == nil {
			return i, nil
		}
		errs = append(errs, why)
	}
	return nil, errors.Join(append([]error{errors.New("no service of this process has a valid certificate to call the authority with")}, errs...)...)
}

// refusal is an end of Follow that lies in the identity that it came under.
type refusal struct {
	identity *Identity
	err      error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// another has any begin with the next identity: the authority may refuse one
// for a revocation that this process has not heard of.
func (a *Remote) another() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.turn++
}

// Enrol implements Authority. The connection is trusted by the token's
// fingerprint of the root alone.
func (a *Remote) Enrol(ctx context.Context, r EnrolRequest) (*Bundle, error) {
	t, err := ca.ParseJoinToken(r.Token)
	if err != nil {
		return nil, fault.Fields(fault.Field{Name: "token", Code: "invalid", Detail: err.Error()})
	}
	transport := &http.Transport{DialTLSContext: a.pinned(t), DisableKeepAlives: true,
		ResponseHeaderTimeout: responseTimeout, MaxResponseHeaderBytes: maxHeaderBytes}
	var b Bundle
	err = a.post(ctx, &http.Client{Transport: transport}, "https://"+EnrolName+pathEnrol, certificateRequest(r), &b)
	return &b, err
}

// Renew implements Authority.
func (a *Remote) Renew(ctx context.Context, csr []byte) (*Bundle, error) {
	q, err := x509.ParseCertificateRequest(csr)
	if err != nil || len(q.DNSNames) != 1 {
		return nil, errors.Join(errors.New("the request does not name one service"), err)
	}
	service, ok := ServiceOf(q.DNSNames[0])
	if !ok {
		return nil, fmt.Errorf("%q is not the name of a service", q.DNSNames[0])
	}
	var b Bundle
	err = a.post(ctx, a.client(a.node.As(service)), URL(AuthorityService)+pathRenew, certificateRequest{CSR: csr}, &b)
	return &b, err
}

// holder is the service that a public name belongs to ("shop.example.com" is
// shop's), which has to ask for its certificate itself.
func (a *Remote) holder(csr []byte) (*Identity, error) {
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, fmt.Errorf("read the certificate request: %w", err)
	}
	for _, name := range r.DNSNames {
		label, _, _ := strings.Cut(name, ".")
		if i := a.joinedAs(label); i != nil {
			return i, nil
		}
	}
	return a.any()
}

func (a *Remote) joinedAs(service string) *Identity {
	a.node.mu.Lock()
	defer a.node.mu.Unlock()
	for _, i := range a.node.joined {
		if i.service == service {
			return i
		}
	}
	return nil
}

// ServerCertificate implements Authority.
func (a *Remote) ServerCertificate(ctx context.Context, csr []byte) (*Bundle, error) {
	i, err := a.holder(csr)
	if err != nil {
		return nil, err
	}
	var b Bundle
	err = a.post(ctx, a.client(i), URL(AuthorityService)+pathServer, certificateRequest{CSR: csr}, &b)
	return &b, err
}

// Roots implements Authority: those that came with the certificates.
func (a *Remote) Roots() ([]*x509.Certificate, error) {
	roots := a.node.trust.Load().roots
	if len(roots) == 0 {
		return nil, errors.New("no service of this process has enrolled yet")
	}
	return roots, nil
}

// Knows implements Authority.
func (a *Remote) Knows(ctx context.Context, certificate []byte) (bool, error) {
	i, err := a.any()
	if err != nil {
		return false, err
	}
	var v verdict
	err = a.post(ctx, a.client(i), URL(AuthorityService)+pathKnows, inquiry{Certificate: certificate}, &v)
	return v.Known, err
}

// Follow implements Authority.
func (a *Remote) Follow(ctx context.Context, after uint64, apply func(Update) error) error {
	i, err := a.any()
	if err != nil {
		return err
	}
	instance, err := a.node.instance()
	if err != nil {
		return err
	}
	err = a.stream(ctx, i, instance, after, apply)
	if errors.Is(context.Cause(ctx), ErrLeaving) {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
		defer cancel()
		return a.post(bye, a.client(i), URL(AuthorityService)+pathLeave, acknowledgement{Instance: instance}, nil)
	}
	if refusedByPeer(err) {
		a.another()
		return &refusal{identity: i, err: err}
	}
	return err
}

func (a *Remote) stream(ctx context.Context, i *Identity, instance string, after uint64, apply func(Update) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// A peer that vanished without a word is noticed by its silence.
	silence := max(a.node.lease/3, time.Second)
	watch := time.AfterFunc(silence, func() { cancel(fmt.Errorf("the authority was silent for %s", silence)) })
	defer watch.Stop()
	q := url.Values{"after": {strconv.FormatUint(after, 10)}, "instance": {instance}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, URL(AuthorityService)+pathFollow+"?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := a.client(i).Do(r)
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return problemOf(resp)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 4096), maxUpdate)
	acked, first := uint64(0), true
	for lines.Scan() {
		watch.Reset(silence)
		u, err := ParseUpdate(lines.Bytes())
		if err != nil {
			return err
		}
		if err := apply(u); err != nil {
			return err
		}
		if seq := a.node.revoked.Sequence(); len(u.Head) > 0 && (first || seq != acked) {
			if err := a.post(ctx, a.client(i), URL(AuthorityService)+pathAck, acknowledgement{Instance: instance, Sequence: seq}, nil); err != nil {
				return fmt.Errorf("acknowledge revocation %d: %w", seq, err)
			}
			acked, first = seq, false
		}
	}
	return errors.Join(context.Cause(ctx), lines.Err(), errors.New("the authority ended the stream"))
}

// post sends JSON and reads JSON; a problem document comes back as a fault.
func (a *Remote) post(ctx context.Context, c *http.Client, url string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 != 2 {
		return problemOf(resp)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxResponse))
		return err
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxResponse)).Decode(into); err != nil {
		return fmt.Errorf("read the authority's answer: %w", err)
	}
	return nil
}

// problemOf reads the authority's refusal.
func problemOf(resp *http.Response) error {
	var p fault.Problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxResponse)).Decode(&p); err != nil || p.Code == "" {
		return fault.New(kindOf(resp.StatusCode), "authority_refused", "The authority answered %s.", resp.Status).Because(err)
	}
	e := fault.New(kindOf(resp.StatusCode), p.Code, "%s", p.Detail)
	e.Fields = p.Errors
	return e
}

// kindOf is the kind that a status came from.
func kindOf(status int) fault.Kind {
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if k.Status() == status {
			return k
		}
	}
	return fault.Internal
}
