package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"guildhall/platform/config"
	"guildhall/platform/fault"
	"guildhall/platform/i18n"
	"guildhall/platform/peer"
)

// refusals gathers what is wrong, each by its key.
type refusals []fault.Field

func (r *refusals) add(key, format string, args ...any) {
	*r = append(*r, fault.Field{Name: key, Code: "invalid", Detail: fmt.Sprintf(format, args...)})
}

// Check says what is wrong with the values, each by its key.
func (c *Config) Check() error {
	var r refusals
	c.Server.check(&r)
	c.Log.check(&r)
	c.Databases.check(&r)
	c.Backup.check(&r)
	c.Limits.check(&r)
	c.Mail.check(&r)
	c.Shared.check(&r)
	c.Peers.check(&r)
	return fault.Fields(r...)
}

func (p *PeersConfig) check(r *refusals) {
	if e, ok := errors.AsType[*fault.Error](peer.Check(p.URLs, p.tokens())); ok {
		*r = append(*r, e.Fields...)
	}
	if p.Lease < config.Duration(2*time.Second) {
		r.add("peers.lease", "A lease under 2 seconds ends between two heads. Write 30s, or at least 2s.")
	}
}

func (c *ServerConfig) check(r *refusals) {
	c.checkAddresses(r)
	if !validDomain(c.Domain) {
		r.add("server.domain", "%q is not a domain name. Write one such as guild.example.com.", c.Domain)
	} else if c.Production && strings.HasSuffix("."+c.Domain, ".localhost") {
		r.add("server.domain", "%q is for one machine. Production needs a domain that others can resolve; it goes into every certificate.", c.Domain)
	}
	if !slices.ContainsFunc(i18n.Languages(), func(l i18n.Language) bool { return l.Code == c.Language }) {
		r.add("server.language", "%q is no language of the pages. Choose one of: %s.", c.Language, i18n.Codes())
	}
	if c.PublicPort < 0 || c.PublicPort > 65535 {
		r.add("server.public_port", "%d is not a port. Write one from 1 to 65535, or 0 for that of server.https.", c.PublicPort)
	}
	if c.PublicHTTPPort < 0 || c.PublicHTTPPort > 65535 {
		r.add("server.public_http_port", "%d is not a port. Write one from 1 to 65535, or 0 for that of server.http.", c.PublicHTTPPort)
	}
	for i, text := range c.TrustedProxies {
		key := fmt.Sprintf("server.trusted_proxies[%d]", i)
		if network, err := netip.ParsePrefix(text); err != nil {
			r.add(key, "%q is not a network. Write that of the proxy, such as 10.0.0.5/32.", text)
		} else if network.Bits() == 0 {
			r.add(key, "%q is every address: anybody could say that he comes from elsewhere. Write that of the proxy, such as 10.0.0.5/32.", text)
		}
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		r.add("server.tls_cert", "The certificate and its key go together: set tls_cert and tls_key, or neither.")
	}
}

// checkAddresses also refuses what the second listener could not bind.
func (c *ServerConfig) checkAddresses(r *refusals) {
	type address struct{ key, host, port string }
	var before []address
	for _, x := range []struct{ key, addr string }{{"server.http", c.HTTP}, {"server.https", c.HTTPS}, {"server.internal", c.Internal}} {
		host, port, err := net.SplitHostPort(x.addr)
		if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || !validHost(host) {
			r.add(x.key, "%q is not a listen address. Write host:port, as in 127.0.0.1:8443.", x.addr)
			continue
		}
		for _, b := range before {
			if port != "0" && port == b.port && (host == b.host || everywhere(host) || everywhere(b.host)) {
				r.add(x.key, "%q is taken by %s already. Give each listener a port of its own.", x.addr, b.key)
				break
			}
		}
		before = append(before, address{x.key, host, port})
	}
}

// everywhere is true of a host that stands for all addresses of the machine.
func everywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

// validHost is an IP address, a name, or empty for all addresses.
func validHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return true
	}
	return validDomain(strings.ToLower(host)) && strings.Trim(host, ".0123456789") != ""
}

func (c *LogConfig) check(r *refusals) {
	if c.Format != "text" && c.Format != "json" {
		r.add("log.format", "%q is not a format. Write text or json.", c.Format)
	}
	if err := new(slog.LevelVar).UnmarshalText([]byte(c.Level)); err != nil {
		r.add("log.level", "%q is not a level. Write debug, info, warn or error.", c.Level)
	}
}

// check never repeats an address: it may hold a password.
func (c *DatabaseConfig) check(r *refusals) {
	known := func(url config.Secret) bool {
		text := url.Reveal()
		return text == "" || strings.HasPrefix(text, "sqlite:") || strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
	}
	const advice = "This is not a database address. Write postgres://user@host/database, or sqlite:/path/file.db."
	if !known(c.Default) {
		r.add("databases.default", advice)
	}
	if strings.HasPrefix(c.Default.Reveal(), "sqlite:") {
		r.add("databases.default", "All services cannot share one SQLite file. Leave it out, and each has its own; or name PostgreSQL.")
	}
	for service, url := range c.Services {
		if !known(url) {
			r.add("databases.services."+service, advice)
		}
	}
}

func (c *BackupConfig) check(r *refusals) {
	if _, err := time.Parse("15:04", c.At); err != nil {
		r.add("backup.at", "%q is not a time of day. Write HH:MM, as in 02:30.", c.At)
	}
	if c.Keep < 1 {
		r.add("backup.keep", "%d backups would leave none. Keep at least 1.", c.Keep)
	}
	if c.Recipient == "" {
		return
	}
	if _, err := age.ParseX25519Recipient(c.Recipient); err != nil {
		r.add("backup.recipient", "%q is not an age public key. Write what age-keygen prints after \"public key\", age1...", c.Recipient)
	}
}

func (c *LimitsConfig) check(r *refusals) {
	if c.Anonymous < 0 || c.Anonymous > 0 && c.Burst < 1 {
		r.add("limits.anonymous", "Write how many requests a second an address may make, and in limits.burst how many at once, at least 1; or 0 for no limit.")
	}
	if c.Connections < 0 || c.ConnectionsPerAddress < 0 {
		r.add("limits.connections", "Write how many connections a public listener holds at once, and in limits.connections_per_address how many of one address; or 0 for no limit.")
	}
	for i, text := range c.Exempt {
		if _, err := netip.ParsePrefix(text); err != nil {
			r.add(fmt.Sprintf("limits.exempt[%d]", i), "%q is not a network. Write one such as 10.0.0.0/8.", text)
		}
	}
}

func validDomain(domain string) bool {
	if domain == "" || len(domain) > 200 {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" ||
			strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return true
}
