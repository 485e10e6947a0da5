package app

import (
	"context"
	"crypto/tls"
	"errors"

	"golang.org/x/sync/errgroup"
)

// publicCerts are the certificates of the public listener. Beside the authority
// one certificate names the domain and every host. Elsewhere each service asks
// for its own hosts alone: that is all the authority gives it, and the bare
// domain stays with the authority's process.
type publicCerts []*publicCert

func newPublicCerts(a *App) publicCerts {
	var hosts []string
	for _, s := range a.services {
		hosts = append(hosts, a.hostsOf(s)...)
	}
	if a.node.Root() != nil {
		return publicCerts{newPublicCert(a, append([]string{a.hosts.domain}, hosts...))}
	}
	if a.cfg.Server.TLSCert != "" {
		return publicCerts{newPublicCert(a, hosts)}
	}
	var all publicCerts
	for _, s := range a.services {
		all = append(all, newPublicCert(a, a.hostsOf(s)))
	}
	return all
}

func (a *App) hostsOf(s *running) []string {
	host := s.def.Name + "." + a.hosts.domain
	if s.svc.Certified == nil {
		return []string{host}
	}
	return []string{host, certifiedPrefix + host}
}

// get chooses by the name that the client asks for; the first one stands in for
// the rest.
func (c publicCerts) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	for _, p := range c {
		if cert := p.offer(); cert.Leaf.VerifyHostname(hello.ServerName) == nil {
			return cert, nil
		}
	}
	return c[0].offer(), nil
}

func (c publicCerts) start(ctx context.Context) error {
	for _, p := range c {
		if err := p.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c publicCerts) run(ctx context.Context) error {
	var g errgroup.Group
	for _, p := range c {
		g.Go(func() error { return p.run(ctx) })
	}
	return g.Wait()
}

func (c publicCerts) reload(ctx context.Context) error {
	var errs []error
	for _, p := range c {
		errs = append(errs, p.reload(ctx))
	}
	return errors.Join(errs...)
}
