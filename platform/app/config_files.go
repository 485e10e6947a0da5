package app

import (
	"crypto/tls"
	"os"
	"time"

	"guildhall/platform/fault"
)

// CheckFiles says what is wrong with the files that the configuration names.
func (c *Config) CheckFiles(now time.Time) error {
	var r refusals
	c.Server.checkFiles(&r, now)
	c.Shared.checkFiles(&r)
	return fault.Fields(r...)
}

func (c *ServerConfig) checkFiles(r *refusals, now time.Time) {
	if c.TLSCert == "" || c.TLSKey == "" {
		return // both, or Check has said so
	}
	readable := true
	for _, x := range []struct{ key, path string }{{"server.tls_cert", c.TLSCert}, {"server.tls_key", c.TLSKey}} {
		if _, err := os.ReadFile(x.path); err != nil {
			r.add(x.key, "The file cannot be read: %v. Check the path, the owner and the mode.", err)
			readable = false
		}
	}
	if !readable {
		return
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	switch {
	case err != nil:
		r.add("server.tls_cert", "The certificate in %s and the key in %s cannot be used together: %v. Give PEM files, the certificate first in its file, and the key that belongs to it.", c.TLSCert, c.TLSKey, err)
	case now.After(pair.Leaf.NotAfter):
		r.add("server.tls_cert", "The certificate in %s expired at %s. Put a new one in its place.", c.TLSCert, pair.Leaf.NotAfter.Format(time.RFC3339))
	case now.Before(pair.Leaf.NotBefore):
		r.add("server.tls_cert", "The certificate in %s is valid from %s only. Check it and the clock.", c.TLSCert, pair.Leaf.NotBefore.Format(time.RFC3339))
	}
}
