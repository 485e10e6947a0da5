package app

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"guildhall/platform/config"
	"guildhall/platform/shared"
)

// Config is the process's own part of the configuration file.
type Config struct {
	Server    ServerConfig
	Log       LogConfig
	Databases DatabaseConfig
	Backup    BackupConfig
	Admin     AdminConfig
	Peers     PeersConfig
	Limits    LimitsConfig
	Mail      MailConfig
	Shared    SharedConfig
}

// ServerConfig says where the process keeps its data and listens.
type ServerConfig struct {
	// Data is the directory of everything the process writes.
	Data string `yaml:"data"`
	// HTTP, HTTPS and Internal are listen addresses, host:port.
	HTTP     string `yaml:"http"`
	HTTPS    string `yaml:"https"`
	Internal string `yaml:"internal"`
	// Domain is the parent of all hosts; the portal is at the domain itself.
	Domain string `yaml:"domain"`
	// PublicPort is the port in the addresses that people see, when a proxy or
	// a port redirection stands before the HTTPS listener; 0: the port listened on.
	PublicPort int `yaml:"public_port"`
	// PublicHTTPPort is the same for the plain HTTP listener.
	PublicHTTPPort int `yaml:"public_http_port"`
	// TrustedProxies are networks of reverse proxies whose X-Forwarded-For and
	// X-Forwarded-Proto are believed.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// Language is that of letters to operators, and of pages for who asks for none of
	// ours: a code of i18n.Languages.
	Language string `yaml:"language"`
	// Production refuses everything that is only for development.
	Production bool `yaml:"production"`
	// TLSCert and TLSKey are PEM files of a certificate for the domain and its
	// hosts from somewhere else; empty: the process's own authority issues one.
	TLSCert string `yaml:"tls_cert"`
	TLSKey  string `yaml:"tls_key"`
	// Drain is how long running requests may take to end at a stop.
	Drain config.Duration `yaml:"drain"`
}

// LogConfig is the log's form.
type LogConfig struct {
	// Format is "text" or "json"; Level "debug", "info", "warn" or "error".
	Format string `yaml:"format"`
	Level  string `yaml:"level"`
}

// DatabaseConfig maps services to databases. A service without one uses
// Default; without that, SQLite in its data directory.
type DatabaseConfig struct {
	// Default is a PostgreSQL address in which each service has its own schema.
	Default config.Secret `yaml:"default"`
	// Services are addresses by service name.
	Services map[string]config.Secret `yaml:"services"`
}

// BackupConfig says when backups are made and how many stay.
type BackupConfig struct {
	// Dir is where they go; empty: backups in the data directory.
	Dir string `yaml:"dir"`
	// At is the time of the daily backup, HH:MM in UTC.
	At string `yaml:"at"`
	// Keep is the number of newest backups that stay whatever their age.
	Keep int `yaml:"keep"`
	// Recipient is an age public key ("age1..."); empty: not encrypted.
	Recipient string `yaml:"recipient"`
}

// AdminConfig is about the entrance that needs no sign-in service.
type AdminConfig struct {
	// BreakGlass allows one-time links and tokens made on the server itself.
	BreakGlass bool `yaml:"break_glass"`
}

// PeersConfig is about the other services' processes.
type PeersConfig struct {
	// URLs are https addresses of internal listeners by service name; a service
	// of this process needs none. Without an authority here, "ca" must be given.
	URLs map[string]string `yaml:"urls"`
	// JoinTokens enrol this process's services by name, once. Each is made by
	// "guildhall ca token create".
	JoinTokens map[string]config.Secret `yaml:"join_tokens"`
	// Lease is how long a service trusts its last news of revocations.
	Lease config.Duration `yaml:"lease"`
}

// LimitsConfig bounds what strangers may ask for and hold.
type LimitsConfig struct {
	// Anonymous is the number of requests a second in the long run, Burst how
	// many may come at once. An Anonymous of 0 switches the limit off.
	Anonymous float64 `yaml:"anonymous"`
	Burst     int     `yaml:"burst"`
	// Connections is how many each public listener holds at once,
	// ConnectionsPerAddress how many of them for one address; 0 is no limit.
	Connections           int `yaml:"connections"`
	ConnectionsPerAddress int `yaml:"connections_per_address"`
	// Exempt are networks whose addresses are not limited: that of this machine
	// itself, and those of proxies that tell no visitor's address.
	Exempt []string `yaml:"exempt"`
}

