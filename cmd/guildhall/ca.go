package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"guildhall/sdk/go/ca"
)

type caCommand struct {
	Root   caRootCommand   `cmd:"" help:"Print the root certificate."`
	Issue  caIssueCommand  `cmd:"" help:"Issue a certificate, from a signing request or with a new key."`
	Renew  caRenewCommand  `cmd:"" help:"Issue the successor of a certificate."`
	Revoke caRevokeCommand `cmd:"" help:"Revoke a certificate for good."`
	List   caListCommand   `cmd:"" help:"List certificates, newest first."`
	Show   caShowCommand   `cmd:"" help:"Show one certificate."`
	Verify caVerifyCommand `cmd:"" help:"Check a certificate: chain, validity, use, revocation."`
	Token  caTokenCommand  `cmd:"" help:"Join tokens, with which services on other hosts enrol."`
	Audit  auditCommand    `cmd:"" help:"The audit log."`
}

// authority runs fn with a client of the certificate authority on the data
// directory, whether a process runs there or not.
func (p place) authority(ctx context.Context, t terminal, fn func(*ca.Client) error) error {
	return p.service(ctx, t, "ca", func(o ca.Options) error { return fn(ca.New(o)) })
}

type caRootCommand struct {
	place `embed:""`
}

// Help is the long text of --help.
func (caRootCommand) Help() string { return exitHelp }

// Run prints PEM.
func (c *caRootCommand) Run(ctx context.Context, t terminal) error {
	return c.authority(ctx, t, func(client *ca.Client) error {
		a, err := client.Authority(ctx)
		if err != nil {
			return err
		}
		t.printf("%s", a.Root)
		return nil
	})
}

type caRenewCommand struct {
	place  `embed:""`
	ID     string `arg:"" name:"serial" help:"Whole serial number or id of the certificate."`
	CSR    string `name:"csr" xor:"key" help:"PKCS #10 request (PEM or DER) with the key of the successor." placeholder:"FILE"`
	NewKey bool   `xor:"key" help:"Have the authority make a new key, as it does anyway when it made the present one."`
	Life   string `help:"How long it lives, such as 90d (default: as long as its predecessor)." placeholder:"DURATION"`
	Out    string `help:"Directory for the files." required:"" placeholder:"DIR"`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (caRenewCommand) Help() string { return outHelp + "\n\n" + exitHelp }

// Run writes the successor's files.
func (c *caRenewCommand) Run(ctx context.Context, t terminal) error {
	csr, err := readCSR(c.CSR)
	if err != nil {
		return err
	}
	return c.authority(ctx, t, func(client *ca.Client) error {
		out, err := newFolder(c.Out)
		if err != nil {
			return err
		}
		issued, err := client.Renew(ctx, c.ID, ca.RenewRequest{CSR: csr, NewKey: c.NewKey, Lifetime: c.Life})
		if err != nil {
			return out.discard(err)
		}
		return out.deliver(ctx, t, client, issued, c.JSON)
	})
}

type caRevokeCommand struct {
	place  `embed:""`
	ID     string `arg:"" name:"serial" help:"Whole serial number or id of the certificate."`
	Reason string `help:"Why (RFC 5280): ${enum}." enum:"unspecified,keyCompromise,cACompromise,affiliationChanged,superseded,cessationOfOperation,privilegeWithdrawn,aACompromise" required:"" placeholder:"REASON"`
	JSON   bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (caRevokeCommand) Help() string {
	return "A revocation is final, and so is its reason. The command returns when every service of this installation has cut its connections with the certificate's holder, or refuses all connections. OCSP answers so at once; the revocation list is published about a second later.\n\n" + exitHelp
}

// Run revokes and tells whom the revocation has reached.
func (c *caRevokeCommand) Run(ctx context.Context, t terminal) error {
	return c.authority(ctx, t, func(client *ca.Client) error {
		r, err := client.Revoke(ctx, c.ID, ca.RevokeRequest{Reason: c.Reason})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(r)
		}
		word := "revoked"
		if r.Already {
			word = "was revoked already:"
		}
		t.printf("%s %s (%s); %d of %d services confirmed in %.0f ms\n", word, r.Certificate.Serial, r.Certificate.Reason, r.Acknowledged, r.Peers, r.Milliseconds)
		if len(r.Lapsed) > 0 {
			t.printf("did not confirm and refuse connections until they reach the authority again: %s\n", strings.Join(r.Lapsed, ", "))
		}
		return nil
	})
}

type caListCommand struct {
	place   `embed:""`
	Query   string `help:"Text in serial number, profile or names." short:"q" placeholder:"TEXT"`
	Status  string `help:"Only these: valid, expiring, expired or revoked." enum:",valid,expiring,expired,revoked" default:"" placeholder:"STATUS"`
	Profile string `help:"Only this profile: client, ocsp, server, service or user." placeholder:"NAME"`
	Limit   int    `help:"At most so many; 0: all." default:"0" placeholder:"N"`
	JSON    bool   `name:"json" help:"Print a JSON array." xor:"form"`
	Serials bool   `help:"Print serial numbers only." xor:"form"`
}

// Help is the long text of --help.
func (caListCommand) Help() string { return exitHelp }

// Validate refuses a number of certificates that cannot be.
func (c *caListCommand) Validate() error {
	return checkLimit(c.Limit)
}

// Run reads page after page.
func (c *caListCommand) Run(ctx context.Context, t terminal) error {
	return c.authority(ctx, t, func(client *ca.Client) error {
		list, err := c.read(ctx, client)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.Serials, list, func(x ca.Certificate) (id, line string) {
			return x.Serial, fmt.Sprintf("%s  %-8s  %-8s  until %s  %s", x.Serial, x.Status, x.Profile, x.NotAfter.Format(time.DateOnly), x.CommonName)
		})
	})
}

