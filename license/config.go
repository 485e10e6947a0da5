package license

import (
	"path/filepath"

	"guildhall/platform/blob"
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
}

// keyFile is where the key is, in the service's directory unless configured.
func (c *Config) keyFile(dir string) string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	return filepath.Join(dir, "license.key")
}
