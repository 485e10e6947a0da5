package peer

import "crypto/x509"

// Roots are what the certificate of a server outside this product may end in: the
// roots that this machine trusts, and the authority's.
func (n *Node) Roots() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil { // there is none, as in a bare container
		pool = x509.NewCertPool()
	}
	for _, root := range n.trust.Load().roots {
		pool.AddCert(root)
	}
	return pool
}
