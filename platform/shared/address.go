package shared

import (
	"crypto/x509"
	"errors"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// Address is where the server is and how we sign in to it.
type Address struct{ option rueidis.ClientOption }

// The errors of ParseAddress. None repeats the address: it may hold a password.
var (
	errScheme = errors.New("this is not the address of a Valkey or Redis server; write redis://user:password@host:6379/0, rediss:// for TLS, or unix:///path/of/the.sock")
	errQuery  = errors.New("after \"?\" the address takes db alone, and that for unix:// alone; everything else has a key of its own, or none")
	errDB     = errors.New("the number of the database is a whole number from 0; the address ends in it, as in redis://host:6379/0")
	errRoots  = errors.New("certificates are checked with rediss:// alone; write that, or leave the file out")
)

// ParseAddress reads redis://user:password@host:port/0, the same with rediss:// for
// TLS, or unix://user:password@/path?db=0. Roots are what the server's certificate
// has to end in; nil: the roots of this machine.
func ParseAddress(text string, roots *x509.CertPool) (Address, error) {
	u, err := url.Parse(text)
	if err != nil || !placed(u) {
		return Address{}, errScheme
	}
	for key, values := range u.Query() {
		if key != "db" || u.Scheme != "unix" || len(values) != 1 {
			return Address{}, errQuery
		}
	}
	o, err := rueidis.ParseURL(text)
	if err != nil || o.SelectDB < 0 {
		return Address{}, errDB
	}
	if roots != nil && o.TLSConfig == nil {
		return Address{}, errRoots
	}
	if roots != nil {
		o.TLSConfig.RootCAs = roots
	}
	return Address{option: o}, nil
}

// placed says whether the address names a place: a socket's path, or a host with a
// port that there can be.
func placed(u *url.URL) bool {
	switch u.Scheme {
	case "unix":
		return path.IsAbs(u.Path) && u.Host == ""
	case "redis", "rediss":
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		host := u.Hostname()
		return host != "" && strings.Contains(host, ":") == strings.HasPrefix(u.Host, "[") && (u.Port() == "" || err == nil && port > 0)
	}
	return false
}
