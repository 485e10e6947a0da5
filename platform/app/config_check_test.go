package app

import (
	"slices"
	"testing"

	"guildhall/platform/config"
	"guildhall/platform/fault"
)

func TestConfigCheckOfListenAddresses(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		http, https, internal string
		wrong                 []string
	}{
		{"127.0.0.1:80", "127.0.0.1:80", "127.0.0.1:8444", []string{"server.https"}},
		{":80", "127.0.0.1:443", "10.0.0.1:80", []string{"server.internal"}},
		{"127.0.0.1:443", "[::]:443", "0.0.0.0:443", []string{"server.https", "server.internal"}},
		{"127.0.0.1:443", "10.0.0.1:443", "[::1]:443", nil},
		{"127.0.0.1:0", "127.0.0.1:0", ":0", nil},
		{"localhost:80", "guild.example.com:443", "[fe80::1%eth0]:8444", nil},
		{"1.2.3.256:80", "a b:443", "host:http", []string{"server.http", "server.https", "server.internal"}},
	} {
		c := DefaultConfig()
		c.Server.HTTP, c.Server.HTTPS, c.Server.Internal = x.http, x.https, x.internal
		var got []string
		if err := c.Check(); err != nil {
			for _, f := range fault.As(err).Fields {
				got = append(got, f.Name)
			}
		}
		if !slices.Equal(got, x.wrong) {
			t.Errorf("%s, %s, %s: %v are refused, want %v", x.http, x.https, x.internal, got, x.wrong)
		}
	}
}

func TestConfigCheckNamesTheKey(t *testing.T) {
	t.Parallel()
	if c := DefaultConfig(); c.Check() != nil {
		t.Fatalf("the defaults are refused: %v", c.Check())
	}
	for key, spoil := range map[string]func(*Config){
		"server.http":               func(c *Config) { c.Server.HTTP = "1.2.3.4:99999" },
		"server.https":              func(c *Config) { c.Server.HTTPS = "nonsense" },
		"server.internal":           func(c *Config) { c.Server.Internal = "1.2.3.4:" },
		"server.domain":             func(c *Config) { c.Server.Production = true },
		"server.language":           func(c *Config) { c.Server.Language = "de" },
		"server.public_port":        func(c *Config) { c.Server.PublicPort = 99999 },
		"server.public_http_port":   func(c *Config) { c.Server.PublicHTTPPort = -1 },
		"server.trusted_proxies[0]": func(c *Config) { c.Server.TrustedProxies = []string{"10.0.0.1"} },
		"server.trusted_proxies[1]": func(c *Config) { c.Server.TrustedProxies = []string{"10.0.0.1/32", "0.0.0.0/0"} },
		"server.tls_cert":           func(c *Config) { c.Server.TLSKey = "x" },
		"peers.urls.bank":           func(c *Config) { c.Peers.URLs = map[string]string{"bank": "http://bank:8444"} },
		"peers.urls.shop":           func(c *Config) { c.Peers.URLs = map[string]string{"shop": "https://shop:99999"} },
		"peers.join_tokens.bank":    func(c *Config) { c.Peers.JoinTokens = map[string]config.Secret{"bank": "ghj1-half"} },
		"log.format":                func(c *Config) { c.Log.Format = "xml" },
		"log.level":                 func(c *Config) { c.Log.Level = "loud" },
		"databases.default":         func(c *Config) { c.Databases.Default = "mysql://u:hunter2@h/d" },
		"databases.services.bank":   func(c *Config) { c.Databases.Services = map[string]config.Secret{"bank": "x"} },
		"backup.at":                 func(c *Config) { c.Backup.At = "25:00" },
		"backup.keep":               func(c *Config) { c.Backup.Keep = 0 },
		"backup.recipient":          func(c *Config) { c.Backup.Recipient = "age1x" },
		"peers.lease":               func(c *Config) { c.Peers.Lease = 0 },
		"limits.anonymous":          func(c *Config) { c.Limits.Anonymous = -1 },
		"limits.exempt[0]":          func(c *Config) { c.Limits.Exempt = []string{"10.0.0.0"} },
	} {
		c := DefaultConfig()
		spoil(&c)
		err := c.Check()
		if err == nil || !slices.ContainsFunc(fault.As(err).Fields, func(f fault.Field) bool { return f.Name == key }) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
