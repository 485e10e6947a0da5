package app

import (
	"slices"
	"testing"

	"guildhall/platform/config"
	"guildhall/platform/fault"
)

func TestConfigCheckNamesTheKey(t *testing.T) {
	t.Parallel()
	if c := DefaultConfig(); c.Check() != nil {
		t.Fatalf("the defaults are refused: %v", c.Check())
	}
	for key, spoil := range map[string]func(*Config){
		"server.http":             func(c *Config) { c.Server.HTTP = "1.2.3.4:99999" },
		"server.https":            func(c *Config) { c.Server.HTTPS = "nonsense" },
		"server.internal":         func(c *Config) { c.Server.Internal = "1.2.3.4:" },
		"server.domain":           func(c *Config) { c.Server.Production = true },
		"server.tls_cert":         func(c *Config) { c.Server.TLSKey = "x" },
		"log.format":              func(c *Config) { c.Log.Format = "xml" },
		"log.level":               func(c *Config) { c.Log.Level = "loud" },
		"databases.default":       func(c *Config) { c.Databases.Default = "mysql://u:hunter2@h/d" },
		"databases.services.bank": func(c *Config) { c.Databases.Services = map[string]config.Secret{"bank": "x"} },
		"backup.at":               func(c *Config) { c.Backup.At = "25:00" },
		"backup.keep":             func(c *Config) { c.Backup.Keep = 0 },
		"backup.recipient":        func(c *Config) { c.Backup.Recipient = "age1x" },
		"peers.lease":             func(c *Config) { c.Peers.Lease = 0 },
		"limits.anonymous":        func(c *Config) { c.Limits.Anonymous = -1 },
		"limits.exempt[0]":        func(c *Config) { c.Limits.Exempt = []string{"10.0.0.0"} },
	} {
		c := DefaultConfig()
		spoil(&c)
		err := c.Check()
		if err == nil || !slices.ContainsFunc(fault.As(err).Fields, func(f fault.Field) bool { return f.Name == key }) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
