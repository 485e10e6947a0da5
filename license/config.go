package license

import (
	"fmt"
	"path/filepath"

	"guildhall/platform/blob"
	"guildhall/platform/fault"
	"guildhall/platform/mail"
)

// Config is the key "license" of the configuration file.
type Config struct {
	// KeyFile is the key that seals secrets in the database; empty: license.key in the
	// service's directory.
	KeyFile string `yaml:"key_file"`
	// FunctionsAtOnce is how many functions of programs run at once; 0: as many as the
	// machine has processors, and two at least.
	FunctionsAtOnce int `yaml:"functions_at_once"`
	// Files says where the contents of release files are, and how large they may be.
	Files blob.Config `yaml:"files"`
	// Alarms are the e-mail addresses that get letters about alarms.
	Alarms []string `yaml:"alarms"`
}

func (c *Config) check() error {
	var wrong []fault.Field
	for i, address := range c.Alarms {
		if _, err := mail.ParseAddress(address); err != nil {
			wrong = append(wrong, fault.Field{Name: fmt.Sprintf("license.alarms.%d", i), Code: "invalid", Detail: fmt.Sprintf("%q is no e-mail address.", address)})
		}
	}
	return fault.Fields(wrong...)
}

// keyFile is where the key is, in the service's directory unless configured.
func (c *Config) keyFile(dir string) string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	return filepath.Join(dir, "license.key")
}