// MailConfig says how letters are sent.
type MailConfig struct {
	// SMTP is the server that takes them. Without its host, the development
	// mailbox keeps them.
	SMTP SMTPConfig `yaml:"smtp"`
	// From is the sender's address, with or without a name; empty:
	// no-reply@<domain>.
	From string `yaml:"from"`
	// Product is what letters call this installation.
	Product string `yaml:"product"`
}

// SMTPConfig is a mail server and how we sign in to it.
type SMTPConfig struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
	// Security is "starttls", "tls" or, for a server on this machine, "none".
	Security string `yaml:"security"`
	// Username and Password are empty when the server takes letters as they are.
	Username string        `yaml:"username"`
	Password config.Secret `yaml:"password"`
}

// SharedConfig says where the nodes of an installation keep what they count
// together. Each counts by itself without it, and while the server is away.
type SharedConfig struct {
	// URL is the address of a Valkey or Redis server: redis://, rediss:// or unix://.
	URL config.Secret `yaml:"url"`
	// CA is a PEM file of certificates that a rediss:// server's may end in; empty:
	// the roots of this machine.
	CA string `yaml:"ca"`
	// Timeout is how long one question waits for its answer.
	Timeout config.Duration `yaml:"timeout"`
}

// tokens are the join tokens' texts, for the one package that sends them.
func (p PeersConfig) tokens() map[string]string {
	texts := map[string]string{}
	for service, t := range p.JoinTokens {
		texts[service] = t.Reveal()
	}
	return texts
}

// DefaultConfig is the configuration of a process that is told nothing.
func DefaultConfig() Config {
	return Config{
		Server: ServerConfig{Data: "./guildhall-data", HTTP: "127.0.0.1:8080", HTTPS: "127.0.0.1:8443",
			Internal: "127.0.0.1:8444", Domain: "guildhall.localhost", Language: "en", Drain: config.Duration(20 * time.Second)},
		Log:    LogConfig{Format: "text", Level: "info"},
		Backup: BackupConfig{At: "02:30", Keep: 7},
		Admin:  AdminConfig{BreakGlass: true},
		Peers:  PeersConfig{Lease: config.Duration(30 * time.Second)},
		Limits: LimitsConfig{Anonymous: 100, Burst: 1000, Connections: 4000, ConnectionsPerAddress: 400,
			Exempt: []string{"127.0.0.0/8", "::1/128"}},
		Mail:   MailConfig{SMTP: SMTPConfig{Port: 587, Security: "starttls"}, Product: "guildhall"},
		Shared: SharedConfig{Timeout: config.Duration(shared.DefaultTimeout)},
	}
}

// Sections lists the process's sections, each with a pointer to its struct.
func (c *Config) Sections() []config.Section {
	return []config.Section{
		{Key: "server", Value: &c.Server}, {Key: "log", Value: &c.Log}, {Key: "databases", Value: &c.Databases},
		{Key: "backup", Value: &c.Backup}, {Key: "admin", Value: &c.Admin}, {Key: "peers", Value: &c.Peers},
		{Key: "limits", Value: &c.Limits}, {Key: "mail", Value: &c.Mail}, {Key: "shared", Value: &c.Shared},
	}
}

// Servers are the keys that name servers which a process with this configuration
// reaches: those of databases and of shared state.
func (c *Config) Servers() (keys []string) {
	add := func(key string, url config.Secret) {
		if url != "" && !strings.HasPrefix(url.Reveal(), "sqlite:") {
			keys = append(keys, key)
		}
	}
	add("databases.default", c.Databases.Default)
	for _, service := range slices.Sorted(maps.Keys(c.Databases.Services)) {
		add("databases.services."+service, c.Databases.Services[service])
	}
	add("shared.url", c.Shared.URL)
	return keys
}

// serviceDir is the private directory of a service.
func (c *Config) serviceDir(name string) string { return filepath.Join(c.Server.Data, name) }

// backupDir is where a service's backups go.
func (c *Config) backupDir(name string) string {
	if c.Backup.Dir == "" {
		return filepath.Join(c.Server.Data, "backups", name)
	}
	return filepath.Join(c.Backup.Dir, name)
}

// databaseURL is where a service's data is.
func (c *Config) databaseURL(name string) string {
	if url := c.Databases.Services[name]; url != "" {
		return url.Reveal()
	}
	if c.Databases.Default != "" {
		return c.Databases.Default.Reveal()
	}
	return "sqlite:" + filepath.Join(c.serviceDir(name), name+".db")
}
