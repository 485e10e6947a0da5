package app

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
)

// publicCerts are the certificates of the public listener. Beside the authority
// one certificate names the domain and every host. Elsewhere each service asks
// for its own hosts alone: that is all the authority gives it, and the bare
// domain stays with the authority's process. With server.tls_cert only the hosts
// of Service.Certified have one of the authority, whose certificates their clients
// come with.
type publicCerts []*publicCert

func newPublicCerts(a *App) publicCerts {
	var all publicCerts
	var hosts, certified []string
	for _, s := range a.services {
		own := s.def.Name + "." + a.hosts.domain
		hosts = append(hosts, own)
		if s.svc.Certified != nil {
			certified = append(certified, certifiedPrefix+own)
		}
	}
	if a.node.Root() != nil {
		hosts = append([]string{a.hosts.domain}, hosts...)
	}
	switch {
	case a.cfg.Server.TLSCert != "":
		all = publicCerts{givenCert(a, hosts)}
		for _, host := range certified {
			all = append(all, newPublicCert(a, []string{host}))
		}
	case a.node.Root() != nil:
		all = publicCerts{newPublicCert(a, append(hosts, certified...))}
	default:
		for _, host := range hosts {
			own := []string{host}
			if slices.Contains(certified, certifiedPrefix+host) {
				own = append(own, certifiedPrefix+host)
			}
			all = append(all, newPublicCert(a, own))
		}
	}
	return all
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
