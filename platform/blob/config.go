package blob

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"guildhall/platform/config"
	"guildhall/platform/fault"
)

// Config says where a service keeps contents.
type Config struct {
	// MaxSize bounds one content.
	MaxSize config.Size `yaml:"max_size"`
	// S3 is a bucket; without its endpoint, the folder of the service keeps the contents.
	S3 S3Config `yaml:"s3"`
}

// S3Config is a bucket of a server that speaks the protocol of S3.
type S3Config struct {
	// Endpoint is the server's address: https://s3.example.com, or http:// within a machine.
	Endpoint string `yaml:"endpoint"`
	Region   string `yaml:"region"`
	Bucket   string `yaml:"bucket"`
	// Prefix begins the name of every object: a folder, or nothing.
	Prefix    string        `yaml:"prefix"`
	AccessKey string        `yaml:"access_key"`
	SecretKey config.Secret `yaml:"secret_key"`
	// PartSize is from which size on contents are sent in parts, and how large these are.
	PartSize config.Size `yaml:"part_size"`
}

// Default keeps contents of up to 10 GiB in the folder.
func Default() Config {
	return Config{MaxSize: 10 << 30, S3: S3Config{Region: "us-east-1", PartSize: 64 << 20}}
}

var (
	bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixForm = regexp.MustCompile(`^([A-Za-z0-9._-]+/)*$`)
)

// Check says what is wrong, by the keys below the one under which it stands.
func (c Config) Check(under string) error {
	var wrong []fault.Field
	refuse := func(key, code, detail string) {
		name := under + "." + key
		wrong = append(wrong, fault.Field{Name: name, Code: code, Detail: name + " " + detail})
	}
	if c.MaxSize < 1 {
		refuse("max_size", "out_of_bounds", "is no size of a file; write one such as 10GiB")
	}
	s := c.S3
	if s.Endpoint == "" {
		return fault.Fields(wrong...)
	}
	if u, err := url.Parse(s.Endpoint); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		refuse("s3.endpoint", "form", "is no address of a server; write https://host or http://host:port, without a path")
	}
	if !bucketForm.MatchString(s.Bucket) {
		refuse("s3.bucket", "form", "is no name of a bucket; write 3 to 63 small letters, digits, dashes and dots")
	}
	if !prefixForm.MatchString(s.Prefix) {
		refuse("s3.prefix", "form", "must end in a slash, and have letters, digits, dots, dashes and _ before it; or leave it empty")
	}
	if s.PartSize < minPart || s.PartSize > maxPart {
		refuse("s3.part_size", "out_of_bounds", "is no size of parts; write one from 5MiB to 5GiB, such as 64MiB")
	}
	for key, value := range map[string]string{"s3.region": s.Region, "s3.access_key": s.AccessKey, "s3.secret_key": s.SecretKey.Reveal()} {
		if value == "" {
			refuse(key, "required", "is missing; the server of the bucket names it")
		}
	}
	return fault.Fields(wrong...)
}

// Open opens the store that the configuration names, and the folder for drafts, for a
// service whose directory is dir. The bucket is asked for nothing yet.
func (c Config) Open(dir string, now func() time.Time) (Store, Drafts, error) {
	drafts, err := OpenDrafts(filepath.Join(dir, "drafts"))
	if err != nil {
		return nil, Drafts{}, err
	}
	if c.S3.Endpoint != "" {
		return NewBucket(c.S3, now), drafts, nil
	}
	folder, err := OpenFolder(filepath.Join(dir, "blobs"))
	if err != nil {
		return nil, Drafts{}, fmt.Errorf("open the contents of files: %w", err)
	}
	return folder, drafts, nil
}
