package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"guildhall/platform/fault"
	"guildhall/sdk/go/license/manage"
)

type licensePolicyCommand struct {
	Add    licensePolicyAddCommand    `cmd:"" help:"Make a policy, and print its id."`
	List   licensePolicyListCommand   `cmd:"" help:"List policies, by name."`
	Show   licensePolicyShowCommand   `cmd:"" help:"Show one policy as JSON."`
	Update licensePolicyUpdateCommand `cmd:"" help:"Change a policy, for all cards that have it."`
}

const rulesHelp = `--rules FILE is JSON with whatever else a policy may say, by the names of the API (docs/guides/api.md), such as {"lease_hours": 24, "modules": ["*"]}; - is standard input. Flags count more than it.`

// ruleFlags are the rules that are changed most often.
type ruleFlags struct {
	Mode    string   `help:"How long a card is good: days (from its first use), until (its fixed end), subscription or trial." enum:",days,until,subscription,trial" default:"" placeholder:"MODE"`
	Days    *int     `help:"Days from the first use of a card that says none itself." placeholder:"N"`
	Grace   *int     `help:"Days after the end in which everything still works." placeholder:"N"`
	Expired string   `help:"What happens after that: refuse, read_only or run." enum:",refuse,read_only,run" default:"" placeholder:"WHAT"`
	IPRule  string   `name:"ip-rule" help:"How the machine is recognised: hw_or_ip, hw, hw_and_ip or score." enum:",hw_or_ip,hw,hw_and_ip,score" default:"" placeholder:"RULE"`
	Module  []string `sep:"none" help:"Part of the product that may be used, * for all; may be given more than once." placeholder:"NAME"`
	// Calls and downloads, see manage.Rules.
	Function []string `sep:"none" help:"Function on the server that may be called, as often as one likes or so often a day; may be given more than once, empty for none." placeholder:"NAME[=N/day]"`
	Files    *bool    `negatable:"" help:"Whether files of releases may be downloaded."`
	Moves    string   `help:"How often a customer moves a card to another machine himself: 2/year; 0/year is never." placeholder:"N/year"`
	Rules    string   `help:"File with more, in JSON." placeholder:"FILE"`
}

// given says whether any flag was.
func (f *ruleFlags) given() bool {
	return f.Days != nil || f.Grace != nil || f.Module != nil || f.Function != nil || f.Files != nil ||
		f.Mode+f.Expired+f.IPRule+f.Moves+f.Rules != ""
}

// apply puts what is given into r.
func (f *ruleFlags) apply(r *manage.Rules) error {
	if err := f.read(r); err != nil {
		return err
	}
	for _, x := range []struct {
		text string
		to   *string
	}{{f.Mode, &r.Time.Mode}, {f.Expired, &r.Time.Expired}, {f.IPRule, &r.IP}} {
		if x.text != "" {
			*x.to = x.text
		}
	}
	r.Time.Days, r.Time.GraceDays = given(f.Days, r.Time.Days), given(f.Grace, r.Time.GraceDays)
	if f.Module != nil {
		r.Modules = strings.Fields(strings.Join(f.Module, " ")) // no name holds a blank
	}
	r.Files = given(f.Files, r.Files)
	if f.Moves != "" {
		n, err := rate("--moves", f.Moves, "year")
		if err != nil {
			return err
		}
		r.Rebind.PerYear = n
	}
	return f.applyFunctions(r)
}

// applyFunctions puts the functions in place of those in r, if any are given.
func (f *ruleFlags) applyFunctions(r *manage.Rules) error {
	if f.Function == nil {
		return nil
	}
	r.Functions = map[string]manage.FunctionRule{}
	for _, text := range f.Function {
		name, often, limited := strings.Cut(text, "=")
		if text == "" {
			continue
		}
		var rule manage.FunctionRule
		if limited {
			n, err := rate("--function", often, "day")
			if err != nil {
				return err
			}
			rule.PerDay = n
		}
		r.Functions[name] = rule
	}
	return nil
}

// rate reads how often something may be done in the unit: "2/year".
func rate(flag, text, unit string) (int, error) {
	number, per, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || per != unit {
		return 0, fault.Fields(fault.Field{Name: flag, Code: "malformed", Detail: fmt.Sprintf("%q does not say how often. Write a number and the unit: 2/%s.", text, unit)})
	}
	return n, nil
}

// read puts the members of --rules into r.
func (f *ruleFlags) read(r *manage.Rules) error {
	path := f.Rules
	if path == "-" {
		path = "/dev/stdin"
	}
	text, err := readText("--rules", path)
	if err != nil || text == "" {
		return err
	}
	var whole struct {
		Functions *map[string]*manage.FunctionRule
	}
	if err := json.Unmarshal([]byte(text), &whole); err == nil && whole.Functions != nil { // a list is given as a whole
		for name, rule := range *whole.Functions {
			if rule == nil {
				return fault.Fields(fault.Field{Name: "--rules", Code: "malformed", Detail: fmt.Sprintf("%s says nothing of the function %s: write {} for no limit, or leave it out.", f.Rules, name)})
			}
		}
		r.Functions = nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	err = d.Decode(r)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		err = fmt.Errorf("%s cannot be a %s", e.Field, e.Value)
	}
	if err != nil {
		return fault.Fields(fault.Field{Name: "--rules", Code: "malformed", Detail: f.Rules + " is not the JSON of a policy's rules: " + strings.TrimPrefix(err.Error(), "json: ") + "."})
	}
	return nil
}

