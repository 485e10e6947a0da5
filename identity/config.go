package identity

import (
	"fmt"
	"path/filepath"
	"time"

	"guildhall/identity/internal/session"
	"guildhall/platform/config"
	"guildhall/platform/fault"
	"guildhall/platform/mail"
)

// The values of Config.Registration.
const (
	// Open lets people register themselves.
	Open = "open"
	// Closed does not.
	Closed = "closed"
)

// Config is the key "identity" of the configuration file.
type Config struct {
	// Registration is Open or Closed.
	Registration string `yaml:"registration"`
	// JSONSignIn serves /login and its neighbours: signing in by JSON, for programs of
	// the installation's own people. It never is for anybody else's.
	JSONSignIn bool `yaml:"json_sign_in"`
	// FirstAdmin is the address of the account that is made at the first start and
	// administers everything; empty: admin@<server.domain>.
	FirstAdmin string `yaml:"first_admin"`
	// KeyFile is the key that seals secrets in the database; empty: identity.key
	// in the service's directory.
	KeyFile string `yaml:"key_file"`
	// Sessions says how long people stay signed in.
	Sessions SessionsConfig `yaml:"sessions"`
}

// SessionsConfig bounds the sessions.
type SessionsConfig struct {
	// Idle is how long a session lasts without being used, Absolute in all.
	Idle     config.Duration `yaml:"idle"`
	Absolute config.Duration `yaml:"absolute"`
	// Confirm is for how long somebody may change what protects the account
	// without showing again who it is.
	Confirm config.Duration `yaml:"confirm"`
}

// DefaultConfig is the configuration of an identity that is told nothing.
func DefaultConfig() Config {
	return Config{Registration: Open, JSONSignIn: true, Sessions: SessionsConfig{Idle: config.Duration(session.DefaultIdle),
		Absolute: config.Duration(session.DefaultAbsolute), Confirm: config.Duration(15 * time.Minute)}}
}

func (c *Config) check() error {
	var wrong []fault.Field
	refuse := func(key, format string, args ...any) {
		wrong = append(wrong, fault.Field{Name: "identity." + key, Code: "invalid", Detail: fmt.Sprintf(format, args...)})
	}
	if c.Registration != Open && c.Registration != Closed {
		refuse("registration", "%q is neither open nor closed.", c.Registration)
	}
	if _, err := mail.ParseAddress(c.FirstAdmin); c.FirstAdmin != "" && err != nil {
		refuse("first_admin", "%q is no e-mail address.", c.FirstAdmin)
	}
	if idle := c.Sessions.Idle.Std(); idle < 5*time.Minute || idle > c.Sessions.Absolute.Std() {
		refuse("sessions.idle", "%s is not between 5m and identity.sessions.absolute.", c.Sessions.Idle)
	}
	if ends := c.Sessions.Absolute.Std(); ends < 5*time.Minute || ends > 365*24*time.Hour {
		refuse("sessions.absolute", "%s is not between 5m and 365d.", c.Sessions.Absolute)
	}
	if confirm := c.Sessions.Confirm.Std(); confirm < time.Minute || confirm > 24*time.Hour {
		refuse("sessions.confirm", "%s is not between 1m and 24h.", c.Sessions.Confirm)
	}
	return fault.Fields(wrong...)
}

// keyFile is where the key is, in the service's directory unless configured.
func (c *Config) keyFile(dir string) string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	return filepath.Join(dir, "identity.key")
}
