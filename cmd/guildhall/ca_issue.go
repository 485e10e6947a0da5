package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"guildhall/platform/fault"
	"guildhall/sdk/go/ca"
)

const outHelp = `Files in --out: cert.pem (the certificate), chain.pem (the issuing certificate), fullchain.pem (both, what a server sends), root.pem (what clients trust) and, when the authority made the key, privkey.pem (mode 0600).`

type caIssueCommand struct {
	place   `embed:""`
	Name    string   `help:"Common name; a host name, address or e-mail address becomes an alternative name too." placeholder:"NAME"`
	SAN     []string `name:"san" help:"Alternative name; may be given more than once. A kind before it (dns:, ip:, email:, uri:) may be left out where it is plain." placeholder:"NAME"`
	CSR     string   `name:"csr" xor:"key" help:"PKCS #10 request (PEM or DER). The private key stays where it is. Its names are certified, unless --name or --san is given: then those alone." placeholder:"FILE"`
	Profile string   `help:"server, client or user." default:"server" placeholder:"NAME"`
	Life    string   `help:"How long it lives, such as 90d (default: the profile's)." placeholder:"DURATION"`
	KeyType string   `xor:"key" help:"Without --csr: ecdsa-p256 (default), ecdsa-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096." placeholder:"TYPE"`
	Reuse   bool     `help:"Take a valid certificate for the same names, if there is one, instead of a new one."`
	Out     string   `help:"Directory for the files; it must not hold them already." required:"" placeholder:"DIR"`
	JSON    bool     `name:"json" help:"Print the record as JSON."`
}

// Help is the long text of --help.
func (caIssueCommand) Help() string { return outHelp + "\n\n" + exitHelp }

// Run issues and writes the files. A refused request leaves no directory.
func (c *caIssueCommand) Run(ctx context.Context, t terminal) error {
	csr, err := readCSR(c.CSR)
	if err != nil {
		return err
	}
	return c.authority(ctx, t, func(client *ca.Client) error {
		out, err := newFolder(c.Out)
		if err != nil {
			return err
		}
		issued, err := client.Issue(ctx, ca.IssueRequest{CommonName: c.Name, SANs: c.SAN, Profile: c.Profile, Lifetime: c.Life,
			CSR: csr, KeyType: c.KeyType, Reuse: c.Reuse})
		if err != nil {
			return out.discard(err)
		}
		return out.deliver(ctx, t, client, issued, c.JSON)
	})
}

// readCSR reads a request in PEM, or in DER, which it turns into PEM.
func readCSR(path string) (string, error) {
	text, err := readText("--csr", path)
	if err != nil || strings.Contains(text, "-----BEGIN") {
		return text, err
	}
	if _, err := x509.ParseCertificateRequest([]byte(text)); err != nil {
		return text, nil //nolint:nilerr // the authority says what is wrong with it
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte(text)})), nil
}

// folder is where the files of one certificate go.
type folder struct {
	path string
	made bool
}

// newFolder makes the directory before anything is issued, so that no
// certificate is without a place. It refuses to write over files.
func newFolder(path string) (*folder, error) {
	for _, name := range []string{"cert.pem", "privkey.pem"} {
		if _, err := os.Lstat(filepath.Join(path, name)); err == nil {
			return nil, fault.Fields(fault.Field{Name: "--out", Code: "exists", Detail: fmt.Sprintf("%s holds %s already. Give another directory, or move the file away.", path, name)})
		}
	}
	_, err := os.Stat(path)
	f := &folder{path: path, made: errors.Is(err, fs.ErrNotExist)}
	if err := os.MkdirAll(path, 0o755); err != nil { //nolint:gosec // certificates are public; the key's file is not
		return nil, unwritable("--out", path, err)
	}
	return f, nil
}

// discard removes the directory if it is ours and empty, and returns err.
func (f *folder) discard(err error) error {
	if f.made {
		_ = os.Remove(f.path) // it stays when somebody has put something there
	}
	return err
}

// deliver writes the files, the key first: it is in no later answer.
func (f *folder) deliver(ctx context.Context, t terminal, client *ca.Client, issued *ca.Issued, asJSON bool) error {
	a, err := client.Authority(ctx)
	if err != nil {
		return err
	}
	files := []struct {
		name, text string
		mode       fs.FileMode
	}{
		{"privkey.pem", issued.PrivateKey, 0o600}, {"cert.pem", issued.Certificate.PEM, 0o644}, {"chain.pem", withoutLeaf(issued.Chain), 0o644},
		{"fullchain.pem", issued.Chain, 0o644}, {"root.pem", a.Root, 0o644},
	}
	var written []string
	for _, x := range files {
		if x.text == "" {
			continue
		}
		path := filepath.Join(f.path, x.name)
		if err := os.WriteFile(path, []byte(x.text), x.mode); err != nil {
			return fmt.Errorf("write %s of certificate %s: %w", x.name, issued.Certificate.Serial, err)
		}
		written = append(written, path)
	}
	if asJSON {
		return t.json(issued.Certificate)
	}
	word := "issued"
	if issued.Reused {
		word = "reused"
	}
	if issued.Certificate.KeyMade && issued.PrivateKey == "" {
		_, _ = fmt.Fprintln(t.err, "The private key is not among the files: it was handed over when this certificate was issued. Without it, issue a new one (no --reuse).")
	}
	t.printf("%s %s until %s\n%s\n", word, issued.Certificate.Serial, issued.Certificate.NotAfter.Format("2006-01-02 15:04 MST"), strings.Join(written, "\n"))
	return nil
}

// withoutLeaf is what follows the first certificate of a chain.
func withoutLeaf(chain string) string {
	_, rest := pem.Decode([]byte(chain))
	return strings.TrimLeft(string(rest), "\n")
}
