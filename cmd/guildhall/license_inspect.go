package main

import (
	"strings"
	"time"

	"guildhall/platform/fault"
	"guildhall/sdk/go/license/offline"
)

// licenceFile names the file of an offline licence.
type licenceFile struct {
	File string `arg:"" help:"File of the licence; text around it does not matter."`
}

type licenseInspectCommand struct {
	licenceFile `embed:""`
	JSON        bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseInspectCommand) Help() string {
	return "Reads the licence without verifying it, and needs no server. Anybody can write such a text: decide nothing by it.\n\n" + exitHelp
}

// Run prints it.
func (c *licenseInspectCommand) Run(t terminal) error {
	text, err := readText("FILE", c.File)
	if err != nil {
		return err
	}
	u, err := offline.Inspect(text)
	if err != nil {
		return badLicence(err)
	}
	if c.JSON {
		return t.json(map[string]any{"key": u.KeyID, "claims": u.Claims})
	}
	t.printf("%-14s%s\n", "key", u.KeyID)
	printClaims(t, u.Claims)
	t.warn("this was not verified: \"guildhall license verify\" does it")
	return nil
}

// badLicence is what is wrong with the text of a licence, as a mistake in a file.
func badLicence(err error) error {
	return fault.Fields(fault.Field{Name: "FILE", Code: string(offline.CodeOf(err)), Detail: err.Error()})
}

// printClaims says what a licence says, a line for each thing.
func printClaims(t terminal, c offline.Claims) {
	line := func(name, text string) {
		if text != "" {
			t.printf("%-14s%s\n", name, oneLine(text))
		}
	}
	line("licence", c.LicenseID)
	line("product", c.Product)
	line("company", c.Licensee.Company)
	line("contact", c.Licensee.Contact)
	line("issued", stamp(c.IssuedAt))
	line("valid from", stamp(c.Restrictions.ValidFrom))
	line("valid to", stamp(c.Restrictions.ValidTo))
	line("expires", stamp(c.ExpiresAt))
	if v := c.Deployment.ProductVersions; v != (offline.Versions{}) {
		line("versions", v.String())
	}
	line("modules", strings.Join(c.Modules, ", "))
	if c.Restrictions.MaxUsers > 0 {
		t.printf("%-14s%d\n", "users", c.Restrictions.MaxUsers)
	}
	for _, n := range c.Deployment.Nodes {
		t.printf("%-14s%s, %d identifiers\n", "machine", n.Name, len(n.Components))
	}
	if len(c.Deployment.Nodes) == 0 {
		line("machine", "any")
	}
	for _, r := range c.Recipients() {
		line("confidential", r.String())
	}
	line("note", c.Note)
}

type licenseVerifyCommand struct {
	licenceFile `embed:""`
	Key         string `help:"File of the public keys, as \"guildhall license key export\" writes it." required:"" placeholder:"FILE"`
	At          string `help:"Hold this day or time against it (default: now)." placeholder:"TIME"`
	JSON        bool   `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licenseVerifyCommand) Help() string {
	return "Says whether one of the keys signed the licence and whether it is valid now, and needs no server. Which machine and which version it is for is shown, and decided by the program that runs there.\n\n" + exitHelp
}

// Validate refuses a time that is none.
func (c *licenseVerifyCommand) Validate() error {
	_, _, err := moment("--at", c.At)
	return err
}

// Run verifies it.
func (c *licenseVerifyCommand) Run(t terminal) error {
	text, err := readText("FILE", c.File)
	if err != nil {
		return err
	}
	keys, err := readText("--key", c.Key)
	if err != nil {
		return err
	}
	set, err := offline.ParseKeySet([]byte(keys))
	if err != nil {
		return fault.Fields(fault.Field{Name: "--key", Code: string(offline.CodeOf(err)), Detail: err.Error()})
	}
	at, _, err := moment("--at", c.At)
	if err != nil {
		return err
	}
	if at.IsZero() {
		at = time.Now()
	}
	licence, err := offline.Genuine(text, offline.Options{Keys: set.Trusted(), Product: set.Product})
	if err == nil {
		err = licence.InTime(at)
	}
	if c.JSON {
		return c.answer(t, licence, err)
	}
	if err != nil {
		t.printf("refused (%s)  %s\n", offline.CodeOf(err), err.Error())
		return errNegative
	}
	t.printf("%-14ssigned by %s\n", "valid", licence.KeyID)
	printClaims(t, licence.Claims)
	return nil
}

func (c *licenseVerifyCommand) answer(t terminal, licence *offline.Licence, refused error) error {
	out := map[string]any{"valid": refused == nil}
	if licence != nil {
		out["key"], out["claims"] = licence.KeyID, licence.Claims
	}
	if refused != nil {
		out["code"], out["detail"] = offline.CodeOf(refused), refused.Error()
	}
	if err := t.json(out); err != nil {
		return err
	}
	if refused != nil {
		return errNegative
	}
	return nil
}