type licensePolicyAddCommand struct {
	place           `embed:""`
	productArgument `embed:""`
	Name            string `arg:"" help:"Its name."`
	ruleFlags       `embed:""`
	JSON            bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licensePolicyAddCommand) Help() string {
	return "Without flags a card is good for a year from its first use, and bound to hardware or address.\n\n" + rulesHelp + "\n\n" + exitHelp
}

// Run makes it.
func (c *licensePolicyAddCommand) Run(ctx context.Context, t terminal) error {
	rules := manage.DefaultRules()
	if err := c.apply(&rules); err != nil {
		return err
	}
	return c.license(ctx, t, func(client *manage.Client) error {
		made, err := client.CreatePolicy(ctx, manage.PolicyCreate{Product: c.Product, Name: c.Name, Rules: rules})
		if err != nil {
			return err
		}
		return printMade(t, c.JSON, made.ID, made)
	})
}

type licensePolicyListCommand struct {
	place   `embed:""`
	Product string `help:"Only those of this product (its code or id)." placeholder:"PRODUCT"`
	JSON    bool   `name:"json" help:"Print a JSON array." xor:"form"`
	IDs     bool   `name:"ids" help:"Print ids only." xor:"form"`
}

// Help is the long text of --help.
func (licensePolicyListCommand) Help() string { return exitHelp }

// Run lists them.
func (c *licensePolicyListCommand) Run(ctx context.Context, t terminal) error {
	return c.license(ctx, t, func(client *manage.Client) error {
		list, err := client.Policies(ctx, c.Product)
		if err != nil {
			return err
		}
		codes, err := productCodes(ctx, client)
		if err != nil {
			return err
		}
		return printList(t, c.JSON, c.IDs, list.Policies, func(p manage.Policy) (id, line string) {
			return p.ID, fmt.Sprintf("%s  %-12s  %-12s  %5d days  %-9s  %s", p.ID, codes[p.Product], p.Rules.Time.Mode, p.Rules.Time.Days, p.Rules.IP, oneLine(p.Name))
		})
	})
}

// policyArgument names a policy.
type policyArgument struct {
	Policy string `arg:"" help:"The policy's id or its exact name."`
}

// policy runs fn with a client of license and the policy.
func (a policyArgument) policy(ctx context.Context, p place, t terminal, fn func(*manage.Client, *manage.Policy) error) error {
	return p.license(ctx, t, func(client *manage.Client) error {
		id, err := findPolicy(ctx, client, "POLICY", a.Policy)
		if err != nil {
			return err
		}
		one, err := client.Policy(ctx, id)
		if err != nil {
			return err
		}
		return fn(client, one)
	})
}

func findPolicy(ctx context.Context, client *manage.Client, argument, text string) (string, error) {
	list, err := client.Policies(ctx, "")
	if err != nil {
		return "", err
	}
	return named(list.Policies, argument, "policy", text, func(p manage.Policy) (id, name string) { return p.ID, p.Name })
}

type licensePolicyShowCommand struct {
	place          `embed:""`
	policyArgument `embed:""`
	JSON           bool `name:"json" help:"Print JSON, as is done anyway: its rules are what --rules takes."`
}

// Help is the long text of --help.
func (licensePolicyShowCommand) Help() string { return exitHelp }

// Run prints it.
func (c *licensePolicyShowCommand) Run(ctx context.Context, t terminal) error {
	return c.policy(ctx, c.place, t, func(_ *manage.Client, p *manage.Policy) error { return t.json(p) })
}

type licensePolicyUpdateCommand struct {
	place          `embed:""`
	policyArgument `embed:""`
	Name           *string `help:"Another name." placeholder:"TEXT"`
	ruleFlags      `embed:""`
	JSON           bool `name:"json" help:"Print JSON."`
}

// Help is the long text of --help.
func (licensePolicyUpdateCommand) Help() string {
	return "Changes what is given, for all cards that have the policy. Ends that are set stay.\n\n" + rulesHelp + "\n\n" + exitHelp
}

// Validate wants to know what to change.
func (c *licensePolicyUpdateCommand) Validate() error {
	if c.Name == nil && !c.given() {
		return errors.New("give a flag that says what to change, such as --days or --rules: without one nothing would change")
	}
	return nil
}

// Run changes it, unless somebody else has meanwhile.
func (c *licensePolicyUpdateCommand) Run(ctx context.Context, t terminal) error {
	return c.policy(ctx, c.place, t, func(client *manage.Client, p *manage.Policy) error {
		if err := c.apply(&p.Rules); err != nil {
			return err
		}
		after, err := client.UpdatePolicy(ctx, p.ID, manage.PolicyChange{Name: given(c.Name, p.Name), Rules: p.Rules, Revision: p.Revision})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(after)
		}
		t.printf("changed %s\n", after.ID)
		return nil
	})
}
