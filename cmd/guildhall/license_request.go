package main

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"strings"
	"time"

	"guildhall/platform/fault"
	"guildhall/sdk/go/license/fingerprint"
	"guildhall/sdk/go/license/offline"
)

type licenseRequestCommand struct {
	Product    string   `arg:"" help:"The product's code, as its vendor says it."`
	InstallKey string   `help:"This machine's install key; it is made when it is not there, and never leaves the machine." required:"" placeholder:"FILE"`
	Name       string   `help:"What this machine is called (default: its host name)." placeholder:"NAME"`
	Company    string   `help:"Whom the licence is for." required:"" placeholder:"TEXT"`
	Contact    string   `help:"Whom to write to." required:"" placeholder:"TEXT"`
	Module     []string `help:"A module that is asked for." sep:"none" placeholder:"NAME"`
	Users      int      `help:"How many users there will be; 0: any number." placeholder:"N"`
	Root       bool     `help:"The program always runs as root: look at what only root sees, too."`
	Join       []string `help:"Put the machines of another request for the same licence in." sep:"none" placeholder:"FILE"`
	Out        string   `help:"Where the request goes, as JSON: a new file, or - for standard output." required:"" placeholder:"FILE"`
}

// Help is the long text of --help.
func (licenseRequestCommand) Help() string {
	return "Runs on the machine that needs an offline licence, and needs no server. It is checked as \"guildhall license issue\" does it. The request holds digests of the machine's parts and the public half of its install key, no secret. For an instance of three machines, make one on each and, on the last, --join the other two.\n\n" + exitHelp
}

// Run makes the install key, if there is none, and the request.
func (c *licenseRequestCommand) Run(ctx context.Context, t terminal) error {
	key, err := offline.LoadInstallKey(c.InstallKey)
	if offline.CodeOf(err) != "" {
		return fault.Fields(fault.Field{Name: "--install-key", Code: string(offline.CodeOf(err)), Detail: err.Error()})
	}
	if err != nil {
		return unwritable("--install-key", c.InstallKey, err)
	}
	host, _ := os.Hostname()
	node := offline.RequestNode{Name: cmp.Or(c.Name, host, "node"), PublicKey: key.Public(),
		Components: fingerprint.Collect(ctx, c.Product, fingerprint.Sources{InstallKey: key.Public(), Root: c.Root})}
	r := offline.NewRequest(c.Product, time.Now(), node)
	r.Company, r.Contact, r.Users = c.Company, c.Contact, c.Users
	r.Modules = append(r.Modules, c.Module...)
	for _, path := range c.Join {
		if err := join(r, path); err != nil {
			return err
		}
	}
	if err := unissuable(r); err != nil {
		return err
	}
	err = writeSecret(t, c.Out, func() ([]byte, error) {
		text, err := json.MarshalIndent(r, "", "  ")
		return append(text, '\n'), err
	})
	if err == nil {
		warnKeyOnly(t, r.Claims().Deployment.KeyOnly())
	}
	return err
}

// unissuable is what "license issue" would refuse of the request, by flag.
func unissuable(r *offline.Request) error {
	flags := map[string]string{"product": "PRODUCT", "company": "--company", "contact": "--contact", "users": "--users", "nodes": "--join", "nodes[0].name": "--name"}
	var wrong []fault.Field
	for _, p := range r.Check() {
		name := cmp.Or(flags[p.Field], p.Field)
		if strings.HasPrefix(p.Field, "modules") {
			name = "--module"
		}
		wrong = append(wrong, fault.Field{Name: name, Code: p.Code, Detail: p.Detail})
	}
	return fault.Fields(wrong...)
}

// warnKeyOnly says what it means that machines have nothing but an install key.
func warnKeyOnly(t terminal, machines []string) {
	for _, name := range machines {
		t.warn("nothing but its install key identifies the machine " + name + ": whoever has that file can use the licence on any machine. In containers there is nothing else; elsewhere ask for the licence on the machine itself")
	}
}

func join(r *offline.Request, path string) error {
	text, err := readText("--join", path)
	if err != nil {
		return err
	}
	other, err := offline.ParseRequest([]byte(text))
	if err == nil {
		err = r.Join(other)
	}
	if err != nil {
		return fault.Fields(fault.Field{Name: "--join", Code: string(offline.CodeOf(err)), Detail: path + ": " + err.Error()})
	}
	r.Company, r.Contact = cmp.Or(r.Company, other.Company), cmp.Or(r.Contact, other.Contact)
	return nil
}