func (c *caListCommand) read(ctx context.Context, client *ca.Client) ([]ca.Certificate, error) {
	all := []ca.Certificate{}
	for cursor := ""; ; {
		page, err := client.List(ctx, ca.ListRequest{Text: c.Query, Status: c.Status, Profile: c.Profile, Cursor: cursor, Limit: pageSize})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Certificates...)
		if c.Limit > 0 && len(all) >= c.Limit {
			return all[:c.Limit], nil
		}
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

type caShowCommand struct {
	place `embed:""`
	ID    string `arg:"" name:"serial" help:"Serial number or id of the certificate; the first 8 digits of the serial number or more will do if no other begins so."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Run prints the record and the certificate.
func (c *caShowCommand) Run(ctx context.Context, t terminal) error {
	return c.authority(ctx, t, func(client *ca.Client) error {
		x, err := client.Get(ctx, c.ID)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(x)
		}
		t.printf("serial    %s\nid        %s\nstatus    %s\nprofile   %s\nname      %s\nsans      %s\nvalid     %s to %s\nkey       %s\nrequester %s\n",
			x.Serial, x.ID, x.Status, x.Profile, x.CommonName, strings.Join(x.SANs, " "),
			x.NotBefore.Format(time.RFC3339), x.NotAfter.Format(time.RFC3339), x.KeyType, x.Requester)
		if x.RevokedAt != nil {
			t.printf("revoked   %s, %s\n", x.RevokedAt.Format(time.RFC3339), x.Reason)
		}
		t.printf("%s", x.PEM)
		return nil
	})
}

type caVerifyCommand struct {
	place `embed:""`
	File  string `arg:"" help:"Certificate (PEM), or - for standard input."`
	Name  string `help:"Name for which it must be good." placeholder:"NAME"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (caVerifyCommand) Help() string { return exitHelp }

// Run prints every check and exits 4 when one failed.
func (c *caVerifyCommand) Run(ctx context.Context, t terminal) error {
	path := c.File
	if path == "-" {
		path = "/dev/stdin"
	}
	text, err := readText("FILE", path)
	if err != nil {
		return err
	}
	return c.authority(ctx, t, func(client *ca.Client) error {
		v, err := client.Verify(ctx, ca.VerifyRequest{Certificate: text, CommonName: c.Name})
		if err != nil {
			return err
		}
		if c.JSON {
			if err := t.json(v); err != nil {
				return err
			}
		} else {
			printChecks(t, v)
		}
		if !v.Valid {
			return errNegative
		}
		return nil
	})
}

func printChecks(t terminal, v *ca.Verification) {
	t.printf("%s\n", v.Subject)
	for _, check := range v.Checks {
		word := map[string]string{"passed": "ok", "skipped": "skipped"}[check.Status]
		if word == "" {
			word = "FAILED"
		}
		t.printf("  %-7s %-16s %s\n", word, check.Name, check.Detail)
	}
}
